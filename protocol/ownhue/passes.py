"""Passes: the unlinkable right to show a code. specs/pass.md; RFC 9578 token type 0x0002, RFC 9577, RFC 9474.

A pass is a one-time Ed25519 key that the issuer signed without seeing it::

    request = request_pass("issuer.example", epoch_key, os.urandom)            # the phone
    answer = blind_sign(private_key, request.blinded, os.urandom)              # the issuer: sees request.blinded only
    pass_ = finish_pass(request, "issuer.example", epoch_key, answer)          # the phone: verifies before it keeps
    verify_pass("issuer.example", epoch_key, pass_.public_key, pass_.signature)    # the checkpoint, offline

Invariants:

- One key per epoch, one epoch per key: a list that says otherwise is refused, because a key of one's own would mark
  its holder.
- A pass that does not verify never comes into being.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from nacl.signing import SigningKey

from ownhue.blind_rsa import RSABSSA_SHA384_PSS_DETERMINISTIC, Random, blind, finalize, load_pss_spki, verify
from ownhue.encoding import base64url_decode, base64url_encode
from ownhue.errors import ForkError, FormatError, LimitError, StateError
from ownhue.params import CODE_TOLERANCE_SECONDS, EPOCH_SECONDS

#: Blind RSA (2048-bit) in the registry of Privacy Pass token types. RFC 9578 section 6
TOKEN_TYPE = (2).to_bytes(2, "big")
#: Bits of an epoch key's modulus; the token type fixes them. specs/pass.md section 3
EPOCH_KEY_BITS = 2048
#: Most epochs in one list. specs/pass.md section 5
MAX_EPOCHS = 400

_VARIANT = RSABSSA_SHA384_PSS_DETERMINISTIC
_MAX_EPOCH = 2**32 - 1
_MAX_NAME = 255
_KEY_BYTES = 32


def epoch_of(unix: int) -> int:
    """The epoch (UTC day) of a time in unix seconds."""
    return unix // EPOCH_SECONDS


def is_open(epoch: int, now: int) -> bool:
    """Whether codes of *epoch* are accepted at *now* (unix seconds). specs/pass.md section 1"""
    # As long as a code may be shown to a clock that differs: one tolerance before its day and after it.
    return epoch_of(now - CODE_TOLERANCE_SECONDS) <= epoch <= epoch_of(now + CODE_TOLERANCE_SECONDS)


def token_challenge(issuer_name: str, epoch: int) -> bytes:
    """The TokenChallenge of an epoch (RFC 9577 section 2.1): issuer, epoch as redemption context, no origin.

    Raises FormatError for a name that does not fit, or an epoch of more than 32 bits."""
    if not (issuer_name.isascii() and issuer_name.isprintable() and 1 <= len(issuer_name) <= _MAX_NAME):
        raise FormatError(f"an issuer's name is 1 to {_MAX_NAME} printable ASCII characters")
    if not 0 <= epoch <= _MAX_EPOCH:
        raise FormatError("an epoch is a number of 32 bits")
    context = sha256(b"OWNHUE-EPOCH" + epoch.to_bytes(4, "big")).digest()
    name = issuer_name.encode("ascii")
    return TOKEN_TYPE + len(name).to_bytes(2, "big") + name + bytes((len(context),)) + context + bytes(2)


def token_input(public_key: bytes, challenge: bytes, key_id: bytes) -> bytes:
    """What the issuer signs (RFC 9578 section 6.1), 98 bytes; the nonce is the pass's public key.

    Raises FormatError for a public key or a key id of another length than 32 bytes."""
    if len(public_key) != _KEY_BYTES or len(key_id) != _KEY_BYTES:
        # Without fixed lengths one message would stand for several passes.
        raise FormatError(f"a pass's public key and a key id have {_KEY_BYTES} bytes")
    return TOKEN_TYPE + public_key + sha256(challenge).digest() + key_id


@dataclass(frozen=True)
class EpochKey:
    """The issuer's public key of one epoch. Raises FormatError for anything but a 2048-bit RSASSA-PSS key."""

    epoch: int
    #: SubjectPublicKeyInfo, DER.
    spki: bytes

    def __post_init__(self) -> None:
        if type(self.epoch) is not int or not 0 <= self.epoch <= _MAX_EPOCH:
            raise FormatError("an epoch is a number of 32 bits")
        if self.public_key.key_size != EPOCH_KEY_BITS:
            raise FormatError(f"an epoch key has {EPOCH_KEY_BITS} bits")

    @cached_property
    def public_key(self) -> RSAPublicKey:
        """The key, read once: a checkpoint verifies every code of a day with the same value."""
        return load_pss_spki(self.spki)

    @cached_property
    def key_id(self) -> bytes:
        """SHA-256 of the SPKI (token_key_id of RFC 9578), 32 bytes."""
        return sha256(self.spki).digest()

    @property
    def short_id(self) -> bytes:
        """What a code carries of the key id: its first 4 bytes."""
        return self.key_id[:4]


@dataclass(frozen=True)
class EpochList:
    """The signed list of epoch keys: ascending, one key per epoch, one epoch per key. Raises FormatError."""

    issuer: str
    keys: tuple[EpochKey, ...]

    def __post_init__(self) -> None:
        token_challenge(self.issuer, 0)
        epochs = [key.epoch for key in self.keys]
        _check_count(len(epochs))
        if len(set(epochs)) != len(epochs):
            raise FormatError("two keys for one epoch")
        if epochs != sorted(epochs):
            raise FormatError("the epochs are not in order")
        if len({key.short_id for key in self.keys}) != len(epochs):
            raise FormatError("two epochs share a key or its short id")

    @cached_property
    def by_short_id(self) -> Mapping[bytes, EpochKey]:
        """The keys by the 4 bytes that a code carries."""
        return {key.short_id: key for key in self.keys}

    def key_of(self, epoch: int) -> EpochKey:
        """The key of *epoch*. Raises StateError when the list has none."""
        for key in self.keys:
            if key.epoch == epoch:
                return key
        raise StateError(f"no key for epoch {epoch} is published")

    def check_follows(self, earlier: "EpochList") -> None:
        """Raises ForkError when an epoch that *earlier* lists has another key here, or the issuer another name."""
        if self.issuer != earlier.issuer:
            raise ForkError("the list of epoch keys names another issuer")
        before = {key.epoch: key.spki for key in earlier.keys}
        for key in self.keys:
            if before.get(key.epoch, key.spki) != key.spki:
                raise ForkError(f"a second key for epoch {key.epoch}")

    def to_body(self) -> dict[str, Any]:
        """The body of the signed document "epochs"."""
        return {
            "issuer": self.issuer,
            "epochs": [{"epoch": key.epoch, "spki": base64url_encode(key.spki)} for key in self.keys],
        }

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> "EpochList":
        """The list of a document's body. Raises FormatError."""
        match body:
            case {"issuer": str(issuer), "epochs": list(entries), **rest} if not rest:
                _check_count(len(entries))
                return cls(issuer, tuple(_epoch_key(entry) for entry in entries))
        raise FormatError("not a list of epoch keys")


def _check_count(epochs: int) -> None:
    if epochs > MAX_EPOCHS:
        raise LimitError(f"more than {MAX_EPOCHS} epochs")


def _epoch_key(entry: Any) -> EpochKey:
    match entry:
        case {"epoch": int(epoch), "spki": str(spki), **rest} if not rest:
            return EpochKey(epoch, base64url_decode(spki))
    raise FormatError("not an epoch key")


@dataclass(frozen=True, slots=True)
class PassRequest:
    """A pass in the making, on the phone. Only ``blinded`` (256 bytes) is for the issuer's eyes."""

    epoch: int
    seed: bytes = field(repr=False)
    blinded: bytes
    inverse: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pass:
    """A pass: the seed (32 bytes) of its one-time Ed25519 key and the issuer's signature (256 bytes) of that key."""

    epoch: int
    #: SHA-256 of the epoch key's SPKI, 32 bytes.
    key_id: bytes
    seed: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def public_key(self) -> bytes:
        """The one-time public key, 32 bytes: the token's nonce."""
        return bytes(SigningKey(self.seed).verify_key)

    def sign(self, message: bytes) -> bytes:
        """Ed25519 signature of *message* by the one-time key, 64 bytes."""
        return SigningKey(self.seed).sign(message).signature


def request_pass(issuer_name: str, epoch_key: EpochKey, random: Random) -> PassRequest:
    """Draw a one-time key and blind it for the issuer. Takes from *random*: seed, salt, blinding factor."""
    seed = random(32)
    message = _message(issuer_name, epoch_key, bytes(SigningKey(seed).verify_key))
    blinded = blind(epoch_key.public_key, message, _VARIANT, random)
    return PassRequest(epoch_key.epoch, seed, blinded.message, blinded.inverse)


def finish_pass(request: PassRequest, issuer_name: str, epoch_key: EpochKey, blind_signature: bytes) -> Pass:
    """The pass of an issuer's answer. Raises FormatError or VerificationError for an answer that gives none."""
    if request.epoch != epoch_key.epoch:
        raise StateError("the request was made for another epoch")
    message = _message(issuer_name, epoch_key, bytes(SigningKey(request.seed).verify_key))
    signature = finalize(epoch_key.public_key, message, blind_signature, request.inverse, _VARIANT)
    return Pass(epoch_key.epoch, epoch_key.key_id, request.seed, signature)


def verify_pass(issuer_name: str, epoch_key: EpochKey, public_key: bytes, signature: bytes) -> None:
    """Raises VerificationError unless the issuer signed the one-time *public_key* for the epoch.

    Step 3 of specs/pass.md section 7; step 1 is what an EpochKey is. Raises FormatError where step 2 does not hold.
    """
    verify(epoch_key.public_key, _message(issuer_name, epoch_key, public_key), signature, _VARIANT)


def _message(issuer_name: str, epoch_key: EpochKey, public_key: bytes) -> bytes:
    return token_input(public_key, token_challenge(issuer_name, epoch_key.epoch), epoch_key.key_id)
