"""Clocks: where a server's time comes from. One reading per request or batch, handed on as ``now`` (unix seconds).

- A served clock never goes back, and never leaps: it follows the system's clock only as far as the processor's own
  timer allows. Whoever sets the system's clock a day ahead does not make the publisher publish keys that are still in
  use; the server says so in its log and needs a restart if the leap was right.
- A server does not start when its clock is more than a day ahead of what it did last, unless it is told that the clock
  is right: a machine that starts with a wrong clock gives nothing away.
- A rehearsal's clock is moved by its client, forward only.
"""

import time
from collections.abc import Callable
from typing import Protocol

from ownhue.errors import StateError
from ownhue_server import logs

#: The system's clock may run ahead of the processor's timer by this many seconds in all, plus one in a thousand.
LEAP_SECONDS = 60
#: Seconds that the clock may lie ahead of the newest batch when the server starts. specs/http-api.md section 2
MAX_AHEAD_SECONDS = 86_400

_log = logs.get("clock")


class Clock(Protocol):
    """Anything that knows the time."""

    def now(self) -> int:
        """The time in unix seconds."""


def _timer() -> float:
    """Seconds since boot, with those that the machine slept where the system counts them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SystemClock:
    """The system's clock without steps back and without leaps ahead."""

    def __init__(self, wall: Callable[[], float] = time.time, timer: Callable[[], float] = _timer) -> None:
        self._wall = wall
        self._timer = timer
        self._start = wall() - timer()
        self._timer_start = timer()
        self._last = int(wall())
        self._warned = False

    def now(self) -> int:
        """The time in unix seconds; never less than before."""
        timer, wall = self._timer(), self._wall()
        latest = self._start + timer + LEAP_SECONDS + (timer - self._timer_start) / 1000
        if wall > latest and not self._warned:
            self._warned = True
            _log.warning("the system's clock leapt ahead and is not followed; restart if it is right now")
        self._last = max(self._last, int(min(wall, latest)))
        return self._last


def check_start(newest: int, now: int) -> None:
    """Raises StateError when *now*, at a server's start, lies too far ahead of the *newest* thing it knows to be past.

    Both are unix seconds. A clock that is ahead closes batches of days to come and opens epoch keys of days that are
    not over. Up to a day ahead opens none: a past key is published a day after its epoch (specs/pass.md section 8).
    """
    if now > newest + MAX_AHEAD_SECONDS:
        days = (now - newest) // 86_400
        raise StateError(
            f"the system's clock is {days} days ahead of what this server did last; if it is right, and the server was "
            "off so long, start it with --clock-is-right"
        )


class RehearsalClock:
    """A clock that stands until it is moved."""

    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        """The time in unix seconds."""
        return self._now

    def move(self, now: int) -> None:
        """Set the clock. Raises StateError when *now* lies in the past."""
        if now < self._now:
            raise StateError("a clock never goes back")
        self._now = now
