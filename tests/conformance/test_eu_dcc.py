"""The EU's official test certificates, check by check, with the outcome that their authors expect.

The checks are those of the collection's README (eu-digital-green-certificates/dgc-testdata, Apache-2.0). The shared
file has the fields JSON, COSE, PREFIX and CERTIFICATE, and not CBOR, COMPRESSED, BASE45 and 2DCODE, so a check that
compares with one of those asks for what it can. specs/certificate.md section 8 states the numbers below.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import pytest

from ownhue.certificate import Certificate, open_certificate, read_unverified
from ownhue.certificate.content import parse_content
from ownhue.certificate.cose import parse_sign1, verify_sign1
from ownhue.certificate.hcert import Claims, decode_text, decompress, parse_claims, unpack, without_prefix
from ownhue.certificate.trust_list import TrustList
from ownhue.certificate.x509 import signer_from_x509
from ownhue.encoding import base45_decode, cbor_decode, cbor_encode
from ownhue.errors import OwnhueError, VerificationError
from tests.shared import SPECS, shared_path

Case = Mapping[str, Any]

#: Checks that are not made, with the reason. The last two are in no list of checks of the collection.
NOT_APPLICABLE = {
    "EXPECTEDPICTUREDECODE": "the pictures are not in the shared file",
    "EXPECTEDRESULTS": "a group's name that slipped into the group (ES)",
    "EXPTECTEDEXPIRED": "misspelt, and of no stated meaning (BG)",
}
#: (case, check) that come out otherwise than expected, with the reason. There is none.
DEVIATIONS: dict[tuple[str, str], str] = {}


@cache
def cases() -> dict[str, Case]:
    return {case["id"]: case for case in json.loads(shared_path("vectors/eu-dcc.json").read_bytes())}


def cose(case: Case) -> bytes:
    """The COSE_Sign1 of a case: the field, where it has one."""
    return bytes.fromhex(case["COSE"]) if case["COSE"] else unpack(case["PREFIX"])


def trust(case: Case) -> TrustList:
    """A trust list of the case's one signer."""
    signer = signer_from_x509(base64.b64decode(case["CERTIFICATE"]), "XX")
    return TrustList(region="demo", revoked={}, signers=(signer,))


def clock(case: Case) -> int:
    """The moment at which a case wants to be looked at. Some lack a time zone: UTC then."""
    match = re.fullmatch(r"(.{19})(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?", case["VALIDATIONCLOCK"])
    assert match is not None
    zone = match[2] or "Z"
    return int(
        datetime.fromisoformat(
            match[1] + (zone if ":" in zone or zone == "Z" else f"{zone[:3]}:{zone[3:]}")
        ).timestamp()
    )


def claims(case: Case) -> Claims:
    return parse_claims(parse_sign1(cose(case)).payload)


def unprefix(case: Case) -> None:
    without_prefix(case["PREFIX"])


def b45_decode(case: Case) -> None:
    base45_decode(without_prefix(case["PREFIX"]))


def compression(case: Case) -> None:
    found = decompress(decode_text(case["PREFIX"]))
    assert case["COSE"] is None or found.hex() == case["COSE"].lower()


def decode(case: Case) -> None:
    found = claims(case).certificate
    assert case["JSON"] is None or found == case["JSON"]


def valid_json(case: Case) -> None:
    found = read_unverified(case["PREFIX"])
    assert isinstance(found, Certificate)
    raw = parse_claims(parse_sign1(unpack(case["PREFIX"])).payload).certificate
    assert case["JSON"] is None or raw == case["JSON"]


def valid_object(case: Case) -> None:
    parse_content(case["JSON"] if case["JSON"] is not None else claims(case).certificate or {})


def encode(case: Case) -> None:
    body = case["JSON"] if case["JSON"] is not None else claims(case).certificate
    assert cbor_decode(cbor_encode(body)) == body == claims(case).certificate


def schema_validation(case: Case) -> None:
    parse_content(claims(case).certificate or {})


def verify(case: Case) -> None:
    sign1 = parse_sign1(cose(case))
    signers = trust(case).signers_of(sign1.kid)
    if not signers:
        raise VerificationError("not this signer")
    assert signers[0].algorithm == sign1.algorithm
    verify_sign1(sign1, signers[0].key)


def key_usage(case: Case) -> None:
    verify(case)
    usage = parse_content(claims(case).certificate or {}).usage
    if usage not in trust(case).signers[0].usages:
        raise VerificationError("not for this kind")


def expiration_check(case: Case) -> None:
    found = claims(case)
    if not found.issued_at <= clock(case) <= found.expires_at:
        raise VerificationError("not at this time")


CHECKS: dict[str, Callable[[Case], None]] = {
    "EXPECTEDUNPREFIX": unprefix,
    "EXPECTEDB45DECODE": b45_decode,
    "EXPECTEDCOMPRESSION": compression,
    "EXPECTEDDECODE": decode,
    "EXPECTEDVALIDJSON": valid_json,
    "EXPECTEDVALIDOBJECT": valid_object,
    "EXPECTEDENCODE": encode,
    "EXPECTEDSCHEMAVALIDATION": schema_validation,
    "EXPECTEDVERIFY": verify,
    "EXPECTEDKEYUSAGE": key_usage,
    "EXPECTEDEXPIRATIONCHECK": expiration_check,
}


def holds(case: Case, check: str) -> bool:
    """Whether a check succeeds here: by an error of ours or a difference it fails, by any other it breaks the test."""
    try:
        CHECKS[check](case)
    except (OwnhueError, AssertionError):
        return False
    return True


def expectations() -> list[tuple[str, str, bool]]:
    return [
        (name, check, wanted)
        for name, case in cases().items()
        for check, wanted in case["EXPECTED"].items()
        if check not in NOT_APPLICABLE
    ]


def test_every_check_of_every_case_comes_out_as_expected_but_for_the_listed_deviations() -> None:
    assert len(cases()) == 72
    found = {(name, check) for name, check, wanted in expectations() if holds(cases()[name], check) != wanted}
    assert found == DEVIATIONS.keys()


def test_the_spec_states_how_often_each_check_was_made() -> None:
    text = (SPECS / "certificate.md").read_text()
    made = Counter((check, wanted) for _, check, wanted in expectations())
    for check in CHECKS:
        assert f"| {check} | {made[check, True]} | {made[check, False]} |" in text, check
    for check, reason in NOT_APPLICABLE.items():
        count = sum(check in case["EXPECTED"] for case in cases().values())
        assert f"| {check} | {count}, not made: {reason} | |" in text, check
    assert sum(made.values()) == sum(len(case["EXPECTED"].keys() & CHECKS.keys()) for case in cases().values())


def test_the_whole_reader_takes_what_is_valid_and_nothing_else() -> None:
    """Beyond the single checks: with all steps in one, a case is accepted when none of its checks is to fail."""
    for name, case in cases().items():
        refused = [check for check, wanted in case["EXPECTED"].items() if not wanted and check in CHECKS]
        if refused:
            with pytest.raises(OwnhueError):
                open_certificate(case["PREFIX"], trust(case), clock(case))
        else:
            assert isinstance(open_certificate(case["PREFIX"], trust(case), clock(case)), Certificate), name


def test_a_reader_that_says_yes_to_everything_would_be_found() -> None:
    wrong = [(name, check) for name, check, wanted in expectations() if not wanted]
    assert len(wrong) == len({name for name, _ in wrong}) == 21
    for name, check in wrong:
        with pytest.raises(OwnhueError):  # and not because a comparison of this test differs
            CHECKS[check](cases()[name])
    assert {check for _, check in wrong} == CHECKS.keys() - {
        "EXPECTEDVALIDJSON",
        "EXPECTEDVALIDOBJECT",
        "EXPECTEDENCODE",
    }
