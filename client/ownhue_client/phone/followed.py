"""One region's publication as a phone keeps it: whose keys count, how far the log was followed, what is still to fetch.

specs/publication.md section 6. Steps, each whole or not at all; after a failure the next call goes on where it stopped:

1. :meth:`Followed.catch_up`: trust and log to the newest head; the files that are new are noted as pending;
2. :meth:`Followed.key_files`: each pending key file of the last 14 days, fetched and verified.

A fork is kept as a file that proves it, a doubt apart from it (``contradictions.py``).
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from ownhue.cosignature import WitnessPolicy
from ownhue.errors import OwnhueError, StateError, VerificationError
from ownhue.key_file import KeyFile
from ownhue.log import LogEntry
from ownhue.params import RETENTION_DAYS
from ownhue.region import Region
from ownhue.trust.state import TrustedState
from ownhue_client.errors import FutureError
from ownhue_client.fetching import Fetch
from ownhue_client.phone.contradictions import Contradictions
from ownhue_client.phone.documents import RULEBOOK
from ownhue_client.phone.installed import Installed
from ownhue_client.phone.records import DAY_SECONDS, day_of
from ownhue_client.phone.store import LAST_DAY, Row, Store
from ownhue_client.phone.suspicion import Suspicion
from ownhue_client.publication import (
    KEPT_RULEBOOKS,
    PublicationState,
    RegionKeys,
    catch_up,
    closing_time,
    keys_in_force,
    read_entry,
)

KEYS = "keys"
#: Key files up to this many bytes are remembered for other phones of the same process, sixteen at most.
_SMALL_FILE = 1 << 15

#: Told of the signed time of a verified head, and whether the head was accepted.
Learn = Callable[[int, bool], None]
#: Told that a head which was not accepted was a lie, or by a key that counts no more.
Unlearn = Callable[[], None]


class Followed:
    """The region of *installed* in *store*, of which documents of *kinds* are wanted beside the key files."""

    def __init__(
        self, store: Store, installed: Installed, contradictions: Contradictions, kinds: frozenset[str] = frozenset()
    ) -> None:
        self._store = store
        self._suspicion = Suspicion(contradictions, installed.region.name)
        self._kinds = kinds
        self._state: PublicationState | None = None
        self.installed = installed
        self.region: Region = installed.region
        self.name: str = installed.region.name

    @property
    def state(self) -> PublicationState:
        """What is known of its publication."""
        if self._state is None:
            data = self._store.get(state_name(self.name))
            self._state = PublicationState() if data is None else PublicationState.from_bytes(data)
        return self._state

    @property
    def keys(self) -> RegionKeys:
        """The keys in force. Raises StateError with a root of trust, before the first whole round."""
        if self.installed.root is not None and not self.state.roles:
            raise StateError("the region's trust is not known yet; synchronise first")
        return _keys_in_force(self.state.trust, self.state.roles, self.region, self.installed.policy)

    @property
    def keys_or_installed(self) -> RegionKeys:
        """The keys in force; before the first whole round those of the region file. Not for what was published."""
        try:
            return self.keys
        except StateError:
            return RegionKeys.of_region(self.region)

    @property
    def published_until(self) -> int | None:
        """Signed time up to which everything published was looked at; None before the first head."""
        log = self.state.log
        if not log.note:
            return None
        return min([log.head_time, *(entry.batch * self.region.batch_seconds for _, entry in self.pending())])

    def pending(self, last_day: int = LAST_DAY) -> list[tuple[Row, LogEntry]]:
        """What the log has named up to *last_day* (UTC) and was not taken yet, the earliest batch first."""
        rows = [row for row in self._store.rows("pending", last=last_day) if row.value[0] == self.name]
        return [(row, LogEntry.decode(row.value[1])) for row in rows]

    def catch_up(
        self,
        fetch: Fetch,
        now: int,
        learn: Learn = lambda _time, _accepted: None,
        unlearn: Unlearn = lambda: None,
    ) -> None:
        """Follow trust and log to the newest head at *now* (unix seconds). Raises as ``publication.catch_up``."""
        before, seen = self.state, _Heads(fetch)
        installed = self.installed
        try:
            state, keys, entries = catch_up(
                seen.fetch,
                self.region,
                before,
                now,
                root=installed.root,
                policy=installed.policy,
                keep=self._keep_newer_root,
            )
        except FutureError:
            self._learn_of_a_head_ahead(seen.newest, learn, now)
            raise
        except VerificationError as error:
            self._suspicion.met(error, self.keys_or_installed, self._root, fetch, now)
            raise
        # The publisher removes key files by the time of its head. The own clock has no say: ahead for a moment, it
        # would let go of files that are not asked for again.
        oldest = state.log.head_time - RETENTION_DAYS * DAY_SECONDS
        with self._store.atomic():
            if state != before:
                self._store.put(state_name(self.name), state.to_bytes())
                self._note(entries, oldest)
            self._let_go(oldest)
        self._state = state
        learn(state.log.head_time, True)
        if self._suspicion.look_again(keys, self._root, state.log.note, fetch, now):
            unlearn()

    def key_files(self, fetch: Fetch) -> Iterator[tuple[Row, KeyFile]]:
        """Each pending key file, verified; the caller removes its row. Raises as ``read_entry``, VerificationError."""
        for row, entry in self.pending():
            if entry.kind == KEYS:
                yield row, self._key_file(fetch, entry)

    def _key_file(self, fetch: Fetch, entry: LogEntry) -> KeyFile:
        content = _read_key_file(read_entry(fetch, entry), self.keys)
        start = entry.batch * self.region.batch_seconds
        # Sightings count by the time of publication, so a file must not claim another batch than the log says.
        if (content.start, content.end) != (start, self._closed(entry)):
            raise VerificationError("a key file is of another batch than the log says")
        if content.region != self.name:
            raise VerificationError("a key file is of another region")
        return content

    def _keep_newer_root(self, state: PublicationState) -> None:
        with self._store.atomic(durable=True):
            self._store.put(state_name(self.name), state.to_bytes())
        self._state = state

    def _note(self, entries: Sequence[LogEntry], oldest: int) -> None:
        """Note key files that closed after *oldest* (unix seconds), rulebooks, and the newest of other documents."""
        newest = {entry.kind: entry for entry in entries if entry.kind in self._kinds - {RULEBOOK}}
        for row, entry in self.pending() if newest else ():
            if entry.kind in newest:
                self._store.delete("pending", row)
        key_files = [entry for entry in entries if entry.kind == KEYS and self._closed(entry) > oldest]
        rulebooks = [entry for entry in entries if entry.kind == RULEBOOK and RULEBOOK in self._kinds]
        for entry in (*key_files, *rulebooks[-KEPT_RULEBOOKS:], *newest.values()):
            self._store.add("pending", day_of(self._closed(entry)), [self.name, entry.encode()])

    def _let_go(self, oldest: int) -> None:
        """Wait no longer for key files that closed up to *oldest* (unix seconds): the publisher removes them."""
        for row, entry in self.pending(day_of(oldest)):
            if entry.kind == KEYS and self._closed(entry) <= oldest:
                self._store.delete("pending", row)

    def _closed(self, entry: LogEntry) -> int:
        return closing_time(entry.batch, self.region.batch_seconds)

    def _learn_of_a_head_ahead(self, note: bytes, learn: Learn, now: int) -> None:
        """A head that is refused for being ahead of the wall clock bounds it from below."""
        try:
            signed = self._suspicion.ahead(note, self.keys, now)
        except OwnhueError:  # nobody's keys count yet
            return
        if signed is not None:
            learn(signed, False)

    @property
    def _root(self) -> bytes | None:
        trust = self.state.trust
        return TrustedState.from_bytes(trust).root if trust else self.installed.root


class _Heads:
    """A fetch that remembers the newest head that came."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self.newest = b""

    def fetch(self, path: str) -> bytes:
        data = self._fetch(path)
        if path == "head":
            self.newest = data
        return data


def state_name(region: str) -> str:
    """Name in the store of what is known of *region*'s publication."""
    return f"publication.{region}"


# Whose keys count is a function of what was published, and phones of one process follow the same publication.
@lru_cache(maxsize=8)
def _keys_in_force(trust: bytes, roles: bytes, region: Region, policy: WitnessPolicy) -> RegionKeys:
    return keys_in_force(PublicationState(trust=trust, roles=roles), region, policy)


def _read_key_file(data: bytes, keys: RegionKeys) -> KeyFile:
    return _small_key_file(data, keys) if len(data) <= _SMALL_FILE else keys.read_key_file(data)


# Verifying is a function of the bytes and the keys alone; phones of one process get the same files.
@lru_cache(maxsize=16)
def _small_key_file(data: bytes, keys: RegionKeys) -> KeyFile:
    return keys.read_key_file(data)
