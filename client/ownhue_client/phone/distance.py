"""Metres between places, and how far a cell reaches. Not for the protocol: its own geometry is in ownhue.area."""

import math
from functools import lru_cache

from ownhue.cells import MICRODEGREES, corners_of, middle_of

#: Mean radius of the earth in metres.
_EARTH_RADIUS = 6_371_009


def metres_between(north: float, east: float, other_north: float, other_east: float) -> float:
    """Metres on the sphere between two places in degrees."""
    lower, upper = math.radians(north), math.radians(other_north)
    sine_north, sine_east = math.sin((upper - lower) / 2), math.sin(math.radians(other_east - east) / 2)
    chord = sine_north**2 + math.cos(lower) * math.cos(upper) * sine_east**2
    return 2 * _EARTH_RADIUS * math.asin(math.sqrt(min(chord, 1)))


@lru_cache(maxsize=1024)
def radius_of(cell: int) -> int:
    """Metres from the middle of *cell* to its farthest corner, rounded up."""
    north, east = (degree / MICRODEGREES for degree in middle_of(cell))
    corners = [(latitude / MICRODEGREES, longitude / MICRODEGREES) for latitude, longitude in corners_of(cell)]
    return math.ceil(max(metres_between(north, east, *corner) for corner in corners))


def microdegrees(degrees: float) -> int:
    """Degrees as whole microdegrees, as ownhue.cells takes them."""
    return round(degrees * MICRODEGREES)
