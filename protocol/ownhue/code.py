"""The code that a phone shows and a checkpoint scans. specs/code.md sections 1 to 3.

``OWN1:1OK$8P.4...``: "OWN1:" and the Base45 text (RFC 9285) of a deterministic CBOR array ::

    [1, key id (4 bytes), epoch, public key (32), pass signature (256), statement, signature (64)]

where *statement* is a byte string that holds the array ::

    [time, colour, rulebook version, tree size, tree root (first 8 bytes), challenge (empty or 16 bytes)]

Invariants:

- A text that is accepted is the only text of its code.
- Nothing in a code names its owner, the phone, a place or a certificate.
"""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from ownhue.challenge import CHALLENGE_BYTES
from ownhue.encoding import base45_decode, base45_encode, cbor_decode, cbor_encode
from ownhue.errors import FormatError, LimitError
from ownhue.passes import Pass

#: The first characters of every code. specs/code.md section 2
PREFIX = "OWN1:"
#: Characters of the longest possible code (every number at its largest, with a challenge). specs/code.md section 2
MAX_CHARACTERS = 629
#: Bytes of the tree root in a statement. specs/code.md section 1
ROOT_PREFIX_BYTES = 8

_VERSION = 1
_PURPOSE = b"OWNHUE-CODE"
_MAX_NUMBER = 2**32 - 1
_MAX_COLOUR = 3


@dataclass(frozen=True, slots=True)
class Statement:
    """What the phone states. Raises FormatError for values that the format cannot carry."""

    #: Unix seconds of the signature, by the phone's clock.
    time: int
    #: 0 green, 1 grey, 2 yellow, 3 red.
    colour: int
    rulebook_version: int
    #: Leaves of the log that the phone had followed when it decided; 0 when it knows no log yet.
    tree_size: int
    #: The first 8 bytes of the log's root at that size.
    root_prefix: bytes
    #: The checkpoint's 16 bytes in challenge mode, else empty.
    challenge: bytes = b""

    def __post_init__(self) -> None:
        for number in (self.time, self.colour, self.rulebook_version, self.tree_size):
            # bool is an int in Python and "true" is not a number on the wire.
            if type(number) is not int or not 0 <= number <= _MAX_NUMBER:
                raise FormatError("a statement's numbers have 32 bits")
        if self.colour > _MAX_COLOUR:
            raise FormatError("no such colour")
        _check_bytes("a root prefix", self.root_prefix, ROOT_PREFIX_BYTES)
        if self.challenge != b"":
            _check_bytes("a challenge", self.challenge, CHALLENGE_BYTES)

    def to_bytes(self) -> bytes:
        """Deterministic CBOR, 15 to 43 bytes."""
        return cbor_encode(
            [self.time, self.colour, self.rulebook_version, self.tree_size, self.root_prefix, self.challenge]
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> "Statement":
        """The statement of *data*. Raises FormatError."""
        match cbor_decode(data):
            case [time, colour, rulebook_version, tree_size, root_prefix, challenge]:
                return cls(time, colour, rulebook_version, tree_size, root_prefix, challenge)
        raise FormatError("a statement has six parts")


@dataclass(frozen=True, slots=True)
class Code:
    """A code's seven parts. Well-formed, not verified. Raises FormatError for values that the format cannot carry."""

    #: The first 4 bytes of the epoch key's id.
    key_id: bytes
    epoch: int
    #: The pass's one-time key, 32 bytes.
    public_key: bytes
    #: The issuer's signature of that key, 256 bytes.
    pass_signature: bytes
    statement: Statement
    #: Ed25519 by the one-time key, 64 bytes.
    signature: bytes

    def __post_init__(self) -> None:
        _check_bytes("a key id", self.key_id, 4)
        if type(self.epoch) is not int or not 0 <= self.epoch <= _MAX_NUMBER:
            raise FormatError("an epoch is a number of 32 bits")
        _check_bytes("a public key", self.public_key, 32)
        _check_bytes("a pass's signature", self.pass_signature, 256)
        _check_bytes("a signature", self.signature, 64)

    def signed_message(self) -> bytes:
        """What the one-time key signs (43 bytes): the digest of everything but the signature."""
        return _PURPOSE + sha256(cbor_encode(self._unsigned())).digest()

    def to_bytes(self) -> bytes:
        """Deterministic CBOR; 390 bytes are usual, 416 the most."""
        return cbor_encode([*self._unsigned(), self.signature])

    def _unsigned(self) -> list[Any]:
        statement = self.statement.to_bytes()
        return [_VERSION, self.key_id, self.epoch, self.public_key, self.pass_signature, statement]


def sign_code(pass_: Pass, statement: Statement) -> Code:
    """The code that states *statement* under *pass_*. The same pass may sign again and again while it is shown."""
    unsigned = Code(pass_.key_id[:4], pass_.epoch, pass_.public_key, pass_.signature, statement, signature=bytes(64))
    return replace(unsigned, signature=pass_.sign(unsigned.signed_message()))


def encode_code(code: Code) -> str:
    """The text of *code*, for a QR code in alphanumeric mode."""
    return PREFIX + base45_encode(code.to_bytes())


def decode_code(text: str) -> Code:
    """The code of *text*, not verified. Raises FormatError for any text that ``encode_code`` does not make."""
    if len(text) > MAX_CHARACTERS:
        raise LimitError(f"{len(text)} characters are too many for a code")
    if not text.startswith(PREFIX):
        raise FormatError(f"a code begins with {PREFIX}")
    match cbor_decode(base45_decode(text[len(PREFIX) :])):
        case [version, key_id, epoch, public_key, pass_signature, bytes(statement), signature] if (
            type(version) is int and version == _VERSION
        ):
            return Code(key_id, epoch, public_key, pass_signature, Statement.from_bytes(statement), signature)
    raise FormatError("not the array of a code")


def _check_bytes(what: str, value: Any, length: int) -> None:
    if not isinstance(value, bytes) or len(value) != length:
        raise FormatError(f"{what} has {length} bytes")
