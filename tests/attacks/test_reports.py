"""Attacks on reports: forged, altered, replayed elsewhere, or used to find out who reported."""

import os
from hashlib import sha256
from itertools import product
from math import gcd
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import PrivateKey, SealedBox

from ownhue.blind_rsa import blind_sign
from ownhue.encoding import cbor_decode, cbor_encode, frame, unframe
from ownhue.errors import FormatError, LimitError, OwnhueError, VerificationError
from ownhue.params import ReportType
from ownhue.report import (
    PLAIN_BYTES,
    SEALED_BYTES,
    Report,
    ReportKey,
    Withdrawal,
    commitment_of,
    finish_token,
    open_sealed,
    report_message,
    request_token,
    seal,
    verify_token,
)
from tests.protocol.report_cases import (
    PUBLISHER,
    PUBLISHER_KEY,
    WEEK,
    keys,
    report,
    seal_plain,
    signer,
    token,
    withdrawal,
)

SEALED = seal(report(), PUBLISHER_KEY, os.urandom)


def sealed_body(body: Any) -> bytes:
    return seal_plain(frame(cbor_encode(body), PLAIN_BYTES))


def body_of(sent: Report | Withdrawal) -> dict[str, Any]:
    body: dict[str, Any] = cbor_decode(
        unframe(SealedBox(PUBLISHER).decrypt(seal(sent, PUBLISHER_KEY, os.urandom)), PLAIN_BYTES)
    )
    return body


def test_a_bit_flipped_in_a_sealed_report_is_refused() -> None:
    for position in range(0, SEALED_BYTES, 7):
        flipped = bytearray(SEALED)
        flipped[position] ^= 1 << position % 8
        with pytest.raises(VerificationError):
            open_sealed(bytes(flipped), PUBLISHER)


@pytest.mark.parametrize("length", [0, 1, 31, 48, SEALED_BYTES - 1, SEALED_BYTES + 1, 2 * SEALED_BYTES])
def test_another_length_is_refused(length: int) -> None:
    with pytest.raises(FormatError):
        open_sealed((SEALED * 2)[:length], PUBLISHER)


def test_a_report_sealed_to_somebody_else_is_refused() -> None:
    with pytest.raises(VerificationError):
        open_sealed(SEALED, PrivateKey(bytes(range(2, 34))))


def test_a_degenerate_sender_key_is_refused() -> None:
    with pytest.raises(VerificationError):
        open_sealed(bytes(32) + SEALED[32:], PUBLISHER)


@given(st.binary(max_size=300))
def test_hostile_content_that_is_sealed_correctly_gets_our_error(content: bytes) -> None:
    for plain in (content.ljust(PLAIN_BYTES, b"\0"), frame(content, PLAIN_BYTES), content):
        with pytest.raises(OwnhueError):
            open_sealed(seal_plain(plain), PUBLISHER)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.binary(max_size=40) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(["kind", "key_id", "signature", "keys", "more"]), _VALUES)
def test_a_field_of_another_kind_gets_our_error(name: str, value: Any) -> None:
    for sent in (report(), withdrawal()):
        with pytest.raises(OwnhueError):
            open_sealed(sealed_body(body_of(sent) | {name: value}), PUBLISHER)


@given(st.integers(0, 4), _VALUES)
def test_a_part_of_a_key_of_another_kind_gets_our_error_or_another_message(position: int, value: Any) -> None:
    body = body_of(report(1))
    original = list(body["keys"][0])
    body["keys"][0][position] = value
    try:
        opened = open_sealed(sealed_body(body), PUBLISHER)
    except OwnhueError:
        return
    assert isinstance(opened, Report)
    assert (list(opened.keys[0]) == original) == (opened.message() == report(1).message())


def test_a_missing_field_is_refused() -> None:
    for sent in (report(), withdrawal()):
        for name in body_of(sent):
            body = body_of(sent)
            del body[name]
            with pytest.raises(FormatError):
                open_sealed(sealed_body(body), PUBLISHER)


def test_content_in_another_encoding_is_refused() -> None:
    encoded = cbor_encode(body_of(report(1)))
    longer = encoded.replace(b"\x0c", b"\x18\x0c", 1)  # the period 12 in two bytes
    indefinite = b"\xbf" + encoded[1:] + b"\xff"
    for content in (longer, indefinite, encoded + b"\0", encoded[:-1]):
        with pytest.raises(FormatError):
            open_sealed(seal_plain(frame(content, PLAIN_BYTES)), PUBLISHER)
    hidden = bytearray(frame(encoded, PLAIN_BYTES))
    hidden[-1] = 1
    with pytest.raises(FormatError):
        open_sealed(seal_plain(bytes(hidden)), PUBLISHER)


def test_too_many_keys_are_refused() -> None:
    body = body_of(withdrawal(1))
    body["keys"] = [[number.to_bytes(16, "big"), bytes(32)] for number in range(181)]
    with pytest.raises(LimitError):
        open_sealed(sealed_body(body), PUBLISHER)


def test_overlapping_and_repeated_keys_are_refused() -> None:
    for change in ({1: keys(3)[0].rolling_start + 11}, {0: keys(3)[0].data}):
        body = body_of(report(3))
        for position, value in change.items():
            body["keys"][1][position] = value
        with pytest.raises(FormatError):
            open_sealed(sealed_body(body), PUBLISHER)


def _changed(sent: Report, number: int, **changes: Any) -> tuple[ReportKey, ...]:
    return tuple(key._replace(**changes) if at == number else key for at, key in enumerate(sent.keys))


def test_a_token_does_not_hold_for_other_keys() -> None:
    sent = report()
    verify_token(sent.message(), sent.signature, signer().public)
    for other in (
        sent.keys[:2],
        (*sent.keys, keys(4)[3]),
        _changed(sent, 0, data=b"\xff" * 16),
        _changed(sent, 1, days_since_onset=-14),
        _changed(sent, 2, rolling_period=1),
        _changed(sent, 2, commitment=bytes(32)),
    ):
        with pytest.raises(VerificationError):
            verify_token(report_message(other), sent.signature, signer().public)


def test_a_token_of_another_type_or_week_does_not_hold() -> None:
    sent = report()
    for other in (signer(ReportType.SELF_REPORT), signer(ReportType.CONFIRMED_TEST, WEEK + 1)):
        assert other.public.key_id != sent.key_id
        with pytest.raises(VerificationError):
            verify_token(sent.message(), sent.signature, other.public)


def test_a_report_token_is_no_withdrawal_token() -> None:
    by = signer(ReportType.REVOKED)
    back = withdrawal()
    as_report = token(report_message(keys(3)), by)
    verify_token(back.message(), back.signature, by.public)
    with pytest.raises(VerificationError):
        verify_token(back.message(), as_report, by.public)


def test_an_altered_token_does_not_hold() -> None:
    sent = report()
    for position in range(0, 256, 5):
        flipped = bytearray(sent.signature)
        flipped[position] ^= 1
        with pytest.raises(VerificationError):
            verify_token(sent.message(), bytes(flipped), signer().public)


def test_the_same_token_in_other_bytes_is_refused() -> None:
    # A spent token is known by its bytes: signature + n or a leading zero must not be a second one.
    sent, n = report(), signer().private.private_numbers().public_numbers.n
    number = int.from_bytes(sent.signature, "big")
    for other in ((number + n).to_bytes(257, "big"), b"\0" + sent.signature):
        with pytest.raises(VerificationError):
            verify_token(sent.message(), other, signer().public)


def test_a_phone_does_not_keep_a_wrong_answer_of_the_authority() -> None:
    by, other = signer(), signer(ReportType.SELF_REPORT)
    request = request_token(bytes(32), by.public, os.urandom)
    wrong = [
        blind_sign(other.private, (1).to_bytes(256, "big"), os.urandom),
        blind_sign(by.private, request_token(bytes(32), by.public, os.urandom).blinded_message, os.urandom),
        bytes(256),
        b"\xff" * 256,
        b"",
    ]
    for answer in wrong:
        with pytest.raises(OwnhueError):
            finish_token(request, by.public, answer)


def test_a_second_token_cannot_be_made_from_the_first() -> None:
    # RSA without padding is multiplicative: the product of two signatures must not be a signature of anything listed.
    by = signer()
    n = by.private.private_numbers().public_numbers.n
    first, second = (int.from_bytes(token(report_message(keys(count)), by), "big") for count in (1, 2))
    product_ = (first * second % n).to_bytes(256, "big")
    for count in (1, 2, 3):
        with pytest.raises(VerificationError):
            verify_token(report_message(keys(count)), product_, by.public)


def test_withdrawing_needs_the_secret_behind_the_commitment() -> None:
    published = keys(1)[0]
    guess = sha256(published.data + published.commitment).digest()
    assert commitment_of(withdrawal(1).keys[0][1]) == published.commitment
    assert commitment_of(guess) != published.commitment
    assert commitment_of(published.commitment) != published.commitment


def test_claims_and_reports_fit_each_other_in_every_combination() -> None:
    # What the authority saw (blinded message, blind signature) and what the publisher saw (token): for every pair there
    # is a blinding factor that makes them one transcript, so both together learn nothing by comparing.
    by = signer()
    numbers = by.private.private_numbers()
    n, d, e = numbers.public_numbers.n, numbers.d, numbers.public_numbers.e
    claims, tokens = [], []
    for count in (1, 2, 3):
        request = request_token(report_message(keys(count)), by.public, os.urandom)
        answer = blind_sign(by.private, request.blinded_message, os.urandom)
        claims.append([int.from_bytes(part, "big") for part in (request.blinded_message, answer)])
        tokens.append(int.from_bytes(finish_token(request, by.public, answer), "big"))
    for (blinded, answer_number), signature in product(claims, tokens):
        encoded = pow(signature, e, n)
        factor = pow(blinded * pow(encoded, -1, n), d, n)
        assert gcd(factor, n) == 1
        assert encoded * pow(factor, e, n) % n == blinded
        assert signature * factor % n == answer_number


def test_the_desk_cannot_tell_reports_apart_by_their_size() -> None:
    assert {len(seal(sent, PUBLISHER_KEY, os.urandom)) for sent in (report(1), report(100), withdrawal(5))} == {
        SEALED_BYTES
    }
