"""Attacks on health certificates, each by its name: by forgers, by holders, by signers. specs/certificate.md"""

import zlib
from datetime import date
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ownhue.certificate import Certificate, open_certificate
from ownhue.certificate.cose import ES256, PS256
from ownhue.certificate.hcert import MAX_COSE_BYTES, PREFIX, stored
from ownhue.certificate.holder import Owner, check_holder
from ownhue.certificate.issue import Authority, issue_certificate, negative_test, vaccination
from ownhue.certificate.trust_list import TrustList, trust_body, trust_from_body
from ownhue.encoding import base45_encode
from ownhue.errors import FormatError, LimitError, OwnhueError, VerificationError
from tests.protocol.certificate_cases import (
    AUTHORITY,
    CLEARANCE_MAKING,
    CONTENTS,
    NOW,
    OWN_MAKING,
    REGION,
    RSA_KID,
    RSA_MAKING,
    STATE,
    STATE_KID,
    STATE_RSA,
    TEST,
    TRUST,
    UVCI,
    Making,
    claims,
    content,
    ec_key,
    signer,
    trust,
)

GOOD = Making()
ALL = ("clearance", "recovery", "test", "vaccination")
BORN = date(1990, 5, 17)


def refused(text: str, message: str, listed: TrustList = TRUST, now: int = NOW) -> None:
    with pytest.raises(OwnhueError, match=message):
        open_certificate(text, listed, now)


def packed(compressed: bytes) -> str:
    return PREFIX + base45_encode(compressed)


# Forgers.


@pytest.mark.parametrize(
    ("protected", "unprotected", "message"),
    [
        ({1: PS256, 4: STATE_KID}, {}, "algorithm is not its signer's"),
        ({1: ES256, 4: RSA_KID}, {}, "algorithm is not its signer's"),
        ({1: PS256, 4: STATE_KID}, {1: ES256}, "algorithm is not its signer's"),
        ({1: PS256, 4: RSA_KID}, {1: ES256, 4: STATE_KID}, "signature does not hold"),
        ({1: ES256, 4: b"stranger"}, {4: STATE_KID}, "not in the trust list"),
        ({1: None, 4: STATE_KID}, {1: ES256}, "neither ES256 nor PS256"),
        ({1: ES256, 4: None}, {4: STATE_KID}, "no key id"),
        ({1: True, 4: STATE_KID}, {}, "neither ES256 nor PS256"),
        ({1: -7.0, 4: STATE_KID}, {}, "neither ES256 nor PS256"),
        ({1: ES256, 4: STATE_KID, 2: [4]}, {}, "critical"),
        ({1: ES256, 4: STATE_KID}, {2: [4]}, "critical"),
        (bytes.fromhex("a301260448") + STATE_KID + bytes.fromhex("013824"), {}, "a key twice"),
        (bytes.fromhex("a301260448") + STATE_KID + bytes.fromhex("180126"), {}, "a key twice"),
    ],
)
def test_a_header_never_chooses_how_a_key_is_used_or_which(protected: Any, unprotected: Any, message: str) -> None:
    """ES256 for PS256 and the other way round, another key id beside the signed one, keys twice in two spellings."""
    refused(GOOD.but(protected=protected, unprotected=unprotected).text(), message)


def test_an_unprotected_header_changed_on_the_way_changes_nothing() -> None:
    opened = open_certificate(GOOD.but(unprotected={1: PS256, 4: RSA_KID, 9: "x"}).text(), TRUST, NOW)
    assert opened == open_certificate(GOOD.text(), TRUST, NOW)


@pytest.mark.parametrize("tags", [(), (61,), (18, 18), (61, 61, 18), (61, 18, 18), (55799, 18), (18, 61), (98,), (17,)])
def test_tags_are_eighteen_perhaps_inside_sixty_one(tags: tuple[int, ...]) -> None:
    refused(GOOD.but(tags=tags).text(), "not a COSE_Sign1")


@pytest.mark.parametrize("signature", [b"", bytes(64), b"\xff" * 64, bytes(63), bytes(65), bytes(256), bytes(32) * 3])
def test_signatures_of_zeros_and_of_other_lengths_hold_for_nobody(signature: bytes) -> None:
    for making in (GOOD, RSA_MAKING):
        refused(making.but(signature=signature).text(), "signature does not hold")


def test_zlib_bombs_and_streams_in_a_row_are_refused() -> None:
    cose = GOOD.cose()
    with pytest.raises(LimitError):
        open_certificate(packed(zlib.compress(bytes(2_000_000), 9)), TRUST, NOW)
    with pytest.raises(LimitError):
        open_certificate(packed(zlib.compress(bytes(MAX_COSE_BYTES + 1), 9)), TRUST, NOW)
    refused(packed(zlib.compress(bytes(MAX_COSE_BYTES), 9)), "not a COSE_Sign1")
    for compressed in (
        zlib.compress(cose) + zlib.compress(cose),
        zlib.compress(cose) + b"\0",
        stored(cose)[:-1],
        zlib.compress(cose)[2:-4],
        zlib.compressobj(9, zlib.DEFLATED, 31).compress(cose),
        cose,
    ):
        refused(packed(compressed), "zlib")


def test_cbor_that_promises_more_than_it_has_costs_nothing() -> None:
    for promise in (
        "9b7fffffffffffffff",
        "bb7fffffffffffffff",
        "5b7fffffffffffffff",
        "9f" * 9000,
        "bf" * 9000,
        "7f" * 9000,
    ):
        refused(packed(zlib.compress(bytes.fromhex(f"d284{promise}"), 9)), "not a COSE_Sign1")


@pytest.mark.parametrize("usage", ["clearance", "recovery", "test", "vaccination"])
def test_a_signer_signs_only_what_the_list_allows(usage: str) -> None:
    kinds: dict[str, Making] = {
        "clearance": CLEARANCE_MAKING,
        **{
            name: OWN_MAKING.but(claims=claims(CONTENTS[group], iss="XX"))
            for name, group in (("recovery", "r"), ("test", "t"), ("vaccination", "v"))
        },
    }
    only = trust(signer(AUTHORITY.key, country="XX", canonical=True, usages=(usage,)))
    assert open_certificate(kinds.pop(usage).text(), only, NOW).usage == usage
    for making in kinds.values():
        refused(making.text(), "signer may not sign a", only)


def test_two_groups_or_two_entries_never_hide_behind_one() -> None:
    """A signer of tests smuggles a vaccination beside one."""
    tests = trust(signer(STATE, STATE_KID, usages=("test",)))
    body = CONTENTS["t"] | {"v": CONTENTS["v"]["v"]}
    for changed in (body, CONTENTS["t"] | {"t": [TEST, TEST]}, CONTENTS["t"] | {"t": []}, body | {"t": None}):
        refused(GOOD.but(claims=claims(changed)).text(), "not the content|may not sign a vaccination", tests)
    both = claims(CONTENTS["t"]) | {-70_260: CLEARANCE_MAKING.claims[-70_260]}
    refused(GOOD.but(claims=both).text(), "neither a certificate nor a clearance, or both")


def test_a_signer_that_shares_its_key_id_lends_nothing_to_the_other() -> None:
    """Same eight bytes: usages, validity and revocation are those of the key that signed."""
    other = ec_key("another state")
    both = trust(signer(STATE, STATE_KID), signer(other, STATE_KID, usages=("recovery",)))
    assert open_certificate(GOOD.text(), both, NOW).usage == "test"
    refused(GOOD.but(key=other).text(), "may not sign a test", both)
    gone = trust(signer(STATE, STATE_KID, revoked_at=NOW), signer(other, STATE_KID))
    refused(GOOD.text(), "signer was revoked", gone)
    assert open_certificate(GOOD.but(key=other).text(), gone, NOW).usage == "test"


@pytest.mark.parametrize("field", ["not_before", "not_after", "revoked_at"])
def test_the_seconds_at_which_a_signer_begins_and_ends(field: str) -> None:
    for second, good in (
        (NOW - 1, field == "not_before"),
        (NOW, field != "revoked_at"),
        (NOW + 1, field != "not_before"),
    ):
        listed = trust(signer(STATE, STATE_KID, **{field: second}))
        if good:
            assert open_certificate(GOOD.text(), listed, NOW).usage == "test"
        else:
            refused(GOOD.text(), "signer (does not count at this time|was revoked)", listed)


# One spelling.


def test_a_signer_of_one_spelling_is_not_listed_with_a_key_whose_signatures_have_many() -> None:
    """RSASSA-PSS draws a salt: its signer can make any number of texts of one clearance. Our own are ES256."""
    listed = trust_body(trust(signer(STATE_RSA, RSA_KID)))
    listed["signers"][0] |= {"canonical": True, "usages": list(ALL)}
    with pytest.raises(FormatError, match="one spelling"):
        trust_from_body(listed)


def test_a_text_by_rsa_is_never_in_our_one_spelling() -> None:
    """Even where a list said so."""
    one = signer(STATE_RSA, RSA_KID, canonical=True, usages=ALL)
    listed = TrustList.model_construct(region=REGION, revoked={}, signers=(one,))
    for body in (claims(CONTENTS["t"], iss="XX"), CLEARANCE_MAKING.claims):
        refused(RSA_MAKING.but(claims=body).text(), "one spelling", listed)


def test_our_own_always_say_who_issued_them() -> None:
    without = {key: value for key, value in OWN_MAKING.claims.items() if key != 1}
    refused(OWN_MAKING.but(claims=without).text(), "one spelling")
    refused(OWN_MAKING.but(claims=without | {1: None}).text(), "one spelling")


# Holders.


@pytest.mark.parametrize(
    "name", [{"fnt": "<"}, {"fnt": "<<<", "gnt": ""}, {"fnt": "", "gnt": "<"}, {"fnt": "<", "gnt": "<"}]
)
@pytest.mark.parametrize("typed", ["", "-", "<", "'"])
def test_a_certificate_whose_name_is_filling_names_nobody(name: dict[str, str], typed: str) -> None:
    """Else it would be everybody's whose phone was given no name."""
    opened = open_certificate(GOOD.but(claims=claims(content("t", TEST, nam=name, dob=""))).text(), TRUST, NOW)
    assert isinstance(opened, Certificate)
    with pytest.raises(VerificationError, match="names nobody"):
        check_holder(opened, Owner(typed, typed, BORN))
    assert opened.content.names_nobody


def test_a_name_of_nothing_but_filling_is_no_owner_s() -> None:
    opened = open_certificate(GOOD.text(), TRUST, NOW)
    assert isinstance(opened, Certificate)
    for typed in ("", "-", "<<"):
        with pytest.raises(VerificationError, match="another person's"):
            check_holder(opened, Owner(typed, typed, BORN))


# Desks.


@pytest.mark.parametrize("second", [10**20, -(10**20), 2**40, -1])
def test_a_time_that_no_phone_would_take_is_not_issued(second: int) -> None:
    with pytest.raises(FormatError):
        negative_test(AUTHORITY, UVCI, "naat", second, "Desk 1")


def test_kinds_and_codes_that_are_none_are_not_issued() -> None:
    kind: Any = "pcr"
    with pytest.raises(FormatError):
        negative_test(AUTHORITY, UVCI, kind, NOW, "Desk 1")
    vaccine: Any = ("1119349007", "EU/1/20/1528")
    with pytest.raises(FormatError):
        vaccination(AUTHORITY, UVCI, date(2025, 11, 3), 1, 1, vaccine)


def test_nothing_of_a_person_is_in_what_is_told_of_a_broken_certificate() -> None:
    """Wrong in every field: errors name fields, and neither they nor what stands behind them has a value."""
    secret = "GEHEIM"
    body = content("t", TEST | {"ci": secret * 14, "sc": f"{secret}T", "co": secret.lower()}, dob=secret)
    body["nam"] = {"fn": secret * 14, "fnt": f"{secret}!", "gn": 5, "gnt": f"{secret}1"}
    with pytest.raises(FormatError) as caught:
        open_certificate(GOOD.but(claims=claims(body)).text(), TRUST, NOW)
    error: BaseException | None = caught.value
    while error is not None:
        assert secret.lower() not in f"{error} {error!r}".lower()
        error = error.__cause__ or error.__context__
    good = open_certificate(GOOD.text(), TRUST, NOW)
    assert isinstance(good, Certificate)
    shown = f"{good} {good!r} {good.content} {good.entry!r} {good.content.nam} {Owner('Muster', 'Probe', BORN)}".upper()
    assert not [word for word in ("MUSTER", "PROBE", "1990", UVCI) if word in shown]


def test_an_authority_is_refused_another_curve() -> None:
    with pytest.raises(FormatError):
        Authority("XX", "Health Office", ec.derive_private_key(5, ec.SECP384R1()))
    assert issue_certificate(AUTHORITY, negative_test(AUTHORITY, UVCI, "rat", NOW, "Desk 1"), None, NOW, NOW)
