"""Foreign sightings without scan ids are grouped as GAEN's reference does it. specs/exposure.md section 8"""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.errors import FormatError
from ownhue.exposure import ExposureWindow, ScanInstance
from ownhue.gaen_scans import ForeignSighting, gaen_windows
from ownhue.params import ReportType

START = 1767585600  # a whole minute


def windows(*sightings: ForeignSighting) -> list[ExposureWindow]:
    return gaen_windows(
        bytes(16), sightings, report_type=ReportType.CONFIRMED_TEST, days_since_onset=0, published_at=START + 9000
    )


def heard(*times: int, attenuation: int = 50, previous: int | None = None) -> list[ForeignSighting]:
    return [ForeignSighting(START + time, attenuation, previous) for time in times]


def test_the_example_of_the_module() -> None:
    (made,) = windows(
        ForeignSighting(1767232980, 52, previous_scan=1767232741),
        ForeignSighting(1767232983, 57, previous_scan=1767232741),
    )
    assert made.scans == (ScanInstance(1767232980, 240, 55, 52),)  # (52 + 57) / 2 = 54.5 -> 55
    assert made.start == 1767232980


def test_25_seconds_after_the_sighting_before_are_the_same_scan_and_26_are_not() -> None:
    # 25.5 s = 1.5 x (4 s of scanning + 13 s more while a profile is in use): on whole seconds, 25.
    assert [scan.time - START for scan in windows(*heard(0, 25, 50, 76, 101, 127))[0].scans] == [0, 76, 127]


@pytest.mark.parametrize(
    ("time", "previous", "seconds"),
    [
        (0, None, 120),  # unknown: 2 minutes
        (0, START - 300, 300),
        (0, START - 301, 300),  # never more than 5 minutes
        (0, START - 4000, 300),
        (59, START, 0),  # both are cut to their minute: the same one
        (60, START + 59, 60),  # one second apart, over the border of a minute
        (239, START + 1, 180),
        (240, START + 1, 240),
        (0, START, 0),
    ],
)
def test_seconds_are_whole_minutes_since_the_previous_scan(time: int, previous: int | None, seconds: int) -> None:
    (made,) = windows(*heard(time, previous=previous))
    assert made.seconds == seconds


def test_the_first_sighting_of_a_scan_says_how_long_it_stands_for() -> None:
    (made,) = windows(ForeignSighting(START, 60, START - 180), ForeignSighting(START + 3, 40, START - 300))
    assert made.scans == (ScanInstance(START, 180, 50, 40),)


def test_a_window_is_cut_by_sightings_so_that_a_scan_across_the_cut_counts_in_both() -> None:
    made = windows(*heard(0, 1790, 1799, 1800, 1810))
    assert [[scan.time - START for scan in window.scans] for window in made] == [[0, 1790], [1800]]
    assert [window.start - START for window in made] == [0, 1800]


def test_the_next_window_begins_with_the_next_sighting() -> None:
    made = windows(*heard(0, 1000, 2500, 4200, 4300))
    assert [[scan.time - START for scan in window.scans] for window in made] == [[0, 1000], [2500, 4200], [4300]]


def test_a_previous_scan_after_its_sighting_is_refused() -> None:
    with pytest.raises(FormatError, match="lies after it"):
        windows(*heard(0, previous=START + 1))


def test_it_is_refused_wherever_it_stands_in_its_scan() -> None:
    # Only the first sighting of an instance gives its seconds; the others must not be nonsense either.
    with pytest.raises(FormatError, match="lies after it"):
        windows(*heard(0, previous=START - 60), *heard(1, previous=START + 2))


def test_nothing_heard_is_no_window() -> None:
    assert windows() == []


@st.composite
def sightings(draw: st.DrawFn) -> list[ForeignSighting]:
    made = []
    for time in draw(st.lists(st.integers(0, 8000), max_size=40)):
        ago = draw(st.none() | st.integers(0, 900))
        made.append(
            ForeignSighting(START + time, draw(st.integers(0, 90)), None if ago is None else START + time - ago)
        )
    return made


@given(sightings(), st.randoms(use_true_random=False))
def test_the_order_of_sightings_does_not_matter(given_sightings: list[ForeignSighting], random: object) -> None:
    shuffled = list(given_sightings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert windows(*shuffled) == windows(*given_sightings)


@given(sightings())
def test_scans_of_one_window_lie_more_than_25_seconds_apart_and_within_30_minutes(
    heard_: list[ForeignSighting],
) -> None:
    made = windows(*heard_)
    for window in made:
        times = [scan.time for scan in window.scans]
        assert window.start == times[0]
        assert times[-1] - times[0] < 1800
        assert all(later - earlier > 25 for earlier, later in pairwise(times))
        assert all(0 <= scan.seconds <= 300 and scan.seconds % 60 == 0 for scan in window.scans)
        assert all(scan.minimum_attenuation <= scan.typical_attenuation for scan in window.scans)
    assert all(later.start - earlier.start >= 1800 for earlier, later in pairwise(made))
