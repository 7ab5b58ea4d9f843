"""Stays: where the owner was for some minutes, worked out of single fixes. For area notices (specs/area.md section 4).

Fixes that follow each other within 20 minutes and stay within 100 m (and their accuracy) of their common middle are a
stay of at least 5 minutes. One fix that lies apart, with the next one back again, is an error of measuring. The circle
of a stay holds the circles of its fixes; those that are more than twice as inexact as the middle one are left out of
it, because they say less than the others. Places that were kept as cells make stays in cells.

It is the stay point detection of Li et al. (2008), with weights by accuracy.
"""

import math
from collections.abc import Iterable, Iterator
from statistics import median_low

from ownhue.area import MAX_ACCURACY, Circle, Stay
from ownhue_client.location.interface import USEFUL_ACCURACY
from ownhue_client.phone.distance import metres_between, microdegrees, radius_of
from ownhue_client.phone.places import Place

#: Shortest stay, in seconds.
STAY_SECONDS = 300
#: Metres from the middle of a stay within which a fix belongs to it.
STAY_METRES = 100
#: Longest time in seconds without a fix within a stay.
STAY_GAP_SECONDS = 1200
#: No fix counts as more exact than this, in metres: platforms state 1 m and mean 10.
_LEAST_ACCURACY = 5


def stays_of(places: Iterable[Place]) -> list[Stay]:
    """The stays of *places* (oldest first), oldest first."""
    return [stay for group in _groups(places) if (stay := _stay(group)) is not None]


class _Group:
    """Fixes of one stay, with their weighted middle."""

    def __init__(self, first: Place) -> None:
        self.places = [first]
        self._weight = self._north = self._east = 0.0
        self._weigh(first)

    def holds(self, place: Place) -> bool:
        """Whether *place* is where these are."""
        first = self.places[0]
        if place.cell is not None or first.cell is not None:
            return place.cell == first.cell
        return metres_between(*self.middle, place.latitude, place.longitude) <= STAY_METRES + place.accuracy

    def add(self, place: Place) -> None:
        """Take *place* in."""
        self.places.append(place)
        self._weigh(place)

    @property
    def middle(self) -> tuple[float, float]:
        """Degrees north and east, weighted by accuracy."""
        first = self.places[0]
        return first.latitude + self._north / self._weight, _turned(first.longitude + self._east / self._weight)

    def _weigh(self, place: Place) -> None:
        first, weight = self.places[0], 1 / max(place.accuracy, _LEAST_ACCURACY) ** 2
        self._weight += weight
        self._north += weight * (place.latitude - first.latitude)
        # Relative to the first one: on both sides of the antimeridian the numbers would else lie a world apart.
        self._east += weight * _turned(place.longitude - first.longitude)


def _groups(places: Iterable[Place]) -> Iterator[_Group]:
    """Runs of fixes that may be stays."""
    group: _Group | None = None
    apart: Place | None = None
    for place in places:
        if place.accuracy > USEFUL_ACCURACY and place.cell is None:
            continue
        if group is None:
            group = _Group(place)
        elif place.time - (apart or group.places[-1]).time > STAY_GAP_SECONDS:
            yield group
            group, apart = _Group(place), None
        elif group.holds(place):
            group.add(place)
            apart = None
        elif apart is None:
            apart = place
        else:
            yield group
            group, apart = _moved(apart, place)
    if group is not None:
        yield group


def _moved(apart: Place, place: Place) -> tuple[_Group, Place | None]:
    """The group that begins with the two fixes that lie apart from the last one."""
    group = _Group(apart)
    if group.holds(place):
        group.add(place)
        return group, None
    return _Group(place), None


def _stay(group: _Group) -> Stay | None:
    start, end = group.places[0].time, group.places[-1].time
    return Stay(start, end, _place(group)) if end - start >= STAY_SECONDS else None


def _place(group: _Group) -> Circle | int:
    first = group.places[0]
    if first.cell is not None:
        beyond = median_low(place.beyond for place in group.places)
        if beyond == 0:
            return first.cell
        return _circle(first.latitude, first.longitude, radius_of(first.cell) + beyond)
    usual = 2 * max(median_low(place.accuracy for place in group.places), _LEAST_ACCURACY)
    north, east = group.middle
    reach = max(
        metres_between(north, east, place.latitude, place.longitude) + place.accuracy
        for place in group.places
        if place.accuracy <= usual
    )
    return _circle(north, east, reach)


def _circle(north: float, east: float, metres: float) -> Circle:
    return Circle(microdegrees(north), microdegrees(east), min(math.ceil(metres), MAX_ACCURACY))


def _turned(degrees: float) -> float:
    """The same longitude between -180 and 180."""
    return degrees if -180 <= degrees <= 180 else (degrees + 180) % 360 - 180
