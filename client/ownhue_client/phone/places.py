"""The owner's own history of places: sealed, for the owner alone. No message of the protocol has a field for it."""

from typing import NamedTuple

from ownhue.errors import FormatError
from ownhue_client.phone.records import day_of
from ownhue_client.phone.store import Store

#: Degrees are kept as whole numbers of this fraction (about a centimetre).
_PER_DEGREE = 10**7


class Place(NamedTuple):
    """Where the phone was at one time."""

    #: Unix second.
    time: int
    #: Degrees north, -90 to 90.
    latitude: float
    #: Degrees east, -180 to 180.
    longitude: float
    #: Radius in metres in which the phone was most likely.
    accuracy: int


class Places:
    """Places in *store*."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(self, place: Place) -> None:
        """Seal *place* under the key of its day. Raises FormatError for a place that is not on earth."""
        if not (abs(place.latitude) <= 90 and abs(place.longitude) <= 180 and place.accuracy >= 0):
            raise FormatError("a place has -90 to 90 degrees north, -180 to 180 east, and an accuracy in metres")
        north, east = round(place.latitude * _PER_DEGREE), round(place.longitude * _PER_DEGREE)
        self._store.add("places", day_of(place.time), [place.time, north, east, int(place.accuracy)])

    def all(self) -> list[Place]:
        """Every place, oldest first."""
        return [
            Place(time, north / _PER_DEGREE, east / _PER_DEGREE, accuracy)
            for time, north, east, accuracy in (row.value for row in self._store.rows("places"))
        ]
