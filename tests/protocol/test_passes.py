"""ownhue.passes, ticket and device: layouts, lists of epoch keys, tickets and signed requests."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey, VerifyKey

from ownhue.blind_rsa import blind_sign, pss_spki
from ownhue.device import ENROL, PASSES, open_request, sign_request
from ownhue.encoding import canonical_json, cbor_decode, cbor_encode, parse_canonical_json
from ownhue.errors import ForkError, FormatError, LimitError, OwnhueError, StateError, VerificationError
from ownhue.passes import (
    MAX_EPOCHS,
    EpochKey,
    EpochList,
    epoch_of,
    finish_pass,
    request_pass,
    token_challenge,
    token_input,
    verify_pass,
)
from ownhue.ticket import Ticket, open_ticket, sign_ticket
from tests.conformance.scripted import EPOCH, ISSUER, NOW, Stream, epoch_key, make_pass, rsa_key

AUTHORITY = SigningKey(Stream("authority")(32))
DEVICE = SigningKey(Stream("device")(32))


def test_an_epoch_is_a_utc_day() -> None:
    assert epoch_of(EPOCH * 86400) == epoch_of(EPOCH * 86400 + 86399) == EPOCH
    assert epoch_of(EPOCH * 86400 - 1) == EPOCH - 1


def test_the_challenge_is_laid_out_as_rfc_9577_says() -> None:
    context = sha256(b"OWNHUE-EPOCH" + EPOCH.to_bytes(4, "big")).digest()
    expected = b"\0\2" + b"\0\x0e" + b"issuer.example" + b"\x20" + context + b"\0\0"
    assert token_challenge("issuer.example", EPOCH) == expected


def test_the_token_input_is_laid_out_as_rfc_9578_says() -> None:
    message = token_input(b"p" * 32, b"challenge", b"k" * 32)
    assert message == b"\0\2" + b"p" * 32 + sha256(b"challenge").digest() + b"k" * 32
    assert len(message) == 98


@pytest.mark.parametrize("name", ["", "a" * 256, "größe", "line\nend"])
def test_a_name_that_does_not_fit_the_challenge_is_refused(name: str) -> None:
    with pytest.raises(FormatError):
        token_challenge(name, EPOCH)


@pytest.mark.parametrize("epoch", [-1, 2**32, 2**70])
def test_a_challenge_for_an_epoch_of_more_than_32_bits_is_refused(epoch: int) -> None:
    with pytest.raises(FormatError):
        token_challenge("issuer.example", epoch)


def test_a_pass_signs_and_verifies() -> None:
    made = make_pass("holder")
    verify_pass(ISSUER, epoch_key(EPOCH), made.public_key, made.signature)
    VerifyKey(made.public_key).verify(b"message", made.sign(b"message"))
    assert made.key_id == epoch_key(EPOCH).key_id


def test_a_wrong_answer_never_becomes_a_pass() -> None:
    key = epoch_key(EPOCH)
    request = request_pass(ISSUER, key, Stream("a"))
    other = request_pass(ISSUER, key, Stream("b"))
    answer = blind_sign(rsa_key(f"issuer {EPOCH}"), other.blinded, Stream("signer"))
    with pytest.raises(VerificationError):
        finish_pass(request, ISSUER, key, answer)
    with pytest.raises(FormatError):
        finish_pass(request, ISSUER, key, answer[1:])
    with pytest.raises(StateError):
        finish_pass(request, ISSUER, epoch_key(EPOCH + 1), answer)


def test_secrets_are_not_in_the_text_of_requests_and_passes() -> None:
    request = request_pass(ISSUER, epoch_key(EPOCH), Stream("a"))
    made = make_pass("a")
    shown = repr(request) + repr(made)
    for secret in (repr(request.seed), repr(made.seed), str(request.inverse), repr(made.signature)):
        assert secret not in shown


def test_the_issuer_sees_nothing_of_the_pass() -> None:
    request = request_pass(ISSUER, epoch_key(EPOCH), Stream("pass holder"))
    made = make_pass("holder")
    assert request.seed == made.seed
    for part in (made.public_key, made.signature, made.seed):
        assert part[:8] not in request.blinded


def test_a_key_is_read_once() -> None:
    key = epoch_key(EPOCH)
    assert key.public_key is key.public_key
    assert key == EpochKey(EPOCH, key.spki)
    assert hash(key) == hash(EpochKey(EPOCH, key.spki))
    assert key.short_id == sha256(key.spki).digest()[:4]


def test_a_list_goes_into_a_document_and_back() -> None:
    epochs = EpochList(ISSUER, (epoch_key(EPOCH), epoch_key(EPOCH + 1)))
    assert EpochList.from_body(epochs.to_body()) == epochs
    assert epochs.key_of(EPOCH + 1) == epoch_key(EPOCH + 1)
    assert epochs.by_short_id == {key.short_id: key for key in epochs.keys}
    with pytest.raises(StateError):
        epochs.key_of(EPOCH + 2)


def test_too_long_a_list_is_refused_before_it_is_read() -> None:
    with pytest.raises(LimitError):
        EpochList.from_body({"issuer": ISSUER, "epochs": [None] * (MAX_EPOCHS + 1)})


@pytest.mark.parametrize("body", [{}, {"issuer": 1, "epochs": []}, {"issuer": ISSUER, "epochs": {}}])
def test_another_document_is_no_list(body: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        EpochList.from_body(body)


def test_a_later_list_may_drop_and_add_epochs_but_not_change_one() -> None:
    earlier = EpochList(ISSUER, (epoch_key(EPOCH), epoch_key(EPOCH + 1)))
    EpochList(ISSUER, (epoch_key(EPOCH + 1), epoch_key(EPOCH + 2))).check_follows(earlier)
    with pytest.raises(ForkError, match=f"second key for epoch {EPOCH + 1}"):
        EpochList(ISSUER, (epoch_key(EPOCH + 1, "second"),)).check_follows(earlier)
    with pytest.raises(ForkError, match="another issuer"):
        EpochList("issuer.example.net", (epoch_key(EPOCH),)).check_follows(earlier)


def test_a_report_token_key_of_3072_bits_is_no_epoch_key() -> None:
    with pytest.raises(FormatError):
        EpochKey(EPOCH, pss_spki(rsa_key("long", 3072).public_key()))


def test_a_ticket_is_good_until_its_end() -> None:
    text = sign_ticket(AUTHORITY, b"n" * 16, NOW)
    assert open_ticket(text, bytes(AUTHORITY.verify_key), NOW - 1) == Ticket(b"n" * 16, NOW)
    with pytest.raises(VerificationError, match="over"):
        open_ticket(text, bytes(AUTHORITY.verify_key), NOW)


@pytest.mark.parametrize("expires", [-1, 2**32, 2**64])
def test_a_ticket_ends_at_a_time_of_32_bits(expires: int) -> None:
    with pytest.raises(FormatError):
        open_ticket(sign_ticket(AUTHORITY, b"n" * 16, expires), bytes(AUTHORITY.verify_key), NOW)


@given(st.text(max_size=160), st.integers(0, 120))
@settings(max_examples=200, deadline=None)
def test_only_our_own_errors_leave_the_ticket_parser(foreign: str, cut: int) -> None:
    text = sign_ticket(AUTHORITY, b"n" * 16, NOW)
    for wrong in (foreign, "OWNT1." + foreign, text[:cut] + foreign):
        if wrong == text:
            continue
        with pytest.raises((FormatError, VerificationError)):
            open_ticket(wrong, bytes(AUTHORITY.verify_key), 0)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_ticket_is_opened_with_a_key_of_32_bytes(length: int) -> None:
    with pytest.raises(FormatError, match="32 bytes"):
        open_ticket(sign_ticket(AUTHORITY, b"n" * 16, NOW), bytes(length), 0)


def request(**changes: Any) -> dict[str, Any]:
    return {**sign_request(PASSES, {"epoch": EPOCH, "blinded": [b"b" * 256], "time": NOW}, DEVICE), **changes}


def test_a_request_names_its_device() -> None:
    assert open_request(PASSES, request(), NOW + 600, 600) == bytes(DEVICE.verify_key)
    assert set(request()) == {"epoch", "blinded", "time", "device", "signature"}


@pytest.mark.parametrize(
    "changes",
    [
        {"device": None},
        {"device": b"d" * 31},
        {"signature": None},
        {"signature": b"s" * 63},
        {"time": None},
        {"time": True},
        {"time": "now"},
    ],
    ids=str,
)
def test_a_request_without_its_parts_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        open_request(PASSES, request(**changes), NOW, 600)


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": EPOCH + 1},
        {"blinded": []},
        {"time": NOW + 1},
        {"device": bytes(AUTHORITY.verify_key)},
        {"more": 1},
        {"signature": bytes(64)},
    ],
    ids=str,
)
def test_a_changed_request_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(VerificationError):
        open_request(PASSES, request(**changes), NOW, 600)


def test_a_request_of_one_purpose_is_worth_nothing_for_another() -> None:
    with pytest.raises(VerificationError):
        open_request(ENROL, request(), NOW, 600)


@pytest.mark.parametrize("now", [NOW - 601, NOW + 601])
def test_a_replayed_request_is_refused_when_its_time_is_far(now: int) -> None:
    with pytest.raises(VerificationError, match="time"):
        open_request(PASSES, request(), now, 600)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
LISTED = EpochList(ISSUER, (epoch_key(EPOCH), epoch_key(EPOCH + 1)))


@given(st.dictionaries(st.sampled_from(["issuer", "epochs", "more"]), JSON) | st.dictionaries(st.text(), JSON))
def test_only_our_own_error_leaves_the_parser_of_lists(body: dict[str, Any]) -> None:
    try:
        read = EpochList.from_body(body)
    except OwnhueError:
        return
    assert read.to_body() == body


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_list_that_is_accepted_is_written_in_the_same_way(data: st.DataObject) -> None:
    text = bytearray(canonical_json(LISTED.to_body()))
    for _ in range(data.draw(st.integers(1, 2))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(32, 126))
    try:
        body = parse_canonical_json(bytes(text))
        read = EpochList.from_body(body) if isinstance(body, dict) else None
    except OwnhueError:
        return
    assert read is None or canonical_json(read.to_body()) == bytes(text)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_ticket_that_is_accepted_has_one_text(data: st.DataObject) -> None:
    text = list(sign_ticket(AUTHORITY, b"n" * 16, NOW))
    for _ in range(data.draw(st.integers(0, 2))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.characters(max_codepoint=300))
    changed = "".join(text)
    try:
        opened = open_ticket(changed, bytes(AUTHORITY.verify_key), 0)
    except OwnhueError:
        return
    assert sign_ticket(AUTHORITY, opened.nonce, opened.expires) == changed


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=70) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["device", "time", "signature", "epoch", "blinded"]) | st.text(), VALUES))
def test_only_our_own_error_leaves_the_reader_of_requests(body: dict[str, Any]) -> None:
    for wrong in (body, request() | body):
        try:
            device = open_request(PASSES, wrong, NOW, 600)
        except OwnhueError:
            continue
        assert wrong == request()
        assert device == bytes(DEVICE.verify_key)


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=6), st.integers(NOW - 600, NOW + 600))
def test_any_request_that_is_signed_is_opened(body: dict[str, Any], time: int) -> None:
    signed = sign_request(ENROL, {**body, "time": time}, DEVICE)
    assert open_request(ENROL, cbor_decode(cbor_encode(signed)), NOW, 600) == bytes(DEVICE.verify_key)
