"""An event loop whose clock jumps to its next timer: days of radio in seconds. For tests and cities.

    async def main() -> int:
        clock = VirtualClock(asyncio.get_running_loop())
        await asyncio.sleep(86_400)              # returns at once
        return clock.now()                       # 1_800_086_400

    run_virtual(main(), 1_800_000_000)

- Time stands still while code runs, and jumps when everything waits. Nothing may wait for a network, a child process
  or a thread: while it waits, the clock would run away.
- A program that waits for nothing that is planned would wait for ever; it ends with StateError instead.
- One :class:`VirtualClock` is a device's wall clock and its monotonic clock. The wall clock can be set, as people and
  networks do; the monotonic one cannot.
"""

import asyncio
import hashlib
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from ownhue.clock_anchor import BOOT_BYTES
from ownhue.errors import StateError

_T = TypeVar("_T")
#: Real seconds for which a loop waits that has no timer at all: a thread that was started may still call back.
_PATIENCE = 10.0


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop with a virtual clock, which begins at 0 seconds."""

    def __init__(self, start: int = 0) -> None:
        """*start*: unix second at which the wall clocks on it begin, unless they are told otherwise."""
        self.start = start
        self._virtual = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual

    def jump(self, seconds: float) -> None:
        """Let *seconds* go by at once. The selector does it when everything waits."""
        self._virtual += seconds


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits: where others would sleep, the loop's clock jumps."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; else time has gone by up to the next timer. Raises StateError where there is none."""
        ready = super().select(_PATIENCE if timeout is None else 0)
        if timeout is None and not ready:
            raise StateError("everything waits, and nothing is planned: this would wait for ever")
        if timeout and not ready:
            self._loop.jump(timeout)
        return ready


class VirtualClock:
    """The clocks of one device on a :class:`VirtualTimeLoop`; fits ``ownhue_client.clock.Clock``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start: int | None = None, boot: bytes = b"virtual") -> None:
        """*start*: unix second of the wall clock at the loop's time 0, by default the loop's own start.

        *boot* names this start of the device.
        """
        self._loop = loop
        self._start = getattr(loop, "start", 0) if start is None else start
        self._boot = hashlib.sha256(boot).digest()[:BOOT_BYTES]
        self._offset = 0

    def now(self) -> int:
        """The wall clock, in unix seconds."""
        return self._start + int(self._loop.time()) + self._offset

    def set_wall(self, seconds: int) -> None:
        """Set the wall clock ahead by *seconds*, or back where that is negative. The monotonic clock goes on."""
        self._offset += seconds

    def reading(self) -> tuple[bytes, int]:
        """Name of this start (16 bytes), and the monotonic clock in seconds."""
        return self._boot, int(self._loop.time())


def run_virtual(main: Coroutine[Any, Any, _T], start: int = 0) -> _T:
    """Run *main* on a new :class:`VirtualTimeLoop`, whose wall clocks begin at *start*, and close the loop again.

    Raises StateError when everything waits for ever.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(start)) as runner:
        return runner.run(main)
