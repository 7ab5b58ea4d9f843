"""ownhue.code: one text for each code, its size as a QR code, and what the parser refuses."""

from dataclasses import replace
from typing import Any

import pytest
import qrcode
from hypothesis import given, settings
from hypothesis import strategies as st
from qrcode.util import MODE_ALPHA_NUM

from ownhue.code import MAX_CHARACTERS, PREFIX, Code, Statement, decode_code, encode_code, sign_code
from ownhue.encoding import base45_encode, cbor_decode, cbor_encode
from ownhue.errors import FormatError, LimitError, OwnhueError
from tests.conformance.scripted import CHALLENGE, EPOCH, NOW, Stream, code, head, make_pass, statement

HOLDER = make_pass("holder")
LARGEST = Code(
    HOLDER.key_id[:4],
    2**32 - 1,
    HOLDER.public_key,
    HOLDER.signature,
    Statement(2**32 - 1, 3, 2**32 - 1, 2**32 - 1, bytes(8), CHALLENGE),
    bytes(64),
)


def qr(text: str) -> "qrcode.QRCode[Any]":
    picture: qrcode.QRCode[Any] = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_L)
    picture.add_data(text)
    picture.make(fit=True)
    return picture


def test_a_code_goes_into_text_and_back() -> None:
    made = code(HOLDER)
    assert decode_code(encode_code(made)) == made
    assert made.epoch == EPOCH
    assert made.key_id == HOLDER.key_id[:4]
    assert made.public_key == HOLDER.public_key


def test_the_array_is_laid_out_as_the_spec_says() -> None:
    made = code(HOLDER, challenge=CHALLENGE)
    version, key_id, epoch, public_key, pass_signature, stated, signature = cbor_decode(made.to_bytes())
    assert (version, key_id, epoch) == (1, made.key_id, EPOCH)
    assert (public_key, pass_signature, signature) == (made.public_key, made.pass_signature, made.signature)
    assert cbor_decode(stated) == [NOW - 5, 0, 3, 123, made.statement.root_prefix, CHALLENGE]


@pytest.mark.parametrize(
    ("changes", "characters"),
    [
        ({}, 590),
        (head(9), 589),
        (head(4000), 592),
        ({**head(4000), "rulebook_version": 200}, 593),
        ({"challenge": CHALLENGE}, 616),
        ({**head(60000), "rulebook_version": 200, "challenge": CHALLENGE}, 619),
    ],
    ids=["usual", "first day", "second year", "two hundredth rulebook", "challenge", "challenge, thirteenth year"],
)
def test_the_text_fills_a_qr_code_of_version_13_at_level_l(changes: dict[str, Any], characters: int) -> None:
    text = encode_code(code(HOLDER, **changes))
    picture = qr(text)
    assert len(text) == characters
    assert picture.version == 13
    assert [part.mode for part in picture.data_list] == [MODE_ALPHA_NUM]
    # What the version holds at level L (ISO/IEC 18004, table 7): 619 characters.
    assert qr("A" * 619).version == 13
    assert qr("A" * 620).version == 14


def test_all_colours_look_alike_until_scanned() -> None:
    assert {len(encode_code(code(HOLDER, colour=colour))) for colour in range(4)} == {590}


def test_the_longest_code_has_the_longest_text() -> None:
    assert len(encode_code(LARGEST)) == MAX_CHARACTERS
    assert decode_code(encode_code(LARGEST)) == LARGEST
    with pytest.raises(LimitError):
        decode_code(encode_code(LARGEST) + "000")


def test_signing_again_changes_only_statement_and_signature() -> None:
    first = sign_code(HOLDER, statement())
    again = sign_code(HOLDER, statement(time=NOW))
    assert replace(again, statement=first.statement, signature=first.signature) == first
    assert again.signature != first.signature


@pytest.mark.parametrize(
    "changes",
    [
        {"time": -1},
        {"time": 2**32},
        {"colour": 4},
        {"colour": True},
        {"colour": 1.0},
        {"rulebook_version": None},
        {"tree_size": -1},
        {"root_prefix": bytes(7)},
        {"root_prefix": "12345678"},
        {"challenge": bytes(15)},
        {"challenge": None},
    ],
    ids=str,
)
def test_a_statement_that_the_format_cannot_carry_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        statement(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"key_id": bytes(32)},
        {"epoch": -1},
        {"epoch": True},
        {"public_key": bytes(31)},
        {"pass_signature": bytes(512)},
        {"signature": bytes(63)},
        {"signature": None},
    ],
    ids=str,
)
def test_a_code_that_the_format_cannot_carry_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        replace(code(HOLDER), **changes)


@given(
    colour=st.integers(0, 3),
    numbers=st.tuples(*[st.integers(0, 2**32 - 1)] * 4),
    root=st.binary(min_size=8, max_size=8),
    challenge=st.sampled_from([b"", CHALLENGE]),
)
@settings(max_examples=100, deadline=None)
def test_every_code_has_one_text(colour: int, numbers: tuple[int, ...], root: bytes, challenge: bytes) -> None:
    time, rulebook_version, tree_size, epoch = numbers
    stated = Statement(time, colour, rulebook_version, tree_size, root, challenge)
    made = sign_code(replace(HOLDER, epoch=epoch), stated)
    assert decode_code(encode_code(made)) == made


@given(st.text(max_size=700))
@settings(max_examples=200, deadline=None)
def test_only_our_own_error_leaves_the_parser_for_any_text(text: str) -> None:
    for wrong in (text, PREFIX + text):
        with pytest.raises(FormatError):
            decode_code(wrong)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_what_is_accepted_encodes_to_the_same_text(data: st.DataObject) -> None:
    text = list(encode_code(code(HOLDER)))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text) - 1))
        text[place] = data.draw(st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:a\n"))
    changed = "".join(text)
    try:
        read = decode_code(changed)
    except FormatError:
        return
    assert encode_code(read) == changed


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=40) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(NESTED)
@settings(max_examples=200, deadline=None)
def test_only_our_own_error_leaves_the_parser_for_any_array(value: Any) -> None:
    with pytest.raises(FormatError):
        decode_code(PREFIX + base45_encode(cbor_encode(value)))


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_only_our_own_error_leaves_the_statement_parser(data: bytes) -> None:
    try:
        read = Statement.from_bytes(data)
    except OwnhueError:
        return
    assert read.to_bytes() == data


def test_the_seed_is_not_in_the_text() -> None:
    assert HOLDER.seed not in code(HOLDER).to_bytes()
    assert Stream("pass holder")(32) == HOLDER.seed
