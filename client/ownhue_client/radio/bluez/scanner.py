"""Hearing beacons through BlueZ, with bleak. specs/identifiers.md section 5

    scanner = BlueZScanner(bus, "hci0", now)
    async for heard in scanner.sightings(4.0): ...

- An active scan, and a passive monitor open beside it where BlueZ has one: the controller then reports each
  advertisement (16 of 16 in 4 s); without the monitor it reports one per phone.
- BlueZ hands over what it has read, not the bytes: services, service data, strength. What the rules of a reader can
  check of it is checked. Addresses and names are not looked at.
- bleak does not notice when the adapter goes (a scan is then only quiet), so a guard watches it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from typing import Any

from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs, OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError
from dbus_fast.errors import DBusError

from ownhue.advertisement import SERVICE_UUID
from ownhue.errors import FormatError
from ownhue.identifiers import Beacon
from ownhue_client.errors import RadioError
from ownhue_client.radio.bluez.bus import Bus
from ownhue_client.radio.bluez.guard import Guard
from ownhue_client.radio.bluez.names import long_uuid
from ownhue_client.radio.bluez.sentences import sentence_of
from ownhue_client.radio.interface import Heard

#: What a controller may report in dBm (Bluetooth Core, volume 4 part E section 7.7.65.2); BlueZ says -127 for none.
_RSSI = range(-126, 21)
#: Sightings that wait to be read. Once there are as many, the oldest are lost.
_MOST_WAITING = 20_000
#: Seconds in which BlueZ must have begun, or ended, a scan.
_BEGIN_SECONDS, _END_SECONDS = 5.0, 3.0
# bleak and its D-Bus library write whatever they receive into their logs when these are detailed: addresses of others,
# and their identifiers. They never get to.
for _name in ("bleak", "dbus_fast"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_FAILURES = (BleakError, DBusError, OSError, EOFError, TimeoutError)


class BlueZScanner:
    """The receiving half of an adapter; see ``radio.interface.Scanner``."""

    def __init__(self, bus: Bus, adapter: str, now: Callable[[], int], uuid: int = SERVICE_UUID) -> None:
        """*now* in unix seconds; *uuid* of the service (16 bits)."""
        self.malformed = 0
        """Advertisements of the service so far that were no beacons."""
        self._bus = bus
        self._adapter = adapter
        self._now = now
        self._uuid = uuid
        self._name = long_uuid(uuid)
        self._heard: deque[Heard] = deque(maxlen=_MOST_WAITING)
        self._some = asyncio.Event()
        self._listening = False

    async def sightings(self, duration: float) -> AsyncGenerator[Heard, None]:
        """Listen for *duration* seconds. Raises RadioError, also when the adapter goes meanwhile."""
        if self._listening:
            raise RadioError("a scan is under way already")
        self._listening = True
        lost: list[str] = []
        guard = Guard(self._bus, self._adapter, lambda reason: self._lose(lost, reason))
        try:
            await self._bus.open()
            await guard.check()
            async with self._scan(), aclosing(self._during(duration, lost)) as coming:
                async for heard in coming:
                    yield heard
        finally:
            guard.close()
            self._listening = False

    async def _during(self, seconds: float, lost: list[str]) -> AsyncGenerator[Heard, None]:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        timer = loop.call_at(end, self._some.set)
        try:
            while not lost and loop.time() < end:
                await self._some.wait()
                self._some.clear()
                while self._heard:
                    yield self._heard.popleft()
        finally:
            timer.cancel()
        if lost:
            raise RadioError(lost[0])

    @asynccontextmanager
    async def _scan(self) -> AsyncIterator[None]:
        """BlueZ scans while the block runs. Raises RadioError if it does not begin; never because it does not end."""
        self._heard.clear()
        async with AsyncExitStack() as stack:
            await self._monitor(stack)
            await self._active(stack)
            yield

    async def _monitor(self, stack: AsyncExitStack) -> None:
        """Open the passive monitor, if there is one: without it a scan only hears less."""
        uuid = self._uuid.to_bytes(2, "little")
        kinds = (AdvertisementDataType.COMPLETE_LIST_SERVICE_UUID16, AdvertisementDataType.SERVICE_DATA_UUID16)
        args = BlueZScannerArgs(adapter=self._adapter, or_patterns=[OrPattern(0, kind, uuid) for kind in kinds])
        with suppress(*_FAILURES):
            await _started(stack, BleakScanner(_ignore, scanning_mode="passive", bluez=args))

    async def _active(self, stack: AsyncExitStack) -> None:
        args = BlueZScannerArgs(adapter=self._adapter, filters={"DuplicateData": True})
        scanner = BleakScanner(self._take, [self._name], "active", bluez=args)
        try:
            await _started(stack, scanner)
        except _FAILURES as error:
            raise RadioError(_reason(error)) from error

    def _lose(self, lost: list[str], reason: str) -> None:
        lost.append(reason)
        self._some.set()

    def _take(self, _device: object, advertisement: AdvertisementData) -> None:
        """One report. An exception would get lost in bleak, so there is none."""
        if advertisement.rssi not in _RSSI:
            return
        try:
            beacon = self._read(advertisement.service_uuids, advertisement.service_data)
        except FormatError:
            self.malformed += 1
            return
        self._heard.append(Heard(beacon.rpi, beacon.aem, advertisement.rssi, self._now()))
        self._some.set()

    def _read(self, services: list[str], data: Mapping[str, bytes]) -> Beacon:
        """Steps (3) to (5) of specs/identifiers.md section 5, on what BlueZ has read."""
        if services != [self._name] or list(data) != [self._name]:
            raise FormatError("the advertisement is of other services")
        return Beacon.from_service_data(data[self._name])


async def _started(stack: AsyncExitStack, scanner: BleakScanner) -> None:
    """Start *scanner* now, and stop it when *stack* ends."""
    starting = asyncio.create_task(scanner.start(), name="start of a scan")
    stack.push_async_callback(_stopped, scanner, starting)
    async with asyncio.timeout(_BEGIN_SECONDS):
        await asyncio.shield(starting)


async def _stopped(scanner: BleakScanner, starting: asyncio.Task[None]) -> None:
    """Stop *scanner*. A start that was given up is waited for: BlueZ would scan on, and refuse the next one."""
    with suppress(*_FAILURES):
        async with asyncio.timeout(_END_SECONDS):
            await asyncio.wait({starting})
            await scanner.stop()
    if not starting.done():
        starting.cancel()
    elif not starting.cancelled():
        starting.exception()  # whoever waited for it has told it


def _reason(error: Exception) -> str:
    name = getattr(error, "dbus_error", None) or getattr(error, "type", None)
    return sentence_of(name) if isinstance(name, str) else "BlueZ does not scan with this adapter now"


def _ignore(_device: Any, _advertisement: AdvertisementData) -> None:
    """The monitor only makes the controller report everything; the active scan tells it."""
