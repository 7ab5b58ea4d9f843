"""How sightings and windows lie in the store: every field comes back, and nothing else is read as one."""

from typing import Any

import pytest

from ownhue.errors import FormatError
from ownhue.exposure import ExposureWindow, ScanInstance
from ownhue.matching import Sighting
from ownhue.params import ReportType
from ownhue_client.phone.records import pack_sightings, unpack_sightings, window_of, window_record

NOT_BEFORE = 1_772_400_000
SIGHTINGS = [
    Sighting(bytes(range(16)), b"abcd", 1_772_409_600, -70, 7, 20, -3, NOT_BEFORE),
    Sighting(bytes(16), bytes(4), 1_772_409_900, -128, 2**40, 0, 0, NOT_BEFORE),
]


def test_a_sighting_comes_back_with_every_field() -> None:
    packed = pack_sightings(SIGHTINGS, NOT_BEFORE)
    assert len(packed) == 5 + 40 * len(SIGHTINGS)
    assert list(unpack_sightings(packed)) == SIGHTINGS


@pytest.mark.parametrize("not_before", [0, 2**40 - 1])
def test_a_group_has_one_bound_of_the_clock_anchor(not_before: int) -> None:
    packed = pack_sightings(SIGHTINGS, not_before)
    assert [sighting.not_before for sighting in unpack_sightings(packed)] == [not_before, not_before]


@pytest.mark.parametrize("length", [0, 1, 4, 40, 44, 46, 80])
def test_another_length_is_no_group_of_sightings(length: int) -> None:
    with pytest.raises(FormatError):
        list(unpack_sightings(bytes(length)))


@pytest.mark.parametrize(
    "fields", [{"rssi": 128}, {"scan_seconds": -1}, {"aem": b""}, {"rpi": bytes(17)}, {"time": 2**63}]
)
def test_a_number_that_does_not_fit_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        pack_sightings([SIGHTINGS[0]._replace(**fields)], NOT_BEFORE)


@pytest.mark.parametrize("not_before", [-1, 2**40])
def test_a_bound_that_no_anchor_has_is_refused(not_before: int) -> None:
    with pytest.raises(FormatError):
        pack_sightings(SIGHTINGS, not_before)


@pytest.mark.parametrize("place_confirmed", [False, True])
def test_a_window_comes_back_with_every_field(place_confirmed: bool) -> None:
    scans = (ScanInstance(1_772_409_600, 20, 40, 38), ScanInstance(1_772_409_900, 25, 55, 50))
    window = ExposureWindow(
        bytes(16), 1_772_409_600, ReportType.SELF_REPORT, -2, 1_772_500_000, scans, 2, place_confirmed
    )
    assert window_of(window_record(window)) == window
