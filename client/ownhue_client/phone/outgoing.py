"""When what was claimed is sent, and when decoys are: drawn at random, and kept. specs/report.md section 11

    outgoing.plan("report", now)                 # with the claim: one message to the publisher, at a random later time
    outgoing.due(now)                            # unix second of the next one, None when nothing waits
    outgoing.decoy_due(now, under_way=False)     # unix second of the next request of a decoy

- Every claim is followed by exactly one message to the publisher, as long after it as chance has it: a report, a
  withdrawal, or a decoy where there is nothing to send. So a claim alone tells nobody what became of it.
- Decoys come by themselves, 0.2 a day on average, each as independent of the others as of what is real: whoever sees
  one before or after a report learns nothing from it.
- What was drawn is kept, so a restart neither hurries nor doubles anything. A wall clock that was set back delays
  nothing for longer than the longest delay.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from ownhue_client.phone.store import Store

#: Least and most seconds between a claim and its message to the publisher. specs/report.md section 11
LEAST_DELAY_SECONDS = 600
MOST_DELAY_SECONDS = 7200
#: Seconds between two decoys on average: 0.2 a day. specs/report.md section 11
DECOY_SECONDS = 432_000
#: No two decoys are further apart: what chance hardly ever draws would look like a phone that sends none.
MOST_DECOY_SECONDS = 10 * DECOY_SECONDS
#: Most messages that wait: whoever mistypes codes again and again need not send for hours.
MAX_PLANNED = 8

#: What waits: a report, a withdrawal.
REPORT_ITEM, WITHDRAWAL_ITEM = "report", "withdrawal"

#: State: [[what, due], ...], in the order of the claims.
_PLANNED = "outgoing"
#: State: unix second of the next request of a decoy.
_DECOY_AT = "decoy_at"
_FRACTION_BYTES = 7
#: Bits of a fraction: as many as a float holds.
_FRACTION_BITS = 53


class Planned(NamedTuple):
    """One message to the publisher that is still to be sent."""

    what: str
    """REPORT_ITEM or WITHDRAWAL_ITEM."""
    due: int
    """Unix second at which to send it."""


class Outgoing:
    """What waits to be sent, in *store*; ``random(n)`` gives n bytes."""

    def __init__(self, store: Store, random: Callable[[int], bytes]) -> None:
        self._store = store
        self._random = random

    def plan(self, what: str, now: int) -> None:
        """Plan the one message that follows a claim made at *now*. Part of the caller's transaction."""
        self._put([*self._planned(), Planned(what, self._later(now))][-MAX_PLANNED:])

    def due(self, now: int) -> int | None:
        """When the next message is to be sent (unix seconds), or None. In the past: at once."""
        return min((min(item.due, now + MOST_DELAY_SECONDS) for item in self._planned()), default=None)

    def next_item(self) -> Planned | None:
        """What is to be sent next."""
        return min(self._planned(), key=lambda item: item.due, default=None)

    def postpone(self, item: Planned, now: int) -> None:
        """Draw another time for *item*, which could not be sent."""
        others = self._planned()
        others.remove(item)
        self._put([*others, Planned(item.what, self._later(now))])

    def done(self, what: str) -> None:
        """The earliest message of this kind was sent, or will never be."""
        planned = sorted(self._planned(), key=lambda item: item.due)
        gone = next((item for item in planned if item.what == what), None)
        if gone is not None:
            planned.remove(gone)
            self._put(planned)

    def decoy_due(self, now: int, *, under_way: bool) -> int:
        """When the next request of a decoy is to be sent (unix seconds). *under_way*: its claim was sent."""
        due = self._store.get(_DECOY_AT)
        longest = MOST_DELAY_SECONDS if under_way else MOST_DECOY_SECONDS
        if due is None or due > now + longest:
            due = self._plan_decoy(now, under_way=under_way)
        return int(due)

    def decoy_sent(self, now: int, *, under_way: bool) -> None:
        """A request of a decoy was sent at *now*. *under_way*: it was the claim, so that the report is to follow."""
        self._plan_decoy(now, under_way=under_way)

    def _plan_decoy(self, now: int, *, under_way: bool) -> int:
        wait = -DECOY_SECONDS * math.log(1.0 - self._fraction())
        due = self._later(now) if under_way else now + min(int(wait), MOST_DECOY_SECONDS)
        self._store.put(_DECOY_AT, due)
        return due

    def _later(self, now: int) -> int:
        """As long after *now* as a message follows its claim. Real ones and decoys have this one line in common."""
        return now + LEAST_DELAY_SECONDS + int(self._fraction() * (MOST_DELAY_SECONDS - LEAST_DELAY_SECONDS))

    def _fraction(self) -> float:
        """At random from 0 up to but not including 1."""
        bits = int.from_bytes(self._random(_FRACTION_BYTES), "big") >> (8 * _FRACTION_BYTES - _FRACTION_BITS)
        return bits / (1 << _FRACTION_BITS)

    def _put(self, planned: list[Planned]) -> None:
        self._store.put(_PLANNED, [list(item) for item in planned])

    def _planned(self) -> list[Planned]:
        return [Planned(str(what), int(due)) for what, due in self._store.get(_PLANNED, [])]
