"""Following the published log: the same files for everyone, or an error. specs/publication.md section 6

- A client follows the log leaf by leaf. It appends every new entry to its frontier and compares the root with the
  signed one: that proves that nothing was changed, left out or made for this client alone.
- :func:`follow` returns a new state or raises; the old state is never half changed.
- A head counts once as many witnesses have cosigned it as the policy asks for. Until then it is no error of anybody.
- No file is used whose length and SHA-256 do not stand in the log (:func:`read_entry`).

Not handled here: how bytes are fetched (``ownhue_client.fetching``), what the files say, and whether the newest head is
recent enough for its reader's purpose (:func:`check_fresh` is for those who need it).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from ownhue.cosignature import timely_cosignatures
from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import ForkError, FormatError, LimitError, VerificationError
from ownhue.log import LogEntry
from ownhue.region import Region
from ownhue.signed_note import parse_note
from ownhue.tree import Frontier
from ownhue.tree_head import TreeHead
from ownhue.tree_proofs import root_of
from ownhue_client.errors import FutureError, MissingError, NotWitnessedError, RollbackError, StaleError
from ownhue_client.fetching import MAX_FILE_BYTES
from ownhue_client.fetching import Fetch as Fetch  # part of this module's interface
from ownhue_client.publication.keys import RegionKeys
from ownhue_client.publication.served_tree import MAX_NEW_ENTRIES, read_leaves, with_served_hashes

#: A head may be this many seconds ahead of the own clock. specs/publication.md section 6
FUTURE_TOLERANCE = 600
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


def follow(fetch: Fetch, keys: RegionKeys | Region, state: LogState, now: int) -> tuple[LogState, list[LogEntry]]:
    """The log's present state and the entries that are new since *state*.

    *keys*: those in force, or a region whose file names them. Steps as numbered in specs/publication.md section 6;
    *now* in unix seconds. Raises

    - UnreachableError, MissingError: try again later;
    - NotWitnessedError: too few witnesses have cosigned yet; try again later;
    - FormatError, LimitError, VerificationError: what was served is not what the log signed;
    - FutureError: the head is more than ten minutes ahead of *now*;
    - RollbackError, ForkError: the log contradicts what it said before; both notes are attached.
    """
    keys = RegionKeys.of_region(keys) if isinstance(keys, Region) else keys
    note = fetch("head")
    head = keys.open_head(note)  # (1) signed by a key of the log
    _refuse_rollback(head, note, state)  # (2) no contradiction at sight, whatever the clock says
    if head.time > now + FUTURE_TOLERANCE:  # (3) not from the future
        raise FutureError(f"the tree head is {head.time - now} seconds ahead of the own clock")
    note = _cosigned(note, head, state.note, keys, now)  # (4) seen by enough witnesses
    if head.size - state.size > MAX_NEW_ENTRIES:
        raise LimitError(f"the log is {head.size - state.size} entries ahead")
    entries = [LogEntry.decode(leaf) for leaf in read_leaves(fetch, state.size, head.size)]  # (5) every new entry
    frontier = state.frontier.extend(entry.leaf_hash() for entry in entries)
    if frontier.root() != head.root:  # (6) and together they are what was signed
        raise _mismatch(fetch, head, note, state)
    _check_batches(entries, state.batch, head.time, keys.batch_seconds)  # (7) in the order of their batches
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


def _cosigned(note: bytes, head: TreeHead, kept: bytes, keys: RegionKeys, now: int) -> bytes:
    """The note to keep: *note*, or the *kept* one where that shows the same head with more cosignatures.

    Raises NotWitnessedError when neither has enough; as ``check_cosignatures`` for a broken one.
    """
    best, count = note, len(timely_cosignatures(note, head, keys.policy, now))
    if kept and parse_note(kept).text == head.text() and _is_by(kept, keys):
        # A server may show the head of before the witnesses answered: what was seen once needs not be shown again.
        before = len(timely_cosignatures(kept, head, keys.policy, now))
        best, count = (kept, before) if _rank(before, kept) >= _rank(count, note) else (note, count)
    if count < keys.policy.threshold:
        raise NotWitnessedError(f"{count} of {keys.policy.threshold} witnesses that are needed cosigned", note)
    return best


def _rank(cosigned: int, note: bytes) -> tuple[int, int]:
    return cosigned, len(parse_note(note).signatures)


def _is_by(note: bytes, keys: RegionKeys) -> bool:
    """Whether a log key that still counts signed the kept *note*; a change of the key makes it worth less."""
    try:
        keys.open_head(note)
    except VerificationError:
        return False
    return True


def _mismatch(fetch: Fetch, head: TreeHead, note: bytes, state: LogState) -> VerificationError:
    """The error for entries that do not lead from *state* to *head*: broken bundles, or a proven fork.

    If the tree that the head signs had another root at the kept size, the log signed two histories.
    """
    broken = VerificationError("the entries do not lead to the signed root")
    if not state.size or head.size > MAX_NEW_ENTRIES:
        return broken
    try:
        prefix = with_served_hashes(fetch, head, lambda read_hash: root_of(read_hash, state.size))
    except (MissingError, FormatError, VerificationError):  # nothing leads to the signed root: nothing is proven
        return broken
    return ForkError("the log rewrote its past", state.note, note) if prefix != state.root else broken


def _check_batches(entries: Sequence[LogEntry], batch: int, head_time: int, batch_seconds: int) -> None:
    for entry in entries:
        if entry.batch < batch:
            raise VerificationError("the log goes back to an earlier batch")
        batch = entry.batch
    # There is one for each batch: a million of them in one would fill a phone, and never come to an end.
    with_keys = [entry.batch for entry in entries if entry.kind == "keys"]
    if len(set(with_keys)) < len(with_keys):
        raise VerificationError("the log holds two key files of one batch")
    if entries and closing_time(batch, batch_seconds) > head_time:
        raise VerificationError("the log holds a batch that closed after its head")
