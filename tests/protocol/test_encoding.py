"""The encodings of specs/README.md: what is accepted, what is refused, and by which error."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.encoding import (
    base45_decode,
    base45_encode,
    base64url_decode,
    base64url_encode,
    canonical_json,
    cbor_decode,
    cbor_encode,
    frame,
    parse_canonical_json,
    unframe,
)
from ownhue.errors import FormatError, LimitError


@pytest.mark.parametrize(
    "value",
    [None, True, False, 0, 23, 24, 2**64 - 1, -1, -(2**64), b"", b"x" * 300, "", "é", [], [[1], {}], {"b": 1, "aa": 2}],
)
def test_plain_values_go_there_and_back(value: Any) -> None:
    assert cbor_decode(cbor_encode(value)) == value


@pytest.mark.parametrize("value", [2**64, -(2**64) - 1, 2**4000])
def test_an_integer_that_would_need_a_tag_is_refused(value: int) -> None:
    for whole in (value, [value], {"n": value}):
        with pytest.raises(FormatError):
            cbor_decode(cbor_encode(whole))


@pytest.mark.parametrize(
    "data",
    [
        "",
        "1800",  # 0 in two bytes
        "9f01ff",  # of indefinite length
        "0000",  # two values
        "a2616201616101",  # keys out of order
        "a2616101616102",  # a key twice
        "a10101",  # a key that is no text
        "f93c00",  # a float
        "f7",  # undefined
        "e0",  # a simple value
        "c11a514b67b0",  # a tag
        "d81c81d81d00",  # a list that holds itself
        "c5821b00ffffffffffffff03",  # a number of so many digits that memory would end
        "9bffffffffffffffff",  # lengths that no input has
        "bb0000001000000000",
        "5affffffff",
        "81" * 20_000,  # nested without end
    ],
)
def test_everything_else_gets_our_error(data: str) -> None:
    with pytest.raises(FormatError):
        cbor_decode(bytes.fromhex(data))


# Eight lists, each of which holds the one before twice: with sixty of them, 2^60 items in 400 bytes.
TWICE_AND_TWICE = "88d81c80" + "".join(f"d81c82d81d{n:02x}d81d{n:02x}" for n in range(7))


@pytest.mark.parametrize("data", [TWICE_AND_TWICE, "d8236141", "8218d8c24101", "a16161c11a514b67b0"])
def test_a_tag_is_refused_before_anything_is_made_of_it(data: str) -> None:
    with pytest.raises(FormatError, match="a tag"):
        cbor_decode(bytes.fromhex(data))


def test_bytes_that_look_like_a_tag_are_no_tag() -> None:
    for value in ({"a": [b"\xc1" * 300, "\u00c1", 0xD8, -0xD9, {}]}, b"\xd8" * 70_000):
        assert cbor_decode(cbor_encode(value)) == value


# Any value, any bytes, any text: a round trip, or our own error, or one spelling.

SCALARS = st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.text(max_size=20)
CBOR_VALUES = st.recursive(
    SCALARS | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)
JSON_VALUES = st.recursive(
    SCALARS | st.integers(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


@given(CBOR_VALUES)
def test_every_plain_value_has_its_one_cbor(value: Any) -> None:
    assert cbor_decode(cbor_encode(value)) == value


@given(JSON_VALUES)
def test_every_plain_value_has_its_one_json(value: Any) -> None:
    assert parse_canonical_json(canonical_json(value)) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_cbor_in_one_spelling_or_our_error(data: bytes) -> None:
    try:
        value = cbor_decode(data)
    except FormatError:
        return
    assert cbor_encode(value) == data


@given(CBOR_VALUES, st.data())
def test_changed_cbor_is_another_value_or_our_error(value: Any, data: st.DataObject) -> None:
    changed = bytearray(cbor_encode(value))
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        other = cbor_decode(bytes(changed))
    except FormatError:
        return
    assert cbor_encode(other) == bytes(changed)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_json_in_one_spelling_or_our_error(data: bytes) -> None:
    try:
        value = parse_canonical_json(data)
    except FormatError:
        return
    assert canonical_json(value) == data


@given(JSON_VALUES, st.data())
def test_changed_json_is_another_value_or_our_error(value: Any, data: st.DataObject) -> None:
    changed = bytearray(canonical_json(value))
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        other = parse_canonical_json(bytes(changed))
    except FormatError:
        return
    assert canonical_json(other) == bytes(changed)


@pytest.mark.parametrize(
    "data", [b"[" * 100_000, b'{"a":' * 50_000, b"9" * 10_000, b"\xff\xfe{\0}\0", b"\xef\xbb\xbf{}"]
)
def test_json_that_would_break_a_decoder_gets_our_error(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_canonical_json(data)


def test_floats_are_never_written() -> None:
    for value in (1.0, [1.0], {"a": [{"b": 0.5}]}):
        with pytest.raises(TypeError):
            canonical_json(value)


@given(st.binary(max_size=200))
def test_all_bytes_go_through_base45_and_base64(data: bytes) -> None:
    assert base45_decode(base45_encode(data)) == data
    assert base64url_decode(base64url_encode(data)) == data


@given(st.text(max_size=60) | st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:abc_-=\n", max_size=60))
def test_any_text_is_base45_and_base64_in_one_spelling_or_our_error(text: str) -> None:
    for decode, encode in ((base45_decode, base45_encode), (base64url_decode, base64url_encode)):
        try:
            data = decode(text)
        except FormatError:
            continue
        assert encode(data) == text


@given(st.binary(max_size=60), st.integers(4, 60))
def test_a_message_goes_into_a_frame_of_any_size_and_back(message: bytes, size: int) -> None:
    if len(message) > size - 4:
        with pytest.raises(LimitError):
            frame(message, size)
        return
    assert unframe(frame(message, size), size) == message


@given(st.binary(max_size=40), st.integers(0, 40))
def test_any_bytes_are_a_frame_in_one_spelling_or_our_error(data: bytes, size: int) -> None:
    try:
        message = unframe(data, size)
    except FormatError:
        return
    assert frame(message, size) == data


def _called_from(depth: int, what: Any, data: bytes) -> Any:
    return what(data) if depth == 0 else _called_from(depth - 1, what, data)


@pytest.mark.parametrize("calls", [0, 300, 700])
def test_how_deep_a_value_may_be_does_not_depend_on_who_calls(calls: int) -> None:
    """An attacker's document of 200 lists was read by one caller and refused by another with less stack left."""
    deepest: tuple[tuple[Any, bytes, bytes], ...] = (
        (cbor_decode, b"\x81" * 31 + b"\x80", b"\x81" * 32 + b"\x80"),
        (cbor_decode, b"\xa1\x61a" * 31 + b"\xa0", b"\xa1\x61a" * 32 + b"\xa0"),
        (parse_canonical_json, b"[" * 32 + b"]" * 32, b"[" * 33 + b"]" * 33),
        (parse_canonical_json, b'{"a":' * 31 + b"{}" + b"}" * 31, b'{"a":' * 32 + b"{}" + b"}" * 32),
    )
    for read, fits, too_deep in deepest:
        assert _called_from(calls, read, fits)
        with pytest.raises(FormatError):
            _called_from(calls, read, too_deep)
