"""Who is how near to whom, as far as a contact trace tells. For the sampled radio of a replay.

    proximity = Proximity(contacts_of_a_day)
    proximity.around(7, unix)          # {12: Distance.FACE, 31: Distance.GROUP, 40: Distance.ROOM}

The trace says only who stood face to face; a radio hears more people than these. So two things are assumed, and are
conditions of whatever is computed with them:

- two people who both stand face to face with a third one are in one group with each other;
- two people who turn away from each other, and are face to face again within ten minutes, were in one room meanwhile.

A *reach* below Distance.ROOM leaves the one or both of them out.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from enum import IntEnum

from ownhue.contact_trace import Contact

#: Longest time in seconds between two contacts of a pair in which they are taken to be in one room.
#: specs/rehearsal.md section 4
ROOM_SECONDS = 600


class Distance(IntEnum):
    """Classes of distance between two people, by what a contact trace can tell."""

    FACE = 0
    """Face to face: badges of such a trace hear each other up to about 1.5 m."""
    GROUP = 1
    """1.5 to 3 m."""
    ROOM = 2
    """3 to 6 m."""


#: Where each class ends, in metres.
ENDS_METRES = (1.5, 3.0, 6.0)


def distance_of(metres: float) -> Distance | None:
    """The class of a distance; None: further than any."""
    for distance, end in zip(Distance, ENDS_METRES, strict=True):
        if metres < end:
            return distance
    return None


class Proximity:
    """The people of some *contacts* (of one day, say)."""

    def __init__(self, contacts: Iterable[Contact], reach: Distance = Distance.ROOM) -> None:
        """*reach*: the furthest class in which anybody is heard."""
        self._reach = reach
        pairs: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for contact in sorted(contacts):
            _extend(pairs[contact.a, contact.b], contact.time, contact.time + contact.seconds)
        self._spans: defaultdict[int, dict[int, list[tuple[int, int]]]] = defaultdict(dict)
        for (a, b), spans in pairs.items():
            both = sorted(spans + self._spans[a].get(b, []))
            self._spans[a][b] = self._spans[b][a] = both

    def people(self) -> list[int]:
        """Everybody in the contacts."""
        return sorted(self._spans)

    def presence(self, person: int) -> tuple[int, int]:
        """First unix second at which anybody is near *person*, and the one after the last."""
        spans = self._spans[person].values()
        return min(one[0][0] for one in spans), max(one[-1][1] for one in spans)

    def around(self, person: int, time: int) -> dict[int, Distance]:
        """Whom *person* has around at *time* (unix seconds), and how near."""
        near = {other: _near(spans, time) for other, spans in self._spans[person].items()}
        around = {other: distance for other, distance in near.items() if distance is not None}
        for face in [other for other, distance in around.items() if distance is Distance.FACE]:
            for other, spans in self._spans[face].items():
                if other != person and _near(spans, time) is Distance.FACE:
                    around[other] = min(around.get(other, Distance.GROUP), Distance.GROUP)
        return {other: distance for other, distance in around.items() if distance <= self._reach}


def _extend(spans: list[tuple[int, int]], begin: int, end: int) -> None:
    """Add a span that begins not before the last one, joined to it where they touch."""
    if spans and begin <= spans[-1][1]:
        spans[-1] = spans[-1][0], max(spans[-1][1], end)
    else:
        spans.append((begin, end))


def _near(spans: list[tuple[int, int]], time: int) -> Distance | None:
    """How near a pair with these *spans* of contact is at *time*, as far as they tell."""
    after = bisect_right(spans, (time, 2**62))
    if not after:
        return None
    ended = spans[after - 1][1]
    if time < ended:
        return Distance.FACE
    soon = after < len(spans) and spans[after][0] - ended <= ROOM_SECONDS
    return Distance.ROOM if soon else None
