"""Long work, one at a time: what waits for the network runs in a worker thread, and nothing else does meanwhile.

    result = await work.run(lambda: phone.sync(now))

- The store takes its turns by itself; two synchronisations at once, or a report while an import runs, would not.
- Whoever stops waiting does not stop the thread: the store must not be closed under it. So a cancelled caller waits
  for the end of its work, and then is cancelled.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")

#: Runs a function and gives its value; ``asyncio.to_thread``, or a direct call where time is virtual.
RunLong = Callable[[Callable[[], Any]], Awaitable[Any]]


async def in_thread(work: Callable[[], Any]) -> Any:
    """Run *work* in a worker thread."""
    return await asyncio.to_thread(work)


async def directly(work: Callable[[], Any]) -> Any:
    """Run *work* here and now: in virtual time no thread may take part."""
    return work()


class LongWork:
    """The one place where long work of an agent is done."""

    def __init__(self, run_long: RunLong = in_thread) -> None:
        self._run_long = run_long
        self._lock = asyncio.Lock()

    @property
    def busy(self) -> bool:
        """Whether something is being done."""
        return self._lock.locked()

    async def run(self, work: Callable[[], T]) -> T:
        """Do *work* when it is its turn; its value or its error."""
        async with self._lock:
            task: asyncio.Future[T] = asyncio.ensure_future(_awaited(self._run_long, work))
            try:
                return await asyncio.shield(task)
            except asyncio.CancelledError:
                await _finish(task)
                raise


async def _awaited(run_long: RunLong, work: Callable[[], T]) -> T:
    value: T = await run_long(work)
    return value


async def _finish(task: "asyncio.Future[Any]") -> None:
    """Wait for the end of *task*, whatever it is and however often one is told not to."""
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            continue
    if not task.cancelled():
        task.exception()  # looked at, so that nobody complains of an error that nobody saw
