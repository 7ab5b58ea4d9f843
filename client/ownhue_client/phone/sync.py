"""Synchronising: what was published since the last time, checked and compared with what was heard.

Steps, each whole or not at all; after a failure the next call goes on where this one stopped:

1. follow the log to its newest head (specs/publication.md section 6) and note the files that are new;
2. fetch each key file of the last 14 days, verify it, compare it, keep the exposure windows;
3. fetch every new rulebook, and the newest document of each other kind.

What is published is the same for everyone, and every phone fetches all of it: nothing asked for tells what was heard.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ownhue.errors import ForkError, FormatError, VerificationError
from ownhue.key_file import KeyFile, read_key_file
from ownhue.log import LogEntry
from ownhue.matching import Matcher, windows_from
from ownhue.params import RETENTION_DAYS
from ownhue.region import Region
from ownhue_client.errors import RollbackError
from ownhue_client.phone.documents import KINDS, RULEBOOK, Documents
from ownhue_client.phone.door import Door
from ownhue_client.phone.evidence import Evidence
from ownhue_client.phone.records import DAY_SECONDS, day_of, unpack_sightings
from ownhue_client.phone.schema import STATE_DAY
from ownhue_client.phone.store import Row, Store
from ownhue_client.publication import KEPT_RULEBOOKS, Fetch, LogState, closing_time, follow, read_entry

_KEYS = "keys"
_LOG = "log"
#: Key files up to this many bytes are remembered for other phones of the same process, sixteen at most.
_SMALL_FILE = 1 << 15


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


class Sync:
    """Follows the published log of *region* through *door* into *store*."""

    def __init__(self, store: Store, door: Door, region: Region, documents: Documents) -> None:
        self._store = store
        self._door = door
        self._region = region
        self._documents = documents
        self._evidence = Evidence(store)

    def run(self, now: int) -> SyncResult:
        """Do all steps at *now* (unix seconds). Raises what ``publication.follow`` and ``read_entry`` raise."""
        fetch = self._fetch(now)
        self._follow(fetch, now)
        waiting = [(row, LogEntry.decode(row.value)) for row in self._store.bytes_rows("pending")]
        files, keys, windows = self._take_key_files(fetch, [item for item in waiting if item[1].kind == _KEYS], now)
        documents = [item for item in waiting if item[1].kind in KINDS]
        newest = {entry.kind: row for row, entry in documents}
        for row, entry in documents:
            data = read_entry(fetch, entry)
            with self._store.atomic():
                try:
                    self._documents.take(entry.kind, data)
                except (FormatError, VerificationError):
                    # A wrong rulebook that a later one has replaced need not stop that one.
                    if row is newest[entry.kind]:
                        raise
                self._store.delete("pending", row)
        return SyncResult(files, keys, windows, tuple(entry.kind for _, entry in documents), self.state.head_time)

    @property
    def state(self) -> LogState:
        """What is known of the log."""
        data = self._store.get(_LOG)
        return LogState() if data is None else LogState.from_bytes(data)

    @property
    def published_until(self) -> int | None:
        """Signed time up to which everything published was looked at; None before the first head."""
        state = self.state
        if not state.note:
            return None
        waiting = [LogEntry.decode(row.value).batch for row in self._store.bytes_rows("pending")]
        return min([state.head_time, *(batch * self._region.batch_seconds for batch in waiting)])

    def _fetch(self, now: int) -> Fetch:
        def fetch(path: str) -> bytes:
            return self._door.fetch(f"/published/{path}", _purpose(path), now)

        return fetch

    def _follow(self, fetch: Fetch, now: int) -> None:
        before = self.state
        try:
            state, entries = follow(fetch, self._region, before, now)
        except ForkError as error:
            # An old copy is innocent in itself, and must not take the place of the notes that prove a fork.
            name = "rollback_evidence" if isinstance(error, RollbackError) else "fork_evidence"
            self._store.put(name, [error.kept, error.shown, now])
            raise
        # The publisher removes key files by the time of its head; the own clock may be behind.
        oldest = max(now, state.head_time) - RETENTION_DAYS * DAY_SECONDS
        with self._store.atomic():
            if state != before:
                self._store.put(_LOG, state.to_bytes())
                self._note(entries, oldest)
            self._let_go(oldest)

    def _note(self, entries: Sequence[LogEntry], oldest: int) -> None:
        """Note key files that closed after *oldest* (unix seconds), rulebooks, and the newest of other documents."""
        newest = {entry.kind: entry for entry in entries if entry.kind in KINDS - {RULEBOOK}}
        for row in self._store.bytes_rows("pending") if newest else ():
            if LogEntry.decode(row.value).kind in newest:
                self._store.delete("pending", row)
        key_files = [entry for entry in entries if entry.kind == _KEYS and self._closed(entry) > oldest]
        rulebooks = [entry for entry in entries if entry.kind == RULEBOOK][-KEPT_RULEBOOKS:]
        for entry in (*key_files, *rulebooks, *newest.values()):
            self._store.add_bytes("pending", day_of(self._closed(entry)), entry.encode())

    def _let_go(self, oldest: int) -> None:
        """Wait no longer for key files that closed up to *oldest* (unix seconds): the publisher removes them."""
        for row in self._store.bytes_rows("pending", STATE_DAY, day_of(oldest)):
            entry = LogEntry.decode(row.value)
            if entry.kind == _KEYS and self._closed(entry) <= oldest:
                self._store.delete("pending", row)

    def _closed(self, entry: LogEntry) -> int:
        return closing_time(entry.batch, self._region.batch_seconds)

    def _take_key_files(self, fetch: Fetch, waiting: list[tuple[Row, LogEntry]], now: int) -> tuple[int, int, int]:
        if not waiting:
            return 0, 0, 0
        first = day_of(now) - RETENTION_DAYS - 1
        groups = self._store.bytes_rows("sightings", first)
        matcher = Matcher(sighting for row in groups for sighting in unpack_sightings(row.value))
        keys = windows = 0
        for row, entry in waiting:
            content = self._read(fetch, entry)
            found = windows_from(matcher.match(content.keys, content.end), content.end)
            with self._store.atomic():
                windows += self._evidence.add(found)
                self._evidence.revise(content.revised_keys, content.end)
                self._store.delete("pending", row)
            keys += len(content.keys)
        return len(waiting), keys, windows

    def _read(self, fetch: Fetch, entry: LogEntry) -> KeyFile:
        content = _key_file(read_entry(fetch, entry), self._region)
        start = entry.batch * self._region.batch_seconds
        # Sightings count by the time of publication, so a file must not claim another batch than the log says.
        if (content.start, content.end) != (start, self._closed(entry)):
            raise VerificationError("a key file is of another batch than the log says")
        if content.region != self._region.name:
            raise VerificationError("a key file is of another region")
        return content


def _key_file(data: bytes, region: Region) -> KeyFile:
    if len(data) <= _SMALL_FILE:
        return _small_key_file(data, region)
    return read_key_file(data, region.key_file_public_key)


# Verifying is a function of the bytes and the key alone; phones of one process get the same files.
@lru_cache(maxsize=16)
def _small_key_file(data: bytes, region: Region) -> KeyFile:
    return read_key_file(data, region.key_file_public_key)


def _purpose(path: str) -> str:
    kind = path.partition("/")[0]
    names = {"head": "newest state of the log", "tile": "list of published files", _KEYS: "published keys"}
    return names.get(kind, f"published {kind}")
