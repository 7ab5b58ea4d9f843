"""Fork evidence: two signed heads that cannot both be of one honest log, as one file. specs/publication.md section 13

    {"contradiction":"two-roots","format":"ownhue-fork-1","log_key":"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w",
     "notes":["demo.ownhue.example/log\\n4\\n...","demo.ownhue.example/log\\n4\\n..."],
     "origin":"demo.ownhue.example/log","prefix":null}

- The file is canonical JSON and needs nothing beside it but the log's key, which its reader knows from elsewhere.
- Three contradictions are told apart: ``two-roots`` (one size, two roots), ``order`` (the later head is the smaller,
  or two sizes at one second) and ``rewritten`` (the larger tree does not begin with the smaller one).
- For ``rewritten`` the file holds the root that the larger tree had at the smaller size, with a consistency proof: the
  log signed the larger tree, and with it another past than it had signed before.

Who only holds two heads of different sizes needs the larger tree's hashes to make the third kind; the first two need
nothing. An older head that is shown again (rollback) contradicts nothing and makes no evidence.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ownhue.encoding import base64url_decode, base64url_encode
from ownhue.errors import StateError, VerificationError
from ownhue.records import Record, parse_record, record_bytes
from ownhue.tree import verify_consistency
from ownhue.tree_head import TreeHead, open_tree_head
from ownhue.tree_proofs import ReadHash, prove_consistency, root_of

#: Longest evidence file in bytes. specs/publication.md section 13
MAX_EVIDENCE_BYTES = 65_536

Contradiction = Literal["two-roots", "order", "rewritten"]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}\z")]


class Prefix(Record):
    """The larger tree as it was at the smaller size."""

    proof: Annotated[tuple[Hash, ...], Field(max_length=63)]
    """Consistency proof from this root to that of the larger head."""
    root: Hash
    """Root of the larger tree's first leaves, as many as the smaller head counts."""


class ForkEvidence(Record):
    """A file of evidence in its form. Whether it proves anything is for :func:`verify_fork_evidence`."""

    contradiction: Contradiction
    """What is wrong."""
    format: Literal["ownhue-fork-1"]
    """Name of this format."""
    log_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}\z")]
    """Ed25519 key of the log, base64url."""
    notes: Annotated[tuple[str, ...], Field(min_length=2, max_length=2)]
    """The two signed notes, by size, time and text."""
    origin: Annotated[str, Field(max_length=100)]
    """Name of the log."""
    prefix: Prefix | None
    """For "rewritten" only."""

    @model_validator(mode="after")
    def _has_a_prefix_where_needed(self) -> Self:
        if (self.prefix is not None) != (self.contradiction == "rewritten"):
            raise ValueError("a prefix belongs to a log that was rewritten, and to nothing else")
        return self


def contradiction(first: TreeHead, second: TreeHead) -> Contradiction | None:
    """What is wrong with two heads of one log at sight: "two-roots", "order", or nothing."""
    if first.size == second.size:
        return None if first.root == second.root else "two-roots"
    smaller, larger = sorted((first, second), key=lambda head: head.size)
    return "order" if smaller.time >= larger.time else None


def make_fork_evidence(
    origin: str, log_key: bytes, first: bytes, second: bytes, read_hash: ReadHash | None = None
) -> bytes:
    """The file that proves that the log of *log_key* (Ed25519, 32 bytes) signed both notes, and that it must not have.

    *read_hash* gives the hashes of the larger tree; without it only contradictions at sight are told. Raises StateError
    when the heads do not contradict each other, and as ``open_tree_head`` for notes that this log did not sign.
    """
    opened = [(open_tree_head(note, origin, log_key), note) for note in (first, second)]
    (smaller, _), (larger, _) = opened = sorted(opened, key=lambda item: (item[0].size, item[0].time, item[1]))
    found, prefix = contradiction(smaller, larger), None
    if found is None and read_hash is not None:
        found, prefix = "rewritten", _prefix(read_hash, smaller, larger)
    if found is None or (prefix is not None and prefix.root == smaller.root.hex()):
        raise StateError("the two heads do not contradict each other")
    return record_bytes(
        ForkEvidence(
            contradiction=found,
            format="ownhue-fork-1",
            log_key=base64url_encode(log_key),
            notes=tuple(note.decode() for _, note in opened),
            origin=origin,
            prefix=prefix,
        )
    )


def parse_fork_evidence(data: bytes) -> ForkEvidence:
    """The evidence of a file, not verified. Raises LimitError, FormatError."""
    return parse_record(ForkEvidence, data, "fork evidence", MAX_EVIDENCE_BYTES)


def verify_fork_evidence(data: bytes, origin: str, log_key: bytes) -> Contradiction:
    """Check that *data* proves a fork of the log *origin* with *log_key*, and return what is wrong with it.

    Steps as numbered in specs/publication.md section 13. Raises LimitError, FormatError, VerificationError.
    """
    evidence = parse_fork_evidence(data)  # (1) the form
    if (evidence.origin, base64url_decode(evidence.log_key)) != (origin, log_key):  # (2) of this log
        raise VerificationError("the evidence is about another log")
    notes = [note.encode() for note in evidence.notes]
    smaller, larger = (open_tree_head(note, origin, log_key) for note in notes)  # (3) both signed by it
    if (smaller.size, smaller.time, notes[0]) >= (larger.size, larger.time, notes[1]):  # (4) in their one order
        raise VerificationError("the notes of the evidence are one and the same, or not in their order")
    if (contradiction(smaller, larger) or "rewritten") != evidence.contradiction:  # (5) the contradiction is this one
        raise VerificationError("the heads do not contradict each other in this way")
    if evidence.prefix is not None:
        _verify_prefix(evidence.prefix, smaller, larger)  # (6) and its proof holds
    return evidence.contradiction


def _prefix(read_hash: ReadHash, smaller: TreeHead, larger: TreeHead) -> Prefix | None:
    """The larger tree at the smaller size. Raises VerificationError when *read_hash* is of another tree."""
    if root_of(read_hash, larger.size) != larger.root:
        raise VerificationError("the hashes are not those of the larger tree")
    proof = prove_consistency(read_hash, smaller.size, larger.size)
    return Prefix(proof=tuple(item.hex() for item in proof), root=root_of(read_hash, smaller.size).hex())


def _verify_prefix(prefix: Prefix, smaller: TreeHead, larger: TreeHead) -> None:
    root, proof = bytes.fromhex(prefix.root), [bytes.fromhex(item) for item in prefix.proof]
    if root == smaller.root:
        raise VerificationError("the larger tree begins with the smaller one")
    verify_consistency(smaller.size, root, larger.size, larger.root, proof)
