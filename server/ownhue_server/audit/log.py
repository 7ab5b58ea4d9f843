"""The log as it is served: head, bundles, entries, and the tree over them. specs/publication.md sections 2 and 3"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ownhue.errors import OwnhueError, VerificationError
from ownhue.log import BUNDLE_WIDTH, MAX_BUNDLE_BYTES, LogEntry, bundle_path, decode_bundle
from ownhue.params import EPOCH_SECONDS, RETENTION_DAYS
from ownhue.region import Region
from ownhue.signed_note import MAX_NOTE_BYTES, parse_note
from ownhue.tiles import MAX_TILE_BYTES, Tile, VerifiedTiles
from ownhue.tree import leaf_hash
from ownhue.tree_head import TreeHead
from ownhue.tree_proofs import StoredTree
from ownhue_server.audit.keyring import Keys
from ownhue_server.audit.report import Report
from ownhue_server.audit.sources import AbsentError, ExhaustedError, Source, read

#: Most entries that an audit reads, as a client in one round. specs/publication.md section 6
MAX_ENTRIES = 1 << 20


@dataclass
class AuditedLog:
    """A log whose entries lead to its signed root."""

    region: Region
    note: bytes
    """The signed note."""
    head: TreeHead
    key: bytes
    """The key that signed it (Ed25519, 32 bytes)."""
    entries: list[LogEntry] = field(default_factory=list)
    tree: StoredTree = field(default_factory=StoredTree)

    @cached_property
    def sizes(self) -> Sequence[int]:
        """Size of the tree at each head there was: behind each key file."""
        return [number for number, entry in enumerate(self.entries, 1) if entry.kind == "keys"]

    @property
    def newest(self) -> int:
        """Number of the newest batch."""
        return self.head.time // self.region.batch_seconds - 1

    def closing(self, batch: int) -> int:
        """Unix second at which *batch* closed."""
        return (batch + 1) * self.region.batch_seconds

    def oldest_kept(self, newest: int) -> int:
        """First batch whose key file is still there when *newest* is the newest batch."""
        return newest + 1 - RETENTION_DAYS * EPOCH_SECONDS // self.region.batch_seconds

    def of_kind(self, *kinds: str) -> Iterator[LogEntry]:
        """Entries of *kinds*, oldest first."""
        return (entry for entry in self.entries if entry.kind in kinds)


def read_head(source: Source, region: Region, keys: Keys, report: Report) -> AuditedLog | None:
    """The head of *source*; None when there is nothing to go on with, which the report says."""
    report.count("head")
    try:
        note = read(source, "head", MAX_NOTE_BYTES)
        head, key = keys.open_head(note, region.origin)
        if parse_note(note).to_bytes() != note:
            raise VerificationError("the note has another spelling")
    except ExhaustedError:
        raise
    except OwnhueError as error:
        report.fail("head", f"the head cannot be opened: {error}", "head")
        return None
    report.size = head.size
    return AuditedLog(region, note, head, key)


def read_entries(source: Source, log: AuditedLog, report: Report) -> bool:
    """Read all entries of *log*; whether they lead to its root. If not, nothing else is known of the log."""
    if log.head.size > MAX_ENTRIES:
        report.fail("limits", f"the log has more than {MAX_ENTRIES} entries", "head")
        return False
    path = ""
    try:
        for path, count in bundles_of(log.head.size):
            report.count("bundle")
            for leaf in _bundle(source, path, count):
                log.tree.append(leaf_hash(leaf))
                log.entries.append(LogEntry.decode(leaf))
    except ExhaustedError:
        raise
    except OwnhueError as error:
        report.fail("bundle", f"a bundle of entries is wrong: {error}", path)
        return False
    report.count("root")
    if log.tree.root(log.head.size) == log.head.root:
        return True
    report.fail("root", "the entries do not lead to the root that the log signed", _wrong_bundle(source, log))
    return False


def bundles_of(size: int) -> Iterator[tuple[str, int]]:
    """Path and number of entries of each bundle of a tree of *size*."""
    for start in range(0, size, BUNDLE_WIDTH):
        count = min(BUNDLE_WIDTH, size - start)
        yield bundle_path(start // BUNDLE_WIDTH, count), count


def _bundle(source: Source, path: str, count: int) -> list[bytes]:
    try:
        return decode_bundle(read(source, path, MAX_BUNDLE_BYTES), count)
    except AbsentError:
        if count == BUNDLE_WIDTH:
            raise
        # The full one may have come in between.
        full = path.rpartition(".p/")[0]
        return decode_bundle(read(source, full, MAX_BUNDLE_BYTES), BUNDLE_WIDTH)[:count]


def _wrong_bundle(source: Source, log: AuditedLog) -> str:
    """Path of the first bundle that is wrong, as far as the hash tiles tell."""

    def read_tile(tile: Tile) -> bytes:
        return read(source, tile.path, MAX_TILE_BYTES)

    try:
        tiles = VerifiedTiles(read_tile, log.head.size, log.head.root)
        for number in range(log.head.size):
            if tiles.hash(0, number) != log.tree.hash(0, number):
                first = number // BUNDLE_WIDTH * BUNDLE_WIDTH
                return bundle_path(number // BUNDLE_WIDTH, min(BUNDLE_WIDTH, log.head.size - first))
    except OwnhueError:
        return ""  # The tiles are wrong, too.
    return ""
