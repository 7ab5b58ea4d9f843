"""Area: was the owner of this history in the cells of a notice? specs/area.md section 4

    stays = [Stay(1767700000, 1767706000, Circle(46_948_000, 7_447_400, 50)),   100 minutes within 50 m of a place
             Stay(1767706000, 1767709600, 0x871f8342cffffff)]                   an hour somewhere in a cell
    match_area(notice, stays, published_at)              AreaExposure(..., start=1767700800, seconds=8800, ...), or None

- It runs where the history lies, on the phone; nothing of it is asked of anybody.
- Doubt speaks for the owner: a stay counts only when the whole of where it may have been lies in the notice's cells.
- Time is linear in stays, after work on the notice's cells that is done once, and only for a stay inside them. Stays
  need no order and may overlap; no second counts twice.
- Where somebody was shows in no repr.
- Distances are metres on a sphere of the earth's smallest radius of curvature, so never too long.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import h3.api.basic_int as h3

from ownhue.area_notice import AreaNotice
from ownhue.cells import MICRODEGREES, cell_of, check_place, is_cell, resolution_of
from ownhue.colour.evidence_facts import AreaExposure
from ownhue.errors import FormatError

#: Radius in metres by which angles become distances: the meridian's at the equator (WGS 84), the smallest anywhere.
#: specs/area.md section 6
LEAST_EARTH_RADIUS = 6_335_439
#: Largest radius in metres of a circle in a history. specs/area.md section 6
MAX_ACCURACY = 100_000

_Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Circle:
    """Somewhere within *accuracy* of a place. Raises FormatError for what is no place."""

    latitude: int = field(repr=False)
    """Microdegrees, -90 to 90 degrees."""
    longitude: int = field(repr=False)
    """Microdegrees, -180 to 180 degrees."""
    accuracy: int
    """Metres, 0 to 100,000: the radius in which the phone was almost surely (95 %), not its average error."""

    def __post_init__(self) -> None:
        check_place(self.latitude, self.longitude)
        if not 0 <= self.accuracy <= MAX_ACCURACY:
            raise FormatError(f"an accuracy is 0 to {MAX_ACCURACY} metres")


@dataclass(frozen=True, slots=True)
class Stay:
    """A piece of the owner's history. Raises FormatError for a time that runs backwards and for what is no cell."""

    start: int
    """First unix second."""
    end: int
    """Unix second at which it was over."""
    place: Circle | int = field(repr=False)
    """Where: a circle, or an H3 cell of any resolution for a history that is coarse by choice."""

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise FormatError("a stay ends after its start")
        if not isinstance(self.place, Circle) and not is_cell(self.place):
            raise FormatError("a stay is in a circle or in a cell")


class Area:
    """The cells of a notice with their common border, ready for any number of stays."""

    def __init__(self, cells: Iterable[int]) -> None:
        """*cells* of one resolution. Raises FormatError."""
        self._cells = frozenset(cells)
        resolutions = {resolution_of(cell) for cell in self._cells}
        if len(resolutions) != 1:
            raise FormatError("an area has cells of one resolution")
        (self._resolution,) = resolutions

    @cached_property
    def _border(self) -> list[tuple[_Vector, _Vector]]:
        """The edges between the cells and all others: much work, which most notices never need."""
        return list(_border(self._cells))

    def holds(self, place: Circle | int) -> bool:
        """Whether the whole of *place* lies in the area. specs/area.md section 4"""
        if isinstance(place, Circle):
            at = _vector(place.latitude / MICRODEGREES, place.longitude / MICRODEGREES)
            inside = cell_of(place.latitude, place.longitude, self._resolution) in self._cells
            return inside and self._is_clear(at, place.accuracy / LEAST_EARTH_RADIUS)
        if resolution_of(place) == self._resolution:
            return place in self._cells
        # A cell sticks out of its parent and over its children, so it is taken as a circle around its middle.
        middle = h3.cell_to_latlng(place)
        at, corners = _vector(*middle), [_vector(*corner) for corner in h3.cell_to_boundary(place)]
        inside = h3.latlng_to_cell(*middle, self._resolution) in self._cells
        return inside and self._is_clear(at, max(_angle(at, corner) for corner in corners))

    def _is_clear(self, at: _Vector, angle: float) -> bool:
        """Whether no part of the border is nearer than *angle*."""
        return all(_angle_to_edge(at, *edge) >= angle for edge in self._border)


def match_area(notice: AreaNotice, stays: Iterable[Stay], published_at: int) -> AreaExposure | None:
    """How long *stays* lay in the notice's cells and time, however short; None: not at all.

    Whether that is long enough is for the rulebook, which has a minimum of its own beside the notice's.
    """
    area = Area(notice.cells)
    during = ((max(stay.start, notice.start), min(stay.end, notice.end), stay.place) for stay in stays)
    inside = sorted((start, end) for start, end, place in during if start < end and area.holds(place))
    if not inside:
        return None
    return AreaExposure(
        source=notice.digest,
        rule=notice.rule,
        start=inside[0][0],
        seconds=_seconds(inside),
        minimum_seconds=notice.minimum_minutes * 60,
        published_at=published_at,
        denied_at=None,
    )


def _seconds(spans: Iterable[tuple[int, int]]) -> int:
    """Seconds in the union of *spans*, which are sorted."""
    total = reached = 0
    for start, end in spans:
        total += max(end - max(start, reached), 0)
        reached = max(reached, end)
    return total


def _border(cells: frozenset[int]) -> Iterator[tuple[_Vector, _Vector]]:
    """The edges between *cells* and all others, each a piece of a great circle."""
    for cell in cells:
        for edge in h3.origin_to_directed_edges(cell):
            if h3.get_directed_edge_destination(edge) not in cells:
                corners = [_vector(*corner) for corner in h3.directed_edge_to_boundary(edge)]
                yield from pairwise(corners)


def _vector(latitude: float, longitude: float) -> _Vector:
    """The point of the unit sphere at a place in degrees."""
    north, east = math.radians(latitude), math.radians(longitude)
    return math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)


def _angle(a: _Vector, b: _Vector) -> float:
    return 2 * math.asin(min(math.dist(a, b) / 2, 1))


def _angle_to_edge(at: _Vector, a: _Vector, b: _Vector) -> float:
    """The least angle between a point and the piece of a great circle from *a* to *b*."""
    normal = _cross(a, b)
    if _dot(_cross(normal, a), at) > 0 and _dot(_cross(b, normal), at) > 0:  # the nearest point lies between the ends
        return math.asin(min(abs(_dot(normal, at)) / math.hypot(*normal), 1))
    return min(_angle(at, a), _angle(at, b))


def _cross(a: _Vector, b: _Vector) -> _Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _dot(a: _Vector, b: _Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
