"""A GeoClue on a private bus: it hands out one client, keeps what it is told, and sends the locations of a script."""

# No "from __future__ import annotations" here: dbus-fast reads the annotations.
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import pytest
from dbus_fast import DBusError, PropertyAccess
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusDouble, DBusObjectPath, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from ownhue_client.location.geoclue import MANAGER_PATH, SERVICE

CLIENT_PATH = "/org/freedesktop/GeoClue2/Client/1"


@contextmanager
def private_bus() -> Iterator[str]:
    """The address of a bus of one's own; the test is skipped where there is no dbus-daemon (in CI it fails)."""
    program = shutil.which("dbus-daemon")
    if program is None:
        if os.environ.get("OWNHUE_CI_REQUIRES_DBUS"):
            pytest.fail("dbus-daemon is not installed")
        pytest.skip("dbus-daemon is not installed")
    command = [program, "--session", "--nofork", "--nopidfile", "--print-address"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        try:
            assert daemon.stdout is not None
            yield daemon.stdout.readline().strip()
        finally:
            daemon.terminate()


class Location(ServiceInterface):
    """One location."""

    def __init__(self, latitude: float, longitude: float, accuracy: float, timestamp: int) -> None:
        super().__init__(f"{SERVICE}.Location")
        self.values = latitude, longitude, accuracy
        self.timestamp = timestamp

    @dbus_property(PropertyAccess.READ)
    def Latitude(self) -> DBusDouble:  # noqa: N802
        return self.values[0]

    @dbus_property(PropertyAccess.READ)
    def Longitude(self) -> DBusDouble:  # noqa: N802
        return self.values[1]

    @dbus_property(PropertyAccess.READ)
    def Accuracy(self) -> DBusDouble:  # noqa: N802
        return self.values[2]

    @dbus_property(PropertyAccess.READ)
    def Timestamp(self) -> Annotated[list[int], DBusSignature("(tt)")]:  # noqa: N802
        return [self.timestamp, 0]


class Client(ServiceInterface):
    """The one client."""

    def __init__(self, service: "FakeGeoClue") -> None:
        super().__init__(f"{SERVICE}.Client")
        self.service = service
        self.desktop_id = ""
        self.distance = self.seconds = self.level = 1

    @dbus_method()
    def Start(self) -> None:  # noqa: N802
        if self.service.denied:
            raise DBusError("org.freedesktop.DBus.Error.AccessDenied", "46.948 is not your business")
        self.service.started = True
        for path in self.service.paths:
            self.LocationUpdated(path)

    @dbus_method()
    def Stop(self) -> None:  # noqa: N802
        self.service.stopped = True

    @dbus_signal()
    def LocationUpdated(self, path: str) -> Annotated[tuple[str, str], DBusSignature("oo")]:  # noqa: N802
        return "/", path

    @dbus_property()
    def DesktopId(self) -> DBusStr:  # noqa: N802
        return self.desktop_id

    @DesktopId.setter  # type: ignore[no-redef]
    def DesktopId(self, value: DBusStr) -> None:  # noqa: N802
        self.desktop_id = value

    @dbus_property()
    def DistanceThreshold(self) -> DBusUInt32:  # noqa: N802
        return self.distance

    @DistanceThreshold.setter  # type: ignore[no-redef]
    def DistanceThreshold(self, value: DBusUInt32) -> None:  # noqa: N802
        self.distance = value

    @dbus_property()
    def TimeThreshold(self) -> DBusUInt32:  # noqa: N802
        return self.seconds

    @TimeThreshold.setter  # type: ignore[no-redef]
    def TimeThreshold(self, value: DBusUInt32) -> None:  # noqa: N802
        self.seconds = value

    @dbus_property()
    def RequestedAccuracyLevel(self) -> DBusUInt32:  # noqa: N802
        return self.level

    @RequestedAccuracyLevel.setter  # type: ignore[no-redef]
    def RequestedAccuracyLevel(self, value: DBusUInt32) -> None:  # noqa: N802
        self.level = value


class Manager(ServiceInterface):
    """Hands out the client."""

    def __init__(self) -> None:
        super().__init__(f"{SERVICE}.Manager")

    @dbus_method()
    def GetClient(self) -> DBusObjectPath:  # noqa: N802
        return CLIENT_PATH


class FakeGeoClue:
    """The service on the bus at *address*."""

    def __init__(self, address: str, *locations: Location, denied: bool = False) -> None:
        self.address = address
        self.denied = denied
        self.started = self.stopped = False
        self.paths: list[str] = []
        self.locations = locations
        self.client = Client(self)

    async def __aenter__(self) -> "FakeGeoClue":
        self.bus = await MessageBus(bus_address=self.address).connect()
        self.bus.export(MANAGER_PATH, Manager())
        self.bus.export(CLIENT_PATH, self.client)
        for number, location in enumerate(self.locations):
            self.paths.append(f"{CLIENT_PATH}/Location/{number}")
            self.bus.export(self.paths[-1], location)
        await self.bus.request_name(SERVICE)
        return self

    async def __aexit__(self, *error: object) -> None:
        self.bus.disconnect()
        with suppress(EOFError):
            await self.bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
