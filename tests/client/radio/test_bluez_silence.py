"""Falling silent: whatever would give the phone away, or ends the broadcast, ends it at once and says why."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from ownhue_client.errors import RadioError
from ownhue_client.radio.bluez import BlueZBroadcaster, Bus, opened
from ownhue_client.radio.bluez.guard import watch_rules
from tests.client.radio.fake_bluez import PUBLIC, FakeBlueZ

RPI, AEM = bytes(range(16)), b"\xa0\xa1\xa2\xa3"
UUID = 0xFD6F
Play = Callable[[FakeBlueZ, BlueZBroadcaster], Coroutine[Any, Any, None]]


def play(address: str, main: Play) -> None:
    """Run *main* with a beacon on the air."""

    async def run() -> None:
        async with FakeBlueZ(address) as bluez, opened("hci0", UUID, lambda: 0) as (broadcaster, _):
            await broadcaster.broadcast(RPI, AEM)
            assert bluez.on_air is not None
            await main(bluez, broadcaster)

    asyncio.run(run())


async def ended(broadcaster: BlueZBroadcaster) -> str:
    async with asyncio.timeout(5):
        return await broadcaster.ended()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"Discoverable": True}, "discoverable"),
        ({"Connectable": True}, "accepts connections"),
        ({"Discoverable": True, "Alias": "x"}, "discoverable"),
        ({"Powered": False}, "switched off"),
        ({"PowerState": "on-disabling"}, "switched off"),
    ],
)
def test_attack_an_adapter_that_becomes_visible_would_send_its_own_address(
    system_bus_address: str, change: dict[str, Any], says: str
) -> None:
    async def main(bluez: FakeBlueZ, broadcaster: BlueZBroadcaster) -> None:
        before = len(bluez.calls)
        bluez.set_adapter(**change)
        assert says in await ended(broadcaster)
        assert not bluez._clients
        # Nothing was asked first: it was unregistered at once.
        assert bluez.calls[before:] == ["UnregisterAdvertisement"]
        with pytest.raises(RadioError, match=says):
            await broadcaster.broadcast(bytes(16), AEM)
        assert "RegisterAdvertisement" not in bluez.calls[before:]

    play(system_bus_address, main)


def test_what_bluez_no_longer_tells_counts_as_the_worse(system_bus_address: str) -> None:
    async def main(bluez: FakeBlueZ, broadcaster: BlueZBroadcaster) -> None:
        bluez.set_adapter(invalidated=("Discoverable",))
        assert "does not say how" in await ended(broadcaster)
        assert bluez.on_air is None
        for name in ("Discoverable", "Connectable"):
            told = bluez.adapter.pop(name)
            with pytest.raises(RadioError, match="says whether the adapter is visible"):
                await broadcaster.broadcast(bytes(16), AEM)
            bluez.adapter[name] = told

    play(system_bus_address, main)


def test_changes_that_hide_nothing_leave_the_beacon_on_the_air(system_bus_address: str) -> None:
    async def main(bluez: FakeBlueZ, broadcaster: BlueZBroadcaster) -> None:
        ending = asyncio.create_task(broadcaster.ended())
        bluez.set_adapter(Discovering=True)
        bluez.set_adapter(Pairable=True)
        bluez.set_adapter(Powered=True, Discoverable=False, PowerState="on")
        bluez.set_adapter(invalidated=("Alias",))
        await bluez.bus.introspect("org.freedesktop.DBus", "/")  # a way to the bus and back
        await asyncio.sleep(0.05)
        assert not ending.done()
        assert bluez.on_air is not None
        ending.cancel()

    play(system_bus_address, main)


@pytest.mark.parametrize("change", [{"Discoverable": True}, {"Connectable": True}, {"Powered": False}])
def test_attack_an_adapter_that_becomes_visible_during_the_registration(
    system_bus_address: str, change: dict[str, Any]
) -> None:
    async def main(bluez: FakeBlueZ, broadcaster: BlueZBroadcaster) -> None:
        bluez.before["RegisterAdvertisement"] = lambda: bluez.set_adapter(**change)
        with pytest.raises(RadioError):
            await broadcaster.broadcast(bytes(16), AEM)
        await bluez.silence()
        assert not bluez._clients

    play(system_bus_address, main)


def test_attack_an_adapter_that_becomes_visible_and_does_not_tell(system_bus_address: str) -> None:
    async def main(bluez: FakeBlueZ, broadcaster: BlueZBroadcaster) -> None:
        bluez.before["RegisterAdvertisement"] = lambda: bluez.set_adapter(told=False, Discoverable=True)
        with pytest.raises(RadioError, match="discoverable"):
            await broadcaster.broadcast(bytes(16), AEM)
        assert bluez.on_air is None

    play(system_bus_address, main)


def test_a_visible_adapter_never_gets_a_beacon(system_bus_address: str) -> None:
    async def main() -> None:
        async with FakeBlueZ(system_bus_address) as bluez, opened("hci0", UUID, lambda: 0) as (broadcaster, _):
            bluez.set_adapter(Discoverable=True)
            with pytest.raises(RadioError, match="bluetoothctl discoverable off"):
                await broadcaster.broadcast(RPI, AEM)
            bluez.set_adapter(Discoverable=False)
            await broadcaster.broadcast(RPI, AEM)
            assert PUBLIC not in {sent.address for sent in bluez.history}

    asyncio.run(main())


def test_bluez_that_releases_the_advertisement_ends_the_broadcast(system_bus_address: str) -> None:
    async def main(bluez: FakeBlueZ, broadcaster: BlueZBroadcaster) -> None:
        bluez.release()
        assert await ended(broadcaster) == "BlueZ has ended the broadcast"
        await broadcaster.broadcast(bytes(16), AEM)
        assert bluez.on_air is not None

    play(system_bus_address, main)


def test_an_adapter_that_is_taken_out_ends_the_broadcast(system_bus_address: str) -> None:
    async def main(bluez: FakeBlueZ, broadcaster: BlueZBroadcaster) -> None:
        bluez.remove_adapter()
        await ended(broadcaster)
        with pytest.raises(RadioError, match="no Bluetooth adapter"):
            await broadcaster.broadcast(bytes(16), AEM)
        bluez.present = True
        await broadcaster.broadcast(bytes(16), AEM)
        assert bluez.on_air is not None

    play(system_bus_address, main)


def test_a_restart_of_bluez_ends_the_broadcast_and_the_next_one_works(system_bus_address: str) -> None:
    async def main() -> None:
        first = FakeBlueZ(system_bus_address)
        await first.__aenter__()
        async with opened("hci0", UUID, lambda: 0) as (broadcaster, _):
            await broadcaster.broadcast(RPI, AEM)
            await first.__aexit__()
            assert await ended(broadcaster) == "BlueZ has ended"
            with pytest.raises(RadioError, match="BlueZ does not run"):
                await broadcaster.broadcast(bytes(16), AEM)
            async with FakeBlueZ(system_bus_address) as second:
                await broadcaster.broadcast(bytes(16), AEM)
                assert second.on_air is not None
                # The new one is believed, and only it.
                second.set_adapter(Discoverable=True)
                assert "discoverable" in await ended(broadcaster)
                assert second.on_air is None

    asyncio.run(main())


def test_a_lost_bus_ends_the_broadcast_and_is_connected_anew(system_bus_address: str) -> None:
    async def main() -> None:
        async with FakeBlueZ(system_bus_address) as bluez:
            bus = Bus(watch_rules("hci0"))
            await bus.open()
            broadcaster = BlueZBroadcaster(bus)
            await broadcaster.broadcast(RPI, AEM)
            assert bus._bus is not None
            bus._bus.disconnect()
            assert await ended(broadcaster) == "the connection to the system bus was lost"
            # BlueZ takes down what its owner has left behind.
            await bluez.silence()
            await broadcaster.broadcast(bytes(16), AEM)
            assert bluez.on_air is not None
            bluez.set_adapter(Discoverable=True)
            assert "discoverable" in await ended(broadcaster)
            await broadcaster.close()
            bus.close()

    asyncio.run(main())


@pytest.mark.parametrize("how", ["refuses", "hangs"])
def test_a_bluez_that_does_not_unregister_loses_the_connection(
    system_bus_address: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr("ownhue_client.radio.bluez.advertiser._TAKE_DOWN_SECONDS", 0.1)

    async def main(bluez: FakeBlueZ, broadcaster: BlueZBroadcaster) -> None:
        if how == "refuses":
            bluez.errors["UnregisterAdvertisement"] = "org.bluez.Error.Failed"
        else:
            bluez.hangs.add("UnregisterAdvertisement")
        await broadcaster.stop()
        await bluez.silence()
        bluez.errors.clear()
        bluez.hangs.clear()
        await broadcaster.broadcast(bytes(16), AEM)
        assert bluez.on_air is not None

    play(system_bus_address, main)


def test_cancelling_a_registration_leaves_nothing_on_the_air(system_bus_address: str) -> None:
    async def main(bluez: FakeBlueZ, broadcaster: BlueZBroadcaster) -> None:
        asked = asyncio.Event()
        bluez.before["RegisterAdvertisement"] = asked.set
        task = asyncio.create_task(broadcaster.broadcast(bytes(16), AEM))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await bluez.silence()
        # Also when the reading of it ends later than the wish to have it back comes.
        await asyncio.sleep(0.05)
        assert bluez.on_air is None

    play(system_bus_address, main)


def test_a_killed_agent_leaves_nothing_on_the_air(system_bus_address: str) -> None:
    async def main() -> None:
        async with FakeBlueZ(system_bus_address) as bluez:
            bus = Bus(watch_rules("hci0"))
            await bus.open()
            await BlueZBroadcaster(bus).broadcast(RPI, AEM)
            assert bluez.on_air is not None
            bus.close()
            await bluez.silence()

    asyncio.run(main())


def test_attack_somebody_else_on_the_bus_tells_that_the_adapter_is_gone(system_bus_address: str) -> None:
    async def main(bluez: FakeBlueZ, broadcaster: BlueZBroadcaster) -> None:
        ending = asyncio.create_task(broadcaster.ended())
        async with foreign(system_bus_address) as tell:
            ((owner, _),) = bluez._clients
            await tell(owner, bluez.path)
        await asyncio.sleep(0.05)
        assert not ending.done()
        ending.cancel()

    play(system_bus_address, main)


@asynccontextmanager
async def foreign(address: str) -> AsyncIterator[Callable[[str, str], Coroutine[Any, Any, None]]]:
    """A program that tells what only BlueZ may tell, straight to somebody."""
    bus = await MessageBus(bus_address=address).connect()

    async def tell(owner: str, path: str) -> None:
        properties = ["org.bluez.Adapter1", {"Powered": Variant("b", False)}, []]
        removed = [path, ["org.bluez.Adapter1"]]
        for at, interface, member, signature, body in (
            (path, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", properties),
            ("/", "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved", "oas", removed),
        ):
            await bus.send(
                Message(
                    destination=owner,
                    message_type=MessageType.SIGNAL,
                    path=at,
                    interface=interface,
                    member=member,
                    signature=signature,
                    body=body,
                )
            )
        await bus.introspect("org.freedesktop.DBus", "/")

    try:
        yield tell
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
