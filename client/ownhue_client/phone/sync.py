"""Synchronising: what was published since the last time, checked and compared with what was heard.

specs/publication.md section 6, specs/region.md section 5. Steps, each whole or not at all; after a failure the next
call goes on where this one stopped:

1. catch up with the home region: whose keys count, the log to its newest head, the files that are new;
2. fetch each key file of the last 14 days, verify it, compare it, keep the exposure windows;
3. fetch the documents that count: those that trust metadata names; of other kinds every new rulebook, and the newest;
4. the key files of the visited regions, each by its own keys. None of them stops the home region, or another one.

What is published is the same for everyone, and every phone fetches all of it: nothing asked for tells what was heard.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ownhue.documents import MAX_DOCUMENT_BYTES
from ownhue.errors import FormatError, OwnhueError, StateError, VerificationError
from ownhue.matching import Matcher, windows_from
from ownhue.regions import RegionEntry, regions_to_follow
from ownhue_client.fetching import Fetch, Mirror, mirror_fetch, try_mirrors
from ownhue_client.phone.anchor import Anchor
from ownhue_client.phone.contradictions import Contradictions
from ownhue_client.phone.discarded import Discarded
from ownhue_client.phone.documents import KINDS, Documents
from ownhue_client.phone.evidence import Evidence
from ownhue_client.phone.followed import Followed
from ownhue_client.phone.places import Places
from ownhue_client.phone.records import day_of, unpack_sightings
from ownhue_client.phone.sources import Source
from ownhue_client.phone.store import Store
from ownhue_client.phone.visits import Visits
from ownhue_client.phone.whereabouts import Whereabouts
from ownhue_client.publication import NamedDocument, PublicationState, named_documents, read_entry, targets_of

#: State: [[name of a visited region, why it could not be followed the last time], ...].
_TROUBLE = "regions_in_trouble"


@dataclass(frozen=True)
class RegionResult:
    """What one synchronisation brought of one visited region."""

    name: str
    """Short name of the region."""
    files: int = 0
    """Key files looked at."""
    keys: int = 0
    """Keys published in them for the first time, padding included."""
    windows: int = 0
    """New exposure windows."""
    head_time: int = 0
    """Signed time of the newest tree head, unix seconds; 0: none was seen."""
    error: str = ""
    """Why it could not be followed; empty when all went well."""


@dataclass(frozen=True)
class SyncResult:
    """What one synchronisation brought."""

    #: Key files looked at.
    files: int
    #: Keys published in them for the first time, padding included.
    keys: int
    #: New exposure windows.
    windows: int
    #: Kinds of documents that changed.
    documents: tuple[str, ...]
    #: Signed time of the newest tree head, unix seconds.
    head_time: int
    #: The visited regions, by name. All else here is of the home region alone.
    regions: tuple[RegionResult, ...] = ()


@dataclass(frozen=True)
class Kept:
    """The parts of a phone's store that synchronising writes to."""

    store: Store
    anchor: Anchor
    documents: Documents
    contradictions: Contradictions
    visits: Visits


class Sync:
    """Follows the region of *home* and those visited into the store."""

    def __init__(self, kept: Kept, home: Followed) -> None:
        self._kept = kept
        self._home = home
        self._evidence = Evidence(kept.store, home.name)

    def run(self, source: Source, now: int) -> SyncResult:
        """Do all steps at *now* (unix seconds). Raises what ``publication.catch_up`` and ``read_entry`` raise."""
        # Expiry and age are judged by what the anchor knows: a wall clock that was set back would make void trust
        # metadata valid again, and call a genuine head one from the future.
        now = self._kept.anchor.now(now)
        comparing = _Comparing(self._kept.store, self._evidence, now)
        try:
            result = self._follow_home(source, comparing, now)
        except OwnhueError:
            # Who is abroad may reach the servers there alone.
            self._follow_visited(source, comparing, now)
            raise
        return replace(result, regions=self._follow_visited(source, comparing, now))

    def trouble(self) -> list[tuple[str, str]]:
        """Visited regions that could not be followed the last time, and why."""
        return [(str(name), str(why)) for name, why in self._kept.store.get(_TROUBLE, [])]

    def home_urls(self) -> tuple[str, ...]:
        """Where the home region's files are read: its own address, then those that its directory names."""
        directory = self._kept.documents.directory
        listed = () if directory is None else directory.entry(self._home.name).urls
        return tuple(dict.fromkeys((self._home.region.url, *listed)))

    def _follow_home(self, source: Source, comparing: "_Comparing", now: int) -> SyncResult:
        home, copies = self._home, source.copies(self._home.name, self.home_urls(), now)
        anchor = self._kept.anchor
        try_mirrors(copies, lambda fetch: home.catch_up(fetch, now, anchor.learn, anchor.unlearn))
        fetch = _any_of(copies)
        files, keys, windows = comparing.take(home, fetch)
        changed = self._take_named(fetch, now) + self._take_newest(fetch)
        return SyncResult(files, keys, windows, changed, home.state.log.head_time)

    def _take_named(self, fetch: Fetch, now: int) -> tuple[str, ...]:
        """Keep the documents that trust metadata names: of these kinds no other counts (decisions/0018)."""
        targets = targets_of(self._home.state, now)
        named = {target.folder for target in targets.targets} if targets else set()
        changed: list[str] = []
        for kind in sorted(KINDS & named):
            held = self._kept.documents.held(kind)
            documents = _named(fetch, self._home.state, kind, now, held)
            with self._kept.store.atomic():
                self._kept.documents.take_named(kind, documents)
                for row, entry in self._home.pending():
                    if entry.kind == kind:
                        self._kept.store.delete("pending", row)
            changed += [kind] if self._kept.documents.held(kind) != held else []
        return tuple(changed)

    def _take_newest(self, fetch: Fetch) -> tuple[str, ...]:
        """Keep the pending documents, which no trust metadata speaks of."""
        waiting = [(row, entry) for row, entry in self._home.pending() if entry.kind in KINDS]
        newest = {entry.kind: row for row, entry in waiting}
        for row, entry in waiting:
            if entry.length > MAX_DOCUMENT_BYTES and row is not newest[entry.kind]:
                # Whoever serves it, it never becomes a document: it must not stand before the later one for ever.
                self._kept.store.delete("pending", row)
                continue
            data = read_entry(fetch, entry, MAX_DOCUMENT_BYTES)
            with self._kept.store.atomic():
                try:
                    self._kept.documents.take(entry.kind, data)
                except (FormatError, VerificationError):
                    # A wrong rulebook that a later one has replaced need not stop that one.
                    if row is newest[entry.kind]:
                        raise
                self._kept.store.delete("pending", row)
        return tuple(entry.kind for _, entry in waiting)

    def _follow_visited(self, source: Source, comparing: "_Comparing", now: int) -> tuple[RegionResult, ...]:
        visits = self._kept.visits.running(now)
        if not visits:
            return ()
        results = tuple(self._follow_listed(source, comparing, now, [visit.name for visit in visits]))
        self._kept.store.put(_TROUBLE, [[result.name, result.error] for result in results if result.error])
        return results

    def _follow_listed(self, source: Source, comparing: "_Comparing", now: int, names: list[str]) -> list[RegionResult]:
        directory = self._kept.documents.directory
        listed = () if directory is None else regions_to_follow(directory, self._home.region, names)
        results = [self._follow_one(source, comparing, entry, now) for entry in listed]
        missing = sorted(set(names) - {entry.name for entry in listed})
        results += [RegionResult(name, error="the home region's directory does not list it") for name in missing]
        return sorted(results, key=lambda result: result.name)

    def _follow_one(self, source: Source, comparing: "_Comparing", entry: RegionEntry, now: int) -> RegionResult:
        """One visited region by its own keys. It has no say in the phone's clock, nor its documents in a colour."""
        copies = source.copies(entry.name, entry.urls, now)

        def caught_up(fetch: Fetch) -> Followed:
            installed = self._kept.visits.installed(entry, fetch)
            region = Followed(self._kept.store, installed, self._kept.contradictions)
            region.catch_up(fetch, now)
            return region

        try:
            region = try_mirrors(copies, caught_up)
            files, keys, windows = comparing.take(region, _any_of(copies))
        except OwnhueError as error:
            return RegionResult(entry.name, error=_reason(error))
        return RegionResult(entry.name, files, keys, windows, region.state.log.head_time)


class _Comparing:
    """Compares key files with what was heard up to *now*, which is read from the store at the first file."""

    def __init__(self, store: Store, evidence: Evidence, now: int) -> None:
        self._store = store
        self._evidence = evidence
        self._now = now
        self._known: Matcher | None = None

    def take(self, region: Followed, fetch: Fetch) -> tuple[int, int, int]:
        """Compare the pending key files of *region*; how many files, keys and new windows."""
        files = keys = windows = 0
        for row, content in region.key_files(fetch):
            matcher = self._matcher()
            matcher.discarded = dict.fromkeys(matcher.discarded, 0)
            found = windows_from(matcher.match(content.keys, content.end), content.end)
            with self._store.atomic():
                Discarded(self._store).add(day_of(self._now), matcher.discarded)
                windows += self._evidence.add(found, region.name)
                self._evidence.revise(content.revised_keys, content.end, region.name)
                self._store.delete("pending", row)
            files, keys = files + 1, keys + len(content.keys)
        return files, keys, windows

    def _matcher(self) -> Matcher:
        if self._known is None:
            # Whatever is kept: by a clock that is ahead for a moment, the newest would be too old, and each key file
            # is compared only once.
            groups = self._store.bytes_rows("sightings")
            heard = (sighting for row in groups for sighting in unpack_sightings(row.value))
            self._known = Matcher(heard, places=Whereabouts(Places(self._store).all).cells_between)
        return self._known


def _any_of(copies: Sequence[Mirror]) -> Fetch:
    """A fetch from the first copy that has a file; of one copy alone its own errors."""
    return mirror_fetch(copies) if len(copies) > 1 else copies[0].fetch


def _reason(error: OwnhueError) -> str:
    """What is told the owner. Behind a colon stand names of fields, which whoever made the file has chosen."""
    return str(error).partition(":")[0] if isinstance(error, FormatError) else str(error)


def _named(fetch: Fetch, state: PublicationState, kind: str, now: int, held: list[bytes]) -> tuple[NamedDocument, ...]:
    """The documents of *kind* that are named; none while all of them are still ahead."""
    try:
        return named_documents(fetch, state, kind, now, held) or ()
    except StateError:
        return ()
