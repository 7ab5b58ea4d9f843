"""Every valid certificate mutated field by field, signed again where a signature would hide the step under test.

Each numbered step of specs/certificate.md section 5 fails at least a hundred times with its own error. What is not
signed again is never accepted; what is, is accepted only as what its signer signed, and of our own signer in one
spelling only.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from zoneinfo import ZoneInfo

import cbor2
import pytest

from ownhue.certificate import Certificate, Clearance, open_certificate
from ownhue.certificate.content import content_body, parse_content
from ownhue.certificate.cose import parse_sign1, protected_header, sign1_bytes
from ownhue.certificate.facts import certificate_fact
from ownhue.certificate.hcert import PREFIX, Claims, claims_bytes, pack, stored, unpack
from ownhue.certificate.trust_list import TrustList, trust_body, trust_from_body
from ownhue.encoding import base45_decode, base45_encode
from ownhue.errors import FormatError, LimitError, OwnhueError, VerificationError
from tests.conformance.mutate import Tally, flipped, mutations
from tests.protocol.certificate_cases import (
    AUTHORITY,
    CLEARANCE_MAKING,
    CONTENTS,
    NOW,
    OWN_MAKING,
    OWN_SIGNER,
    RSA_MAKING,
    STATE,
    STATE_KID,
    TRUST,
    Making,
    claims,
    ec_key,
    signer,
    trust,
)

STATES = [Making(claims=claims(body)) for body in CONTENTS.values()]
OWN = [OWN_MAKING.but(claims=claims(body, iss="XX")) for body in CONTENTS.values()]
MAKINGS = [*STATES, *OWN, CLEARANCE_MAKING, STATES[0].but(tags=(61, 18)), STATES[1].but(level=9)]

#: The error of each step: its class and how its sentence begins or ends. specs/certificate.md section 5
STEPS: dict[str, tuple[type[OwnhueError], str]] = {
    "1 text": (FormatError, "text begins with HC1:|text has at most 4296 characters"),
    "2 Base45": (FormatError, "^not Base45"),
    "3 zlib": (FormatError, "zlib|unpacks to at most"),
    "4 COSE_Sign1": (FormatError, "^not a COSE_Sign1"),
    "5 headers": (FormatError, "^not the headers of a certificate"),
    "6 signer known": (VerificationError, "signer is not in the trust list$"),
    "7 algorithm": (VerificationError, "algorithm is not its signer's$"),
    "8 signature": (VerificationError, "signature does not hold"),
    "9 claims": (FormatError, "^not the claims of a certificate"),
    "10 content": (FormatError, "^not the content of a (certificate|clearance)"),
    "11 usage": (VerificationError, "signer may not sign a|of another region$"),
    "12 time": (VerificationError, "^the certificate (does not count yet|has expired)$"),
    "13 signer's time": (VerificationError, "signer (does not count at this time|was revoked)$"),
    "14 one spelling": (FormatError, "not in its signer's one spelling$"),
    "15 revoked": (VerificationError, "^the certificate was revoked$"),
}


def step_of(error: OwnhueError) -> str:
    """The one step whose error this is."""
    fitting = [step for step, (kind, text) in STEPS.items() if isinstance(error, kind) and re.search(text, str(error))]
    assert len(fitting) == 1, (error, fitting)
    return fitting[0]


def attempt(text: str, tally: Tally, listed: TrustList = TRUST, now: int = NOW) -> Certificate | Clearance | None:
    """What was accepted; None, and the step counted, where it was refused."""
    try:
        return open_certificate(text, listed, now)
    except OwnhueError as error:
        tally.add(step_of(error))
        return None


def texts(making: Making, random: Random) -> Iterator[str]:
    """Mutants of the outer layers, none of them signed again."""
    text, cose = making.text(), making.cose()
    yield from (mutant for _, mutant in mutations(text, random, 10) if isinstance(mutant, str) and mutant != text)
    compressed = base45_decode(text.removeprefix(PREFIX))
    for _ in range(40):
        at = random.randrange(len(text))
        yield text[:at] + random.choice("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:") + text[at + 1 :] + "!"
        yield PREFIX + base45_encode(flipped(compressed, random))
        yield PREFIX + base45_encode(compressed[: random.randrange(len(compressed))])
        yield PREFIX + base45_encode(stored(flipped(cose, random)))
        yield PREFIX + base45_encode(zlib.compress(cose[: random.randrange(len(cose))]))
    yield PREFIX + base45_encode(zlib.compress(bytes(20_000)))


@pytest.mark.parametrize("making", MAKINGS)
def test_what_is_not_signed_again_is_never_accepted(making: Making) -> None:
    random, tally = Random(5), Tally()
    for text in texts(making, random):
        if attempt(text, tally) is not None:
            # The last bits of compressed data that are not used may be any; of our own there is no compressed data.
            assert making.level is not None
            assert unpack(text) == making.cose()
    tally.require(["2 Base45", "3 zlib", "4 COSE_Sign1", "8 signature"], 10)


def signed_again(making: Making, random: Random, rounds: int) -> Iterator[Making]:
    """Mutants of every header, claim and field of the content, signed again by the same key."""
    for _, header in mutations(making.protected, random, rounds):
        yield making.but(protected=header)
    for _, header in mutations({1: -7, 4: STATE_KID, 9: "x"}, random, rounds):
        yield making.but(protected={}, unprotected=header)
    for _, found in mutations(making.claims, random, rounds):
        yield making.but(claims=found)
    for _ in range(5 * rounds):
        yield making.but(protected=making.protected | {1: -37 if making.protected[1] == -7 else -7})


def respelled(making: Making, random: Random, rounds: int) -> Iterator[Making]:
    """Other texts of the same statement, signed again by the same key."""
    name = random.choice
    for _ in range(rounds):
        yield making.but(level=random.randrange(1, 10))
        yield making.but(tags=(61, 18))
        yield making.but(protected=making.protected | {random.randrange(5, 1000): name([0, b"", "x"])})
        yield making.but(unprotected={random.randrange(5, 1000): name([0, b"", "x"])})
        yield making.but(claims=making.claims | {random.randrange(7, 1000): name([0, b"", "x", None])})
        shuffled = list(making.claims.items())
        random.shuffle(shuffled)
        items = b"".join(cbor2.dumps(key) + cbor2.dumps(value) for key, value in shuffled)
        yield making.but(payload=b"\xbf" + items + b"\xff")


def same_as_signed(making: Making, opened: Certificate | Clearance) -> bool:
    """Whether what was accepted is what was signed."""
    if isinstance(opened, Clearance):
        assert (opened.body.region, opened.body.issued_at) == (TRUST.region, opened.issued_at)
        return content_body(opened.body) == dict(making.claims[-70_260])
    return opened.content == parse_content(making.claims[-260][1])


def one_text(making: Making, opened: Certificate | Clearance) -> str:
    """The text that our own writer makes of what was accepted."""
    body = content_body(opened.content if isinstance(opened, Certificate) else opened.body)
    certificate, clearance = (body, None) if isinstance(opened, Certificate) else (None, body)
    payload = claims_bytes(Claims(opened.issuer, opened.issued_at, opened.expires_at, certificate, clearance))
    signature = parse_sign1(making.cose()).signature
    return pack(sign1_bytes(protected_header(-7, opened.kid), payload, signature))


def test_what_is_signed_again_is_accepted_as_what_its_signer_signed() -> None:
    random, tally, accepted = Random(6), Tally(), 0
    for making in MAKINGS:
        for mutant in (*signed_again(making, random, 3), *respelled(making, random, 10)):
            opened = attempt(mutant.text(), tally)
            if opened is None:
                continue
            accepted += 1
            assert same_as_signed(mutant, opened)
            if opened.kid == AUTHORITY.kid:
                assert mutant.text() == one_text(mutant, opened)
    tally.require(["5 headers", "6 signer known", "7 algorithm", "9 claims", "10 content", "14 one spelling"])
    assert accepted > 1000  # other texts in the same fields


def trusts(random: Random, rounds: int) -> Iterator[TrustList]:
    """Lists in which something about the signers is another, as far as they are lists."""
    body = trust_body(trust(OWN_SIGNER, signer(STATE, STATE_KID)))
    found = [mutant for _, mutant in mutations(body, random, rounds)]
    for _ in range(120):
        other = ec_key(str(random.randrange(5)))
        found.append(trust_body(trust(signer(other, STATE_KID, not_before=NOW - random.randrange(3)))))
        usages = tuple(sorted(random.sample(["recovery", "test", "vaccination"], random.randrange(1, 3))))
        found.append(trust_body(trust(OWN_SIGNER.model_copy(update={"usages": usages}))))
        found.append(trust_body(trust(signer(STATE, STATE_KID, not_after=NOW + random.randrange(-90, 90)))))
        found.append(trust_body(trust(signer(STATE, STATE_KID, revoked_at=NOW + random.randrange(-90, 90)))))
    for mutant in found:
        try:
            yield trust_from_body(mutant)
        except FormatError:
            continue


def test_every_field_of_a_signer_matters() -> None:
    random, tally = Random(7), Tally()
    accepting = 0
    for listed in trusts(random, 8):
        for making in (STATES[0], OWN[1], CLEARANCE_MAKING):
            opened = attempt(making.text(), tally, listed)
            if opened is None:
                continue
            accepting += 1
            signers = listed.signers_of(opened.kid)
            assert any(
                opened.usage in one.usages
                and one.not_before <= NOW <= one.not_after
                and (one.revoked_at is None or one.revoked_at > NOW)
                for one in signers
            )
    tally.require(["6 signer known", "8 signature", "11 usage", "13 signer's time"])
    assert accepting > 100


def test_every_second_outside_is_refused() -> None:
    random, tally = Random(8), Tally()
    for _ in range(60):
        begin = NOW + random.randrange(-(10**6), 10**6)
        end = begin + random.randrange(10**6)
        making = STATES[0].but(claims=claims(CONTENTS["t"], iat=begin, exp=end))
        for now in (begin - 1, end + 1, begin - random.randrange(1, 10**6), end + random.randrange(1, 10**6)):
            assert attempt(making.text(), tally, now=now) is None
        assert attempt(making.text(), tally, now=random.randrange(begin, end + 1)) is not None
    tally.require(["12 time"], 200)


def test_every_revoked_certificate_is_refused_and_no_other() -> None:
    random, tally = Random(9), Tally()
    made = [mutant for making in (STATES[0], OWN[2]) for mutant in signed_again(making, random, 1)]
    opened = [found for mutant in made if (found := attempt(mutant.text(), tally)) is not None]
    kept = {found.revocation_digest.hex() for found in opened[::2]}
    listed = trust(*TRUST.signers, revoked=dict.fromkeys(sorted(kept), NOW))
    for mutant in made:
        before, after = attempt(mutant.text(), Tally()), attempt(mutant.text(), tally, listed)
        if before is not None:
            assert (after is None) == (before.revocation_digest.hex() in kept)
    tally.require(["15 revoked"])


def test_every_step_fails_a_hundred_times_with_its_own_error() -> None:
    random, tally = Random(10), Tally()
    for making in MAKINGS:
        for text in texts(making, random):
            attempt(text, tally)
    for making in STATES + OWN:
        for mutant in (*signed_again(making, random, 4), *respelled(making, random, 8)):
            attempt(mutant.text(), tally)
    for listed in trusts(random, 1):
        for making in (STATES[0], OWN[1], CLEARANCE_MAKING):
            attempt(making.text(), tally, listed)
    for number in range(100):
        attempt(STATES[0].text(), tally, now=NOW + (10**7 + number) * (-1) ** number)
        revoked = trust(*TRUST.signers, revoked={_digest(): NOW - number})
        attempt(STATES[0].text(), tally, revoked)
    tally.require(list(STEPS))


def _digest() -> str:
    return open_certificate(STATES[0].text(), TRUST, NOW).revocation_digest.hex()


def test_a_key_of_one_kind_never_accepts_the_other_algorithm() -> None:
    """Steps 7 and 8 with RSA, whose signatures are slow to make: each mutant of the signature and of the header."""
    random, tally = Random(11), Tally()
    sign1 = parse_sign1(RSA_MAKING.cose())
    for _ in range(100):
        bad = RSA_MAKING.but(signature=flipped(sign1.signature, random))
        assert attempt(bad.text(), tally) is None
        named = replace(RSA_MAKING, protected={1: -7, 4: RSA_MAKING.protected[4]}, signature=sign1.signature)
        assert attempt(named.text(), tally) is None
    tally.require(["7 algorithm", "8 signature"])


def test_a_mutated_certificate_gives_no_fact_of_another_meaning() -> None:
    """A test that is not negative in every code never becomes a negative test."""
    random = Random(12)
    for _, body in mutations(CONTENTS["t"], random, 6):
        opened = attempt(STATES[0].but(claims=claims(body)).text(), Tally())
        if not isinstance(opened, Certificate):
            continue
        entry = body["t"][0]
        try:
            fact = certificate_fact(opened, TRUST, ZoneInfo("UTC"), NOW)
        except VerificationError:
            continue
        assert fact.kind == "negative_test"
        assert (entry["tr"], entry["tg"], entry["tt"]) == ("260415000", "840539006", "LP6464-4")


def test_the_table_of_steps_can_tell_errors_apart() -> None:
    assert step_of(LimitError("a certificate's text has at most 4296 characters")) == "1 text"
    for error in (FormatError("something else"), VerificationError("not Base45")):
        with pytest.raises(AssertionError):
            step_of(error)
