"""Health certificates: read, verified, named. specs/certificate.md sections 2, 5 and 6"""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.certificate import Certificate, Clearance, open_certificate, read_unverified
from ownhue.certificate.content import (
    RecoveryEntry,
    ResultEntry,
    VaccinationEntry,
    parse_content,
)
from ownhue.certificate.cose import parse_sign1
from ownhue.certificate.hcert import PREFIX, stored
from ownhue.encoding import base45_encode
from ownhue.errors import FormatError, OwnhueError, VerificationError
from tests.protocol.certificate_cases import (
    CLEARANCE,
    CLEARANCE_MAKING,
    CONTENTS,
    EXPIRES,
    FINDING,
    ISSUED,
    NOW,
    OWN_MAKING,
    OWN_SIGNER,
    PERSON,
    RSA_MAKING,
    STATE,
    STATE_KID,
    TEST,
    TRUST,
    UVCI,
    Making,
    claims,
    content,
    ec_key,
    signer,
    trust,
    with_upper_half,
)
from tests.shared import SPECS


def opened(making: Making, listed: Any = TRUST, now: int = NOW) -> Certificate:
    found = open_certificate(making.text(), listed, now)
    assert isinstance(found, Certificate)
    return found


def refused(making: Making, message: str, listed: Any = TRUST, now: int = NOW) -> None:
    with pytest.raises((FormatError, VerificationError), match=message):
        open_certificate(making.text(), listed, now)


@pytest.mark.parametrize(("group", "kind"), [("t", ResultEntry), ("r", RecoveryEntry), ("v", VaccinationEntry)])
def test_each_kind_is_read(group: str, kind: type) -> None:
    found = opened(Making(claims=claims(CONTENTS[group])))
    assert isinstance(found.entry, kind)
    assert (found.kid, found.issuer, found.issued_at, found.expires_at) == (STATE_KID, "AT", ISSUED, EXPIRES)
    assert found.usage == {"t": "test", "r": "recovery", "v": "vaccination"}[group]


def test_what_is_read_unverified_is_the_same_and_asks_for_no_signer() -> None:
    assert read_unverified(Making().text()) == opened(Making())
    assert isinstance(read_unverified(Making(signature=b"none").text()), Certificate)
    assert isinstance(read_unverified(CLEARANCE_MAKING.text()), Clearance)


def test_the_example_of_the_spec_is_the_first_vector() -> None:
    example = (SPECS / "certificate.md").read_text().split("```")[1]
    first = json.loads((SPECS / "vectors" / "certificate.json").read_bytes())["cases"][0]
    assert first["input"]["text"][:43] in example
    assert first["output"]["compressed"][:28] in example
    assert first["output"]["cose"] == Making().cose().hex()
    squeezed = "".join(example.split())
    assert squeezed.count(f"{first['output']['cose'][:48]}...5840{first['output']['signature'][:8]}...") == 1


def test_a_forged_certificate_is_refused_before_it_is_looked_at() -> None:
    """What it says would be refused too, but nothing of it was read."""
    forged = Making(key=ec_key("forger"), payload=b"\xff")
    refused(forged, "signature does not hold")


def test_a_signer_of_one_kind_signs_no_other() -> None:
    for group, usage in (("t", "test"), ("r", "recovery"), ("v", "vaccination")):
        making = Making(claims=claims(CONTENTS[group]))
        opened(making, trust(signer(STATE, STATE_KID, usages=(usage,))))
        others = tuple(sorted({"test", "recovery", "vaccination"} - {usage}))
        refused(making, f"may not sign a {usage}", trust(signer(STATE, STATE_KID, usages=others)))


def test_times_are_inclusive() -> None:
    opened(Making(), now=ISSUED)
    opened(Making(), now=EXPIRES)
    refused(Making(), "does not count yet", now=ISSUED - 1)
    refused(Making(), "has expired", now=EXPIRES + 1)
    narrow = trust(signer(STATE, STATE_KID, not_before=NOW, not_after=NOW + 1))
    opened(Making(), narrow, NOW)
    opened(Making(), narrow, NOW + 1)
    for now in (NOW - 1, NOW + 2):
        refused(Making(), "signer does not count at this time", narrow, now)


def test_a_back_dated_certificate_of_a_revoked_signer_is_refused() -> None:
    """The time of issue is the signer's own word: whoever stole its key writes a time before the theft."""
    stolen = trust(signer(STATE, STATE_KID, revoked_at=NOW - 100))
    refused(Making(claims=claims(CONTENTS["t"], iat=NOW - 5000)), "signer was revoked", stolen)


def test_a_second_signer_of_the_same_key_id_is_tried() -> None:
    other = ec_key("other")
    both = trust(signer(STATE, STATE_KID), signer(other, STATE_KID))
    opened(Making(), both)
    opened(Making(key=other), both)
    refused(Making(key=ec_key("third")), "signature does not hold", both)
    refused(Making(protected={1: -37, 4: STATE_KID}), "algorithm is not its signer's", both)


def test_the_second_signer_s_own_limits_count() -> None:
    other = ec_key("other")
    both = trust(signer(STATE, STATE_KID), signer(other, STATE_KID, usages=("vaccination",)))
    refused(Making(key=other), "may not sign a test", both)


def test_a_certificate_is_revoked_by_the_digest_of_its_id_as_it_is_written() -> None:
    digest = opened(Making()).revocation_digest.hex()
    refused(Making(), "certificate was revoked", trust(signer(STATE, STATE_KID), revoked={digest: NOW}))
    opened(Making(), trust(signer(STATE, STATE_KID), revoked={digest: NOW + 1}))
    lower = Making(claims=claims(content("t", TEST | {"ci": UVCI.lower()})))
    assert opened(lower).revocation_digest.hex() != digest


def test_the_eu_s_hash_of_a_certificate_id() -> None:
    """SHA-256 of the UVCI, first half, as the EU's revocation lists have it; computed by hand with sha256sum."""
    body = content("t", TEST | {"ci": "URN:UVCI:01:XX:5"})
    digest = opened(Making(claims=claims(body))).revocation_digest.hex()
    assert digest == "e412fc139e39e141ad52e3e468ffc3bd"


def test_the_same_statement_has_one_id_however_it_is_written_or_signed() -> None:
    first = opened(Making())
    again = [
        Making(level=9),
        Making(tags=(61, 18)),
        Making(claims=claims(content("t", TEST | {"ci": UVCI.lower()}))),
        Making(claims=claims(content("t", TEST | {"ci": UVCI.removeprefix("URN:UVCI:")}))),
        Making(claims=claims(CONTENTS["t"], exp=EXPIRES + 1)),
        RSA_MAKING,
        OWN_MAKING,
    ]
    assert {opened(making).id for making in again} == {first.id}
    assert opened(Making(claims=claims(content("t", TEST | {"ci": UVCI[:-1]})))).id != first.id


def test_nothing_personal_shows_in_a_repr_or_in_an_error() -> None:
    secret = ("MUSTER", "Muster", "1990", "000102030405", "Desk 1", "LP6464", "08:30")
    found = opened(Making())
    shown = repr(found) + repr(found.content) + str(found.content) + repr(found.entry) + repr(found.content.nam)
    clearance = repr(open_certificate(CLEARANCE_MAKING.text(), TRUST, NOW))
    assert not any(word in shown for word in secret)
    assert FINDING not in clearance
    changes: list[dict[str, Any]] = [
        {"nam": PERSON | {"fnt": "Muster"}},
        {"dob": "1990-05-32"},
        {"t": [TEST | {"sc": "2026-13-05T08:30:00Z"}]},
        {"t": [TEST | {"ci": ["000102030405"]}]},
        {"t": [TEST | {"sc": "2026-01-05T08:30:00+99:00"}]},
    ]
    for change in changes:
        with pytest.raises(FormatError) as caught:
            parse_content(CONTENTS["t"] | change)
        assert not any(word in str(caught.value) for word in secret), caught.value
        assert caught.value.__cause__ is None


SPELLINGS = [
    OWN_MAKING.but(signature=with_upper_half(parse_sign1(OWN_MAKING.cose()).signature)),
    OWN_MAKING.but(level=9),
    OWN_MAKING.but(tags=(61, 18)),
    OWN_MAKING.but(unprotected={5: b"x"}),
    OWN_MAKING.but(protected={}, unprotected=OWN_MAKING.protected),
    OWN_MAKING.but(protected={**OWN_MAKING.protected, 3: 61}),
    OWN_MAKING.but(claims={**OWN_MAKING.claims, 7: b"id"}),
    OWN_MAKING.but(claims=claims(CONTENTS["t"], iss="XX", exp=float(EXPIRES))),
    OWN_MAKING.but(claims=claims(CONTENTS["t"], iss="XX", nbf=ISSUED)),
    OWN_MAKING.but(claims=claims(content("t", TEST, meta="x"), iss="XX")),
    OWN_MAKING.but(claims=claims(content("t", TEST, v=None), iss="XX")),
    OWN_MAKING.but(claims=claims(content("t", TEST | {"sc": "2026-01-05T09:30:00+01:00"}), iss="XX")),
    OWN_MAKING.but(claims=claims(content("t", TEST | {"nm": None}), iss="XX")),
    OWN_MAKING.but(claims=claims(content("t", TEST, dob="1990-05-17T00:00:00"), iss="XX")),
    CLEARANCE_MAKING.but(claims={**CLEARANCE_MAKING.claims, -70_260: CLEARANCE | {"note": "x"}}),
    CLEARANCE_MAKING.but(level=9),
]


@pytest.mark.parametrize("making", SPELLINGS)
def test_our_own_certificates_have_one_spelling(making: Making) -> None:
    """A second spelling would be a second QR code that means the same, for whoever wants to mark people by it."""
    refused(making, "one spelling", trust(OWN_SIGNER))
    if isinstance(read_unverified(making.text()), Certificate):
        opened(making, trust(replace_signer(canonical=False)))


def replace_signer(**changes: Any) -> Any:
    return OWN_SIGNER.model_copy(update={"usages": ("recovery", "test", "vaccination"), **changes})


def test_one_spelling_of_the_payload() -> None:
    for making in (OWN_MAKING, CLEARANCE_MAKING):
        payload = replace(making).cose()
        other = b"\xd8\x12" + payload[1:]  # the tag 18 in two bytes
        text = PREFIX + base45_encode(stored(other))
        with pytest.raises(FormatError, match="one spelling"):
            open_certificate(text, TRUST, NOW)


@given(st.text(max_size=40) | st.binary(max_size=200).map(lambda data: PREFIX + base45_encode(stored(data))))
def test_no_foreign_error_leaves_the_reader(text: str) -> None:
    for read in (read_unverified, lambda one: open_certificate(one, TRUST, NOW)):
        with pytest.raises(OwnhueError):
            read(text)


@given(st.data())
def test_one_changed_letter_anywhere_is_refused(data: st.DataObject) -> None:
    text = Making().text()
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:a_"))
    changed = text[:at] + letter + text[at + 1 :]
    if changed != text:
        with pytest.raises(OwnhueError):
            open_certificate(changed, TRUST, NOW)
