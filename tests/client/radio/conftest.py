"""A system bus of one's own for tests of BlueZ."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from bleak.backends.bluezdbus import manager

from tests.client.location.fake_geoclue import private_bus


@pytest.fixture
def system_bus_address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a private dbus-daemon that programs in this test take for the system's."""
    with private_bus() as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        yield address
    end_bleak()


def end_bleak() -> None:
    """Close the connections of bleak: it keeps one for each loop, also when that has ended."""
    for loop in list(manager._global_instances):
        ended = manager._global_instances.pop(loop)
        if ended._bus is not None:
            with suppress(RuntimeError):  # the loop has ended, the socket has to
                ended._bus._finalize(None)
