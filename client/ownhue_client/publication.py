"""Following the published log: the same files for everyone, or an error. specs/publication.md section 6

- A client follows the log leaf by leaf. It appends every new entry to its frontier and compares the root with the
  signed one: that proves that nothing was changed, left out or made for this client alone.
- :func:`follow` returns a new state or raises; the old state is never half changed.
- No file is used whose length and SHA-256 do not stand in the log (:func:`read_entry`).

Not handled here: how bytes are fetched (``fetching.py``), what the files say, and whether the newest head is recent
enough for its reader's purpose (:func:`check_fresh` is for those who need it).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import ForkError, FormatError, LimitError, VerificationError
from ownhue.log import BUNDLE_WIDTH, LogEntry, bundle_path, decode_bundle
from ownhue.region import Region
from ownhue.tree import Frontier
from ownhue.tree_head import TreeHead, open_tree_head
from ownhue_client.errors import FutureError, MissingError, RollbackError, StaleError
from ownhue_client.fetching import MAX_FILE_BYTES
from ownhue_client.fetching import Fetch as Fetch  # part of this module's interface

#: A head may be this many seconds ahead of the own clock. specs/publication.md section 6
FUTURE_TOLERANCE = 600
#: Most entries taken at once: more than a log of 2 h batches writes in a century. specs/publication.md section 6
MAX_NEW_ENTRIES = 1 << 20
#: Rulebooks that are kept: the one in force, the one before it, and those to come. specs/publication.md section 7
KEPT_RULEBOOKS = 8


@dataclass(frozen=True, slots=True)
class LogState:
    """What a client remembers of the log. The default has seen nothing yet."""

    frontier: Frontier = field(default_factory=Frontier)
    """All entries seen so far, as perfect subtrees."""
    note: bytes = b""
    """The signed note of the newest head; empty when none was seen."""
    head_time: int = 0
    """Signed time of that head, unix seconds."""
    batch: int = -1
    """Batch of the last entry; -1 when there is none."""

    @property
    def size(self) -> int:
        """Number of entries seen."""
        return self.frontier.size

    @property
    def root(self) -> bytes:
        """Root of the tree (32 bytes)."""
        return self.frontier.root()

    def to_bytes(self) -> bytes:
        """The state for storing."""
        return cbor_encode([self.frontier.to_bytes(), self.note, self.head_time, self.batch])

    @classmethod
    def from_bytes(cls, data: bytes) -> "LogState":
        """The state of :meth:`to_bytes`. Raises FormatError."""
        value = cbor_decode(data)
        if not isinstance(value, list) or [type(item) for item in value] != [bytes, bytes, int, int]:
            raise FormatError("not the state of a log")
        frontier, note, head_time, batch = value
        return cls(Frontier.from_bytes(frontier), note, head_time, batch)


def follow(fetch: Fetch, region: Region, state: LogState, now: int) -> tuple[LogState, list[LogEntry]]:
    """The log's present state and the entries that are new since *state*.

    Steps as numbered in specs/publication.md section 6; *now* in unix seconds. Raises

    - UnreachableError, MissingError: try again later;
    - FormatError, LimitError, VerificationError: what was served is not what the log signed;
    - FutureError: the head is more than ten minutes ahead of *now*;
    - RollbackError, ForkError: the log contradicts what it said before; both notes are attached.
    """
    note = fetch("head")
    head = open_tree_head(note, region.origin, region.log_key_bytes)  # (1) signed by the log
    if head.time > now + FUTURE_TOLERANCE:  # (2) not from the future
        raise FutureError(f"the tree head is {head.time - now} seconds ahead of the own clock")
    _refuse_rollback(head, note, state)  # (3) not older than what is known
    if head.size - state.size > MAX_NEW_ENTRIES:
        raise LimitError(f"the log is {head.size - state.size} entries ahead")
    leaves = _leaves(fetch, state.size, head.size)  # (4) every new entry
    entries = [LogEntry.decode(leaf) for leaf in leaves]
    frontier = state.frontier.extend(entry.leaf_hash() for entry in entries)
    if frontier.root() != head.root:  # (5) and together they are what was signed
        raise _mismatch(fetch, head, note, state)
    _check_batches(entries, state.batch, head.time, region.batch_seconds)  # (6) in the order of their batches
    batch = entries[-1].batch if entries else state.batch
    return LogState(frontier, note, head.time, batch), entries


def read_entry(fetch: Fetch, entry: LogEntry, limit: int = MAX_FILE_BYTES) -> bytes:
    """The file of *entry*, of at most *limit* bytes: exactly the one that the log names.

    Raises UnreachableError, MissingError, LimitError, or VerificationError for a file of other content.
    """
    if entry.length > limit:
        raise LimitError(f"{entry.kind}: a file of {entry.length} bytes is longer than {limit}")
    data = fetch(entry.path)
    if len(data) > entry.length:
        raise LimitError(f"{entry.kind}: the file is longer than the log says")
    if len(data) != entry.length or hashlib.sha256(data).digest() != entry.sha256:
        raise VerificationError(f"{entry.kind}: the file is not the one in the log")
    return data


def heads_of(entries: Sequence[LogEntry], frontier: Frontier, batch_seconds: int) -> dict[int, tuple[bytes, int]]:
    """Size -> (root, closing time) of every head between *frontier* and the last of *entries* that follow it.

    There is one head for each batch, so nothing needs to be fetched. *frontier* is the one before the entries.
    """
    heads = {}
    for index, entry in enumerate(entries):
        frontier = frontier.append(entry.leaf_hash())
        if index + 1 == len(entries) or entries[index + 1].batch != entry.batch:
            heads[frontier.size] = (frontier.root(), closing_time(entry.batch, batch_seconds))
    return heads


def closing_time(batch: int, batch_seconds: int) -> int:
    """Unix second at which *batch* closed, which is the signed time of its head."""
    return (batch + 1) * batch_seconds


def check_fresh(state: LogState, now: int, seconds: int) -> None:
    """Raise StaleError when the newest head is more than *seconds* old, or none was ever seen."""
    if now - state.head_time > seconds:
        raise StaleError("nothing new was published, or somebody holds it back")


def _refuse_rollback(head: TreeHead, note: bytes, state: LogState) -> None:
    if head.size < state.size or head.time < state.head_time:
        raise RollbackError("the log shows an older state than before", state.note, note)
    if head.size == state.size and state.note and head.root != state.root:
        raise ForkError("the log shows two trees of one size", state.note, note)


def _leaves(fetch: Fetch, start: int, end: int) -> list[bytes]:
    """Encoded entries *start* up to but not including *end*."""
    leaves: list[bytes] = []
    if start == end:
        return leaves
    for index in range(start // BUNDLE_WIDTH, -(-end // BUNDLE_WIDTH)):
        first = index * BUNDLE_WIDTH
        bundle = _bundle(fetch, index, min(end - first, BUNDLE_WIDTH))
        leaves.extend(bundle[max(start - first, 0) :])
    return leaves


def _bundle(fetch: Fetch, index: int, width: int) -> list[bytes]:
    """The first *width* entries of bundle *index*."""
    try:
        return decode_bundle(fetch(bundle_path(index, width)), width)
    except MissingError:
        if width == BUNDLE_WIDTH:
            raise
        # Partial bundles go once the full one is there, which may happen between the head and this request.
        return decode_bundle(fetch(bundle_path(index)), BUNDLE_WIDTH)[:width]


def _mismatch(fetch: Fetch, head: TreeHead, note: bytes, state: LogState) -> VerificationError:
    """The error for entries that do not lead from *state* to *head*: broken bundles, or a proven fork.

    If the whole log as served does lead to the signed root, the log signed two histories.
    """
    broken = VerificationError("the entries do not lead to the signed root")
    if not state.size or head.size > MAX_NEW_ENTRIES:
        return broken
    frontier = Frontier().extend(_hashes(fetch, head.size))
    if frontier.root() != head.root:
        return broken
    return ForkError("the log rewrote its past", state.note, note)


def _hashes(fetch: Fetch, size: int) -> Iterator[bytes]:
    for leaf in _leaves(fetch, 0, size):
        yield LogEntry.decode(leaf).leaf_hash()


def _check_batches(entries: Sequence[LogEntry], batch: int, head_time: int, batch_seconds: int) -> None:
    for entry in entries:
        if entry.batch < batch:
            raise VerificationError("the log goes back to an earlier batch")
        batch = entry.batch
    if entries and closing_time(batch, batch_seconds) > head_time:
        raise VerificationError("the log holds a batch that closed after its head")
