"""CBOR of foreign signers: any spelling, nothing that stands for more than its bytes. specs/certificate.md section 1"""

import math
import tracemalloc
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.certificate.cbor import MAX_CBOR_DEPTH, read_cbor, read_tagged
from ownhue.errors import FormatError

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.binary(max_size=300)
    | st.text(max_size=100)
    | st.floats(allow_nan=False)
)
KEYS = st.integers(-(2**40), 2**40) | st.text(max_size=10)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5))


@given(VALUES, st.booleans())
def test_what_another_library_writes_is_read(value: Any, canonical: bool) -> None:
    assert read_cbor(cbor2.dumps(value, canonical=canonical)) == value


@given(st.binary(max_size=200))
def test_nothing_but_our_error_leaves_it_and_another_library_agrees(data: bytes) -> None:
    try:
        value = read_cbor(data)
    except FormatError:
        return
    other = cbor2.loads(data)
    assert repr(value) == repr(other)  # not equal: NaN is in it


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("1800", 0),  # longer than needed
        ("1b0000000000000017", 23),
        ("3bffffffffffffffff", -(2**64)),
        ("7f61616162ff", "ab"),
        ("7fff", ""),
        ("5f420102405803030405ff", b"\1\2\3\4\5"),
        ("9f01820203ff", [1, [2, 3]]),
        ("bf61610162626202ff", {"a": 1, "bb": 2}),
        ("a2200101613f", {-1: 1, 1: "?"}),
        ("f93e00", 1.5),
        ("fa3fc00000", 1.5),
        ("fb3ff8000000000000", 1.5),
        ("83f4f5f6", [False, True, None]),
    ],
)
def test_other_spellings_are_read(data: str, value: Any) -> None:
    assert read_cbor(bytes.fromhex(data)) == value
    assert cbor2.loads(bytes.fromhex(data)) == value


@pytest.mark.parametrize(
    "data",
    [
        "",
        "18",
        "1900",
        "62ff",
        "61ff",  # no UTF-8
        "7f61c361a9ff",  # a letter that is cut in two
        "7f4161ff",  # bytes as a part of a text
        "7f7f6161ffff",  # parts in parts
        "5f",
        "9f01",
        "bf616101",
        "bf6161ff",
        "ff",
        "1c",
        "1f",
        "3f",
        "df",
        "fc",
        "f7",  # undefined
        "f820",
        "e0",
        "0000",
        "a201010102",  # a key twice
        "a2010118016161",  # a key twice, in two spellings
        "a1f500",  # a key that is neither integer nor text
        "a1410100",
        "a1f93c0000",
        "a18000",
        "c11a514b67b0",
        "81c11a514b67b0",
        "d81c81d81d00",
    ],
)
def test_everything_else_is_refused(data: str) -> None:
    with pytest.raises(FormatError):
        read_cbor(bytes.fromhex(data))


# Eight lists, each of which holds the one before twice: with sixty of them, 2^60 items in 400 bytes.
TWICE_AND_TWICE = "88d81c80" + "".join(f"d81c82d81d{n:02x}d81d{n:02x}" for n in range(7))


@pytest.mark.parametrize(
    "data",
    [
        bytes.fromhex(TWICE_AND_TWICE),
        b"\x81" * 16_000,
        b"\x9f" * 16_000,
        b"\xbf\x00" * 8000,
        b"\x9b" + b"\xff" * 8 + bytes(8000),  # lengths that no input has
        b"\xbb" + b"\xff" * 8 + b"\x00\x00",
        b"\x5b" + b"\xff" * 8,
        b"\x7b" + b"\x7f" * 8 + b"x" * 8000,
        bytes.fromhex("c5821b00ffffffffffffff03"),  # a number of so many digits that memory would end
        b"\xd8\x23\x58\x40" + b"(a+)+" * 12,  # a pattern to be compiled
        b"\x5f" + b"\x40" * 16_000,
    ],
)
@pytest.mark.timeout(10)  # any of them would take for ever
def test_bombs_cost_no_more_than_their_bytes(data: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(FormatError):
        read_cbor(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500_000


def test_nesting_ends_at_the_stated_depth() -> None:
    assert read_cbor(b"\x81" * MAX_CBOR_DEPTH + b"\x00")
    with pytest.raises(FormatError, match="too deep"):
        read_cbor(b"\x81" * (MAX_CBOR_DEPTH + 1) + b"\x00")
    with pytest.raises(FormatError, match="too deep"):
        read_cbor(b"\xa1\x00" * (MAX_CBOR_DEPTH + 1) + b"\x00")


def test_tags_are_told_in_front_and_nowhere_else() -> None:
    assert read_tagged(bytes.fromhex("d83dd28101")) == ((61, 18), [1])
    assert read_tagged(bytes.fromhex("d8128101")) == ((18,), [1])
    assert read_tagged(b"\x00") == ((), 0)
    for data in ("d2d83dd28101", "d281d201", "df00", "dc00", "d2"):
        with pytest.raises(FormatError):
            read_tagged(bytes.fromhex(data))


def test_a_float_that_is_no_number_is_read_as_such() -> None:
    assert math.isnan(read_cbor(bytes.fromhex("f97e00")))
