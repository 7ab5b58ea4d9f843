"""Venue owner: the two keys of a venue, and the encrypted file in which its owner keeps them. specs/venue.md section 6

    owner = new_owner_keys(os.urandom)
    data = owner_file(owner, "four words that nobody guesses", os.urandom)
    owner = read_owner_file(data, "four words that nobody guesses")

- The venue key signs posters, the trace key signs notices. Whoever has the file and the passphrase can do both.
- Losing them costs a new certificate and new posters; nothing that was published can be changed with them.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox
from nacl.signing import SigningKey

from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.venue.certificate import trace_hash

#: The first bytes of an owner's file: "OWNHUE-OWNER-1" and a line end. specs/venue.md section 10
OWNER_MARK = b"OWNHUE-OWNER-1\n"
#: Argon2id: passes over the memory, and its size in bytes (libsodium's "moderate"). specs/venue.md section 10
PASSPHRASE_PASSES, PASSPHRASE_MEMORY = 3, 268_435_456
#: Shortest passphrase in characters, longest in bytes of UTF-8. specs/venue.md section 10
PASSPHRASE_LENGTHS = (8, 1024)
#: Length of an owner's file in bytes. specs/venue.md section 10
OWNER_FILE_BYTES = 155

_SEED_BYTES = 32
_SALT_BYTES, _NONCE_BYTES = argon2id.SALTBYTES, SecretBox.NONCE_SIZE
_FORMAT = "ownhue-owner-1"


@dataclass(frozen=True, slots=True)
class OwnerKeys:
    """The two keys of a venue. Raises FormatError for another length, or when they are one."""

    venue_seed: bytes = field(repr=False)
    """Ed25519 seed of the key that signs posters, 32 bytes."""
    trace_seed: bytes = field(repr=False)
    """Ed25519 seed of the key that signs notices, 32 bytes."""

    def __post_init__(self) -> None:
        if len(self.venue_seed) != _SEED_BYTES or len(self.trace_seed) != _SEED_BYTES:
            raise FormatError(f"an owner's key has {_SEED_BYTES} bytes")
        if self.venue_seed == self.trace_seed:
            raise FormatError("an owner's two keys are one")

    @property
    def venue_key(self) -> SigningKey:
        """Signs posters."""
        return SigningKey(self.venue_seed)

    @property
    def trace_key(self) -> SigningKey:
        """Signs notices."""
        return SigningKey(self.trace_seed)

    @property
    def trace_key_hash(self) -> bytes:
        """What the authority certifies of the trace key: the SHA-256 of its public key, 32 bytes."""
        return trace_hash(bytes(self.trace_key.verify_key))


def new_owner_keys(random: Callable[[int], bytes]) -> OwnerKeys:
    """The keys of a new venue: two draws of 32 bytes from *random*."""
    return OwnerKeys(random(_SEED_BYTES), random(_SEED_BYTES))


def owner_file(owner: OwnerKeys, passphrase: str, random: Callable[[int], bytes]) -> bytes:
    """The encrypted file of *owner*: 155 bytes. Takes a salt of 16 and a nonce of 24 bytes from *random*.

    Needs 256 MiB for a second. Raises FormatError for a passphrase that is too short, LimitError for one too long.
    """
    salt, nonce = random(_SALT_BYTES), random(_NONCE_BYTES)
    plain = cbor_encode([_FORMAT, owner.venue_seed, owner.trace_seed])
    return OWNER_MARK + salt + bytes(_box(passphrase, salt).encrypt(plain, nonce))


def read_owner_file(data: bytes, passphrase: str) -> OwnerKeys:
    """The keys in an owner's file. Raises FormatError for what is no such file, LimitError, VerificationError when the
    passphrase is another one or the file was altered."""
    if len(data) != OWNER_FILE_BYTES or not data.startswith(OWNER_MARK):
        raise FormatError("not an owner's file: it does not begin as one, or was cut")
    salt, sealed = data[len(OWNER_MARK) :][:_SALT_BYTES], data[len(OWNER_MARK) + _SALT_BYTES :]
    try:
        plain = _box(passphrase, salt).decrypt(sealed)
    except CryptoError as error:
        raise VerificationError("another passphrase, or the owner's file was altered") from error
    match cbor_decode(plain):
        case ["ownhue-owner-1", bytes(venue_seed), bytes(trace_seed)]:
            return OwnerKeys(venue_seed, trace_seed)
    raise FormatError("an owner's file holds something else than two keys")


def _box(passphrase: str, salt: bytes) -> SecretBox:
    """The box that opens with *passphrase*, however the keyboard put its letters together (Unicode NFC)."""
    shortest, longest = PASSPHRASE_LENGTHS
    if len(passphrase) > longest:  # before anything is done with it that takes time
        raise LimitError(f"a passphrase has at most {longest} bytes")
    text = unicodedata.normalize("NFC", passphrase)
    try:
        secret = text.encode()
    except UnicodeEncodeError:
        raise FormatError("a passphrase is text") from None  # the error behind it would show the passphrase
    if len(secret) > longest:
        raise LimitError(f"a passphrase has at most {longest} bytes")
    if len(text) < shortest:
        raise FormatError(f"a passphrase has at least {shortest} characters")
    return SecretBox(argon2id.kdf(SecretBox.KEY_SIZE, secret, salt, PASSPHRASE_PASSES, PASSPHRASE_MEMORY))
