"""When what is done next: pure functions of times and randomness. specs/phone.md section 6

after_batch(now, 7200, (120, 3720), random)      # seconds until the next synchronisation
Backoff((60, 21600), random).failed()            # 60, then about twice as long each time, six hours at most
next_look(rulebook, decision, 3600)              # unix second at which the colour may have become another one
"""

from collections.abc import Callable
from datetime import timedelta

from ownhue.colour import Decision
from ownhue.rulebook import Rulebook
from ownhue_client.agent.settings import AgentSettings

Random = Callable[[int], bytes]

_DAY = 86400
_HOUR = 3600
_FRACTION_BYTES = 4


def between(ends: tuple[float, float], random: Random) -> float:
    """A number at random between *ends*."""
    fraction = int.from_bytes(random(_FRACTION_BYTES), "big") / (1 << 8 * _FRACTION_BYTES)
    return ends[0] + fraction * (ends[1] - ends[0])


def after_batch(now: int, batch_seconds: int, ends: tuple[int, int], random: Random) -> float:
    """Seconds from *now* to a random moment after the end of the present batch. Short batches have a short one."""
    close = (now // batch_seconds + 1) * batch_seconds
    first, last = (min(end, batch_seconds) for end in ends)
    return close - now + between((first, last), random)


def on_day(day: int, ends: tuple[int, int], random: Random) -> int:
    """A random unix second of a UTC day (unix // 86400), *ends* in seconds after its midnight."""
    return day * _DAY + int(between(ends, random))


def next_look(rulebook: Rulebook | None, decision: Decision, settings: AgentSettings) -> int:
    """When the colour may be another one though nothing new was learned: midnight, data that become old, or an hour on.

    Stays begin and end with days of the rulebook's zone; the share of scans that ran changes by itself.
    """
    now = decision.time
    times = [now + settings.colour_seconds]
    if rulebook is not None:
        times.append(next_midnight(rulebook, now))
    if rulebook is not None and decision.published_until is not None:
        times.append(decision.published_until + rulebook.freshness.published_data_hours * _HOUR + 1)
    return min(time for time in times if time > now)


def next_midnight(rulebook: Rulebook, now: int) -> int:
    """First unix second of the next day in the rulebook's zone."""
    today = rulebook.local_date(now)
    end = rulebook.end_of_day(today)
    # Where clocks are put back over midnight, a day's last second comes twice.
    return end + 1 if end >= now else rulebook.end_of_day(today + timedelta(days=1)) + 1


class Backoff:
    """How long to wait after failures in a row; *ends*: seconds after the first, and the most."""

    def __init__(self, ends: tuple[int, int], random: Random) -> None:
        self._least, self._most = ends
        self._random = random
        self._failures = 0

    def failed(self) -> float:
        """One more failure: seconds to wait, twice as long each time, up to a quarter more by chance."""
        wait = min(self._least << min(self._failures, 30), self._most)
        self._failures += 1
        return between((wait, min(wait * 1.25, max(self._most, self._least))), self._random)

    def worked(self) -> None:
        """It worked: the next failure is a first one."""
        self._failures = 0
