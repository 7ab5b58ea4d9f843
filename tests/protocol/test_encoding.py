"""Deterministic CBOR as specs/README.md describes it: what is accepted, what is refused, and by which error."""

from typing import Any

import pytest

from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import FormatError


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
