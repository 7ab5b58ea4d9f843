"""Past epoch keys: published private keys, so that old codes prove nothing about anybody. specs/pass.md section 8

A day after an epoch is over the issuer publishes the two primes of its key. From then on anybody can make passes and
codes of that epoch that cannot be told from those that phones showed::

    past = past_keys("issuer.example", {20605: private_key}, now)         # the issuer; StateError before the time
    body = past.to_body()                                                 # the signed document "past-epochs"
    check_past_keys(PastKeys.from_body(body), {20605: epoch_key}, now)    # any reader
    pass_ = forge_pass("issuer.example", past.keys[0], os.urandom)        # anybody: that is the point

Invariants:

- A key of an epoch that is open or ahead is never put into a list, and a list that holds one is refused.
- Two primes are one key: what a list says of an epoch is the key that was published for it, or the list is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from ownhue.blind_rsa import Random, blind_sign, private_key_of, pss_spki
from ownhue.encoding import base64url_decode, base64url_encode
from ownhue.errors import FormatError, LimitError, StateError, VerificationError
from ownhue.params import EPOCH_SECONDS
from ownhue.passes import EPOCH_KEY_BITS, EpochKey, Pass, finish_pass, request_pass, token_challenge

#: Seconds from the end of an epoch's day to the publication of its private key: longer than any clock is wrong that
#: was set to another time zone (14 h). specs/pass.md section 8
PAST_KEY_DELAY_SECONDS = 86_400
#: Most past epochs in one list: a missed publication is made up for within two weeks. specs/pass.md section 8
MAX_PAST_EPOCHS = 14

_PRIME_BYTES = EPOCH_KEY_BITS // 16
_MAX_EPOCH = 2**32 - 1


def is_past(epoch: int, now: int) -> bool:
    """Whether the private key of *epoch* may be public at *now* (unix seconds)."""
    return now >= (epoch + 1) * EPOCH_SECONDS + PAST_KEY_DELAY_SECONDS


@dataclass(frozen=True)
class PastKey:
    """The private key of an epoch: two primes of 1024 bits, the smaller first. Raises FormatError for anything else."""

    epoch: int
    p: int = field(repr=False)
    q: int = field(repr=False)

    def __post_init__(self) -> None:
        if type(self.epoch) is not int or not 0 <= self.epoch <= _MAX_EPOCH:
            raise FormatError("an epoch is a number of 32 bits")
        if not self.p < self.q or {self.p.bit_length(), self.q.bit_length()} != {_PRIME_BYTES * 8}:
            raise FormatError(f"a past key is two primes of {_PRIME_BYTES * 8} bits, the smaller one first")
        _key = self.private_key  # Raises for numbers that make no key, and for a product of 2047 bits.

    @classmethod
    def of(cls, epoch: int, private_key: RSAPrivateKey) -> "PastKey":
        """The past key of the issuer's *private_key*."""
        numbers = private_key.private_numbers()
        return cls(epoch, min(numbers.p, numbers.q), max(numbers.p, numbers.q))

    @cached_property
    def private_key(self) -> RSAPrivateKey:
        """The key that everybody has now."""
        return private_key_of(self.p, self.q)

    @cached_property
    def epoch_key(self) -> EpochKey:
        """The public key that it belongs to."""
        return EpochKey(self.epoch, pss_spki(self.private_key.public_key()))


@dataclass(frozen=True)
class PastKeys:
    """The signed list of past keys: epochs ascending, at most 14. Raises FormatError, LimitError; compares nothing."""

    issuer: str
    keys: tuple[PastKey, ...]

    def __post_init__(self) -> None:
        token_challenge(self.issuer, 0)
        _check_count(len(self.keys))
        if any(before.epoch >= after.epoch for before, after in pairwise(self.keys)):
            raise FormatError("the past epochs are not in order, or one occurs twice")

    def to_body(self) -> dict[str, Any]:
        """The body of the signed document "past-epochs"."""
        return {
            "issuer": self.issuer,
            "keys": [{"epoch": key.epoch, "p": _prime_text(key.p), "q": _prime_text(key.q)} for key in self.keys],
        }

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> "PastKeys":
        """The list of a document's body. Raises FormatError, LimitError."""
        match body:
            case {"issuer": str(issuer), "keys": list(entries), **rest} if not rest:
                _check_count(len(entries))
                return cls(issuer, tuple(_past_key(entry) for entry in entries))
        raise FormatError("not a list of past epoch keys")


def past_keys(issuer_name: str, private_keys: Mapping[int, RSAPrivateKey], now: int) -> PastKeys:
    """The list of *private_keys* by epoch at *now* (unix seconds). Raises StateError for one that must stay secret."""
    for epoch in private_keys:
        if not is_past(epoch, now):
            raise StateError(f"the key of epoch {epoch} is still secret")
    return PastKeys(issuer_name, tuple(PastKey.of(epoch, key) for epoch, key in sorted(private_keys.items())))


def check_past_keys(past: PastKeys, published: Mapping[int, EpochKey], now: int) -> tuple[int, ...]:
    """The epochs of *past* that fit *published* (epoch keys by epoch, as far as the reader knows them).

    Steps 3 and 4 of specs/pass.md section 8; *now* in unix seconds. Raises VerificationError.
    """
    for key in past.keys:
        if not is_past(key.epoch, now):  # (3): every epoch is over, and has been for a day
            raise VerificationError(f"the key of epoch {key.epoch} was published too early")
    checked = [key for key in past.keys if key.epoch in published]
    for key in checked:
        if key.epoch_key != published[key.epoch]:  # (4): it is the key that was published for the epoch
            raise VerificationError(f"the past key of epoch {key.epoch} is not the one that was in use")
    return tuple(key.epoch for key in checked)


def forge_pass(issuer_name: str, past: PastKey, random: Random) -> Pass:
    """A pass of a past epoch, made without the issuer: equal in distribution to those that phones took."""
    request = request_pass(issuer_name, past.epoch_key, random)
    return finish_pass(request, issuer_name, past.epoch_key, blind_sign(past.private_key, request.blinded, random))


def _check_count(count: int) -> None:
    if count > MAX_PAST_EPOCHS:
        raise LimitError(f"more than {MAX_PAST_EPOCHS} past epochs")


def _prime_text(prime: int) -> str:
    return base64url_encode(prime.to_bytes(_PRIME_BYTES, "big"))


def _prime(text: str) -> int:
    data = base64url_decode(text)
    if len(data) != _PRIME_BYTES:
        raise FormatError(f"a prime has {_PRIME_BYTES} bytes")
    return int.from_bytes(data, "big")


def _past_key(entry: Any) -> PastKey:
    match entry:
        case {"epoch": int(epoch), "p": str(p), "q": str(q), **rest} if not rest:
            return PastKey(epoch, _prime(p), _prime(q))
    raise FormatError("not a past epoch key")
