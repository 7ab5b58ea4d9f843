"""Where the owner says to be, for the source "manual": a phone that stays on a desk, or one without a receiver.

State: [degrees north, degrees east (both in 10^-7), accuracy in metres, until (unix seconds)].
"""

from ownhue.area import MAX_ACCURACY
from ownhue.errors import FormatError
from ownhue_client.location.manual import ByHand
from ownhue_client.phone.store import Store

_STATE = "place_by_hand"
_PER_DEGREE = 10**7


def save(store: Store, place: ByHand) -> None:
    """Keep *place*. Raises FormatError."""
    if not (abs(place.latitude) <= 90 and abs(place.longitude) <= 180 and 0 <= place.accuracy <= MAX_ACCURACY):
        raise FormatError("a place has -90 to 90 degrees north, -180 to 180 east, and an accuracy of at most 100 km")
    north, east = round(place.latitude * _PER_DEGREE), round(place.longitude * _PER_DEGREE)
    store.put(_STATE, [north, east, int(place.accuracy), place.until])


def load(store: Store) -> ByHand | None:
    """The place that was kept last; None: none was, or it was forgotten."""
    record = store.get(_STATE)
    if not record:
        return None
    north, east, accuracy, until = record
    return ByHand(north / _PER_DEGREE, east / _PER_DEGREE, accuracy, until)
