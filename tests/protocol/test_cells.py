"""Cells: known ones, pentagons, poles, the antimeridian; everything else is refused. specs/area.md section 1"""

from contextlib import suppress
from itertools import pairwise
from typing import Any

import h3.api.basic_int as h3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.cells import (
    cell_of,
    corners_of,
    format_cell,
    is_cell,
    middle_of,
    parent,
    parse_cell,
    resolution_of,
    ring1,
    way,
)
from ownhue.errors import FormatError, OwnhueError

HOME = 0x871F8342CFFFFFF
_PLACES = st.tuples(st.integers(-90_000_000, 90_000_000), st.integers(-180_000_000, 180_000_000))


@given(_PLACES, st.integers(0, 15))
def test_every_place_on_earth_has_a_cell_of_every_resolution(place: tuple[int, int], resolution: int) -> None:
    cell = cell_of(*place, resolution)
    assert is_cell(cell)
    assert is_cell(cell, resolution)
    assert not is_cell(cell, resolution ^ 1)
    assert resolution_of(cell) == resolution
    assert parse_cell(format_cell(cell)) == cell
    assert len(format_cell(cell)) == 15


@given(_PLACES, st.integers(0, 15))
def test_neighbours_are_mutual(place: tuple[int, int], resolution: int) -> None:
    cell = cell_of(*place, resolution)
    around = ring1(cell)
    assert cell in around
    assert len(around) == (6 if h3.is_pentagon(cell) else 7)
    assert all(cell in ring1(other) for other in around)


@pytest.mark.parametrize("resolution", [0, 5, 7, 9, 15])
def test_pentagons_have_five_neighbours(resolution: int) -> None:
    pentagons = h3.get_pentagons(resolution)
    assert len(pentagons) == 12
    assert all(len(ring1(cell)) == 6 for cell in pentagons)


def test_poles_and_antimeridian_are_one_place_by_every_name() -> None:
    for resolution in (5, 7, 9, 15):
        for pole in (90_000_000, -90_000_000):
            assert len({cell_of(pole, east, resolution) for east in (-180_000_000, -1, 0, 77_000_000)}) == 1
        assert cell_of(12_345_678, 180_000_000, resolution) == cell_of(12_345_678, -180_000_000, resolution)
    west, east = cell_of(0, 179_999_999, 7), cell_of(0, -179_999_999, 7)
    assert west in ring1(east)


@given(_PLACES, st.integers(0, 15), st.integers(0, 15))
def test_a_parent_is_coarser_and_the_parent_of_itself(place: tuple[int, int], fine: int, coarse: int) -> None:
    cell = cell_of(*place, fine)
    if coarse > fine:
        with pytest.raises(FormatError):
            parent(cell, coarse)
        return
    above = parent(cell, coarse)
    assert resolution_of(above) == coarse
    assert parent(above, coarse) == above
    assert parent(cell, fine) == cell


@pytest.mark.parametrize(
    "arguments",
    [
        (90_000_001, 0, 7),
        (-90_000_001, 0, 7),
        (0, 180_000_001, 7),
        (0, -180_000_001, 7),
        (0, 0, 16),
        (0, 0, -1),
        (46.9, 0, 7),
        (0, 7.4, 7),
        (0, 0, 7.0),
        (True, 0, 7),
        (0, 0, True),
        (float("nan"), 0, 7),
        ("0", 0, 7),
    ],
)
def test_what_is_no_place_is_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(FormatError):
        cell_of(*arguments)


@given(_PLACES, st.integers(0, 15))
def test_the_middle_of_a_cell_lies_in_it_and_its_corners_are_places(place: tuple[int, int], resolution: int) -> None:
    cell = cell_of(*place, min(resolution, 11))
    assert cell_of(*middle_of(cell), min(resolution, 11)) == cell
    assert all(is_cell(cell_of(*corner, 3)) for corner in corners_of(cell))


def test_a_way_goes_from_cell_to_neighbour_and_is_none_when_it_is_too_long() -> None:
    found = way(HOME, cell_of(47_048_000, 7_447_400, 7), 32)
    assert found is not None
    assert found[0] == HOME
    assert all(later in ring1(earlier) for earlier, later in pairwise(found))
    assert way(HOME, found[-1], len(found)) == found
    assert way(HOME, found[-1], len(found) - 1) is None
    assert way(HOME, HOME, 1) == (HOME,)
    # The other side of the earth; another resolution.
    assert way(HOME, cell_of(-46_948_000, -172_552_600, 7), 10**9) is None
    assert way(HOME, cell_of(46_948_000, 7_447_400, 8), 32) is None


# No cell: zero, one bit off, a digit 7, another mode (an edge, a vertex), 65 bits, and things that are no numbers.
_NO_CELLS = [0, -1, HOME ^ 1, HOME | 7 << 24, HOME ^ 1 << 60, 0x22871F8342CFFFFF, HOME | 1 << 63, 2**64, HOME + 2**64]


@pytest.mark.parametrize("value", [*_NO_CELLS, True, None, "871f8342cffffff", 1.5, b"", []])
def test_what_is_no_cell_is_none_and_no_function_takes_it(value: Any) -> None:
    assert not is_cell(value)
    functions = (ring1, format_cell, resolution_of, middle_of, corners_of, lambda cell: parent(cell, 0))
    for function in (*functions, lambda cell: way(HOME, cell, 9), lambda cell: way(cell, HOME, 9)):
        with pytest.raises((FormatError, TypeError) if isinstance(value, list) else FormatError):
            function(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "871F8342CFFFFFF",
        "0871f8342cffffff",
        "871f8342cfffff",
        "871f8342cffffff\n",
        "0x71f8342cffffff",
        "8７1f8342cffffff",
        "971f8342cffffff",
        "87ffffffffffff0",
        HOME,
        None,
        b"871f8342cffffff",
    ],
)
def test_a_cell_has_one_spelling(text: Any) -> None:
    with pytest.raises(FormatError):
        parse_cell(text)


@given(st.text(max_size=20) | st.text("0123456789abcdefABCDEF", min_size=14, max_size=16))
def test_any_text_is_a_cell_in_its_one_spelling_or_refused(text: str) -> None:
    with suppress(OwnhueError):
        assert format_cell(parse_cell(text)) == text


@given(st.integers(-(2**70), 2**70))
def test_any_number_is_a_cell_or_none(value: int) -> None:
    if is_cell(value):
        assert parse_cell(format_cell(value)) == value
