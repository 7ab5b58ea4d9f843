"""The source "geoclue": the desktop's location service, over D-Bus (org.freedesktop.GeoClue2).

    Manager.GetClient -> client; DesktopId "ownhue", accuracy exact; Start
    signal LocationUpdated(old, new) -> Location: Latitude, Longitude, Accuracy, Timestamp

It starts only when none of GeoClue's sources asks a server (geoclue_config.py), or the owner has allowed that:
otherwise a company would get this phone's way, that nobody else gets.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any

from dbus_fast import BusType, DBusError, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import AuthError, InvalidAddressError

from ownhue_client.errors import LocationError
from ownhue_client.location.geoclue_config import asking_sources, config_files
from ownhue_client.location.interface import USEFUL_ACCURACY, Fix

SERVICE = "org.freedesktop.GeoClue2"
MANAGER_PATH = "/org/freedesktop/GeoClue2/Manager"
#: The name under which GeoClue's settings know this program.
DESKTOP_ID = "ownhue"
#: Seconds between two fixes that GeoClue may send.
STEP_SECONDS = 30
#: GeoClue does not say what its accuracy means, so it is read as that of 68 %. specs/area.md section 4
_FACTOR = 2
_EXACT = 8
_DENIED = "org.freedesktop.DBus.Error.AccessDenied"
_CALL_SECONDS = 25


async def system_bus() -> MessageBus:
    """A connection to the system's bus."""
    return await MessageBus(bus_type=BusType.SYSTEM).connect()


class GeoClueSource:
    """Fixes of GeoClue."""

    def __init__(
        self,
        now: Callable[[], int],
        *,
        may_ask: bool = False,
        connect: Callable[[], Awaitable[MessageBus]] = system_bus,
        asking: Callable[[], list[str]] = lambda: asking_sources(config_files()),
    ) -> None:
        """*now*: unix seconds. *may_ask*: the owner lets GeoClue ask a server; *asking*: its sources that would."""
        self._now = now
        self._may_ask = may_ask
        self._connect = connect
        self._asking = asking

    async def fixes(self) -> AsyncIterator[Fix]:
        """As :meth:`LocationSource.fixes`."""
        asking = self._asking()
        if asking and not self._may_ask:
            raise LocationError(
                f"GeoClue would ask a server where this device is ({', '.join(asking)}): switch that off in"
                " /etc/geoclue/geoclue.conf (enable=false in the sections wifi, 3g and ip), or allow it in the settings"
            )
        try:
            bus = await self._connect()
        except (OSError, AuthError, InvalidAddressError, EOFError) as error:
            raise LocationError("there is no system bus here: GeoClue cannot be asked") from error
        try:
            # Who gives this iteration up must end that one too, before the bus is gone: GeoClue is told to stop.
            async with aclosing(_Client(bus, self._now).fixes()) as fixes:
                async for fix in fixes:
                    yield fix
        finally:
            bus.disconnect()


class _Client:
    """One client of GeoClue on one connection."""

    def __init__(self, bus: MessageBus, now: Callable[[], int]) -> None:
        self._bus = bus
        self._now = now
        self._path = ""
        self._lost = False
        #: Paths of new locations; None: it is over.
        self._news: asyncio.Queue[str | None] = asyncio.Queue()

    async def fixes(self) -> AsyncGenerator[Fix, None]:
        (self._path,) = await self._call(MANAGER_PATH, f"{SERVICE}.Manager", "GetClient")
        self._bus.add_message_handler(self._hear)
        await self._watch()
        gone = asyncio.create_task(self._wait_for_end())
        try:
            await self._start()
            while (path := await self._news.get()) is not None:
                if (fix := self._fix(await self._location(path))) is not None:
                    yield fix
            raise LocationError("GeoClue has ended")
        finally:
            gone.cancel()
            self._bus.remove_message_handler(self._hear)
            if not self._lost:
                with suppress(LocationError):
                    await self._call(self._path, f"{SERVICE}.Client", "Stop")

    async def _start(self) -> None:
        settings = {
            "DesktopId": Variant("s", DESKTOP_ID),
            "DistanceThreshold": Variant("u", 0),
            "TimeThreshold": Variant("u", STEP_SECONDS),
            "RequestedAccuracyLevel": Variant("u", _EXACT),
        }
        for name, value in settings.items():
            body = [f"{SERVICE}.Client", name, value]
            await self._call(self._path, "org.freedesktop.DBus.Properties", "Set", "ssv", body)
        await self._call(self._path, f"{SERVICE}.Client", "Start")

    async def _watch(self) -> None:
        rules = (
            f"type='signal',sender='{SERVICE}',interface='{SERVICE}.Client',path='{self._path}'",
            f"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{SERVICE}'",
        )
        for rule in rules:
            await self._call(
                "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s", [rule], "org.freedesktop.DBus"
            )

    def _hear(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.member == "LocationUpdated" and message.path == self._path:
            self._news.put_nowait(str(message.body[1]))
        elif message.member == "NameOwnerChanged" and message.body[0] == SERVICE and not message.body[2]:
            self._news.put_nowait(None)

    async def _wait_for_end(self) -> None:
        with suppress(EOFError, OSError, DBusError):
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        self._lost = True
        self._news.put_nowait(None)

    async def _location(self, path: str) -> dict[str, Any]:
        (found,) = await self._call(
            path, "org.freedesktop.DBus.Properties", "GetAll", "s", [f"{SERVICE}.Location"], SERVICE
        )
        return {name: variant.value for name, variant in found.items()}

    def _fix(self, found: dict[str, Any]) -> Fix | None:
        """None for a location that is none, or less exact than 900 m."""
        numbers = [found.get(name) for name in ("Latitude", "Longitude", "Accuracy")]
        if not all(isinstance(number, float) and math.isfinite(number) for number in numbers):
            return None
        latitude, longitude, accuracy = (float(number or 0) for number in numbers)
        if abs(latitude) > 90 or abs(longitude) > 180 or not 0 <= _FACTOR * accuracy <= USEFUL_ACCURACY:
            return None
        now, (measured, _) = self._now(), found.get("Timestamp") or (0, 0)
        # The first answer is often one that it kept: of then, not of now. What is from the future is of now.
        return Fix(min(measured, now) or now, latitude, longitude, math.ceil(_FACTOR * accuracy))

    async def _call(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: list[Any] | None = None,
        to: str = SERVICE,
    ) -> list[Any]:
        """The answer to one call. Raises LocationError."""
        message = Message(
            destination=to, path=path, interface=interface, member=member, signature=signature, body=body or []
        )
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                answer = await self._bus.call(message)
        except (TimeoutError, EOFError, OSError) as error:
            raise LocationError("GeoClue does not answer") from error
        if answer.message_type is MessageType.ERROR:
            raise LocationError(_reason(answer.error_name))
        return list(answer.body)


def _reason(error: str | None) -> str:
    if error == _DENIED:
        return f"GeoClue refuses: allow {DESKTOP_ID!r} to know the location, in the desktop's settings or geoclue.conf"
    if error == "org.freedesktop.DBus.Error.ServiceUnknown":
        return "GeoClue is not installed here"
    return "GeoClue failed"
