"""How sightings and windows lie in the store: every field comes back, and nothing else is read as one."""

from typing import Any

import pytest

from ownhue.errors import FormatError
from ownhue.exposure import ExposureWindow, ScanInstance
from ownhue.matching import Sighting
from ownhue.params import ReportType
from ownhue_client.phone.records import pack_sightings, unpack_sightings, window_of, window_record

SIGHTINGS = [
    Sighting(bytes(range(16)), b"abcd", 1_772_409_600, -70, 7, 20, -3, 1_772_400_000),
    Sighting(bytes(16), bytes(4), 1_772_409_900, -128, 2**40, 0),
]


def test_a_sighting_comes_back_with_every_field() -> None:
    packed = pack_sightings(SIGHTINGS)
    assert len(packed) == 48 * len(SIGHTINGS)
    assert list(unpack_sightings(packed)) == SIGHTINGS
    assert [sighting.not_before for sighting in unpack_sightings(packed)] == [1_772_400_000, 0]


@pytest.mark.parametrize("length", [1, 40, 47, 49, 80])
def test_another_length_is_no_group_of_sightings(length: int) -> None:
    with pytest.raises(FormatError):
        list(unpack_sightings(bytes(length)))


@pytest.mark.parametrize(
    "fields", [{"not_before": 2**63}, {"not_before": -(2**63) - 1}, {"rssi": 128}, {"scan_seconds": -1}, {"aem": b""}]
)
def test_a_number_that_does_not_fit_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        pack_sightings([SIGHTINGS[0]._replace(**fields)])


@pytest.mark.parametrize("place_confirmed", [False, True])
def test_a_window_comes_back_with_every_field(place_confirmed: bool) -> None:
    scans = (ScanInstance(1_772_409_600, 20, 40, 38), ScanInstance(1_772_409_900, 25, 55, 50))
    window = ExposureWindow(
        bytes(16), 1_772_409_600, ReportType.SELF_REPORT, -2, 1_772_500_000, scans, 2, place_confirmed
    )
    assert window_of(window_record(window)) == window
