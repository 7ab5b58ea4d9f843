"""Waiting: by the clock that nobody can set, and waking early when the wall clock jumps or something has happened.

    await pace.rest(7200)                # seconds; ends early when the wall clock jumped: plan anew then
    await pace.until(unix)               # True: it is that time now; False: woken before, look what is to be done

- A suspended computer's monotonic clock stands still and its wall clock jumps ahead, so resuming is a jump, too.
- A change of the time zone moves neither of them: nothing here knows of zones.
"""

import asyncio
from collections.abc import Callable

#: The wall clock has jumped when it went this many seconds further, or less far, than the monotonic clock.
#: specs/phone.md section 6
JUMP_SECONDS = 60
#: Seconds between two looks at both clocks. specs/phone.md section 6
LOOK_SECONDS = 60


class Pace:
    """The waiting of one agent. *now* is the wall clock in unix seconds; the running loop's clock is the other one."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._jumped = asyncio.Event()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something has happened: everybody in :meth:`until` looks again."""
        self._woken.set()
        self._woken = asyncio.Event()

    async def watch(self) -> None:
        """Look for jumps, for ever. Nothing wakes early without it."""
        loop = asyncio.get_running_loop()
        offset = self._now() - loop.time()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            before, offset = offset, self._now() - loop.time()
            if abs(offset - before) > JUMP_SECONDS:
                self._jump()

    async def rest(self, seconds: float) -> bool:
        """Wait *seconds*; False when the wall clock jumped before."""
        return not await _set_within(self._jumped, seconds)

    async def until(self, unix: int) -> bool:
        """Wait until the wall clock says *unix*; False when woken before, or when the clock jumped."""
        left = unix - self._now()
        if left <= 0:
            return True
        return not await _set_within(self._woken, left) and self._now() >= unix

    def _jump(self) -> None:
        self._jumped.set()
        self._jumped = asyncio.Event()
        self.wake()


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(max(seconds, 0)):
            await event.wait()
    except TimeoutError:
        return False
    return True
