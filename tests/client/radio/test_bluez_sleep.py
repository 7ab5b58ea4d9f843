"""A device that goes to sleep: nothing is on the air when it does, and it waits for that."""

import asyncio

import pytest

from ownhue_client.errors import RadioError
from ownhue_client.radio.bluez import BlueZBroadcaster, Bus, opened
from ownhue_client.radio.bluez.names import LOGIND
from tests.client.radio.fake_bluez import FakeBlueZ
from tests.client.radio.fake_logind import FakeLogind
from tests.client.radio.test_bluez_silence import AEM, RPI, UUID, ended, play


async def known(bus: Bus) -> None:
    """Until the news that there is a logind have arrived."""
    async with asyncio.timeout(5):
        while not bus.owner(LOGIND):
            await asyncio.sleep(0.001)


def test_the_device_sleeps_only_after_the_broadcast_has_ended(system_bus_address: str) -> None:
    async def main(bluez: FakeBlueZ, broadcaster: BlueZBroadcaster) -> None:
        async with FakeLogind(system_bus_address) as logind:
            await known(broadcaster._bus)
            await broadcaster.broadcast(RPI, AEM)
            assert logind.wishes == [["sleep", "ownhue", "Ends its Bluetooth broadcast", "delay"]]
            assert logind.held() == 1
            bluez.before["UnregisterAdvertisement"] = lambda: asleep.append(logind.held())
            asleep: list[int] = []
            await logind.sleep()
            assert asleep == [1]
            await bluez.silence()
            assert await ended(broadcaster) == "the device goes to sleep"
            with pytest.raises(RadioError, match="goes to sleep"):
                await broadcaster.broadcast(bytes(16), AEM)
            logind.wake()
            await broadcaster.broadcast(bytes(16), AEM)
            assert bluez.on_air is not None
            assert logind.held() == 1
            await broadcaster.stop()
            assert logind.held() == 0

    play(system_bus_address, main)


def test_a_logind_that_grants_no_lock_still_ends_the_broadcast(system_bus_address: str) -> None:
    async def main(bluez: FakeBlueZ, broadcaster: BlueZBroadcaster) -> None:
        async with FakeLogind(system_bus_address, refuses=True) as logind:
            await known(broadcaster._bus)
            await broadcaster.broadcast(RPI, AEM)
            logind.tell(False)
            logind.tell(True)
            assert await ended(broadcaster) == "the device goes to sleep"
            assert bluez.on_air is None

    play(system_bus_address, main)


def test_attack_an_adapter_that_becomes_visible_just_before_the_registration(system_bus_address: str) -> None:
    async def main() -> None:
        async with (
            FakeBlueZ(system_bus_address) as bluez,
            FakeLogind(system_bus_address) as logind,
            opened("hci0", UUID, lambda: 0) as (broadcaster, _),
        ):
            # The lock is asked for after the adapter was found hidden: news that arrive before it does still count.
            logind.before_lock = lambda: broadcaster._trouble("it is visible now")
            with pytest.raises(RadioError, match="visible now"):
                await broadcaster.broadcast(RPI, AEM)
            assert "RegisterAdvertisement" not in bluez.calls

    asyncio.run(main())
