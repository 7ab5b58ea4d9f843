"""A radio in memory that does what a test tells it, on a loop with virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from random import Random
from typing import Any, NamedTuple, TypeVar

from ownhue.identifiers import Beacon, Metadata, TemporaryExposureKey, beacon_at, interval_number, period_start
from ownhue_client.errors import RadioError
from ownhue_client.radio.interface import Heard
from ownhue_client.radio.virtual_time import VirtualClock, run_virtual

T = TypeVar("T")
START = 1_800_000_000
INTERVAL = 600


class Sent(NamedTuple):
    """One beacon that was on the air, by the loop's clock. *end* is None while it still is."""

    rpi: bytes
    begin: float
    end: float | None


class FakeBroadcaster:
    """Remembers what was on the air."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.failures: list[RadioError] = []
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def on_air(self) -> bool:
        return bool(self.sent) and self.sent[-1].end is None

    async def broadcast(self, rpi: bytes, aem: bytes) -> None:
        self._close()
        if self.failures:
            raise self.failures.pop(0)
        self._ended = asyncio.get_running_loop().create_future()
        self.sent.append(Sent(rpi, asyncio.get_running_loop().time(), None))

    async def stop(self) -> None:
        self._close()

    async def ended(self) -> str:
        return await asyncio.shield(self._ended)

    def end(self, reason: str) -> None:
        """The adapter stops by itself."""
        self._close()
        self._ended.set_result(reason)

    def _close(self) -> None:
        if self.on_air:
            self.sent[-1] = self.sent[-1]._replace(end=asyncio.get_running_loop().time())


class FakeScanner:
    """Hears what *heard* says, over the length of each scan."""

    def __init__(self, heard: Callable[[], Iterable[Heard]] = tuple) -> None:
        self.malformed = 0
        self.broken = ""
        self.hangs = False
        self._heard = heard

    async def sightings(self, duration: float) -> AsyncIterator[Heard]:
        heard = list(self._heard())
        for one in heard:
            await asyncio.sleep(duration / len(heard))
            yield one
        if self.broken:
            raise RadioError(self.broken)
        if self.hangs:
            await asyncio.sleep(10**6)
        if not heard:
            await asyncio.sleep(duration)


def beacon_of(now: int) -> Beacon:
    """The beacon of a phone whose keys follow from their period's number."""
    interval = interval_number(now)
    start = period_start(interval)
    return beacon_at(TemporaryExposureKey(Random(start).randbytes(16), start), interval, Metadata(-20))


def clock() -> VirtualClock:
    """A device's clocks, on the running loop."""
    return VirtualClock(asyncio.get_running_loop(), START)


def play(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run *main* in virtual time."""
    return run_virtual(main())
