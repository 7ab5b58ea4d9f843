"""When a phone endpoint's answer leaves: at its deadline, whatever it says. specs/http-api.md section 1

    answers = Answers(1000)
    async with answers.releasing():
        content = await answers.at_deadline(make_the_answer())

- The deadline is fixed when the request was read, before anybody has looked at it.
- One task releases all answers, in the order of their deadlines. It knows of each only whether it is there.
- An answer that is not there at its deadline leaves at the next multiple.
- At the end everything that waits is released at once.
"""

import asyncio
import contextlib
import heapq
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(order=True, slots=True)
class _Slot:
    """One answer to be released."""

    leaves: float
    """When, on the timer."""
    number: int
    """Among equals, who came first leaves first."""
    release: "asyncio.Future[None]" = field(compare=False)
    ready: bool = field(default=False, compare=False)
    """The answer is there."""


class Answers:
    """Answers that leave *milliseconds* after their requests; 0: as soon as they are there."""

    def __init__(
        self,
        milliseconds: int,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._seconds = milliseconds / 1000
        self._timer = timer
        self._sleep = sleep
        self._slots: list[_Slot] = []
        self._numbers = itertools.count()
        self._more = asyncio.Event()
        self._running = False

    @contextlib.asynccontextmanager
    async def releasing(self) -> AsyncIterator[None]:
        """While open, answers are released at their deadlines; then at once."""
        self._running = True
        task = asyncio.create_task(self._release_all())
        try:
            yield
        finally:
            self._running = False
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            self._release_waiting()

    async def at_deadline(self, work: Awaitable[T]) -> T:
        """The result of *work* when its deadline has come, counted from now. An error of *work* is raised at once."""
        if not self._running or not self._seconds:
            return await work
        release = asyncio.get_running_loop().create_future()
        slot = _Slot(self._timer() + self._seconds, next(self._numbers), release)
        heapq.heappush(self._slots, slot)
        self._more.set()
        try:
            result = await work
            slot.ready = True
            if self._running:
                await release
        finally:
            release.cancel()  # Nobody waits any more; without effect on one that was released.
        return result

    async def _release_all(self) -> None:
        while True:
            if not self._slots:
                self._more.clear()
                await self._more.wait()
            # All have the same way to go, so nobody who comes meanwhile leaves before the first.
            wait = self._slots[0].leaves - self._timer()
            if wait > 0:
                await self._sleep(wait)
            else:
                self._release_first(-wait)

    def _release_first(self, late: float) -> None:
        """Release the first slot, or put it back for the next multiple when its answer is not there yet."""
        slot = heapq.heappop(self._slots)
        if slot.release.done():
            return
        if slot.ready:
            slot.release.set_result(None)
            return
        slot.leaves += self._seconds * (1 + late // self._seconds)
        heapq.heappush(self._slots, slot)

    def _release_waiting(self) -> None:
        for slot in self._slots:
            if not slot.release.done():
                slot.release.set_result(None)
        self._slots = []
