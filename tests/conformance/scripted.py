"""A small world of passes and codes in which nothing is random: the same label always gives the same keys.

The vectors under specs/vectors are made in it, and the tests of passes and codes live in it. Its keys are worthless:
anybody can compute them from their labels.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256, shake_256
from typing import Any

import gmpy2
from cryptography.hazmat.primitives.asymmetric import rsa
from nacl.signing import SigningKey

from ownhue.blind_rsa import EXPONENT, blind_sign, pss_spki
from ownhue.code import Code, Statement, sign_code
from ownhue.params import EPOCH_SECONDS
from ownhue.passes import EpochKey, EpochList, Pass, finish_pass, request_pass
from ownhue.verify import CheckpointView

ISSUER = "issuer.example"
#: 2026-06-01
EPOCH = 20605
#: Noon of that day.
NOW = EPOCH * EPOCH_SECONDS + EPOCH_SECONDS // 2
CHALLENGE = bytes(range(0xC0, 0xD0))
RULEBOOK_VERSION = 3
MAX_AGE = 86400
#: Sizes of the published tree heads, with the age of each in seconds at NOW. The first is too old, the second just not.
HEAD_AGES = {40: 2 * 86400, 70: 86400, 100: 7200 * 3, 107: 7200 * 2, 115: 7200, 123: 60}


class Stream:
    """Bytes that look random and depend on the label and on what was taken before; stands in for os.urandom."""

    def __init__(self, label: str) -> None:
        self._label, self._calls = label.encode(), 0

    def __call__(self, length: int) -> bytes:
        self._calls += 1
        return shake_256(self._label + b"/" + str(self._calls).encode()).digest(length)


def flip(data: bytes, bit: int = 0) -> bytes:
    """*data* with one bit turned over, counted from the last."""
    return (int.from_bytes(data, "big") ^ 1 << bit).to_bytes(len(data), "big")


class Script:
    """Exactly these answers, one per call, each of the length that is asked for."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)

    def __call__(self, length: int) -> bytes:
        answer = self._answers.pop(0)
        assert len(answer) == length
        return answer

    @property
    def used_up(self) -> bool:
        return not self._answers


class Recorder:
    """Keeps what was taken from a source, so that intermediate values can be written down."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random, self.taken = random, list[bytes]()

    def __call__(self, length: int) -> bytes:
        self.taken.append(self._random(length))
        return self.taken[-1]


@cache
def rsa_key(label: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The RSA key of a label."""
    random = Stream(f"rsa {bits} {label}")
    p, q = _prime(random, bits // 2), _prime(random, bits // 2)
    return private_key_of(p, q)


def private_key_of(p: int, q: int) -> rsa.RSAPrivateKey:
    """The RSA key of two primes."""
    d = int(gmpy2.invert(EXPONENT, (p - 1) * (q - 1)))
    public = rsa.RSAPublicNumbers(EXPONENT, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), int(gmpy2.invert(q, p)), public).private_key()


def _prime(random: Stream, bits: int) -> int:
    while True:
        # Two leading ones, so that the product of two such primes has twice as many bits.
        start = int.from_bytes(random(bits // 8), "big") | 3 << bits - 2
        prime = int(gmpy2.next_prime(start))
        if prime.bit_length() == bits and prime % EXPONENT != 1:
            return prime


def epoch_key(epoch: int, label: str = "issuer") -> EpochKey:
    """The public key of an epoch; another *label* is another issuer's key, or a second one."""
    return EpochKey(epoch, pss_spki(rsa_key(f"{label} {epoch}").public_key()))


def make_pass(label: str, epoch: int = EPOCH, issuer: str = "issuer", name: str = ISSUER) -> Pass:
    """A pass of an epoch, asked for and signed through the protocol."""
    key = epoch_key(epoch, issuer)
    request = request_pass(name, key, Stream(f"pass {label}"))
    answer = blind_sign(rsa_key(f"{issuer} {epoch}"), request.blinded, Stream("base blinding"))
    return finish_pass(request, name, key, answer)


def root_of(size: int, log: str = "log") -> bytes:
    """A root for a tree of *size* leaves; another *log* has other roots."""
    return sha256(f"{log} {size}".encode()).digest()


def head(size: int, log: str = "log") -> dict[str, Any]:
    """The parts of a statement that name a tree head."""
    return {"tree_size": size, "root_prefix": root_of(size, log)[:8]}


def view() -> CheckpointView:
    """What the checkpoint of this world knows: the keys of two days and six tree heads."""
    heads = {size: (root_of(size), NOW - age) for size, age in HEAD_AGES.items()}
    epochs = EpochList(ISSUER, (epoch_key(EPOCH), epoch_key(EPOCH + 1))).by_short_id
    return CheckpointView(ISSUER, epochs, heads, RULEBOOK_VERSION, NOW - 60, MAX_AGE)


def statement(**changes: Any) -> Statement:
    """A green statement made five seconds before NOW against the newest tree head, with *changes*."""
    return replace(Statement(NOW - 5, 0, RULEBOOK_VERSION, **head(123)), **changes)


def code(pass_: Pass, **changes: Any) -> Code:
    """A code of that statement."""
    return sign_code(pass_, statement(**changes))


@dataclass(frozen=True)
class Forger:
    """Someone who signs whatever they like with a key that they hold, pass or not."""

    seed: bytes

    @property
    def public_key(self) -> bytes:
        return bytes(SigningKey(self.seed).verify_key)

    def sign(self, unsigned: Code) -> Code:
        """*unsigned* with a signature that fits all its other parts, as far as this key can make one."""
        return replace(unsigned, signature=SigningKey(self.seed).sign(unsigned.signed_message()).signature)


def resigned(pass_: Pass, original: Code, **changes: Any) -> Code:
    """*original* with *changes* to its parts, signed again by the pass: only the changed part is wrong."""
    return Forger(pass_.seed).sign(replace(original, **changes))
