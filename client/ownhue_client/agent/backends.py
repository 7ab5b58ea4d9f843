"""Which radio and which source of places an agent uses: chosen by name, looked for only when chosen.

    async with radio_of(Choice("hci0"), uuid, now, random) as radio: ...
    source = ChosenSource(phone, now)         # follows Preferences.location, also when that changes

"off" is no radio; "usb:0" a dongle that this program drives itself (bumble); any other name an adapter of BlueZ.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, NamedTuple

from ownhue_client.agent.agent import Radio
from ownhue_client.agent.lazy_radio import lazy_radio
from ownhue_client.errors import LocationError, RadioError
from ownhue_client.location.interface import Fix, LocationSource
from ownhue_client.phone import Phone

Random = Callable[[int], bytes]

#: Names of radios that are driven without the operating system begin so.
DONGLES = ("usb:", "hci-socket:")
OFF = "off"
_NO_BLUEZ = "Bluetooth over BlueZ is there on Linux only; choose another radio, or off"
#: Seconds between two looks at what the owner has chosen.
LOOK_SECONDS = 30
#: The same while nothing is chosen: every look wakes the device.
OFF_SECONDS = 120
SourceOf = Callable[[str], LocationSource | None]


class Choice(NamedTuple):
    """What the command line chose."""

    radio: str = "hci0"
    """Adapter of BlueZ, "usb:0" for a dongle, or "off"; empty: what the owner's preferences say."""


@asynccontextmanager
async def radio_of(choice: Choice, uuid: int, now: Callable[[], int], random: Random) -> AsyncIterator[Radio | None]:
    """The chosen radio for the service *uuid* (16 bits) while the block runs; None for "off".

    One that is not there is no error: it may be plugged in later. Using it raises RadioError until then.
    """
    if choice.radio == OFF:
        yield None
        return
    drive = _dongle if choice.radio.startswith(DONGLES) else _bluez
    async with lazy_radio(lambda: drive(choice.radio, uuid, now, random)) as radio:
        yield radio


class ChosenSource:
    """The source that the owner has chosen at the moment. Fits ``location.LocationSource``."""

    def __init__(self, phone: Phone, now: Callable[[], int], source_of: SourceOf | None = None) -> None:
        """*source_of*: for tests."""
        self._phone = phone
        self._source_of = source_of or (lambda kind: location_of(phone, now, kind))

    async def fixes(self) -> AsyncIterator[Fix]:
        """As :meth:`LocationSource.fixes`. What was switched off is closed within half a minute, fix or none."""
        while True:
            kind = self._phone.preferences().location
            source = self._source_of(kind)
            if source is None:
                await asyncio.sleep(OFF_SECONDS)
                continue
            async with aclosing(_while(source, self._still(kind))) as fixes:
                async for fix in fixes:
                    yield fix

    def _still(self, kind: str) -> Callable[[], bool]:
        return lambda: self._phone.preferences().location == kind


async def _while(source: LocationSource, wanted: Callable[[], bool]) -> AsyncGenerator[Fix, None]:
    """Fixes of *source* for as long as it is *wanted*; then it is closed."""
    fixes = source.fixes()
    coming: asyncio.Task[Fix] | None = None
    try:
        while wanted():
            coming = coming or asyncio.ensure_future(_next(fixes))
            done, _ = await asyncio.wait({coming}, timeout=LOOK_SECONDS)
            if done and wanted():
                fix, coming = coming.result(), None
                yield fix
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait({coming})
        if isinstance(fixes, AsyncGenerator):
            await fixes.aclose()


async def _next(fixes: AsyncIterator[Fix]) -> Fix:
    try:
        return await anext(fixes)
    except StopAsyncIteration as error:
        raise LocationError("the source of places has ended") from error


def location_of(phone: Phone, now: Callable[[], int], kind: str) -> LocationSource | None:
    """The source of places of a *kind*; None for "off"."""
    if kind == "gpsd":
        from ownhue_client.location.gpsd import GpsdSource

        return GpsdSource(now)
    if kind == "geoclue":
        from ownhue_client.location.geoclue import GeoClueSource

        return GeoClueSource(now, may_ask=phone.preferences().location_asks)
    if kind == "manual":
        from ownhue_client.location.manual import ManualSource

        return ManualSource(phone.hand_placed, now)
    return None


async def radio_facts(adapter: str) -> Mapping[str, Any]:
    """What the doctor asks of an adapter of BlueZ. Raises RadioError."""
    try:
        from ownhue_client.radio.bluez import probe
    except ImportError as error:
        raise RadioError(_NO_BLUEZ) from error
    facts: Mapping[str, Any] = await probe(adapter)
    return facts


@asynccontextmanager
async def _dongle(transport: str, uuid: int, now: Callable[[], int], random: Random) -> AsyncIterator[Radio]:
    try:
        from ownhue_client.radio.bumble_radio import open_dongle
    except ImportError as error:
        raise RadioError("a dongle needs bumble: pip install 'ownhue-client[bumble]'") from error
    async with open_dongle(transport, now, random, uuid) as radio:
        yield Radio(radio.broadcaster, radio.scanner)


@asynccontextmanager
async def _bluez(adapter: str, uuid: int, now: Callable[[], int], random: Random) -> AsyncIterator[Radio]:
    try:
        from ownhue_client.radio import bluez
    except ImportError as error:
        raise RadioError(_NO_BLUEZ) from error
    async with bluez.opened(adapter, uuid, now) as (broadcaster, scanner):
        yield Radio(broadcaster, scanner)
