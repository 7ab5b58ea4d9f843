"""How long a phone keeps what: history 14 days, evidence as long as a stay rests on it. specs/colour.md section 12

    retention.tidy(now)

- A day of history goes when its 14 days are over by a time that is believed: one that a signed tree head and the clock
  that nobody can set confirm; or the wall clock's, after it has said so for six hours in which the phone ran.
- So a network that sets the clock ahead for a moment makes nothing forgotten, and a phone that hears of no head for two
  weeks forgets all the same. A signed time alone makes nothing forgotten either: the wall clock has to say so, too.
- Evidence, and papers that ended it, go only by a signed head.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ownhue.params import RETENTION_DAYS
from ownhue_client.clock import Clock
from ownhue_client.phone.anchor import Anchor
from ownhue_client.phone.diary import OBSERVED_SINCE
from ownhue_client.phone.documents import Documents
from ownhue_client.phone.listening import Listening
from ownhue_client.phone.records import day_of
from ownhue_client.phone.store import Store

#: Seconds for which the wall clock must have said it, while the phone ran, to be believed without a signed time.
BELIEF_SECONDS = 21_600
#: Days of the longest stay that a rulebook can name. specs/rulebook.md
LONGEST_STAY_DAYS = 90

#: A wall clock may be set this much without being another one.
_SET_SECONDS = 600
#: State: [time believed, time claimed, seconds for which it is claimed, boot, reading], all as of the last look.
_BELIEF = "belief"


class Belief:
    """The time that is believed, in *store*: the *anchor*'s, or the wall clock's after some hours by *clock*."""

    def __init__(self, store: Store, anchor: Anchor, clock: Clock) -> None:
        self._store = store
        self._anchor = anchor
        self._clock = clock

    def time(self, wall: int) -> int:
        """A unix second that is not later than *wall*, and that is not believed to be ahead."""
        boot, reading = self._clock.reading()
        kept = self._store.get(_BELIEF, [0, wall, 0, boot, reading])
        believed, claimed, seconds, last_reading = int(kept[0]), int(kept[1]), int(kept[2]), int(kept[4])
        # Time in which the device was off proves nothing: its clock may have been set just before it was switched on.
        ran = max(reading - last_reading, 0) if boot == kept[3] else 0
        believed, claimed, seconds = min(believed + ran, wall), claimed + ran, seconds + ran
        known = max(believed, self._anchor.floor())
        # What it claimed is known anyway, or was taken back: what it claims now is what is to be waited for.
        if claimed <= known + _SET_SECONDS or wall < claimed - _SET_SECONDS:
            claimed, seconds = wall, 0
        if seconds >= BELIEF_SECONDS:
            # What it shows beyond that (the device was off, or the clock was set) is to be waited for anew.
            believed, claimed, seconds = max(believed, min(claimed, wall)), wall, 0
        self._store.put(_BELIEF, [believed, claimed, seconds, boot, reading])
        return min(max(believed, known), wall)


class Papers(Protocol):
    """What the owner keeps that a stay may end by."""

    def forget_before(self, day: int) -> None:
        """Forget what means nothing for stays that run on the UTC day *day* or later."""


@dataclass(frozen=True)
class Retention:
    """Forgets what is due in *store*."""

    store: Store
    belief: Belief
    documents: Documents
    head_time: Callable[[], int]
    """Signed time of the newest tree head, unix seconds; 0 before the first."""
    listening: Listening
    papers: tuple[Papers, ...]

    def tidy(self, now: int) -> None:
        """Forget what is due at *now* (unix seconds, the wall clock's)."""
        believed, created = self.belief.time(now), self.store.need(OBSERVED_SINCE)
        # A local day may begin a UTC day earlier than the one that a stay is counted from.
        evidence = day_of(min(now, self.head_time())) - self._longest_stay() - 1
        with self.store.atomic():
            # The history that says so goes.
            self.store.put(OBSERVED_SINCE, max(created, self.listening.since(believed, created)))
            for papers in self.papers:
                papers.forget_before(evidence)
        self.store.forget_before(history=day_of(believed) - RETENTION_DAYS, evidence=evidence)
        self.listening.forget()

    def _longest_stay(self) -> int:
        """Days. Without a rulebook (its key was replaced, and the new one is held back) nobody knows how long."""
        stays = [rulebook.stays.red_days for rulebook in self.documents.rulebooks]
        return max(RETENTION_DAYS, *stays) if stays else LONGEST_STAY_DAYS
