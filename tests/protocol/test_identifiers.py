"""Identifiers: published and own known answers, validity, metadata. specs/identifiers.md"""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.errors import FormatError, StateError
from ownhue.identifiers import (
    Beacon,
    Metadata,
    TemporaryExposureKey,
    beacon_at,
    decrypt_metadata,
    derive_aemk,
    derive_rpik,
    encrypt_metadata,
    interval_number,
    period_start,
    rolling_proximity_identifiers,
    rpi_at,
)
from tests.protocol import second_opinion
from tests.shared import SPECS, shared_path


def _vectors(name: str) -> list[Any]:
    """The valid cases of a file, input and output in one object."""
    cases = json.loads((SPECS / "vectors" / name).read_text())["cases"]
    return [pytest.param(case["input"] | case["output"], id=case["name"]) for case in cases if "output" in case]


VECTORS = [*_vectors("gaen-v1.2.json"), *_vectors("identifiers-short.json")]
PUBLISHED: dict[str, Any] = VECTORS[0].values[0]
KEY = TemporaryExposureKey(bytes(range(16)), 2_944_800)


def _key(vector: dict[str, Any]) -> TemporaryExposureKey:
    return TemporaryExposureKey(bytes.fromhex(vector["tek"]), vector["rolling_start"], vector["rolling_period"])


def _rows(vector: dict[str, Any]) -> list[list[bytes]]:
    return [[bytes.fromhex(value) for value in row.split()] for row in vector["beacons"]]


@pytest.mark.parametrize("vector", VECTORS)
def test_known_answers(vector: dict[str, Any]) -> None:
    key, rows, metadata = _key(vector), _rows(vector), bytes.fromhex(vector["metadata"])
    assert len(rows) == vector["rolling_period"]
    assert derive_rpik(key.data).hex() == vector["rpik"]
    assert derive_aemk(key.data).hex() == vector["aemk"]
    assert rolling_proximity_identifiers(key) == b"".join(rpi for rpi, _ in rows)
    for interval, (rpi, aem) in enumerate(rows, key.rolling_start):
        assert rpi_at(key, interval) == rpi
        assert encrypt_metadata(key.data, rpi, metadata) == aem
        assert decrypt_metadata(key.data, rpi, aem) == metadata


@pytest.mark.parametrize("vector", VECTORS)
def test_beacons_of_the_known_answers(vector: dict[str, Any]) -> None:
    metadata = Metadata.from_bytes(bytes.fromhex(vector["metadata"]))
    key = _key(vector)
    beacons = [beacon_at(key, interval, metadata) for interval in range(key.rolling_start, key.end)]
    assert [[beacon.rpi, beacon.aem] for beacon in beacons] == _rows(vector)


def test_typed_values_equal_the_published_file() -> None:
    theirs = json.loads(shared_path("vectors/gaen-v1.2.json").read_text())
    key = _key(PUBLISHED)
    assert PUBLISHED["beacons"] == [f"{row['rpi']} {row['aem']}" for row in theirs["advertised"]]
    assert [row["enin"] for row in theirs["advertised"]] == list(range(key.rolling_start, key.end))
    assert [PUBLISHED[name] for name in ("tek", "rpik", "aemk", "metadata")] == [
        theirs[name] for name in ("tek", "rpik", "aemk", "metadata")
    ]


def test_the_second_computation_knows_the_example_of_fips_197() -> None:
    cipher = second_opinion.aes128(bytes(range(16)), bytes.fromhex("00112233445566778899aabbccddeeff"))
    assert cipher.hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"


@pytest.mark.parametrize("vector", VECTORS[1:])
def test_short_values_by_a_computation_that_shares_no_code(vector: dict[str, Any]) -> None:
    key, metadata = _key(vector), bytes.fromhex(vector["metadata"])
    computed = [list(second_opinion.beacon(key.data, at, metadata)) for at in range(key.rolling_start, key.end)]
    assert computed == _rows(vector)


_BYTES_16, _BYTES_4 = (st.binary(min_size=size, max_size=size) for size in (16, 4))


@given(_BYTES_16, st.integers(0, 2**31 - 145), st.integers(1, 144), _BYTES_4)
def test_any_key_agrees_with_the_second_computation(data: bytes, start: int, period: int, metadata: bytes) -> None:
    key = TemporaryExposureKey(data, start, period)
    everything = rolling_proximity_identifiers(key)
    assert len(everything) == 16 * period
    rpi, aem = second_opinion.beacon(data, key.end - 1, metadata)
    assert everything[-16:] == rpi_at(key, key.end - 1) == rpi
    assert encrypt_metadata(data, rpi, metadata) == aem


def test_intervals_and_periods() -> None:
    assert interval_number(1_585_785_600) == 2_642_976
    assert interval_number(1_585_786_199) == 2_642_976
    assert interval_number(1_585_786_200) == 2_642_977
    assert [period_start(2_642_976 + i) for i in (0, 11, 12)] == [2_642_976, 2_642_976, 2_642_988]
    assert period_start(2_642_977, 144) == 2_642_976


def test_a_key_covers_its_period_and_no_more() -> None:
    assert (KEY.rolling_period, KEY.end) == (12, KEY.rolling_start + 12)
    assert [KEY.covers(KEY.rolling_start + i) for i in (-1, 0, 11, 12)] == [False, True, True, False]
    for outside in (KEY.rolling_start - 1, KEY.end):
        with pytest.raises(StateError):
            rpi_at(KEY, outside)
        with pytest.raises(StateError):
            beacon_at(KEY, outside, Metadata(0))


@pytest.mark.parametrize(
    ("data", "start", "period"),
    [
        (bytes(15), 1, 12),
        (bytes(17), 1, 12),
        (b"", 1, 12),
        (bytes(16), 1, 0),
        (bytes(16), 1, 145),
        (bytes(16), 1, -1),
        (bytes(16), -1, 12),
        (bytes(16), 2**31 - 1, 1),
    ],
)
def test_impossible_keys_are_refused(data: bytes, start: int, period: int) -> None:
    with pytest.raises(FormatError):
        TemporaryExposureKey(data, start, period)


def test_no_representation_shows_the_key() -> None:
    assert str(KEY.data) not in repr(KEY)
    assert KEY.data.hex() not in repr(KEY)


def test_metadata_layouts() -> None:
    assert Metadata(8).to_bytes().hex() == "40080000"
    assert Metadata(-20).to_bytes().hex() == "40ec0000"
    assert Metadata(-50, minor=1, calibration_confidence=3).to_bytes().hex() == "5cce0000"
    assert Metadata.from_bytes(bytes.fromhex("40080000")) == Metadata(8)
    assert Metadata.from_bytes(bytes.fromhex("58ec0000")) == Metadata(-20, minor=1, calibration_confidence=2)
    assert Metadata.from_bytes(bytes.fromhex("4114beef")) == Metadata(20, place_tag=b"\xbe\xef")
    assert Metadata.from_bytes(bytes.fromhex("41140000")) == Metadata(20, place_tag=bytes(2))


def test_set_reserved_bits_are_refused() -> None:
    # Else a relay turns a beacon with a tag into one without, by flipping the one bit that says so.
    tagged = Metadata(-20, place_tag=b"\xbe\xef").to_bytes()
    for bit in (0x01, 0x02, 0x04, 0x08, 0x20):
        with pytest.raises(FormatError):
            Metadata.from_bytes(bytes((tagged[0] ^ bit,)) + tagged[1:])


@given(st.integers(-50, 20), st.integers(0, 1), st.none() | st.binary(min_size=2, max_size=2), st.integers(0, 3))
def test_metadata_round_trip(power: int, minor: int, tag: bytes | None, confidence: int) -> None:
    metadata = Metadata(power, 1, minor, tag, confidence if minor else 0)
    assert Metadata.from_bytes(metadata.to_bytes()) == metadata


@given(st.binary(max_size=8))
def test_hostile_metadata_is_read_or_refused(data: bytes) -> None:
    try:
        metadata = Metadata.from_bytes(data)
    except FormatError:
        return
    assert metadata.to_bytes() == data


@pytest.mark.parametrize(
    "plain",
    [
        "00080000",
        "80080000",
        "c0080000",
        "60080000",
        "70080000",
        "40150000",
        "40cd0000",
        "407f0000",
        "400800",
        "4008000000",
        "",
    ],
)
def test_unknown_versions_powers_and_lengths_are_refused(plain: str) -> None:
    with pytest.raises(FormatError):
        Metadata.from_bytes(bytes.fromhex(plain))


@pytest.mark.parametrize(
    "changed",
    [
        {"major": 2},
        {"minor": 2},
        {"minor": -1},
        {"place_tag": b"\0"},
        {"place_tag": b""},
        {"calibration_confidence": 1},
    ],
)
def test_impossible_metadata_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        replace(Metadata(0), **changed)


def test_service_data() -> None:
    beacon = beacon_at(KEY, KEY.rolling_start, Metadata(-20))
    assert len(beacon.service_data()) == 20
    assert Beacon.from_service_data(beacon.service_data()) == beacon
    for wrong in (b"", beacon.service_data()[:-1], beacon.service_data() + b"\0"):
        with pytest.raises(FormatError):
            Beacon.from_service_data(wrong)
    with pytest.raises(FormatError):
        encrypt_metadata(KEY.data, beacon.rpi, bytes(3))
    with pytest.raises(FormatError):
        encrypt_metadata(KEY.data, beacon.rpi[:-1], bytes(4))
