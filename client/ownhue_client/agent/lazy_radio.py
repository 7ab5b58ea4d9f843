"""A radio that is opened when it is first used, and anew after it failed: an adapter may be plugged in later.

    async with lazy_radio(open_radio) as radio:          # never fails by itself
        await radio.broadcaster.broadcast(rpi, aem)      # RadioError while there is no radio; the next call tries again

So an agent without an adapter lives, tells what is missing, and counts the scans that it could not make.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress

from ownhue_client.agent.agent import Radio
from ownhue_client.errors import RadioError
from ownhue_client.radio.interface import Broadcaster, Heard

Open = Callable[[], AbstractAsyncContextManager[Radio]]


@asynccontextmanager
async def lazy_radio(open_radio: Open) -> AsyncIterator[Radio]:
    """A radio over whatever *open_radio* opens; it is closed at the end."""
    opened = _Opened(open_radio)
    try:
        yield Radio(_LazyBroadcaster(opened), _LazyScanner(opened))
    finally:
        await opened.close()


class _Opened:
    """What is open at the moment."""

    def __init__(self, open_radio: Open) -> None:
        self._open = open_radio
        self._stack: AsyncExitStack | None = None
        self._radio: Radio | None = None
        self._lock = asyncio.Lock()
        self._malformed = 0
        self.closed = asyncio.Event()

    @property
    def malformed(self) -> int:
        """Of every radio that was open so far."""
        return self._malformed + (self._radio.scanner.malformed if self._radio else 0)

    async def radio(self) -> Radio:
        """The radio. Raises RadioError where there is none."""
        async with self._lock:
            if self._radio is None:
                async with AsyncExitStack() as stack:
                    radio = await stack.enter_async_context(self._open())
                    self._stack, self._radio = stack.pop_all(), radio
                    self.closed = asyncio.Event()
            return self._radio

    async def failed(self, radio: Radio) -> None:
        """*radio* has failed: the next use opens another one. Both halves may say so."""
        async with self._lock:
            if radio is self._radio:
                await self._drop()

    async def close(self) -> None:
        """Close what is open."""
        async with self._lock:
            await self._drop()

    async def _drop(self) -> None:
        if self._radio is None or self._stack is None:
            return
        self._malformed += self._radio.scanner.malformed
        stack, self._stack, self._radio = self._stack, None, None
        self.closed.set()
        with suppress(RadioError):
            await stack.aclose()


class _LazyBroadcaster:
    """Fits ``radio.interface.Broadcaster``."""

    def __init__(self, opened: _Opened) -> None:
        self._opened = opened
        self._using: Broadcaster | None = None

    async def broadcast(self, rpi: bytes, aem: bytes) -> None:
        await self.stop()
        radio = await self._opened.radio()
        try:
            await radio.broadcaster.broadcast(rpi, aem)
        except RadioError:
            await self._opened.failed(radio)
            raise
        self._using = radio.broadcaster

    async def stop(self) -> None:
        using, self._using = self._using, None
        if using is not None:
            await using.stop()

    async def ended(self) -> str:
        if self._using is None:
            return "nothing is sent"
        # The other half may find out first that the radio is gone.
        ended = asyncio.ensure_future(self._using.ended())
        closed = asyncio.ensure_future(self._opened.closed.wait())
        try:
            await asyncio.wait({ended, closed}, return_when=asyncio.FIRST_COMPLETED)
            return ended.result() if ended.done() else "the radio is gone"
        finally:
            for task in (ended, closed):
                task.cancel()
            await asyncio.wait({ended, closed})


class _LazyScanner:
    """Fits ``radio.interface.Scanner``."""

    def __init__(self, opened: _Opened) -> None:
        self._opened = opened

    @property
    def malformed(self) -> int:
        return self._opened.malformed

    async def sightings(self, duration: float) -> AsyncIterator[Heard]:
        radio = await self._opened.radio()
        try:
            async for heard in radio.scanner.sightings(duration):
                yield heard
        except RadioError:
            await self._opened.failed(radio)
            raise
