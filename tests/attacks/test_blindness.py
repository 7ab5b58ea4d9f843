"""Issuer and authority, with all computing power there is, link no request to any pass or token: perfect blindness.

Proved pair by pair. For every transcript (request and answer, as the signer saw them) and every pass there is exactly
one blinding factor that makes the pass out of that request; the phone draws it as likely as any other. Each factor is
found here and played again through the phone's own code. specs/pass.md section 4, specs/report.md section 3
"""

from collections.abc import Callable, Iterator
from hashlib import sha384
from itertools import count, product
from math import gcd, lcm, prod
from typing import NamedTuple

import gmpy2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from ownhue.blind_rsa import EXPONENT, blind_sign, pss_spki
from ownhue.errors import OwnhueError, VerificationError
from ownhue.params import ReportType
from ownhue.passes import (
    EpochKey,
    Pass,
    PassRequest,
    finish_pass,
    request_pass,
    token_challenge,
    token_input,
    verify_pass,
)
from ownhue.report import ReportTokenKey, TokenRequest, finish_token, report_message, request_token
from tests.conformance.scripted import EPOCH, ISSUER, Recorder, Script, Stream, epoch_key, rsa_key
from tests.protocol.report_cases import WEEK, keys


class Seen(NamedTuple):
    """What the signer keeps of one request."""

    request: int
    answer: int


class Made(NamedTuple):
    """What the phone has in the end, and the salt in it, which everybody can read out of the signature."""

    pass_: Pass
    salt: bytes


def number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def run(key: EpochKey, sign: Callable[[bytes], bytes], random: Callable[[int], bytes]) -> tuple[Seen, Made]:
    """One pass from beginning to end."""
    recorder = Recorder(random)
    request = request_pass(ISSUER, key, recorder)
    answer = sign(request.blinded)
    made = finish_pass(request, ISSUER, key, answer)
    verify_pass(ISSUER, key, made.public_key, made.signature)
    return Seen(number(request.blinded), number(answer)), Made(made, recorder.taken[1])


def check_every_pair(key: EpochKey, seen: list[Seen], made: list[Made]) -> list[int]:
    """Play every transcript with every pass again; the blinding factors that this takes."""
    n, size = key.public_key.public_numbers().n, key.public_key.key_size // 8
    factors = []
    for (request, answer), (pass_, salt) in product(seen, made):
        # s * r = t is what taking the blinding off means, so this is the only factor that can fit.
        factor = answer * pow(number(pass_.signature), -1, n) % n
        assert gcd(factor, n) == 1
        again: PassRequest = request_pass(ISSUER, key, Script(pass_.seed, salt, factor.to_bytes(size, "big")))
        assert number(again.blinded) == request
        assert finish_pass(again, ISSUER, key, answer.to_bytes(size, "big")) == pass_
        factors.append(factor)
    return factors


def test_every_request_fits_every_pass_of_an_honest_key() -> None:
    key, private = epoch_key(EPOCH), rsa_key(f"issuer {EPOCH}")
    runs = [run(key, lambda m: blind_sign(private, m, Stream("signer")), Stream(f"run {i}")) for i in range(6)]
    factors = check_every_pair(key, [seen for seen, _ in runs], [made for _, made in runs])
    assert len(set(factors)) == 36


@pytest.mark.parametrize("bits", [2048, 3072])
def test_every_claim_fits_every_report_token(bits: int) -> None:
    private = rsa_key("authority", bits)
    key = ReportTokenKey(ReportType.CONFIRMED_TEST, WEEK, private.public_key())
    n, size = key.public_key.public_numbers().n, bits // 8
    claims: list[Seen] = []
    tokens: list[tuple[bytes, bytes, bytes]] = []
    for i in range(1, 5):
        recorder, message = Recorder(Stream(f"claim {i}")), report_message(keys(i))
        request = request_token(message, key, recorder)
        answer = blind_sign(private, request.blinded_message, Stream("signer"))
        claims.append(Seen(number(request.blinded_message), number(answer)))
        tokens.append((message, recorder.taken[0], finish_token(request, key, answer)))
    for (asked, answered), (message, salt, token) in product(claims, tokens):
        factor = answered * pow(number(token), -1, n) % n
        again: TokenRequest = request_token(message, key, Script(salt, factor.to_bytes(size, "big")))
        assert number(again.blinded_message) == asked
        assert finish_token(again, key, answered.to_bytes(size, "big")) == token


def test_a_phone_that_draws_short_factors_would_be_found() -> None:
    """The control: the search above does not find a fitting factor where there is none."""
    key, private = epoch_key(EPOCH), rsa_key(f"issuer {EPOCH}")

    def short(stream: Stream) -> Callable[[int], bytes]:
        return lambda length: (bytes(240) + stream(16)) if length == 256 else stream(length)

    runs = [run(key, lambda m: blind_sign(private, m, Stream("signer")), short(Stream(f"short {i}"))) for i in range(3)]
    factors = check_every_pair(key, [seen for seen, _ in runs], [made for _, made in runs])
    short_ones = [index for index, factor in enumerate(factors) if factor < 2**128]
    assert short_ones == [0, 4, 8]  # each with its own pass, and with no other: linked


# Keys that an issuer makes on purpose. A phone sees only the modulus and cannot know.


def prime(label: str, bits: int, cofactor: int = 1) -> int:
    """A prime of a label, with p - 1 free of e, such that cofactor times prime has exactly *bits* bits."""
    # One and a half times the least such number, so that the product neither overflows nor falls short.
    candidate = (3 << bits - 2) // cofactor + number(Stream(f"prime {label}")(bits // 32))
    while (candidate := int(gmpy2.next_prime(candidate))) % EXPONENT == 1:
        pass
    assert (candidate * cofactor).bit_length() == bits
    return candidate


def public(epoch: int, n: int) -> EpochKey:
    return EpochKey(epoch, pss_spki(rsa.RSAPublicNumbers(EXPONENT, n).public_key()))


def rigged_keys() -> Iterator[tuple[str, int, int]]:
    """(what is wrong, modulus, order of its units): all of them permit exact e-th roots."""
    primes = [prime("a", 700), prime("b", 700)]
    primes.append(prime("c", 2048, prod(primes)))
    yield "three primes", prod(primes), lcm(*(p - 1 for p in primes))
    single = prime("single", 2048)
    yield "a prime", single, single - 1
    p = prime("square", 700)
    q = prime("rest", 2048, p * p)
    yield "a square", p * p * q, lcm(p * (p - 1), q - 1)
    large = prime("large", 2048, 3)
    yield "the factor 3", 3 * large, lcm(2, large - 1)


@pytest.mark.parametrize(("n", "order"), [case[1:] for case in rigged_keys()], ids=[case[0] for case in rigged_keys()])
def test_every_request_fits_every_pass_of_a_key_that_is_none(n: int, order: int) -> None:
    key, root = public(EPOCH, n), pow(EXPONENT, -1, order)
    runs = []
    for label in count():
        try:
            runs.append(run(key, lambda m: pow(number(m), root, n).to_bytes(256, "big"), Stream(f"rigged {label}")))
        except VerificationError:
            continue  # The message shares a factor with the modulus: the phone throws it away before it asks.
        if len(runs) == 4:
            break
    assert len(set(check_every_pair(key, [seen for seen, _ in runs], [made for _, made in runs]))) == 16


class Tagging:
    """An issuer whose exponent divides p - 1: each message that has a root has 65537 of them, and it chooses which.

    So it can put a number into each pass that it signs, and hopes to read it when the pass is shown.
    """

    def __init__(self) -> None:
        cofactor = next(k for k in range(2, 10_000, 2) if k % EXPONENT and gmpy2.is_prime(EXPONENT * k + 1))
        self.p, self.cofactor = EXPONENT * cofactor + 1, cofactor
        self.q = prime("q", 2048, self.p)
        self.n = self.p * self.q
        self.key = public(EPOCH, self.n)
        # An element of order 65537 modulo p, and 1 modulo q.
        generator = next(g for base in range(2, 99) if (g := pow(base, cofactor, self.p)) != 1)
        self.mark = self._joined(generator, 1)

    def has_root(self, value: int) -> bool:
        return pow(value, self.cofactor, self.p) == 1

    def sign(self, message: bytes, tag: int) -> bytes:
        value = number(message)
        of_p = pow(value, pow(EXPONENT, -1, self.cofactor), self.p)
        of_q = pow(value, pow(EXPONENT, -1, self.q - 1), self.q)
        return (self._joined(of_p, of_q) * pow(self.mark, tag, self.n) % self.n).to_bytes(256, "big")

    def _joined(self, of_p: int, of_q: int) -> int:
        return (of_q + (of_p - of_q) * pow(self.q, -1, self.p) % self.p * self.q) % self.n


def pss(message: bytes, salt: bytes) -> int:
    """EMSA-PSS (RFC 8017) for 2048 bits with SHA-384, written a second time."""
    digest = sha384(bytes(8) + sha384(message).digest() + salt).digest()
    mask = number(b"".join(sha384(digest + bytes((0, 0, 0, i))).digest() for i in range(5))[:207])
    block = (mask ^ number(b"\1" + salt)) % 2**1655
    return (block << 8 * 49) | number(digest + b"\xbc")


def salt_with_root(issuer: Tagging, seed: bytes, label: str) -> bytes:
    """A salt whose message has roots: one in 65537. Others never become passes, whatever the issuer answers."""
    public_key = Pass(EPOCH, issuer.key.key_id, seed, b"").public_key
    message = token_input(public_key, token_challenge(ISSUER, EPOCH), issuer.key.key_id)
    start = Stream(label)(44)
    return next(salt for i in count() if issuer.has_root(pss(message, salt := start + i.to_bytes(4, "big")) % issuer.p))


def test_an_issuer_that_tags_passes_by_which_root_it_answers_with_reads_no_tag() -> None:
    issuer = Tagging()
    runs = []
    for tag in (1, 1000, 65536):
        seed = Stream(f"seed {tag}")(32)
        salt = salt_with_root(issuer, seed, f"salt {tag}")
        random = Script(seed, salt, b"\0" + Stream(f"factor {tag}")(255))
        runs.append(run(issuer.key, lambda message, tag=tag: issuer.sign(message, tag), random))  # type: ignore[misc]
    factors = check_every_pair(issuer.key, [seen for seen, _ in runs], [made for _, made in runs])
    assert len(set(factors)) == 9
    # The tag is really in the answer: without the blinding it could be read.
    answers = [pow(seen.answer, issuer.cofactor, issuer.p) for seen, _ in runs]
    assert len(set(answers)) == 3


def test_a_message_without_a_root_never_becomes_a_pass() -> None:
    issuer = Tagging()
    request = request_pass(ISSUER, issuer.key, Stream("no root"))
    for tag in range(4):
        with pytest.raises(OwnhueError):
            finish_pass(request, ISSUER, issuer.key, issuer.sign(request.blinded, tag))


@pytest.mark.parametrize("exponent", [3, 5, 7])
def test_the_argument_holds_for_every_small_modulus(exponent: int) -> None:
    """By exhaustion: whatever n and e are, every (request, answer) and every (message, signature) have one factor."""
    for n in range(3, 64, 2):
        units = [u for u in range(1, n) if gcd(u, n) == 1]
        pairs = [(pow(root, exponent, n), root) for root in units]
        for (request, answer), (message, signature) in product(pairs, pairs):
            fitting = [r for r in units if message * pow(r, exponent, n) % n == request and signature * r % n == answer]
            assert len(fitting) == 1
