"""The text of health certificates: prefix, Base45, zlib, claims. specs/certificate.md sections 1 to 3"""

import tracemalloc
import zlib
from typing import Any

import base45
import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.certificate.hcert import (
    MAX_CHARACTERS,
    MAX_COSE_BYTES,
    MAX_FIELD,
    PREFIX,
    Claims,
    claims_bytes,
    decompress,
    pack,
    parse_claims,
    stored,
    unpack,
)
from ownhue.encoding import base45_decode, base45_encode
from ownhue.errors import FormatError, LimitError, OwnhueError
from tests.protocol.certificate_cases import CLEARANCE, CONTENTS, EXPIRES, ISSUED, claims

BASE45_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def text_of(compressed: bytes) -> str:
    return PREFIX + base45_encode(compressed)


@given(st.binary(max_size=300))
def test_base45_is_that_of_another_library(data: bytes) -> None:
    text = base45_encode(data)
    assert text == base45.b45encode(data).decode()
    assert base45_decode(text) == data


@given(st.text(BASE45_LETTERS, max_size=60))
def test_base45_has_one_spelling(text: str) -> None:
    try:
        data = base45_decode(text)
    except FormatError:
        return
    assert base45_encode(data) == text
    assert bytes(base45.b45decode(text)) == data


@pytest.mark.parametrize(
    "text", ["0", "0000", "GGX", ":::", "::", "V5", "aa0", "00_", "00é", "00\n", "00\udc80", " 0-"]
)
def test_what_is_no_base45_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        base45_decode(text)


def test_the_examples_of_rfc_9285() -> None:
    for data, text in (
        (b"AB", "BB8"),
        (b"Hello!!", "%69 VD92EX0"),
        (b"base-45", "UJCLQE7W581"),
        (b"ietf!", "QED8WEX0"),
        (b"\xff\xff", "FGW"),
    ):
        assert base45_encode(data) == text
        assert base45_decode(text) == data


@given(st.binary(min_size=1, max_size=2000))
def test_what_is_packed_is_unpacked_and_every_zlib_reads_it(cose: bytes) -> None:
    assert unpack(pack(cose)) == cose
    assert zlib.decompress(stored(cose)) == cose
    assert zlib.compress(cose, 0)[2:] == stored(cose)[2:]


def test_a_compressed_text_unpacks_to_the_same() -> None:
    for level in (1, 6, 9):
        assert unpack(text_of(zlib.compress(b"abc" * 100, level))) == b"abc" * 100


@given(st.text(max_size=50) | st.text(BASE45_LETTERS, max_size=200).map(PREFIX.__add__))
def test_no_foreign_error_leaves_it(text: str) -> None:
    with pytest.raises(OwnhueError):
        unpack(text)


@given(st.binary(max_size=200))
def test_no_foreign_error_leaves_the_decompression(data: bytes) -> None:
    with pytest.raises(FormatError):
        decompress(data)


@pytest.mark.parametrize("prefix", ["", "HC2:", "HL0:", "hc1:", " HC1:", "HC1", "\ufeffHC1:"])
def test_another_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(FormatError, match="begins with HC1:"):
        unpack(prefix + pack(b"abc").removeprefix(PREFIX))


def test_a_bomb_is_not_unpacked_to_its_end() -> None:
    stream = zlib.compressobj(9)
    bomb = b"".join(stream.compress(bytes(1 << 20)) for _ in range(3)) + stream.flush()
    text = text_of(bomb)
    assert len(text) > MAX_CHARACTERS  # three megabytes do not fit a QR code, one and a half do
    longest = text_of(zlib.compress(bytes(1_500_000), 9))
    tracemalloc.start()
    with pytest.raises(LimitError):
        decompress(bomb)
    with pytest.raises(LimitError):
        unpack(longest)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500_000


def test_limits() -> None:
    assert decompress(zlib.compress(bytes(MAX_COSE_BYTES))) == bytes(MAX_COSE_BYTES)
    with pytest.raises(LimitError):
        decompress(zlib.compress(bytes(MAX_COSE_BYTES + 1)))
    with pytest.raises(LimitError):
        pack(bytes(MAX_COSE_BYTES + 1))
    with pytest.raises(LimitError):
        unpack(PREFIX + "0" * (MAX_CHARACTERS - 3))
    with pytest.raises(FormatError, match="zlib"):
        unpack(PREFIX + "000" * ((MAX_CHARACTERS - 4) // 3))


@pytest.mark.parametrize(
    "data",
    [
        b"abc",
        zlib.compress(b"abc")[:-1],
        zlib.compress(b"abc")[:-1] + b"\0",  # a wrong check sum
        zlib.compress(b"abc") + b"\0",
        zlib.compress(b"abc") * 2,
        zlib.compress(b"abc", wbits=-15),  # raw deflate
        zlib.compress(b"abc", wbits=31),  # gzip
        b"",
    ],
)
def test_only_one_whole_zlib_stream_is_taken(data: bytes) -> None:
    with pytest.raises(FormatError):
        decompress(data)


def test_a_stream_with_a_preset_dictionary_is_refused() -> None:
    stream = zlib.compressobj(zdict=b"certificate")
    with pytest.raises(FormatError):
        decompress(stream.compress(b"certificate") + stream.flush())


def test_claims_go_there_and_back() -> None:
    for value in (
        Claims("AT", ISSUED, EXPIRES, CONTENTS["t"], None),
        Claims(None, 0, 0, CONTENTS["v"], None),
        Claims("XX", ISSUED, EXPIRES, None, CLEARANCE),
    ):
        assert parse_claims(claims_bytes(value)) == value


@given(
    st.none() | st.text(max_size=MAX_FIELD),
    st.integers(0, 253_402_300_799),
    st.integers(0, 253_402_300_799),
    st.dictionaries(st.text(max_size=5), st.integers(0, 9) | st.text(max_size=5), max_size=4),
    st.booleans(),
)
def test_all_claims_go_there_and_back(
    issuer: str | None, one: int, two: int, body: dict[Any, Any], cleared: bool
) -> None:
    value = Claims(issuer, one, two, None if cleared else body, body if cleared else None)
    assert parse_claims(claims_bytes(value)) == value


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": 7},
        {"iss": "x" * (MAX_FIELD + 1)},
        {"iat": None},
        {"iat": "1767603600"},
        {"iat": True},
        {"iat": -1},
        {"iat": 253_402_300_800},
        {"iat": float("nan")},
        {"iat": float("inf")},
        {"exp": None},
        {"exp": -0.5},
        {"nbf": "now"},
    ],
)
def test_claims_of_another_type_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(FormatError, match="not the claims"):
        parse_claims(cbor2.dumps(claims(CONTENTS["t"], **changes)))


@pytest.mark.parametrize(
    "value", [[1], b"x", 1, {}, {"-260": {1: {}}}, {-260: {}}, {-260: {1: []}}, {-260: {2: {}}}, {-70_260: 7}]
)
def test_what_is_no_map_of_claims_is_refused(value: Any) -> None:
    times = {4: EXPIRES, 6: ISSUED}
    with pytest.raises(FormatError, match="not the claims"):
        parse_claims(cbor2.dumps(times | value if isinstance(value, dict) else value))


def test_fractions_of_seconds_make_a_certificate_shorter_never_longer() -> None:
    found = parse_claims(cbor2.dumps(claims(CONTENTS["t"], iat=1000.25, exp=2000.75)))
    assert (found.issued_at, found.expires_at) == (1001, 2000)
    assert parse_claims(cbor2.dumps(claims(CONTENTS["t"], iat=1000, nbf=1500))).issued_at == 1500
    assert parse_claims(cbor2.dumps(claims(CONTENTS["t"], iat=1000, nbf=500))).issued_at == 1000


@given(st.binary(max_size=120))
def test_no_foreign_error_leaves_the_claims(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_claims(data)
