"""Tree head: the log's signed state, a signed note. specs/publication.md section 3

    demo.ownhue.example/log
    4
    zkZ9zBQQt3pXnGQnCXp8sY1zr3UC2Hp8jgbPXI0wGzE=
    time 1767232800

    — demo.ownhue.example/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5...

It is a C2SP signed-note whose text is a C2SP tlog-checkpoint with one extension line:

1. origin: the log's name, and the name of its key. Printable ASCII without space and ``+``, at most 100 letters.
2. size: number of leaves, decimal, no leading zero.
3. root: 32 bytes, Base64 with padding.
4. ``time`` and the unix second at which the head became true, decimal, no leading zero.

Exactly one signature line is the log's own (Ed25519 over the text with its last newline). Lines of other keys may
follow; ``cosignature.py`` judges those of witnesses.
"""

import re
from dataclasses import dataclass

from nacl.signing import SigningKey

from ownhue.errors import FormatError, VerificationError
from ownhue.signed_note import (
    base64_decode,
    base64_encode,
    check_key,
    check_signed_once,
    parse_note,
    signature_line,
)
from ownhue.tree import EMPTY_ROOT, HASH_BYTES, MAX_SIZE

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TreeHead:
    """State of a log at one moment. Raises FormatError for values that have no spelling."""

    origin: str
    """Name of the log and of its key."""
    size: int
    """Number of leaves."""
    root: bytes
    """Root of the tree, 32 bytes."""
    time: int
    """Unix second at which this state became true (the closing time of its last batch)."""

    def __post_init__(self) -> None:
        check_key(self.origin, bytes(HASH_BYTES))
        if not 0 <= self.size <= MAX_SIZE or not 0 <= self.time <= MAX_SIZE:
            raise FormatError("a tree head's size and time are integers of 63 bits")
        if len(self.root) != HASH_BYTES:
            raise FormatError("a tree head's root has 32 bytes")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise FormatError("the root of nothing is another")

    def text(self) -> str:
        """The signed text, with its last newline."""
        return f"{self.origin}\n{self.size}\n{base64_encode(self.root)}\ntime {self.time}\n"


def sign_tree_head(head: TreeHead, signing_key: SigningKey) -> bytes:
    """The signed note of *head*, UTF-8. The same input gives the same bytes."""
    return f"{head.text()}\n{signature_line(head.text(), head.origin, signing_key)}".encode()


def open_tree_head(note: bytes, origin: str, verify_key: bytes) -> TreeHead:
    """The verified head of *note*. Steps as numbered in specs/publication.md section 3.

    Raises LimitError or FormatError (not such a note), VerificationError (another log, or the log did not sign it).
    """
    parsed = parse_note(note)  # (1) the form of a signed note
    head = parse_tree_head(parsed.text)  # (2) the form of a tree head
    if head.origin != origin:  # (3) of this log
        raise VerificationError("the tree head is of another log")
    check_signed_once(parsed, origin, verify_key)  # (4) signed once by its key, and (5) the signature holds
    return head


def parse_tree_head(text: str) -> TreeHead:
    """The head of a note's text, not verified. Raises FormatError."""
    lines = text.split("\n")
    if len(lines) != 5 or lines[4] != "":
        raise FormatError("a tree head has four lines")
    origin, size, root, time = lines[:4]
    if not time.startswith("time "):
        raise FormatError("a tree head's fourth line is its time")
    return TreeHead(origin, parse_number(size), base64_decode(root), parse_number(time.removeprefix("time ")))


def parse_number(text: str) -> int:
    """A number in its one decimal spelling, of at most 19 digits. Raises FormatError."""
    if not _NUMBER.fullmatch(text):
        raise FormatError("not a decimal number without leading zero")
    return int(text)
