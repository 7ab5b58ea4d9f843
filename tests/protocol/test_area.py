"""Stays against notices: doubt speaks for the owner, seconds count once. specs/area.md section 4"""

import math
from itertools import pairwise
from random import Random
from typing import Any

import h3.api.basic_int as h3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.area import LEAST_EARTH_RADIUS, MAX_ACCURACY, Area, Circle, Stay, match_area
from ownhue.cells import cell_of, parent, ring1
from ownhue.errors import FormatError
from tests.protocol.test_area_notice import END, HOME, notice

START = END - 14_400
_PLACES = st.tuples(st.integers(-90_000_000, 90_000_000), st.integers(-180_000_000, 180_000_000))


def middle(cell: int, accuracy: int = 10) -> Circle:
    north, east = h3.cell_to_latlng(cell)
    return Circle(round(north * 1e6), round(east * 1e6), accuracy)


def moved(place: Circle, bearing: float, metres: float) -> tuple[float, float]:
    """Where one is, in degrees, after *metres* on a sphere of the radius that the library takes."""
    angle, north, east = metres / LEAST_EARTH_RADIUS, *map(math.radians, (place.latitude / 1e6, place.longitude / 1e6))
    ahead = math.cos(bearing) * math.sin(angle)
    aside = math.sin(bearing) * math.sin(angle)
    # Along the axis of the earth, away from it in the meridian of the place, and across that meridian.
    up = math.sin(north) * math.cos(angle) + math.cos(north) * ahead
    out = math.cos(north) * math.cos(angle) - math.sin(north) * ahead
    degrees = math.degrees(east + math.atan2(aside, out))
    return math.degrees(math.atan2(up, math.hypot(out, aside))), (degrees + 540) % 360 - 180


@given(_PLACES, st.integers(5, 9), st.integers(0, 2**32))
def test_a_circle_is_inside_exactly_when_all_of_its_edge_is(place: tuple[int, int], resolution: int, seed: int) -> None:
    """Everywhere on earth, poles, antimeridian and pentagons too: walk around the edge and look at the cells there."""
    draw = Random(seed)
    home = cell_of(*place, resolution)
    cells = {home, *draw.sample(sorted(ring1(home)), draw.randint(0, 5))}
    area, size = Area(cells), h3.average_hexagon_edge_length(resolution, "m")
    radius = draw.randint(1, int(size * 2))
    circle = Circle(*place, radius)

    def outside(metres: float) -> int:
        edge = (moved(circle, bearing / 50, metres) for bearing in range(315))
        return sum(h3.latlng_to_cell(*point, resolution) not in cells for point in edge)

    if area.holds(circle):
        assert not outside(radius)
    # The edge is looked at in 315 points: a tip that reaches between two of them stays unseen, but not when enlarged.
    elif not outside(radius):
        assert outside(radius * 1.01 + 1)


@given(_PLACES, st.integers(5, 9), st.integers(0, 400), st.integers(0, 400))
def test_a_less_exact_place_is_never_inside_where_a_more_exact_one_is_not(
    place: tuple[int, int], resolution: int, more: int, less: int
) -> None:
    area = Area(ring1(cell_of(*place, resolution)))
    assert area.holds(Circle(*place, more)) or not area.holds(Circle(*place, more + less))


def test_a_doubtful_stay_does_not_count_against_its_owner() -> None:
    alone, together = Area([HOME]), Area(ring1(HOME))
    assert alone.holds(middle(HOME, 1000))
    assert not alone.holds(middle(HOME, 1200)), "nearly all of that circle is in the cell, and nearly is not surely"
    assert together.holds(middle(HOME, 1200))
    assert together.holds(middle(HOME, 2500))
    assert not together.holds(middle(HOME, 6000))


def test_a_named_cell_within_the_area_is_no_border() -> None:
    area = Area(ring1(HOME))
    for a, b in pairwise(sorted(ring1(HOME) - {HOME})):
        assert area.holds(a)
        assert area.holds(b)
    corner = h3.cell_to_boundary(HOME)[0]
    assert area.holds(Circle(round(corner[0] * 1e6), round(corner[1] * 1e6), 500))


def test_an_area_with_a_hole_does_not_hold_the_hole() -> None:
    ring = Area(ring1(HOME) - {HOME})
    assert not ring.holds(HOME)
    assert not ring.holds(middle(HOME, 1))
    assert all(ring.holds(cell) for cell in ring1(HOME) - {HOME})
    around = Area(h3.grid_disk(HOME, 3)[1:])
    assert around.holds(middle(min(ring1(HOME) - {HOME}), 500))
    assert not around.holds(middle(min(ring1(HOME) - {HOME}), 1500)), "the hole is nearer than that"


def test_coarser_and_finer_cells_count_when_surely_inside() -> None:
    area = Area([HOME])
    children = list(h3.cell_to_children(HOME, 8))
    assert [area.holds(cell) for cell in children] == [cell == h3.cell_to_center_child(HOME, 8) for cell in children]
    assert not area.holds(parent(HOME, 6))
    assert not area.holds(parent(HOME, 0))
    assert Area(h3.grid_disk(HOME, 7)).holds(parent(HOME, 6))
    for cell in h3.cell_to_children(HOME, 10):
        if area.holds(cell):
            assert all(h3.latlng_to_cell(*corner, 7) == HOME for corner in h3.cell_to_boundary(cell))


def test_a_pentagon_is_an_area_like_others() -> None:
    for pentagon in h3.get_pentagons(7):
        assert Area([pentagon]).holds(middle(pentagon, 700))
        assert not Area([pentagon]).holds(middle(pentagon, 3000))
        assert Area(ring1(pentagon)).holds(middle(pentagon, 1500))


def _match(*stays: Stay, **changes: Any) -> tuple[int, int] | None:
    exposure = match_area(notice(**changes), stays, END)
    return None if exposure is None else (exposure.start - START, exposure.seconds)


def _stay(start: int, end: int, place: Circle | int = HOME) -> Stay:
    return Stay(START + start, START + end, place)


def test_an_exposure_says_what_the_rulebook_needs() -> None:
    exposure = match_area(notice(minimum_minutes=30), [_stay(60, 120)], END + 7200)
    assert exposure is not None
    assert exposure.source == notice(minimum_minutes=30).digest
    assert (exposure.rule, exposure.start, exposure.seconds) == ("outbreak", START + 60, 60)
    assert (exposure.minimum_seconds, exposure.published_at, exposure.denied_at) == (1800, END + 7200, None)


def test_seconds_count_within_the_notice_and_once() -> None:
    assert _match(_stay(-100, 100)) == (0, 100)
    assert _match(_stay(14_300, 14_500)) == (14_300, 100)
    assert _match(_stay(-100, 20_000)) == (0, 14_400)
    assert _match(_stay(0, 100), _stay(50, 150), _stay(60, 70)) == (0, 150)
    assert _match(_stay(500, 600), _stay(0, 100)) == (0, 200)
    assert _match(_stay(-100, 0), _stay(14_400, 14_500)) is None
    assert _match() is None


@given(st.lists(st.tuples(st.integers(-50, 250), st.integers(1, 80), st.booleans()), max_size=12))
def test_seconds_are_those_that_counting_one_by_one_gives(pieces: list[tuple[int, int, bool]]) -> None:
    elsewhere = cell_of(0, 0, 7)
    stays = [_stay(start, start + length, HOME if inside else elsewhere) for start, length, inside in pieces]
    inside = {
        second
        for start, length, counts in pieces
        for second in range(start, start + length)
        if counts and 0 <= second < 200
    }
    expected = (min(inside), len(inside)) if inside else None
    assert _match(*stays, end=START + 200, minimum_minutes=1) == expected


def test_impossible_history_is_refused() -> None:
    for start, end in ((5, 5), (6, 5), (-1, 5)):
        with pytest.raises(FormatError):
            Stay(start, end, HOME)
    with pytest.raises(FormatError):
        Stay(0, 1, 0)
    for place in ((90_000_001, 0, 1), (0, 180_000_001, 1), (0, 0, -1), (0, 0, MAX_ACCURACY + 1)):
        with pytest.raises(FormatError):
            Circle(*place)
    for cells in ([], [HOME, parent(HOME, 6)], [0]):
        with pytest.raises(FormatError):
            Area(cells)
