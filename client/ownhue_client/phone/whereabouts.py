"""In which cells this phone was: for its place tags, and for judging those of others. specs/identifiers.md section 4

    known = Whereabouts(places.all)                    # the owner's history, read when it is needed
    known.cells_between(heard - 1200, heard)           # {0x871f8342cffffff}; nothing where it is not known

A wrong own cell lets a real encounter be taken for a relayed one; an unknown one does not. So what is not known for the
whole time counts as not known:

- fixes follow each other within 600 s, the first not after the time begins and the last not before it ends;
- a fix that is not known better than to 900 m is none;
- of two fixes the cells between them count too, and where a fix may lie outside its cell, so do the neighbours.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from itertools import pairwise

from ownhue.cells import ring1, way
from ownhue.place_tag import MAX_OWN_CELLS
from ownhue_client.location.interface import USEFUL_ACCURACY
from ownhue_client.phone.places import Place, doubt_of, place_cell

#: Seconds between two fixes within which the way between them is known. specs/identifiers.md section 4
MAX_GAP_SECONDS = 600
#: Seconds for which a fix is where the phone is now, for its own tag. specs/identifiers.md section 4
CURRENT_SECONDS = 120


def current_cell(newest: Place | None, now: int) -> int | None:
    """The cell of resolution 7 for the tag of a beacon that begins at *now*; None: not known."""
    if newest is None or not 0 <= now - newest.time <= CURRENT_SECONDS or not _is_exact(newest):
        return None
    return place_cell(newest)


class Whereabouts:
    """A history of places, ready to be asked for cells."""

    def __init__(self, places: Callable[[], Iterable[Place]]) -> None:
        """*places*: reads the history, in any order, when it is first asked for; most days nobody asks."""
        self._read = places
        #: Cells of the fixes that were asked for so far, by their number.
        self._own: dict[int, frozenset[int]] = {}

    @cached_property
    def _places(self) -> list[Place]:
        return sorted(filter(_is_exact, self._read()), key=lambda place: place.time)

    @cached_property
    def _times(self) -> list[int]:
        return [place.time for place in self._places]

    def cells_between(self, first: int, last: int) -> Collection[int]:
        """Every cell of resolution 7 in which the phone was between two unix seconds (both included).

        Empty where that is not known for all of this time. It is what ``ownhue.matching.Matcher`` asks for.
        """
        begin, end = bisect_right(self._times, first) - 1, bisect_left(self._times, last)
        if begin < 0 or end == len(self._times):
            return ()
        known = self._places[begin : end + 1]
        if any(later.time - earlier.time > MAX_GAP_SECONDS for earlier, later in pairwise(known)):
            return ()
        return self._cells(begin, end)

    def _cells(self, begin: int, end: int) -> Collection[int]:
        """The cells of these fixes and of the ways between them; empty where a way is too far to be one."""
        cells = frozenset[int]().union(*(self._own_of(number) for number in range(begin, end + 1)))
        for earlier, later in pairwise(self._places[begin : end + 1]):
            between = way(place_cell(earlier), place_cell(later), MAX_OWN_CELLS)
            if between is None:
                return ()
            cells |= frozenset(between)
        return cells

    def _own_of(self, number: int) -> frozenset[int]:
        """Where the phone may have been at one fix."""
        if number not in self._own:
            place = self._places[number]
            self._own[number] = ring1(place_cell(place)) if doubt_of(place) else frozenset({place_cell(place)})
        return self._own[number]


def _is_exact(place: Place) -> bool:
    return (place.accuracy if place.cell is None else place.beyond) <= USEFUL_ACCURACY
