"""The sunset: the last day of the whole system in a region. After it a phone falls silent, and wipes itself.

specs/rulebook.md section 2, specs/phone.md section 6, decision 0029

    sunset = Sunset(phone.notes, clock)
    sunset.look(rulebook, decision)       # Stage.RUNNING, NEAR, SILENT or WIPE

- The owner is told two weeks ahead, on the last day, and when the phone falls silent: three days before it wipes.
- Silent at once, by any clock: that loses nothing for good. Wiped only when the end is certain, since a network can set
  a wall clock ahead: data that were signed after it prove it; without any, 14 days that this device itself has counted.
"""

from enum import Enum

from ownhue.colour import Decision
from ownhue.rulebook import Rulebook
from ownhue_client.clock import Clock
from ownhue_client.phone.notes import Notes

_DAY = 86400
#: The owner is told this many seconds before the end: 14 days. specs/phone.md section 6
TOLD_AHEAD_SECONDS = 14 * _DAY
#: Nothing is wiped sooner than this after the end: three days. specs/phone.md section 6
WIPE_AFTER_SECONDS = 3 * _DAY
#: Without data signed after the end, this many seconds must have been counted since: 14 days. specs/phone.md section 6
UNSIGNED_SECONDS = 14 * _DAY

#: Note: [first second after the end, boot, reading of the clock, seconds counted since].
_COUNTED = "sunset"


class Stage(Enum):
    """How far the end has come."""

    RUNNING = 0
    """It is more than two weeks away."""
    NEAR = 1
    """It comes within two weeks."""
    LAST_DAY = 2
    """It is today."""
    SILENT = 3
    """It is over: nothing is sent and nothing is listened for. What is published is still looked at."""
    WIPE = 4
    """It is over for certain, and its owner was told: everything goes."""


def end_of(rulebook: Rulebook) -> int:
    """First unix second after the sunset."""
    return rulebook.end_of_day(rulebook.sunset) + 1


class Sunset:
    """Watches for the end. *notes* keep what was counted, *clock* cannot be set."""

    def __init__(self, notes: Notes, clock: Clock) -> None:
        self._notes = notes
        self._clock = clock

    def look(self, rulebook: Rulebook | None, decision: Decision) -> Stage:
        """The stage at the time of *decision*. Without a rulebook nobody knows an end."""
        if rulebook is None:
            return Stage.RUNNING
        end, now = end_of(rulebook), decision.time
        if now < end:
            self._notes.put(_COUNTED, [])
            return _before(end - now)
        counted, signed = self._count(end), (decision.published_until or 0) - end
        certain = counted >= UNSIGNED_SECONDS or (signed >= 0 and max(counted, signed) >= WIPE_AFTER_SECONDS)
        return Stage.WIPE if certain else Stage.SILENT

    def _count(self, end: int) -> int:
        """Seconds that this device has counted since the wall clock first said that it is over."""
        boot, reading = self._clock.reading()
        kept = self._notes.get(_COUNTED, [])
        counted = 0
        if kept and kept[0] == end:
            # What went by between two starts of the device nobody counted.
            counted = kept[3] + (max(reading - kept[2], 0) if kept[1] == boot else 0)
        self._notes.put(_COUNTED, [end, boot, reading, counted])
        return int(counted)


def _before(left: int) -> Stage:
    if left > TOLD_AHEAD_SECONDS:
        return Stage.RUNNING
    return Stage.NEAR if left > _DAY else Stage.LAST_DAY
