"""What a source of places gives. Nothing runs until the owner has chosen one (Preferences.location).

    async for fix in source.fixes(): phone.note_place(fix.latitude, fix.longitude, fix.accuracy, fix.time)

- A source knows no phone, keeps nothing and writes nothing: where somebody is stands in no log and in no error text.
- It may be as eager as it likes (gpsd: one fix a second); what is kept is thinned out by the phone.
"""

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

#: Metres: a fix that is less exact says nothing of a cell of resolution 7. Shorter than any side of a cell (988 m), so
#: that it and the few metres between two people lead at most into ring 1. specs/identifiers.md section 4
USEFUL_ACCURACY = 900


class Fix(NamedTuple):
    """Where the phone was at one time."""

    time: int
    """Unix second."""
    latitude: float
    """Degrees north (WGS 84), -90 to 90."""
    longitude: float
    """Degrees east, -180 to 180."""
    accuracy: int
    """Metres: the radius in which the phone was almost surely (95 %). specs/area.md section 4"""

    def __repr__(self) -> str:
        """Without the place: a fix may end up in a traceback."""
        return f"Fix(time={self.time}, ...)"


class LocationSource(Protocol):
    """Somebody who knows where the phone is."""

    def fixes(self) -> AsyncIterator[Fix]:
        """Each fix as it comes, without an end. Raises LocationError, in a sentence that says what to do.

        After an error, or when the iteration is closed (``contextlib.aclosing``), nothing of the source is open any
        more; calling again starts anew.
        """
