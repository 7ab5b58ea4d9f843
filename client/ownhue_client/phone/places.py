"""The owner's own history of places: sealed, for the owner alone. No message of the protocol has a field for it.

- As measured, or, when the owner chose *coarse*, as an H3 cell of resolution 7 (5 km2): the store never holds more.
- One fix a minute is enough for everything that is worked out from it; more often are kept only changes of cell.
- A place that is forgotten goes with every fix within it, whatever its day.

A record is [time, degrees north, degrees east (both in 10^-7), accuracy], or [time, cell, beyond] for a coarse one.
"""

import math
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from ownhue.area import MAX_ACCURACY, Area, Circle
from ownhue.cells import cell_of, middle_of, parent, resolution_of
from ownhue.encoding import cbor_decode
from ownhue.errors import FormatError
from ownhue.place_tag import PLACE_RESOLUTION
from ownhue_client.phone.distance import metres_between, microdegrees, radius_of
from ownhue_client.phone.records import day_of
from ownhue_client.phone.schema import HISTORY
from ownhue_client.phone.store import Row, Store

#: Seconds within which a second fix in the same cell tells nothing new.
MINUTE = 60
#: Degrees are kept as whole numbers of this fraction (about a centimetre).
_PER_DEGREE = 10**7
#: Fixes this near, in metres, to a place that is forgotten are forgotten with it, however exact it was.
_FORGET_METRES = 100


class Place(NamedTuple):
    """Where the phone was at one time."""

    time: int
    """Unix second."""
    latitude: float
    """Degrees north, -90 to 90."""
    longitude: float
    """Degrees east, -180 to 180."""
    accuracy: int
    """Radius in metres in which the phone was almost surely (95 %)."""
    cell: int | None = None
    """The H3 cell that alone was kept (coarse): latitude and longitude are its middle. None: kept as measured."""
    beyond: int = 0
    """Of a coarse place: metres by which the phone may have been outside the cell."""

    def __repr__(self) -> str:
        """Without the place: it may end up in a traceback."""
        return f"Place(time={self.time}, ...)"


class Places:
    """Places in *store*. The transaction is the caller's, where many are kept at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._newest: Place | None = None

    def note(self, place: Place, *, coarse: bool = False) -> bool:
        """Seal *place* under the key of its day; False where that would tell nothing new.

        Raises FormatError for a place that is not on earth, or not known better than to 100 km.
        """
        kept = _checked(place, coarse)
        last, self._newest = self.newest(), kept
        if last and 0 <= kept.time - last.time < MINUTE and place_cell(kept) == place_cell(last):
            # The minute counts from the last one that was kept, or a source that never pauses would stop the history.
            self._newest = last if kept.accuracy >= last.accuracy else kept._replace(time=last.time)
            return False
        self._store.add("places", day_of(kept.time), _record(kept))
        return True

    def add(self, places: Iterable[Place], *, coarse: bool) -> int:
        """Keep each of *places* (an imported history), in any order; how many."""
        count = 0
        for count, place in enumerate(places, 1):  # noqa: B007 - counted to its end
            self._store.add("places", day_of(place.time), _record(_checked(place, coarse)))
        self._newest = None
        return count

    def newest(self) -> Place | None:
        """The fix that was kept last; None without a history."""
        if self._newest is None and (row := self._store.newest("places")) is not None:
            self._newest = place_of(cbor_decode(row.value))
        return self._newest

    def all(self, first: int = 0, last: int = 2**40) -> list[Place]:
        """Every place between two unix seconds (both included), oldest first."""
        places = self._read(day_of(first), day_of(last))
        return sorted((place for place in places if first <= place.time <= last), key=lambda place: place.time)

    def minutes(self) -> set[int]:
        """Minutes (unix seconds // 60) of which a place is known."""
        return {place.time // MINUTE for place in self._read()}

    def forget(self, place: Circle | int) -> int:
        """Forget every fix in *place*: a circle, or an H3 cell of any resolution; how many. Raises FormatError.

        Where only a cell was kept, it goes with a place that is smaller: the owner was perhaps there.
        """
        inside = _within_circle(place) if isinstance(place, Circle) else _within_cell(place)
        rows = [row for row in self._store.rows("places", 1) if inside(place_of(row.value))]
        self._forget(rows)
        return len(rows)

    def forget_days(self, days: Collection[int]) -> int:
        """Forget the places of UTC *days* and nothing else of them; how many."""
        rows = [row for day in days for row in self._store.rows("places", day, day)]
        self._forget(rows)
        return len(rows)

    def coarsen(self) -> int:
        """Keep of every fix its cell alone; how many were kept as measured until now. Nothing undoes it.

        The transaction, and ``store.flush()`` behind it, are the caller's.
        """
        exact = [row for row in self._store.rows("places", 1) if place_of(row.value).cell is None]
        for row in exact:
            self._store.replace("places", row, _record(_checked(place_of(row.value), coarse=True)))
        # As after forgetting: bytes of what was measured, wherever they lie, are dead then.
        self._store.renew({(HISTORY, row.day) for row in exact})
        self.refresh()
        return len(exact)

    def refresh(self) -> None:
        """Look into the store again: days were forgotten."""
        self._newest = None

    def _forget(self, rows: Collection[Row]) -> None:
        self._store.forget_rows("places", rows)
        self.refresh()

    def _read(self, first: int = 1, last: int = 2**40) -> Iterator[Place]:
        return (place_of(row.value) for row in self._store.rows("places", first, last))


def place_of(record: list[Any]) -> Place:
    """The place of a kept record."""
    if len(record) == 3:
        time, cell, beyond = record
        return _coarse(time, cell, beyond)
    time, north, east, accuracy = record
    return Place(time, north / _PER_DEGREE, east / _PER_DEGREE, accuracy)


def place_cell(place: Place) -> int:
    """The cell of resolution 7 in which *place* lies."""
    return _cell(place) if place.cell is None else place.cell


def doubt_of(place: Place) -> int:
    """Metres by which the phone may have been outside of :func:`place_cell`; 0: it was inside."""
    if place.cell is not None:
        return place.beyond
    circle = Circle(microdegrees(place.latitude), microdegrees(place.longitude), place.accuracy)
    return 0 if _area(_cell(place)).holds(circle) else place.accuracy


def _checked(place: Place, coarse: bool) -> Place:
    """What is kept of *place*."""
    if not (abs(place.latitude) <= 90 and abs(place.longitude) <= 180 and 0 <= place.accuracy <= MAX_ACCURACY):
        raise FormatError("a place has -90 to 90 degrees north, -180 to 180 east, and an accuracy of at most 100 km")
    if not 0 <= place.time < 2**40:
        raise FormatError("the time of a place is unix seconds")
    place = place._replace(accuracy=math.ceil(place.accuracy))
    return _coarse(place.time, place_cell(place), doubt_of(place)) if coarse else place


def _record(place: Place) -> list[int]:
    if place.cell is not None:
        return [place.time, place.cell, place.beyond]
    return [place.time, round(place.latitude * _PER_DEGREE), round(place.longitude * _PER_DEGREE), place.accuracy]


def _coarse(time: int, cell: int, beyond: int) -> Place:
    north, east = middle_of(cell)
    return Place(time, north / 10**6, east / 10**6, min(radius_of(cell) + beyond, MAX_ACCURACY), cell, beyond)


def _cell(place: Place) -> int:
    return cell_of(microdegrees(place.latitude), microdegrees(place.longitude), PLACE_RESOLUTION)


@lru_cache(maxsize=256)
def _area(cell: int) -> Area:
    return Area([cell])


def _within_circle(circle: Circle) -> Any:
    """Whether a place lies in *circle*."""
    north, east = circle.latitude / 10**6, circle.longitude / 10**6
    coarse, metres = cell_of(circle.latitude, circle.longitude, PLACE_RESOLUTION), max(circle.accuracy, _FORGET_METRES)
    return lambda place: (
        place.cell == coarse
        if place.cell is not None
        else metres_between(north, east, place.latitude, place.longitude) <= metres
    )


def _within_cell(cell: int) -> Any:
    """Whether a place lies in *cell*."""
    resolution = resolution_of(cell)
    shared = min(resolution, PLACE_RESOLUTION)
    outer = parent(cell, shared)
    return lambda place: (
        parent(place.cell, shared) == outer
        if place.cell is not None
        else cell_of(microdegrees(place.latitude), microdegrees(place.longitude), resolution) == cell
    )
