"""Which beacon is on the air, and for how long. specs/identifiers.md section 5, specs/phone.md

    rotation = Rotation(broadcaster, phone.beacon_at, now, os.urandom,
                        was_on_air=phone.was_on_air, note_on_air=phone.note_on_air)
    await rotation.run()                       # until it is cancelled: nothing is on the air then

- A new beacon after 10 to 20 minutes, at random; the broadcaster takes a new address with it.
- An identifier goes on the air at most once. Its interval is noted before the radio is told, and an interval that was
  noted is waited out: after a failure, a broadcast that ended by itself, a restart, a clock that was set back.
- One that is on the air for 20 minutes goes off, whether there is a next one or not.
- Time is measured by the loop's clock, and held against the wall clock every minute: a device that slept, and one whose
  clock was set, get a beacon of the new time at once.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from ownhue.identifiers import Beacon, interval_number
from ownhue.params import INTERVAL_SECONDS
from ownhue.place_tag import PLACE_SECONDS
from ownhue_client.agent.schedule import between
from ownhue_client.errors import RadioError
from ownhue_client.radio.interface import Broadcaster

#: Seconds after which the next beacon follows, at random between these. specs/phone.md
ROTATION_SECONDS = (600, 1170)
#: Longest time in seconds that one beacon is sent: a little less than receivers and the embargo of keys allow.
_LONGEST = PLACE_SECONDS - 10
#: The wall clock is looked at this often, in seconds, and taken for set when it is further off than that.
_LOOK_SECONDS = 60
#: Whoever waited for an interval begins at random in its first seconds: its start is the same on all phones.
_JITTER_SECONDS = (0, 30)
#: Intervals that are skipped after the first failure of the radio, the second, and so on; then always the last.
_BACK_OFF = (0, 0, 1, 2)


@dataclass(frozen=True)
class _OnAir:
    """What is sent: since when by the wall clock and by the loop's, and when the next is due by the loop's."""

    wall: int
    begun: float
    due: float
    ended: asyncio.Task[str]


class Rotation:
    """Keeps one fresh beacon on the air."""

    trouble: str = ""
    """Why nothing is on the air, in a sentence; empty while there is."""

    def __init__(
        self,
        broadcaster: Broadcaster,
        beacon_at: Callable[[int], Beacon],
        now: Callable[[], int],
        random: Callable[[int], bytes],
        *,
        was_on_air: Callable[[int], bool],
        note_on_air: Callable[[int], None],
        told: Callable[[str], None] = lambda reason: None,
    ) -> None:
        """*beacon_at* and *now* in unix seconds. *was_on_air*, *note_on_air*: whether the identifier of an interval
        (ENIN) was ever sent, kept over restarts. *told* hears why the radio fell silent, each time that it does."""
        self._broadcaster = broadcaster
        self._beacon_at = beacon_at
        self._now = now
        self._random = random
        self._was_on_air = was_on_air
        self._note_on_air = note_on_air
        self._told = told
        self._current: _OnAir | None = None
        self._awake = asyncio.Event()
        self._failures = 0
        self._silent_until = 0.0

    @property
    def on_air_since(self) -> int | None:
        """Unix second at which the present beacon went on the air; None: nothing is sent."""
        return None if self._current is None else self._current.wall

    def wake(self) -> None:
        """Look at the clocks and try the radio now: the device woke up, or the adapter came back."""
        self._failures, self._silent_until = 0, 0.0
        self._awake.set()

    async def run(self) -> None:
        """Send beacons until cancelled. Raises what *beacon_at* and *note_on_air* raise; nothing is sent then."""
        try:
            while True:
                await self._pause(await self._turn())
        finally:
            await self._silence()

    async def _turn(self) -> float:
        """Do what is due; seconds until something is due again."""
        time, wall = asyncio.get_running_loop().time(), self._now()
        current = self._current
        if current is not None and current.ended.done():
            self._lost(current.ended)
        elif current is not None and not self._over(current, time, wall):
            return current.due - time
        wait = self._wait(time, wall)
        if not wait:
            return await self._start(time, wall)
        if self._current is None:
            return wait
        left = _LONGEST - max(time - self._current.begun, wall - self._current.wall)
        if left > 0:
            return min(wait, left)
        await self._silence()
        self.trouble = "the identifier of this interval was sent before"
        return wait

    def _over(self, current: _OnAir, time: float, wall: int) -> bool:
        jumped = abs((wall - current.wall) - (time - current.begun)) > _LOOK_SECONDS
        return time >= current.due or jumped

    def _wait(self, time: float, wall: int) -> float:
        """Seconds until a fresh identifier may be sent; 0: now."""
        if time < self._silent_until:
            return self._silent_until - time
        if not self._was_on_air(interval_number(wall)):
            return 0
        return INTERVAL_SECONDS - wall % INTERVAL_SECONDS + between(_JITTER_SECONDS, self._random)

    async def _start(self, time: float, wall: int) -> float:
        await self._unwatch()
        beacon = self._beacon_at(wall)
        # Noted first: whatever happens from here on, this identifier does not come a second time.
        self._note_on_air(interval_number(wall))
        try:
            await self._broadcaster.broadcast(beacon.rpi, beacon.aem)
        except RadioError as error:
            return self._failed(str(error), time, wall)
        self._failures, self.trouble = 0, ""
        ended = asyncio.create_task(self._broadcaster.ended(), name="broadcast")
        ended.add_done_callback(lambda _: self._awake.set())
        lasts = between(ROTATION_SECONDS, self._random)
        self._current = _OnAir(wall, time, time + lasts, ended)
        return lasts

    def _failed(self, reason: str, time: float, wall: int) -> float:
        self.trouble = reason
        skipped = _BACK_OFF[min(self._failures, len(_BACK_OFF) - 1)] * INTERVAL_SECONDS
        self._failures += 1
        wait = skipped + INTERVAL_SECONDS - wall % INTERVAL_SECONDS + between(_JITTER_SECONDS, self._random)
        self._silent_until = time + wait
        self._told(reason)
        return wait

    def _lost(self, ended: asyncio.Task[str]) -> None:
        """The broadcast ended by itself. The next identifier comes with the next interval."""
        self._current = None
        error = ended.exception()
        if error is not None and not isinstance(error, RadioError):
            raise error
        self.trouble = ended.result() if error is None else str(error)
        self._told(self.trouble)

    async def _pause(self, seconds: float) -> None:
        """Until *seconds* went by, the clock is to be looked at, or somebody wakes us."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, _LOOK_SECONDS)):
                await self._awake.wait()
        self._awake.clear()

    async def _silence(self) -> None:
        await self._unwatch()
        await self._broadcaster.stop()

    async def _unwatch(self) -> None:
        current, self._current = self._current, None
        if current is not None:
            current.ended.cancel()
            await asyncio.wait([current.ended])
