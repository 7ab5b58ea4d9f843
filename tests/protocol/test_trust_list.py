"""Trust lists: whose signatures count. specs/certificate.md section 4"""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey
from pydantic import ValidationError

from ownhue.certificate.cose import key_bytes
from ownhue.certificate.trust_list import (
    DOCUMENT_KIND,
    MAX_REVOKED,
    MAX_SIGNERS,
    TrustList,
    open_trust_list,
    sign_trust_list,
    trust_body,
    trust_from_body,
)
from ownhue.encoding import base64url_encode, canonical_json
from ownhue.errors import FormatError, LimitError, OwnhueError, VerificationError
from tests.protocol.certificate_cases import NOW, OWN_SIGNER, STATE, STATE_KID, TRUST, ec_key, signer, trust

KEY = SigningKey(bytes(32))
PUBLIC = bytes(KEY.verify_key)
BODY = trust_body(TRUST)
SIGNER = BODY["signers"][0]
DIGEST = bytes.fromhex("5e" * 16)


def test_a_list_survives_its_document() -> None:
    document = sign_trust_list(TRUST, KEY)
    assert open_trust_list(document, [PUBLIC]) == TRUST
    assert sign_trust_list(open_trust_list(document, [PUBLIC]), KEY) == document
    assert json.loads(document)["kind"] == DOCUMENT_KIND


def test_a_list_of_a_stranger_or_of_another_kind_is_refused() -> None:
    document = sign_trust_list(TRUST, KEY)
    with pytest.raises(VerificationError):
        open_trust_list(document, [bytes(SigningKey(b"\1" * 32).verify_key)])
    with pytest.raises(VerificationError):
        open_trust_list(document, [PUBLIC], threshold=2)
    with pytest.raises(VerificationError):
        open_trust_list(document.replace(b"certificate-trust", b"rulebook"), [PUBLIC])


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"region": "Demo"},
        {"region": None},
        {"revoked": []},
        {"revoked": {"5e": 1}},
        {"revoked": {"5E" * 16: 1}},
        {"revoked": {"5e" * 16: None}},
        {"revoked": {"5e" * 16: -1}},
        {"revoked": {"5e" * 16 + "\n": 1}},
        {"signers": {}},
        {"signers": [1]},
        {"signers": [SIGNER, SIGNER]},
        {"signers": BODY["signers"][::-1]},
    ],
)
def test_lists_of_another_shape_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        trust_from_body(BODY | change)


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"canonical": 1},
        {"canonical": None},
        {"country": "at"},
        {"country": ""},
        {"kid": "00" * 7},
        {"kid": "AB" * 8},
        {"not_after": SIGNER["not_before"] - 1},
        {"not_after": 2**32},
        {"not_before": -1},
        {"not_before": "0"},
        {"revoked_at": False},
        {"spki": ""},
        {"spki": SIGNER["spki"] + "="},
        {"spki": SIGNER["spki"][:-4]},
        {"usages": []},
        {"usages": ["test", "recovery"]},
        {"usages": ["test", "test"]},
        {"usages": ["everything"]},
        {"canonical": False, "usages": ["clearance"]},
    ],
)
def test_signers_of_another_shape_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        trust_from_body(BODY | {"signers": [SIGNER | change]})


def test_every_field_has_to_be_there() -> None:
    for name in BODY:
        with pytest.raises(FormatError):
            trust_from_body({key: value for key, value in BODY.items() if key != name})
    for name in SIGNER:
        with pytest.raises(FormatError):
            trust_from_body(BODY | {"signers": [{key: value for key, value in SIGNER.items() if key != name}]})


def test_a_foreign_signer_never_clears() -> None:
    with pytest.raises(ValidationError, match="clearances"):
        signer(STATE, STATE_KID, usages=("clearance", "test"))


def test_a_key_that_signs_nothing_here_makes_the_list_invalid() -> None:
    """Otherwise it would be found at a door, by whoever shows a certificate of that signer."""
    for curve in (ec.SECP384R1(), ec.SECP256K1()):
        spki = base64url_encode(key_bytes(ec.derive_private_key(7, curve).public_key()))
        with pytest.raises(FormatError):
            trust_from_body(BODY | {"signers": [SIGNER | {"spki": spki}]})


def test_signers_that_share_a_key_id_are_all_found() -> None:
    one, two = signer(STATE, STATE_KID), signer(ec_key("other"), STATE_KID)
    found = trust(one, two, OWN_SIGNER)
    assert set(found.signers_of(STATE_KID)) == {one, two}
    assert found.signers_of(b"unknown!") == found.signers_of(b"") == found.signers_of(STATE_KID[:4]) == ()


def test_the_earliest_revocation_counts() -> None:
    def revoked_at(*times: int | None, own: int | None = None) -> int | None:
        signers = [signer(ec_key(str(number)), STATE_KID, revoked_at=time) for number, time in enumerate(times)]
        return trust(*signers, revoked={} if own is None else {DIGEST.hex(): own}).revoked_at(DIGEST, STATE_KID)

    assert revoked_at(None) is None
    assert revoked_at() is None
    assert revoked_at(NOW) == NOW
    assert revoked_at(None, own=NOW) == NOW
    assert revoked_at(NOW, own=NOW - 1) == revoked_at(NOW - 1, own=NOW) == NOW - 1
    # Which of two signers of one key id signed is not known any more, so all of them have to be revoked.
    assert revoked_at(NOW, None) is None
    assert revoked_at(NOW, NOW + 5) == NOW + 5


def test_limits() -> None:
    spki = OWN_SIGNER.spki
    many = [SIGNER | {"kid": f"{number:016x}", "spki": spki} for number in range(MAX_SIGNERS + 1)]
    assert len(trust_from_body(BODY | {"signers": many[:-1]}).signers) == MAX_SIGNERS
    with pytest.raises(LimitError):
        trust_from_body(BODY | {"signers": many})
    revoked = {f"{number:032x}": NOW for number in range(MAX_REVOKED + 1)}
    with pytest.raises(LimitError):
        trust_from_body(BODY | {"revoked": revoked})
    revoked.popitem()
    full = trust_from_body(BODY | {"revoked": revoked})
    assert open_trust_list(sign_trust_list(full, KEY), [PUBLIC]) == full
    with pytest.raises(LimitError):
        sign_trust_list(trust_from_body(BODY | {"signers": many[:-1], "revoked": revoked}), KEY)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(st.sampled_from(sorted(BODY)), JSON)
def test_no_foreign_error_leaves_the_parser(name: str, value: Any) -> None:
    try:
        found = trust_from_body(BODY | {name: value})
    except OwnhueError:
        return
    assert trust_body(found) == BODY | {name: value}


@given(st.sampled_from(sorted(SIGNER)), JSON)
def test_what_is_accepted_of_a_signer_is_written_again(name: str, value: Any) -> None:
    body = BODY | {"signers": [SIGNER | {name: value}]}
    try:
        found = trust_from_body(body)
    except OwnhueError:
        return
    assert canonical_json(trust_body(found)) == canonical_json(body)


@given(st.binary(max_size=200))
def test_bytes_are_no_list(data: bytes) -> None:
    with pytest.raises(OwnhueError):
        open_trust_list(data, [PUBLIC])


def test_a_list_is_made_of_values_that_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        TRUST.region = "other"  # type: ignore[misc]
    assert isinstance(TRUST, TrustList)
