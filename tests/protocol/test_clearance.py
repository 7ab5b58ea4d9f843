"""Clearances: the authority takes back one finding. specs/certificate.md section 3"""

from typing import Any

import pytest
from hypothesis import given

from ownhue.certificate import Clearance, open_certificate
from ownhue.certificate.content import parse_clearance
from ownhue.certificate.facts import clearance_fact
from ownhue.certificate.issue import issue_clearance
from ownhue.errors import FormatError, VerificationError
from tests.protocol.certificate_cases import (
    ANYTHING,
    AUTHORITY,
    CLEARANCE,
    CLEARANCE_MAKING,
    EXPIRES,
    FINDING,
    ISSUED,
    NOW,
    OWN_SIGNER,
    REGION,
    TRUST,
    Making,
    trust,
)

FOR_RESULTS = OWN_SIGNER.model_copy(update={"usages": ("recovery", "test", "vaccination")})


def refused(making: Making, message: str, listed: Any = TRUST, now: int = NOW) -> None:
    with pytest.raises((FormatError, VerificationError), match=message):
        open_certificate(making.text(), listed, now)


def test_what_is_issued_is_opened_and_is_what_another_writer_makes() -> None:
    text = issue_clearance(AUTHORITY, REGION, FINDING, ISSUED, EXPIRES)
    assert text == CLEARANCE_MAKING.text() == issue_clearance(AUTHORITY, REGION, FINDING, ISSUED, EXPIRES)
    found = open_certificate(text, TRUST, NOW)
    assert isinstance(found, Clearance)
    fact = clearance_fact(found, NOW)
    assert (fact.finding, fact.issued_at, fact.learned_at) == (FINDING, ISSUED, NOW)


@pytest.mark.parametrize("finding", ["", "0F1E2D3C4B5A6978", "0f1e2d3c4b5a69780", "0f1e2d3c4b5a697\n"])
def test_what_no_phone_would_take_is_not_issued(finding: str) -> None:
    with pytest.raises(FormatError):
        issue_clearance(AUTHORITY, REGION, finding, ISSUED, EXPIRES)


def test_a_clearance_is_the_authority_s_alone() -> None:
    found = open_certificate(CLEARANCE_MAKING.text(), TRUST, NOW)
    assert isinstance(found, Clearance)
    assert (found.body.finding, found.body.region, found.body.issued_at) == (CLEARANCE["finding"], "demo", ISSUED)
    assert found.usage == "clearance"
    refused(Making(claims=CLEARANCE_MAKING.claims), "may not sign a clearance")
    refused(
        CLEARANCE_MAKING,
        "may not sign a clearance",
        trust(FOR_RESULTS),
    )
    refused(CLEARANCE_MAKING, "expired", now=EXPIRES + 1)
    revoked = trust(OWN_SIGNER, revoked={found.revocation_digest.hex(): NOW})
    refused(CLEARANCE_MAKING, "was revoked", revoked)


@pytest.mark.parametrize(
    "change",
    [
        {"finding": "0F1E2D3C4B5A6978"},
        {"finding": "0f1e2d3c4b5a697"},
        {"finding": b"\x0f" * 8},
        {"finding": None},
        {"region": "Demo"},
        {"region": ""},
        {"issued_at": ISSUED - 1},
        {"issued_at": float(ISSUED)},
        {"issued_at": True},
        {"issued_at": 2**32},
    ],
)
def test_clearances_of_another_shape_are_refused(change: dict[str, Any]) -> None:
    making = CLEARANCE_MAKING.but(claims={**CLEARANCE_MAKING.claims, -70_260: CLEARANCE | change})
    refused(making, "not the content of a clearance")


def test_a_clearance_of_another_region_is_refused() -> None:
    making = CLEARANCE_MAKING.but(claims={**CLEARANCE_MAKING.claims, -70_260: CLEARANCE | {"region": "other"}})
    refused(making, "another region")


@given(ANYTHING)
def test_no_foreign_error_leaves_a_clearance(value: Any) -> None:
    body = value if isinstance(value, dict) else CLEARANCE | {"finding": value}
    try:
        parse_clearance(body)
    except FormatError:
        return
