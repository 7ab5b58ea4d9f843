"""Signed note: a text and the lines of those who signed it. C2SP signed-note; specs/publication.md section 3

    demo.ownhue.example/log
    4
    zkZ9zBQQt3pXnGQnCXp8sY1zr3UC2Hp8jgbPXI0wGzE=
    time 1767232800

    — demo.ownhue.example/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5...

- The text ends at the last empty line; each line behind it is ``— <name> <base64(key hash (4) || signature)>``.
- The key hash covers the name, the kind of signature and the key, so one key has another hash for each kind.
- What :func:`parse_note` accepts is spelled again by :meth:`SignedNote.to_bytes` as the same bytes.

Not handled here: whose lines count (``tree_head.py`` for the log, ``cosignature.py`` for witnesses).
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from ownhue.errors import FormatError, LimitError, VerificationError

#: Longest signed note in bytes. specs/publication.md section 3
MAX_NOTE_BYTES = 8192
#: Most signature lines of a note, the log's own included. specs/publication.md section 3
MAX_NOTE_SIGNATURES = 17
#: Kind of signature that a log makes: Ed25519 over the text. specs/publication.md section 3
ED25519 = b"\x01"

_KEY_HASH_BYTES = 4
_SIGNATURE_BYTES = 64
_KEY_BYTES = 32
_NAME = re.compile(r"[!-*,-~]{1,100}")
_SIGNATURE_LINE = re.compile(r"— ([^\s+\ud800-\udfff]{1,100}) ([A-Za-z0-9+/]{7,2000}={0,2})")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One line below a note. Nobody has judged it yet."""

    name: str
    """Name of the key."""
    key_hash: bytes
    """4 bytes that tell the keys of one name apart."""
    blob: bytes
    """What the key made: for a log 64 bytes, for a witness 72."""

    def line(self) -> str:
        """The line with its newline."""
        return f"— {self.name} {base64_encode(self.key_hash + self.blob)}\n"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text with signatures that nobody has judged yet."""

    text: str
    """The text with its last newline; this is what the log signs."""
    signatures: tuple[NoteSignature, ...]
    """The lines, in their order."""

    def to_bytes(self) -> bytes:
        """The note, UTF-8."""
        return f"{self.text}\n{''.join(signature.line() for signature in self.signatures)}".encode()

    def by(self, name: str, mark: bytes) -> list[NoteSignature]:
        """The lines of one name and key hash."""
        return [signature for signature in self.signatures if (signature.name, signature.key_hash) == (name, mark)]


def parse_note(data: bytes) -> SignedNote:
    """The note of *data*. Raises LimitError for one that is too long, FormatError for another form."""
    if len(data) > MAX_NOTE_BYTES:
        raise LimitError(f"a signed note has at most {MAX_NOTE_BYTES} bytes")
    try:
        decoded = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError("a signed note is UTF-8") from error
    if _CONTROL.search(decoded):
        raise FormatError("a signed note has no control characters")
    text, separator, rest = decoded.rpartition("\n\n")
    lines = rest.split("\n")
    if not separator or len(lines) < 2 or lines.pop() != "":
        raise FormatError("a signed note is a text, an empty line and signature lines")
    if len(lines) > MAX_NOTE_SIGNATURES:
        raise LimitError(f"a signed note has at most {MAX_NOTE_SIGNATURES} signatures")
    return SignedNote(text + "\n", tuple(map(parse_signature_line, lines)))


def parse_signature_line(line: str) -> NoteSignature:
    """The signature of a line without its newline. Raises FormatError."""
    match = _SIGNATURE_LINE.fullmatch(line)
    if match is None:
        raise FormatError("not a signature line")
    blob = base64_decode(match[2])
    return NoteSignature(match[1], blob[:_KEY_HASH_BYTES], blob[_KEY_HASH_BYTES:])


def key_hash(name: str, verify_key: bytes, kind: bytes = ED25519) -> bytes:
    """The 4 bytes that tell apart the keys of one name. C2SP signed-note, section "Signatures\""""
    return hashlib.sha256(name.encode() + b"\n" + kind + verify_key).digest()[:_KEY_HASH_BYTES]


def signature_line(text: str, name: str, signing_key: SigningKey) -> str:
    """The line, with its newline, by which *name* signs a note's *text*. C2SP signed-note, section "Signatures\""""
    mark = key_hash(name, bytes(signing_key.verify_key))
    return NoteSignature(name, mark, signing_key.sign(text.encode()).signature).line()


def check_signed_once(note: SignedNote, name: str, verify_key: bytes) -> None:
    """Check that exactly one line is by *name* with its Ed25519 key, and that it holds.

    Raises FormatError, VerificationError.
    """
    own = note.by(name, key_hash(name, verify_key))
    if len(own) != 1:
        raise VerificationError("the note is not signed once by this key")
    check_signature(verify_key, note.text.encode(), own[0].blob)


def check_signature(verify_key: bytes, message: bytes, signature: bytes) -> None:
    """Raise FormatError for what is no Ed25519 key or signature, VerificationError for one that does not hold."""
    if len(signature) != _SIGNATURE_BYTES or len(verify_key) != _KEY_BYTES:
        raise FormatError("an Ed25519 signature has 64 bytes, and its key 32")
    try:
        VerifyKey(verify_key).verify(message, signature)
    except BadSignatureError as error:
        raise VerificationError("the signature of the note does not hold") from error


def check_key(name: str, verify_key: bytes) -> None:
    """Raise FormatError for a name or an Ed25519 key that no note can be signed with."""
    if not _NAME.fullmatch(name):
        raise FormatError("a key's name is 1 to 100 letters of printable ASCII without space and plus")
    if len(verify_key) != _KEY_BYTES:
        raise FormatError("an Ed25519 key has 32 bytes")


def base64_encode(data: bytes) -> str:
    """Base64 of *data*, with padding."""
    return base64.b64encode(data).decode("ascii")


def base64_decode(text: str) -> bytes:
    """The bytes of *text*. Raises FormatError unless *text* is exactly their padded Base64."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise FormatError("not Base64") from error
    # Decoders ignore left-over bits, so the text is compared with its own re-encoding.
    if base64_encode(data) != text:
        raise FormatError("not canonical Base64")
    return data
