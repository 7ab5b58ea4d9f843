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

Then an empty line and signature lines ``— <name> <base64(key hash || signature)>``. Exactly one is the log's own
(Ed25519 over the text with its last newline). Lines of other keys (cosignatures) may follow; they are not judged here.
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.tree import HASH_BYTES, MAX_SIZE

#: Longest signed note in bytes. specs/publication.md section 3
MAX_NOTE_BYTES = 8192
#: Most signature lines of a note, the log's own included. specs/publication.md section 3
MAX_SIGNATURES = 17

_KEY_HASH_BYTES = 4
_SIGNATURE_BYTES = 64
_ED25519 = b"\x01"
_NAME = re.compile(r"[!-*,-~]{1,100}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNATURE_LINE = re.compile(r"— ([^\s+]{1,100}) ([A-Za-z0-9+/]{7,2000}={0,2})")


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
        if not _NAME.fullmatch(self.origin):
            raise FormatError("an origin is printable ASCII without space and plus")
        if not 0 <= self.size <= MAX_SIZE or not 0 <= self.time <= MAX_SIZE:
            raise FormatError("a tree head's size and time are integers of 63 bits")
        if len(self.root) != HASH_BYTES:
            raise FormatError("a tree head's root has 32 bytes")

    def text(self) -> str:
        """The signed text, with its last newline."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\ntime {self.time}\n"


def key_hash(name: str, verify_key: bytes) -> bytes:
    """The 4 bytes that tell apart the keys of one name. C2SP signed-note, section "Signatures\""""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + verify_key).digest()[:_KEY_HASH_BYTES]


def sign_tree_head(head: TreeHead, signing_key: SigningKey) -> bytes:
    """The signed note of *head*, UTF-8. The same input gives the same bytes."""
    return f"{head.text()}\n{signature_line(head.text(), head.origin, signing_key)}".encode()


def signature_line(text: str, name: str, signing_key: SigningKey) -> str:
    """The line, with its newline, by which *name* signs a note's *text*. C2SP signed-note, section "Signatures\""""
    mark = key_hash(name, bytes(signing_key.verify_key))
    return f"— {name} {_base64(mark + signing_key.sign(text.encode()).signature)}\n"


def open_tree_head(note: bytes, origin: str, verify_key: bytes) -> TreeHead:
    """The verified head of *note*. Steps as numbered in specs/publication.md section 3.

    Raises LimitError or FormatError (not such a note), VerificationError (another log, or the log did not sign it).
    """
    if len(note) > MAX_NOTE_BYTES:
        raise LimitError(f"a tree head has at most {MAX_NOTE_BYTES} bytes")
    text, signatures = _split_note(note)  # (1) the form of a signed note
    head = _parse_text(text)  # (2) the form of a tree head
    if head.origin != origin:  # (3) of this log
        raise VerificationError("the tree head is of another log")
    mark = key_hash(origin, verify_key)
    own = [blob[_KEY_HASH_BYTES:] for name, blob in signatures if name == origin and blob.startswith(mark)]
    if len(own) != 1:  # (4) with exactly one signature by its key
        raise VerificationError("the tree head is not signed once by the log's key")
    if len(own[0]) != _SIGNATURE_BYTES:
        raise FormatError("an Ed25519 signature has 64 bytes")
    try:
        VerifyKey(verify_key).verify(text.encode(), own[0])  # (5) that holds
    except BadSignatureError as error:
        raise VerificationError("the tree head's signature does not hold") from error
    return head


def _split_note(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Text (with its last newline) and signatures (name, blob) of a signed note."""
    try:
        decoded = note.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError("a signed note is UTF-8") from error
    text, separator, rest = decoded.rpartition("\n\n")
    lines = rest.split("\n")
    if not separator or len(lines) < 2 or lines.pop() != "":
        raise FormatError("a signed note is a text, an empty line and signature lines")
    if len(lines) > MAX_SIGNATURES:
        raise LimitError(f"a signed note has at most {MAX_SIGNATURES} signatures")
    return text + "\n", [_parse_signature(line) for line in lines]


def _parse_signature(line: str) -> tuple[str, bytes]:
    match = _SIGNATURE_LINE.fullmatch(line)
    if match is None:
        raise FormatError("not a signature line")
    return match[1], _base64_decode(match[2])


def _parse_text(text: str) -> TreeHead:
    lines = text.split("\n")
    if len(lines) != 5 or lines[4] != "":
        raise FormatError("a tree head has four lines")
    origin, size, root, time = lines[:4]
    if not time.startswith("time "):
        raise FormatError("a tree head's fourth line is its time")
    return TreeHead(origin, _number(size), _base64_decode(root), _number(time.removeprefix("time ")))


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise FormatError("not a decimal number without leading zero")
    return int(text)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _base64_decode(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise FormatError("not Base64") from error
    # Decoders ignore left-over bits, so the text is compared with its own re-encoding.
    if _base64(data) != text:
        raise FormatError("not canonical Base64")
    return data
