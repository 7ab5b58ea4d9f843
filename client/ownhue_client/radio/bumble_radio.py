"""Sending and hearing beacons over a controller that belongs to us alone: a USB dongle, or one of the virtual air.

    async with open_dongle("usb:0", now, os.urandom) as radio:
        await radio.broadcaster.broadcast(beacon.rpi, beacon.aem)
        async for heard in radio.scanner.sightings(4.0): ...

- ADV_NONCONN_IND from a fresh non-resolvable private address, every 200 to 270 ms. The controller is given a new
  address and new data only while it sends nothing, and both before it sends again.
- Scans are passive: whoever listens sends nothing, and tells no address.
- Legacy commands only: every dongle knows them, and beacons are legacy advertisements.
- One command after the other, under one lock: an address cannot be changed during a scan, so a rotation interrupts it
  for a moment.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

from bumble import hci
from bumble.transport import open_transport

from ownhue.advertisement import SERVICE_UUID
from ownhue.identifiers import Beacon
from ownhue_client.errors import RadioError
from ownhue_client.radio.bumble_commands import (
    ADVERTISE,
    SCAN,
    SCAN_PARAMETERS,
    advertising_data,
    advertising_parameters,
    fresh_address,
)
from ownhue_client.radio.interface import Heard
from ownhue_client.radio.quiet_host import QuietHost
from ownhue_client.radio.received import Received


class BumbleRadio:
    """A controller in use, with its two halves."""

    def __init__(
        self, host: QuietHost, now: Callable[[], int], random: Callable[[int], bytes], uuid: int = SERVICE_UUID
    ) -> None:
        """*now* in unix seconds; ``random(n)`` gives n bytes; *uuid* of the service (16 bits)."""
        self.host = host
        self.lock = asyncio.Lock()
        self.listening = False
        self.broadcaster = BumbleBroadcaster(self, random, uuid)
        self.scanner = BumbleScanner(self, now, uuid)
        host.on("advertising_report", self.scanner.received.take)

    @classmethod
    async def start(
        cls,
        source: Any,
        sink: Any,
        now: Callable[[], int],
        random: Callable[[int], bytes],
        uuid: int = SERVICE_UUID,
    ) -> Self:
        """Reset the controller behind *source* and *sink* and take it over. Raises RadioError."""
        host = QuietHost(source, sink)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await host.reset()
        except Exception as error:  # bumble has no family of errors; whatever came, there is no radio
            raise RadioError("the Bluetooth dongle does not start; take it out and put it in again") from error
        return cls(host, now, random, uuid)

    async def stop(self) -> None:
        """Send and hear nothing any more. Never raises for a controller that is gone."""
        async with self.lock:
            with suppress(RadioError):
                await self.host.command(hci.HCI_Reset_Command())

    async def listen(self, on: bool) -> None:
        """Switch the receiver. Call it with the lock held. Raises RadioError."""
        if on:
            await self.host.command(SCAN_PARAMETERS)
            # From here on it may listen, also when the answer gets lost.
            self.listening = True
        await self.host.command(SCAN[on])
        self.listening = on


#: A dongle that has not started after so many seconds does not start.
_START_SECONDS = 30.0


class BumbleBroadcaster:
    """The sending half; see ``radio.interface.Broadcaster``."""

    def __init__(self, radio: BumbleRadio, random: Callable[[int], bytes], uuid: int) -> None:
        self._radio = radio
        self._random = random
        self._uuid = uuid
        self._sending = False

    async def broadcast(self, rpi: bytes, aem: bytes) -> None:
        """Send this beacon from now on, from a fresh address. Raises RadioError (nothing is sent), FormatError."""
        data = advertising_data(Beacon(rpi, aem), self._uuid)
        radio = self._radio
        async with radio.lock:
            interrupted = radio.listening
            try:
                await self._rotate(data)
            except BaseException:
                await self._off()
                raise
            finally:
                if interrupted and not radio.listening:
                    with suppress(RadioError):
                        await radio.listen(True)

    async def stop(self) -> None:
        """Send nothing any more."""
        async with self._radio.lock:
            await self._off()

    async def ended(self) -> str:
        """Wait until the dongle is gone, and tell why."""
        reason = await asyncio.shield(self._radio.host.lost)
        self._sending = False
        return reason

    async def _rotate(self, data: hci.HCI_LE_Set_Advertising_Data_Command) -> None:
        radio = self._radio
        if self._sending:
            await radio.host.command(ADVERTISE[False])
            self._sending = False
        if radio.listening:
            await radio.listen(False)
        await radio.host.command(hci.HCI_LE_Set_Random_Address_Command(random_address=fresh_address(self._random)))
        await radio.host.command(advertising_parameters())
        await radio.host.command(data)
        # From here on it may be on the air, also when the answer gets lost.
        self._sending = True
        await radio.host.command(ADVERTISE[True])

    async def _off(self) -> None:
        if self._sending:
            self._sending = False
            with suppress(RadioError):
                await self._radio.host.command(ADVERTISE[False])


class BumbleScanner:
    """The receiving half; see ``radio.interface.Scanner``."""

    def __init__(self, radio: BumbleRadio, now: Callable[[], int], uuid: int) -> None:
        self._radio = radio
        self._under_way = False
        self.received = Received(now, uuid)

    @property
    def malformed(self) -> int:
        """Advertisements of the service so far that were no beacons."""
        return self.received.malformed

    async def sightings(self, duration: float) -> AsyncIterator[Heard]:
        """Listen for *duration* seconds. Raises RadioError, also when the dongle is taken out meanwhile."""
        radio = self._radio
        if self._under_way:
            raise RadioError("a scan is under way already")
        self._under_way = True
        try:
            async with radio.lock:
                await radio.listen(True)
            async for heard in self.received.during(duration, radio.host.lost):
                yield heard
        finally:
            self._under_way = False
            async with radio.lock:
                with suppress(RadioError):
                    await radio.listen(False)


@asynccontextmanager
async def open_dongle(
    name: str, now: Callable[[], int], random: Callable[[int], bytes], uuid: int = SERVICE_UUID
) -> AsyncIterator[BumbleRadio]:
    """The dongle *name*, as bumble names transports ("usb:0", "hci-socket:0"). Raises RadioError where none is."""
    try:
        transport = await open_transport(name)
    except Exception as error:  # each transport has errors of its own
        raise RadioError(
            f"there is no Bluetooth dongle {name!r} that may be used: it has to be in, free (not taken by BlueZ), "
            "and open to this user"
        ) from error
    async with transport:
        radio = await BumbleRadio.start(transport.source, transport.sink, now, random, uuid)
        try:
            yield radio
        finally:
            await radio.stop()
