"""A dongle that refuses, lies, is slow, or is taken out, and callers that are cancelled: nothing stays on the air."""

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Any

import pytest
from bumble import hci

from ownhue_client.errors import RadioError
from ownhue_client.radio.bumble_radio import BumbleRadio, open_dongle
from ownhue_client.radio.virtual_air import VirtualAir
from ownhue_client.radio.virtual_controller import AirController
from tests.client.radio.fake_radio import clock, play
from tests.client.radio.radios import beacon, hear, radio, send


@pytest.mark.parametrize("turns", range(0, 40, 3))
def test_a_rotation_or_scan_that_is_cancelled_at_any_moment_ends_and_leaves_the_radio_in_order(
    turns: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        air = VirtualAir()
        one, other = await radio(air, "a"), await radio(air, "b")
        await send(one, 1)
        for begin in (lambda: send(one, 2), lambda: hear(one), lambda: one.broadcaster.stop()):
            task = asyncio.ensure_future(begin())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            async with asyncio.timeout(1):
                await asyncio.wait([task])
        await send(one, 3)
        await send(other, 4)
        assert {heard.rpi for heard in await hear(other)} == {beacon(3).rpi}
        assert {heard.rpi for heard in await hear(one)} == {beacon(4).rpi}
        await one.broadcaster.stop()
        assert await hear(other) == []
        # No answer was taken for that of another command: bumble says so, and goes on.
        assert not [record for record in caplog.records if record.levelname == "WARNING"]

    play(main)


class Slow(AirController):
    """A controller that answers late, as real ones over USB do."""

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        if self.host:
            asyncio.get_running_loop().call_later(0.05, self.host.on_packet, bytes(packet))


@pytest.mark.parametrize("hundredths", range(0, 40, 4))
def test_the_late_answer_to_a_cancelled_command_is_not_taken_for_that_of_the_next(
    hundredths: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        air = VirtualAir()
        controller = Slow("a", air)
        air.members.add(controller)
        one = await BumbleRadio.start(controller, controller, clock().now, Random(0).randbytes)
        await send(one, 1)
        task = asyncio.create_task(send(one, 2))
        await asyncio.sleep(hundredths / 100)
        task.cancel()
        await asyncio.wait([task])
        listener = await radio(air, "b")
        await send(one, 3)
        assert {heard.rpi for heard in await hear(listener)} == {beacon(3).rpi}
        # bumble would say so, and go on.
        assert not [record for record in caplog.records if record.levelname == "WARNING"]

    play(main)


@pytest.mark.parametrize("turns", range(0, 40, 3))
def test_a_scan_that_begins_in_the_middle_of_a_rotation_runs_and_so_the_other_way_round(turns: int) -> None:
    async def main() -> None:
        air = VirtualAir()
        one, other = await radio(air, "a"), await radio(air, "b")
        await send(other, 1)

        async def later(what: Coroutine[Any, Any, Any]) -> Any:
            for _ in range(turns):
                await asyncio.sleep(0)
            return await what

        _, first = await asyncio.gather(send(one, 2), later(hear(one)))
        second, _ = await asyncio.gather(hear(one), later(send(one, 3)))
        for heard in (first, second):
            assert 14 <= len(heard) <= 20
        assert len({item.address for item in air.sniffer}) == len(air.sniffer)

    play(main)


class Refusing(AirController):
    """A controller that refuses one command, or obeys it and says that it failed."""

    refused: str = ""
    obeys = False

    def on_hci_command_packet(self, command: hci.HCI_Command) -> None:
        if command.name != self.refused:
            super().on_hci_command_packet(command)
            return
        if self.obeys:
            self.le_legacy_advertiser.start()
        status = hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.HARDWARE_FAILURE_ERROR)
        self.send_hci_packet(hci.HCI_Command_Complete_Event(1, command.op_code, status))


@pytest.mark.parametrize(
    "name",
    [
        "HCI_LE_SET_RANDOM_ADDRESS_COMMAND",
        "HCI_LE_SET_ADVERTISING_PARAMETERS_COMMAND",
        "HCI_LE_SET_ADVERTISING_DATA_COMMAND",
        "HCI_LE_SET_ADVERTISING_ENABLE_COMMAND",
    ],
)
def test_after_a_refused_command_nothing_is_on_the_air(name: str) -> None:
    async def main() -> None:
        air = VirtualAir()
        controller = Refusing("a", air)
        air.members.add(controller)
        sender = await BumbleRadio.start(controller, controller, clock().now, Random(0).randbytes)
        listener = await radio(air, "b")
        if "ENABLE" not in name:
            await send(sender, 1)
        controller.refused = name
        with pytest.raises(RadioError, match="refused"):
            await send(sender, 2)
        assert await hear(listener) == []
        controller.refused = ""
        await send(sender, 3)
        assert {one.rpi for one in await hear(listener)} == {beacon(3).rpi}

    play(main)


def test_a_controller_that_sends_though_it_says_that_it_failed_is_switched_off() -> None:
    async def main() -> None:
        air = VirtualAir()
        controller = Refusing("a", air)
        air.members.add(controller)
        sender = await BumbleRadio.start(controller, controller, clock().now, Random(0).randbytes)
        listener = await radio(air, "b")
        controller.refused, controller.obeys = "HCI_LE_SET_ADVERTISING_ENABLE_COMMAND", True
        scan = asyncio.create_task(hear(listener, 10.0))
        task = asyncio.create_task(send(sender, 2))
        await asyncio.sleep(0)
        while not air.sniffer:
            await asyncio.sleep(0)
        controller.refused = ""
        with pytest.raises(RadioError, match="refused"):
            await task
        assert len(air.sniffer) == 1
        assert await scan == []

    play(main)


def test_a_dongle_that_does_not_answer_is_an_error_within_seconds() -> None:
    async def main() -> None:
        air = VirtualAir()
        controller = air.controller("a")
        sender = await BumbleRadio.start(controller, controller, clock().now, Random(0).randbytes)
        controller._gone = True
        for _ in range(2):
            with pytest.raises(RadioError, match="does not answer"):
                await send(sender, 1)
        assert "does not answer" in await sender.broadcaster.ended()
        with pytest.raises(RadioError, match="does not start"):
            await BumbleRadio.start(controller, controller, clock().now, Random(0).randbytes)

    play(main)


@pytest.mark.parametrize("what", ["unplugged", "hardware error"])
def test_a_lost_dongle_ends_the_broadcast_and_the_scan_with_its_reason(what: str) -> None:
    async def main() -> None:
        air = VirtualAir()
        controller = air.controller("a")
        one = await BumbleRadio.start(controller, controller, clock().now, Random(0).randbytes)
        await send(one, 1)
        ended = asyncio.create_task(one.broadcaster.ended())
        scan = asyncio.create_task(hear(one))
        await asyncio.sleep(1)
        if what == "unplugged":
            controller.unplug()
        else:
            controller.send_hci_packet(hci.HCI_Event(event_code=hci.HCI_HARDWARE_ERROR_EVENT, parameters=b"\0"))
        with pytest.raises(RadioError, match="the Bluetooth dongle"):
            await scan
        assert "the Bluetooth dongle" in await ended
        with pytest.raises(RadioError, match="the Bluetooth dongle"):
            await send(one, 2)
        await one.broadcaster.stop()
        await one.stop()

    play(main)


def test_two_scans_at_once_are_refused_and_a_scan_that_is_left_early_ends() -> None:
    async def main() -> None:
        air = VirtualAir()
        sender, listener = await radio(air, "a"), await radio(air, "b")
        await send(sender, 1)
        scan = listener.scanner.sightings(4.0)
        await anext(scan)
        with pytest.raises(RadioError, match="under way"):
            await hear(listener)
        await scan.aclose()  # type: ignore[attr-defined]
        assert await hear(listener)

    play(main)


@pytest.mark.parametrize("name", ["usb:0", "hci-socket:99", "nothing", "file:/nowhere/at/all"])
def test_a_dongle_that_is_not_there_is_a_clear_error(name: str) -> None:
    async def main() -> None:
        with pytest.raises(RadioError, match="no Bluetooth dongle"):
            async with open_dongle(name, clock().now, Random(0).randbytes):
                pass

    asyncio.run(main())
