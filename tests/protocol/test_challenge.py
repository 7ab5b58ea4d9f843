"""ownhue.challenge: one text for each challenge, small enough for a small QR code. specs/code.md section 3"""

from typing import Any

import pytest
import qrcode
from hypothesis import given
from hypothesis import strategies as st
from qrcode.util import QRData

from ownhue.challenge import (
    CHALLENGE_BYTES,
    CHALLENGE_CHARACTERS,
    CHALLENGE_PREFIX,
    encode_challenge,
    new_challenge,
    parse_challenge,
)
from ownhue.code import PREFIX, decode_code
from ownhue.errors import FormatError, LimitError
from ownhue.report.parts import parse_part
from ownhue_client.qr import qr_png, read_qr
from tests.conformance.scripted import CHALLENGE, Stream

TEXT = encode_challenge(CHALLENGE)


@given(st.binary(min_size=16, max_size=16))
def test_every_challenge_has_one_text_of_thirty_characters(challenge: bytes) -> None:
    text = encode_challenge(challenge)
    assert len(text) == CHALLENGE_CHARACTERS
    assert parse_challenge(text) == challenge


def test_it_fills_a_qr_code_of_version_2_at_level_m() -> None:
    def version(length: int) -> int:
        picture: qrcode.QRCode[Any] = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M)
        # 2 is alphanumeric mode.
        picture.add_data(QRData(TEXT + "A" * (length - len(TEXT)), mode=2))
        picture.make(fit=True)
        return int(picture.version)

    # What version 2 holds at level M (ISO/IEC 18004, table 7): 38 characters.
    assert (version(30), version(38), version(39)) == (2, 2, 3)


def test_a_camera_reads_it_back() -> None:
    assert parse_challenge(read_qr(qr_png(TEXT))) == CHALLENGE


def test_it_comes_from_the_given_randomness_and_is_new_each_time() -> None:
    random = Stream("checkpoint")
    first, second = new_challenge(random), new_challenge(random)
    assert first == Stream("checkpoint")(CHALLENGE_BYTES)
    assert first != second


@pytest.mark.parametrize("challenge", [b"", bytes(15), bytes(17)])
def test_another_length_is_no_challenge(challenge: bytes) -> None:
    with pytest.raises(FormatError):
        encode_challenge(challenge)


def test_it_is_no_code_and_a_code_is_none() -> None:
    with pytest.raises(FormatError):
        decode_code(TEXT)
    with pytest.raises(FormatError):
        parse_part(TEXT)
    with pytest.raises(FormatError):
        parse_challenge(PREFIX + TEXT[len(CHALLENGE_PREFIX) :])


def test_long_texts_are_not_read() -> None:
    with pytest.raises(LimitError):
        parse_challenge(TEXT + "0" * 10**6)


@given(st.text(max_size=40))
def test_only_our_own_error_leaves_the_parser(text: str) -> None:
    for wrong in (text, CHALLENGE_PREFIX + text):
        try:
            challenge = parse_challenge(wrong)
        except FormatError:
            continue
        assert encode_challenge(challenge) == wrong


@given(st.data())
def test_what_is_accepted_encodes_to_the_same_text(data: st.DataObject) -> None:
    text = list(TEXT)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text) - 1))
        text[place] = data.draw(st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:a\n"))
    changed = "".join(text)
    try:
        challenge = parse_challenge(changed)
    except FormatError:
        return
    assert encode_challenge(challenge) == changed
