"""Sending beacons through BlueZ. specs/identifiers.md section 5, specs/decisions/0027

    broadcaster = BlueZBroadcaster(bus, "hci0")
    await broadcaster.broadcast(beacon.rpi, beacon.aem)

- Each beacon is an advertisement of its own: the last one is unregistered first, so the kernel draws a new
  non-resolvable private address for the new one (30 of 30; changed in place, the old address stayed in 30 of 30).
- It is registered only on an adapter that is known to be hidden, and unregistered as soon as that changes.
- What cannot be unregistered ends with the connection to the bus: BlueZ takes down what its owner left behind.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from ownhue.advertisement import SERVICE_UUID
from ownhue.identifiers import Beacon
from ownhue_client.errors import RadioError
from ownhue_client.radio.bluez.advertisement import Advertisement
from ownhue_client.radio.bluez.bus import Bus
from ownhue_client.radio.bluez.guard import Guard, Sending
from ownhue_client.radio.bluez.names import ADVERTISING_MANAGER, adapter_path
from ownhue_client.radio.bluez.sentences import RELEASED
from ownhue_client.radio.bluez.sleep import Sleep
from ownhue_client.radio.bluez.told import CallError

#: Where the advertisements are on our side of the bus. Each has a number of its own.
_PATH = "/org/ownhue/advertisement"
#: Seconds in which BlueZ must have unregistered one; then the connection is closed. Less than logind waits (5 s).
_TAKE_DOWN_SECONDS = 3.0
#: Answers that say that nothing of it is on the air any more.
_GONE = ("DoesNotExist", "UnknownObject", "UnknownInterface", "UnknownMethod", "ServiceUnknown", "NameHasNoOwner")


@dataclass(eq=False)
class _Current:
    """What is sent, or about to be."""

    path: str
    trouble: asyncio.Future[str]
    """Has the reason as soon as it must not be sent any more."""
    registered: bool = False
    """BlueZ may have it."""
    ending: asyncio.Task[None] | None = None
    """Takes it down when there is trouble."""


class BlueZBroadcaster:
    """The sending half of an adapter; see ``radio.interface.Broadcaster``."""

    def __init__(
        self,
        bus: Bus,
        adapter: str = "hci0",
        uuid: int = SERVICE_UUID,
        *,
        sending: Sending | None = None,
    ) -> None:
        """*uuid* of the service (16 bits); *sending*: what is looked at beyond BlueZ."""
        self._bus = bus
        self._path = adapter_path(adapter)
        self._uuid = uuid
        self._guard = Guard(bus, adapter, self._trouble, sending or Sending())
        self._sleep = Sleep(bus)
        self._lock = asyncio.Lock()
        self._number = 0
        self._current: _Current | None = None
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def broadcast(self, rpi: bytes, aem: bytes) -> None:
        """Send this beacon from now on, from a fresh address. Raises RadioError (nothing is sent), FormatError."""
        data = Beacon(rpi, aem).service_data()
        async with self._lock:
            await self._take_down()
            loop = asyncio.get_running_loop()
            self._ended = loop.create_future()
            self._number += 1
            self._current = current = _Current(f"{_PATH}{self._number}", loop.create_future())
            try:
                await self._put_up(current, data)
            except BaseException:
                await self._take_down()
                raise
            current.ending = asyncio.create_task(self._end(current, self._ended), name="end of a broadcast")

    async def stop(self) -> None:
        """Send nothing any more."""
        async with self._lock:
            await self._take_down()

    async def ended(self) -> str:
        """Wait until the broadcast ended by itself, and tell why."""
        return await asyncio.shield(self._ended)

    async def close(self) -> None:
        """Stop, and watch the adapter no longer."""
        await self.stop()
        self._guard.close()

    async def _put_up(self, current: _Current, data: bytes) -> None:
        await self._bus.open()
        await self._sleep.check()
        await self._guard.check()
        await self._sleep.hold()
        self._bus.show(current.path, Advertisement(data, self._uuid, lambda: self._trouble(RELEASED)).answer)
        current.registered = True
        await self._unless_trouble(current, self._register(current.path))
        # What became visible meanwhile may have told so before the registration was ours to take back.
        await self._unless_trouble(current, self._guard.check())

    async def _register(self, path: str) -> None:
        await self._bus.call(self._path, ADVERTISING_MANAGER, "RegisterAdvertisement", "oa{sv}", [path, {}])

    async def _unless_trouble(self, current: _Current, doing: Coroutine[Any, Any, None]) -> None:
        """Wait for *doing*. Raises RadioError as soon as there is trouble, without waiting longer, or beginning."""
        if current.trouble.done():
            doing.close()
            raise RadioError(current.trouble.result())
        task = asyncio.create_task(doing)
        try:
            either: set[asyncio.Future[Any]] = {task, current.trouble}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            task.cancel()
        if current.trouble.done():
            await asyncio.wait({task})
            raise RadioError(current.trouble.result()) from (None if task.cancelled() else task.exception())
        task.result()

    def _trouble(self, reason: str) -> None:
        current = self._current
        if current is not None and not current.trouble.done():
            current.trouble.set_result(reason)

    async def _end(self, current: _Current, ended: asyncio.Future[str]) -> None:
        """Wait for trouble with *current*; take it down then, and tell why it *ended*."""
        reason = await asyncio.shield(current.trouble)
        async with self._lock:
            if self._current is current:
                current.ending = None
                await self._take_down()
        if not ended.done():
            ended.set_result(reason)

    async def _take_down(self) -> None:
        """Nothing is on the air afterwards. Call it with the lock held."""
        current, self._current = self._current, None
        if current is None:
            return
        if current.ending is not None:
            current.ending.cancel()
        try:
            if current.registered:
                await self._unregister(current.path)
        finally:
            self._bus.hide(current.path)
            self._sleep.release()

    async def _unregister(self, path: str) -> None:
        try:
            await self._bus.call(
                self._path, ADVERTISING_MANAGER, "UnregisterAdvertisement", "o", [path], seconds=_TAKE_DOWN_SECONDS
            )
        except CallError as error:
            if not error.name.endswith(_GONE):
                self._bus.close()
        except RadioError:
            self._bus.close()
        except BaseException:
            self._bus.close()
            raise
