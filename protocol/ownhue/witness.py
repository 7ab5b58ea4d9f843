"""Witness: remembers one log's newest head and cosigns only what continues it. specs/publication.md section 12

    state = WitnessState(origin, log_key)                              # has seen nothing
    state = next_state(state, note, proof, now)                        # raises, and signs nothing, for a fork
    ...store state.to_bytes() for good, and only then:
    line = cosign(state, "witness.example/w1", signing_key, now)

- A state never goes back: not to a smaller tree, not to an earlier time, not to another tree of the same size.
- What is kept is the newest note, so a contradiction comes with both notes in hand (:class:`ownhue.errors.ForkError`).
- Nothing is cosigned but the state itself, so a witness that stores first never says more than it remembers.

:class:`WitnessRequest` is the body by which a log asks for a cosignature (C2SP tlog-witness, "add-checkpoint").
Not handled here: storing, and answering over a network.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nacl.signing import SigningKey

from ownhue.cosignature import CLOCK_TOLERANCE_SECONDS, cosignature_line
from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import ForkError, FormatError, LimitError, StateError, VerificationError
from ownhue.fork_evidence import contradiction
from ownhue.signed_note import MAX_NOTE_BYTES, base64_decode, base64_encode, check_key
from ownhue.tree import EMPTY_ROOT, HASH_BYTES, MAX_SIZE, verify_consistency
from ownhue.tree_head import TreeHead, open_tree_head, parse_number

#: Most hashes of a consistency proof: one for each level of the largest tree. specs/publication.md section 12
MAX_PROOF_HASHES = 63
#: Longest request for a cosignature in bytes. specs/publication.md section 12
MAX_WITNESS_REQUEST_BYTES = 12_288


@dataclass(frozen=True, slots=True)
class WitnessState:
    """What a witness remembers of one log. Raises FormatError, or as ``open_tree_head`` for a note of another log."""

    origin: str
    """Name of the log."""
    log_key: bytes
    """Its Ed25519 key, 32 bytes: the one by which ``note`` is."""
    note: bytes = b""
    """The newest signed note; empty when none was seen."""

    def __post_init__(self) -> None:
        check_key(self.origin, self.log_key)
        if self.note:
            open_tree_head(self.note, self.origin, self.log_key)

    @property
    def head(self) -> TreeHead:
        """The newest head; before the first one the empty tree at second 0."""
        if not self.note:
            return TreeHead(self.origin, 0, EMPTY_ROOT, 0)
        return open_tree_head(self.note, self.origin, self.log_key)

    def to_bytes(self) -> bytes:
        """The state for storing."""
        return cbor_encode([self.origin, self.log_key, self.note])

    @classmethod
    def from_bytes(cls, data: bytes) -> "WitnessState":
        """The state of :meth:`to_bytes`. Raises FormatError, or VerificationError for one whose note was changed."""
        value = cbor_decode(data)
        if not isinstance(value, list) or [type(item) for item in value] != [str, bytes, bytes]:
            raise FormatError("not the state of a witness")
        return cls(*value)


def next_state(
    state: WitnessState, note: bytes, proof: Sequence[bytes], now: int, log_key: bytes | None = None
) -> WitnessState:
    """The state after *note*, if that continues what *state* has seen. *now* in unix seconds.

    *proof* is a consistency proof from ``state.head.size`` to the size of *note*; *log_key* the key of *note* where the
    log signs by another than before. Steps as numbered in specs/publication.md section 12. Raises FormatError or
    LimitError (not a head), ForkError (it contradicts the head seen before; both notes are attached),
    VerificationError (another log, from the future, older, not proven).
    """
    log_key = state.log_key if log_key is None else log_key
    old, new = state.head, open_tree_head(note, state.origin, log_key)  # (1) signed by the log
    if state.note and contradiction(old, new):  # (2) no contradiction at sight, whatever the clocks say
        raise ForkError(f"the log shows two histories: {contradiction(old, new)}", state.note, note)
    if new.time > now + CLOCK_TOLERANCE_SECONDS:  # (3) not from the future
        raise VerificationError("the tree head is ahead of the witness's clock")
    if new.size < old.size or new.time < old.time:  # (4) nothing old
        raise VerificationError("the tree head is older than the one that the witness has seen")
    if len(proof) > MAX_PROOF_HASHES:
        raise LimitError(f"a consistency proof has at most {MAX_PROOF_HASHES} hashes")
    verify_consistency(old.size, old.root, new.size, new.root, proof)  # (5) and the new tree begins with the old one
    return replace(state, log_key=log_key, note=note)


def cosign(state: WitnessState, name: str, signing_key: SigningKey, now: int) -> str:
    """The line by which the witness *name* cosigns its newest head at *now*. Raises StateError without one."""
    if not state.note:
        raise StateError("the witness has seen no tree head yet")
    return cosignature_line(state.head.text(), name, signing_key, now)


@dataclass(frozen=True, slots=True)
class WitnessRequest:
    """What a log sends to a witness. Raises FormatError, LimitError for values that have no spelling."""

    old_size: int
    """Size that the log believes the witness to have seen; the witness tells the right one when it is another."""
    proof: tuple[bytes, ...]
    """Consistency proof from there, 32 bytes each."""
    note: bytes
    """The signed note to be cosigned."""

    def __post_init__(self) -> None:
        if not 0 <= self.old_size <= MAX_SIZE or any(len(item) != HASH_BYTES for item in self.proof):
            raise FormatError("a request names a size and hashes of 32 bytes")
        if len(self.proof) > MAX_PROOF_HASHES or len(self.note) > MAX_NOTE_BYTES:
            raise LimitError("the proof or the note of the request is too long")

    def to_bytes(self) -> bytes:
        """The request's body."""
        lines = [f"old {self.old_size}", *map(base64_encode, self.proof), "", ""]
        return "\n".join(lines).encode() + self.note

    @classmethod
    def from_bytes(cls, data: bytes) -> "WitnessRequest":
        """The request of a body. Raises FormatError, LimitError. The note is not looked at."""
        if len(data) > MAX_WITNESS_REQUEST_BYTES:
            raise LimitError(f"a request has at most {MAX_WITNESS_REQUEST_BYTES} bytes")
        first, separator, note = data.partition(b"\n\n")
        if not separator or not first.isascii():
            raise FormatError("a request is lines, an empty line and a note")
        old, *proof = first.decode("ascii").split("\n")
        if not old.startswith("old "):
            raise FormatError("a request begins with the old size")
        return cls(parse_number(old.removeprefix("old ")), tuple(map(base64_decode, proof)), note)

    def check_size(self, state: WitnessState) -> None:
        """Raise StateError naming the right size when the proof starts from another than the witness has seen."""
        if self.old_size != state.head.size:
            raise StateError(f"the witness has seen {state.head.size} entries")
