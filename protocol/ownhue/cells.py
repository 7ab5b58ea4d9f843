"""H3 cells: places as numbers. specs/area.md section 1

    cell_of(46_948_000, 7_447_400, 7)            0x871f8342cffffff, about 5 km2 of a city
    ring1(0x871f8342cffffff)                     that cell and its six neighbours
    middle_of(0x871f8342cffffff)                 its middle, in microdegrees
    way(first, last, 32)                         the cells between two of them, at most 32
    format_cell(0x871f8342cffffff)               "871f8342cffffff", as JSON spells it

- A cell is an int of 64 bits (H3 index, mode 1); CBOR carries it as such, JSON as 15 hexadecimal digits.
- Places are whole microdegrees of latitude and longitude (WGS 84), so that the same place has the same spelling
  everywhere. One microdegree is at most 11 cm.
- Twelve cells of each resolution are pentagons and have five neighbours; they lie in the sea. Nothing here depends on
  a cell having six sides.
"""

import re
from functools import lru_cache

import h3.api.basic_int as h3
from h3 import H3BaseException

from ownhue.errors import FormatError

#: Finest resolution of H3: cells of less than 1 m2. specs/area.md section 1
MAX_RESOLUTION = 15
#: Microdegrees in one degree. specs/area.md section 1
MICRODEGREES = 1_000_000

_LATITUDES = 90 * MICRODEGREES
_LONGITUDES = 180 * MICRODEGREES
_TEXT = re.compile(r"8[0-9a-f]{14}", re.ASCII)


def cell_of(latitude_microdegrees: int, longitude_microdegrees: int, resolution: int) -> int:
    """The cell of a place, -90 .. 90 and -180 .. 180 degrees in microdegrees. Raises FormatError outside.

    Both poles and both spellings of the antimeridian (180 degrees east and west) are places like others.
    """
    check_place(latitude_microdegrees, longitude_microdegrees)
    _check_resolution(resolution)
    latitude, longitude = latitude_microdegrees / MICRODEGREES, longitude_microdegrees / MICRODEGREES
    return int(h3.latlng_to_cell(latitude, longitude, resolution))


def check_place(latitude_microdegrees: int, longitude_microdegrees: int) -> None:
    """Raises FormatError unless the two are a place on earth."""
    if not _whole(latitude_microdegrees) or not -_LATITUDES <= latitude_microdegrees <= _LATITUDES:
        raise FormatError("a latitude is -90 to 90 degrees in whole microdegrees")
    if not _whole(longitude_microdegrees) or not -_LONGITUDES <= longitude_microdegrees <= _LONGITUDES:
        raise FormatError("a longitude is -180 to 180 degrees in whole microdegrees")


def is_cell(value: object, resolution: int | None = None) -> bool:
    """Whether *value* is the number of a cell, of *resolution* where one is given."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**64 or not h3.is_valid_cell(value):
        return False
    return resolution is None or resolution_of(value) == resolution


def resolution_of(cell: int) -> int:
    """The resolution of *cell*, 0 to 15. Raises FormatError for what is no cell."""
    _check_cell(cell)
    return int(h3.get_resolution(cell))


def ring1(cell: int) -> frozenset[int]:
    """*cell* and its neighbours: seven cells, six for a pentagon. Raises FormatError for what is no cell."""
    _check_cell(cell)
    return _ring1(cell)


@lru_cache(maxsize=4096)
def _ring1(cell: int) -> frozenset[int]:
    return frozenset(h3.grid_disk(cell, 1))


def parent(cell: int, resolution: int) -> int:
    """The cell of a coarser or the same *resolution* that *cell* belongs to.

    Belonging is by number: a cell may stick out of its parent by a part of its width. Raises FormatError for what is
    no cell and for a finer resolution.
    """
    _check_resolution(resolution)
    if resolution > resolution_of(cell):
        raise FormatError("a parent's resolution is that of the cell or coarser")
    return int(h3.cell_to_parent(cell, resolution))


def middle_of(cell: int) -> tuple[int, int]:
    """Latitude and longitude of the middle of *cell*, in microdegrees. Raises FormatError for what is no cell."""
    _check_cell(cell)
    return _microdegrees(h3.cell_to_latlng(cell))


def corners_of(cell: int) -> list[tuple[int, int]]:
    """Latitude and longitude of the corners of *cell*, in microdegrees. Raises FormatError for what is no cell."""
    _check_cell(cell)
    return [_microdegrees(corner) for corner in h3.cell_to_boundary(cell)]


def way(start: int, end: int, most: int) -> tuple[int, ...] | None:
    """The cells of a straight way from *start* to *end*, both included and both of one resolution.

    None when they are more than *most*, or H3 finds no way (over one of the pentagons in the sea). Raises FormatError
    for what is no cell.
    """
    _check_cell(start)
    _check_cell(end)
    try:
        return tuple(h3.grid_path_cells(start, end)) if h3.grid_distance(start, end) < most else None
    except H3BaseException:
        return None


def _microdegrees(place: tuple[float, float]) -> tuple[int, int]:
    return round(place[0] * MICRODEGREES), round(place[1] * MICRODEGREES)


def format_cell(cell: int) -> str:
    """The cell as JSON spells it: 15 lower-case hexadecimal digits. Raises FormatError for what is no cell."""
    _check_cell(cell)
    return f"{cell:x}"


def parse_cell(text: object) -> int:
    """The cell of 15 lower-case hexadecimal digits. Raises FormatError."""
    if not isinstance(text, str) or not _TEXT.fullmatch(text):
        raise FormatError("a cell is spelled with 15 hexadecimal digits, of which the first is 8")
    cell = int(text, 16)
    _check_cell(cell)
    return cell


def _check_cell(cell: object) -> None:
    if not is_cell(cell):
        raise FormatError("not a cell of H3")


def _check_resolution(resolution: int) -> None:
    if not _whole(resolution) or not 0 <= resolution <= MAX_RESOLUTION:
        raise FormatError(f"a resolution of H3 is 0 to {MAX_RESOLUTION}")


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
