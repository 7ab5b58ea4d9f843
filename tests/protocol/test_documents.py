"""Signed documents: what counts as a signature, and what is refused. specs/publication.md section 4"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from ownhue.documents import MAX_DOCUMENT_BYTES, key_id, open_document, sign_document
from ownhue.encoding import base64url_encode, canonical_json
from ownhue.errors import FormatError, LimitError, VerificationError

KEYS = [SigningKey(bytes([number]) * 32) for number in range(1, 5)]
PUBLIC = [bytes(key.verify_key) for key in KEYS]
BODY = {"region": "demo", "numbers": [1, 2, 3], "名": {"text": "green\n", "nothing": None, "yes": True}}
DOCUMENT = sign_document("rulebook", BODY, KEYS[0])


def _changed(change: dict[str, Any]) -> bytes:
    return canonical_json(json.loads(DOCUMENT) | change)


def test_a_signed_document_opens_and_is_the_same_bytes_again() -> None:
    assert open_document(DOCUMENT, "rulebook", [PUBLIC[0]]) == BODY
    assert sign_document("rulebook", BODY, KEYS[0]) == DOCUMENT
    assert canonical_json(json.loads(DOCUMENT)) == DOCUMENT


def test_signatures_stand_in_one_order_whoever_signed_first() -> None:
    assert sign_document("rulebook", BODY, *KEYS) == sign_document("rulebook", BODY, *reversed(KEYS))
    names = [item["key"] for item in json.loads(sign_document("rulebook", BODY, *KEYS))["signatures"]]
    assert names == sorted(key_id(public) for public in PUBLIC)


def test_a_threshold_counts_keys_not_signatures() -> None:
    document = sign_document("rulebook", BODY, KEYS[0], KEYS[1], KEYS[0])
    assert open_document(document, "rulebook", PUBLIC, threshold=2) == BODY
    with pytest.raises(VerificationError, match="2 of 3"):
        open_document(document, "rulebook", PUBLIC, threshold=3)
    with pytest.raises(VerificationError, match="1 of 2"):
        open_document(document, "rulebook", [PUBLIC[0], PUBLIC[0]], threshold=2)


def test_a_signature_of_a_stranger_does_not_count() -> None:
    with pytest.raises(VerificationError, match="0 of 1"):
        open_document(DOCUMENT, "rulebook", [PUBLIC[1]])
    with pytest.raises(VerificationError, match="0 of 1"):
        open_document(sign_document("rulebook", BODY), "rulebook", PUBLIC)


def test_a_document_is_not_taken_for_one_of_another_kind() -> None:
    with pytest.raises(VerificationError, match="not of kind"):
        open_document(DOCUMENT, "epochs", [PUBLIC[0]])
    with pytest.raises(VerificationError, match="does not hold"):
        open_document(_changed({"kind": "epochs"}), "epochs", [PUBLIC[0]])


def test_a_changed_body_is_refused() -> None:
    with pytest.raises(VerificationError, match="does not hold"):
        open_document(_changed({"signed": BODY | {"region": "other"}}), "rulebook", [PUBLIC[0]])


def test_a_broken_signature_of_a_known_key_is_refused_even_beside_a_good_one() -> None:
    value = json.loads(sign_document("rulebook", BODY, KEYS[0], KEYS[1]))
    value["signatures"][0]["signature"] = base64url_encode(bytes(64))
    with pytest.raises(VerificationError, match="does not hold"):
        open_document(canonical_json(value), "rulebook", PUBLIC[:2], threshold=1)


def test_one_flipped_bit_anywhere_is_refused() -> None:
    for at in range(len(DOCUMENT)):
        for bit in range(8):
            changed = bytearray(DOCUMENT)
            changed[at] ^= 1 << bit
            with pytest.raises((FormatError, VerificationError)):
                open_document(bytes(changed), "rulebook", [PUBLIC[0]])


SIGNATURE = json.loads(DOCUMENT)["signatures"][0]


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"kind": 7},
        {"signed": [1]},
        {"signatures": {}},
        {"signatures": [1]},
        {"signatures": [SIGNATURE, SIGNATURE]},
        {"signatures": [SIGNATURE | {"more": 1}]},
        {"signatures": [SIGNATURE | {"key": SIGNATURE["key"].upper()}]},
        {"signatures": [SIGNATURE | {"key": 7}]},
        {"signatures": [SIGNATURE | {"signature": "AAAA"}]},
        {"signatures": [SIGNATURE | {"signature": SIGNATURE["signature"] + "="}]},
        {"signatures": [SIGNATURE | {"key": "ffffffffffffffff"}, SIGNATURE]},
    ],
)
def test_documents_of_another_shape_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        open_document(_changed(change), "rulebook", [PUBLIC[0]])


@pytest.mark.parametrize("spelling", [b" " + DOCUMENT, DOCUMENT + b"\n", DOCUMENT.replace(b'"demo"', b'"\\u0064emo"')])
def test_another_spelling_of_the_same_content_is_refused(spelling: bytes) -> None:
    assert json.loads(spelling) == json.loads(DOCUMENT)
    with pytest.raises(FormatError):
        open_document(spelling, "rulebook", [PUBLIC[0]])


def test_limits() -> None:
    with pytest.raises(LimitError):
        open_document(DOCUMENT, "rulebook", [PUBLIC[0]], limit=len(DOCUMENT) - 1)
    assert open_document(DOCUMENT, "rulebook", [PUBLIC[0]], limit=len(DOCUMENT)) == BODY
    with pytest.raises(LimitError):
        sign_document("rulebook", {"text": "x" * MAX_DOCUMENT_BYTES}, KEYS[0])
    with pytest.raises(LimitError):
        open_document(_changed({"signatures": [SIGNATURE] * 17}), "rulebook", [PUBLIC[0]])


def test_kinds_are_plain_words() -> None:
    for kind in ("", "Rulebook", "rule book", "a\0b", "x" * 33):
        with pytest.raises(FormatError):
            sign_document(kind, BODY, KEYS[0])


def test_a_threshold_of_nothing_opens_nothing() -> None:
    for threshold in (0, -1):
        with pytest.raises(FormatError, match="at least one"):
            open_document(DOCUMENT, "rulebook", [PUBLIC[0]], threshold=threshold)


def test_a_key_that_is_none_is_told() -> None:
    for key in (b"", PUBLIC[0][:31], PUBLIC[0] + b"\0"):
        with pytest.raises(FormatError, match="32 bytes"):
            open_document(DOCUMENT, "rulebook", [PUBLIC[0], key])


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    lambda items: st.lists(items, max_size=3) | st.dictionaries(st.text("aé\n", max_size=3), items, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("ab", max_size=3), _JSON, max_size=3), st.sets(st.sampled_from(range(4))))
def test_any_body_round_trips(body: dict[str, Any], signers: set[int]) -> None:
    document = sign_document("rulebook", body, *(KEYS[number] for number in signers))
    if signers:
        assert open_document(document, "rulebook", PUBLIC, len(signers)) == body
    with pytest.raises(VerificationError):
        open_document(document, "rulebook", PUBLIC, len(signers) + 1)


@given(st.integers(0, len(DOCUMENT)), st.binary(max_size=3), st.integers(0, 3))
def test_changed_bytes_are_refused(at: int, junk: bytes, length: int) -> None:
    changed = DOCUMENT[:at] + junk + DOCUMENT[at + length :]
    if changed != DOCUMENT:
        with pytest.raises((FormatError, VerificationError)):
            open_document(changed, "rulebook", [PUBLIC[0]])


@given(st.binary(max_size=200))
def test_no_other_error_leaves_the_parser(data: bytes) -> None:
    with pytest.raises(FormatError):
        open_document(data, "rulebook", [PUBLIC[0]])
