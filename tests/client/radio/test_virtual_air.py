"""The virtual air sends, hears and refuses as Bluetooth's specification says: what is tested in it means much."""

import asyncio
from random import Random
from typing import Any

import pytest
from bumble import hci

from ownhue.advertisement import write_advertisement
from ownhue.identifiers import Beacon
from ownhue_client.errors import RadioError
from ownhue_client.radio.bumble_commands import ADVERTISE, SCAN, SCAN_PARAMETERS, advertising_data
from ownhue_client.radio.bumble_radio import BumbleRadio
from ownhue_client.radio.quiet_host import QuietHost
from ownhue_client.radio.virtual_air import VirtualAir
from tests.client.radio.fake_radio import clock, play

BEACON = Beacon(bytes(range(16)), b"meta")
ADDRESS = hci.Address(bytes([6, 5, 4, 3, 2, 1]), hci.Address.RANDOM_DEVICE_ADDRESS)
_Parameters = hci.HCI_LE_Set_Advertising_Parameters_Command
_Report = hci.HCI_LE_Advertising_Report_Event


def parameters(shortest: int = 320, longest: int = 320, kind: str = "ADV_NONCONN_IND", public: bool = False) -> Any:
    own = hci.OwnAddressType.PUBLIC if public else hci.OwnAddressType.RANDOM
    peer = hci.Address.PUBLIC_DEVICE_ADDRESS, hci.Address.ANY
    return _Parameters(shortest, longest, _Parameters.AdvertisingType[kind], own, *peer, 7, 0)


async def host(air: VirtualAir, name: str) -> QuietHost:
    controller = air.controller(name)
    made = QuietHost(controller, controller)
    await made.reset()
    return made


async def send(sender: QuietHost, **options: Any) -> None:
    await sender.command(hci.HCI_LE_Set_Random_Address_Command(random_address=ADDRESS))
    await sender.command(parameters(**options))
    await sender.command(advertising_data(BEACON, 0xFD6F))
    await sender.command(ADVERTISE[True])


async def listen(listener: QuietHost, filter_duplicates: int = 0) -> list[Any]:
    reports: list[Any] = []
    listener.on("advertising_report", reports.append)
    await listener.command(SCAN_PARAMETERS)
    await listener.command(hci.HCI_LE_Set_Scan_Enable_Command(le_scan_enable=1, filter_duplicates=filter_duplicates))
    return reports


@pytest.mark.parametrize("kind", ["ADV_NONCONN_IND", "ADV_IND", "ADV_SCAN_IND"])
def test_a_packet_is_reported_once_with_its_kind_address_data_and_strength(kind: str) -> None:
    async def main() -> None:
        air = VirtualAir(lambda sender, receiver: -71)
        sender, listener = await host(air, "a"), await host(air, "b")
        await send(sender, kind=kind)
        reports = await listen(listener)
        await asyncio.sleep(4)
        # One each 200 ms, and up to 10 ms later.
        assert 18 <= len(reports) <= 20
        assert {report.event_type for report in reports} == {_Report.EventType[kind]}
        assert {bytes(report.address) for report in reports} == {bytes(ADDRESS)}
        assert {(bytes(report.data), report.rssi) for report in reports} == {(write_advertisement(BEACON), -71)}
        (sniffed,) = air.sniffer
        assert (sniffed.address, sniffed.payload) == (bytes([1, 2, 3, 4, 5, 6]), write_advertisement(BEACON))
        assert (sniffed.kind, sniffed.sender, sniffed.random_address) == (kind, "a", True)

    play(main)


def test_no_packet_is_made_where_nobody_listens_and_none_arrives_out_of_range() -> None:
    async def main() -> None:
        near: set[tuple[str, str]] = set()
        air = VirtualAir(in_range=lambda sender, receiver: (sender, receiver) in near)
        sender, listener = await host(air, "a"), await host(air, "b")
        await send(sender)
        await asyncio.sleep(3600)
        assert air.sent == 0
        reports = await listen(listener)
        await asyncio.sleep(10)
        assert (air.sent, reports) == (0, [])
        near.add(("a", "b"))
        await asyncio.sleep(10)
        assert 40 <= len(reports) <= 50
        near.clear()
        await asyncio.sleep(1)
        heard = len(reports)
        await asyncio.sleep(3600)
        assert len(reports) == heard
        await listener.command(SCAN[False])

    play(main)


def test_a_lost_packet_is_lost_and_the_next_one_comes() -> None:
    async def main() -> None:
        draw = Random(1)
        air = VirtualAir(lambda sender, receiver: -60 if draw.random() < 0.5 else None)
        sender, listener = await host(air, "a"), await host(air, "b")
        await send(sender)
        reports = await listen(listener)
        await asyncio.sleep(100)
        assert 180 <= len(reports) <= 300
        assert air.sent > air.heard == len(reports)

    play(main)


@pytest.mark.parametrize(("honoured", "few"), [(True, True), (False, False)])
def test_the_duplicate_filter_is_honoured_unless_the_air_says_otherwise(honoured: bool, few: bool) -> None:
    async def main() -> None:
        air = VirtualAir(honour_duplicate_filter=honoured)
        sender, listener = await host(air, "a"), await host(air, "b")
        await send(sender)
        reports = await listen(listener, filter_duplicates=1)
        await asyncio.sleep(4)
        assert (len(reports) == 1) == few
        await listener.command(SCAN[False])
        again = await listen(listener, filter_duplicates=1)
        await asyncio.sleep(4)
        assert again, "the filter forgets with each scan"

    play(main)


def test_an_address_cannot_be_set_while_it_is_in_use() -> None:
    async def main() -> None:
        air = VirtualAir()
        sender, listener = await host(air, "a"), await host(air, "b")
        await send(sender)
        await listen(listener)
        for one in (sender, listener):
            with pytest.raises(RadioError, match="0xc"):
                await one.command(hci.HCI_LE_Set_Random_Address_Command(random_address=ADDRESS))
        with pytest.raises(RadioError, match="0xc"):
            await sender.command(parameters())

    play(main)


def test_no_random_address_no_advertising_and_no_impossible_interval() -> None:
    async def main() -> None:
        sender = await host(VirtualAir(), "a")
        await sender.command(parameters())
        with pytest.raises(RadioError, match="0x12"):
            await sender.command(ADVERTISE[True])
        for shortest, longest in ((31, 40), (400, 320)):
            with pytest.raises(RadioError, match="0x12"):
                await sender.command(parameters(shortest, longest))

    play(main)


def test_the_sniffer_sees_a_public_address_and_an_identifier_put_on_an_old_address() -> None:
    """What the tests of rotation rest on: the sniffer would see both mistakes."""

    async def main() -> None:
        air = VirtualAir()
        sender = await host(air, "a")
        await send(sender, public=True)
        await sender.command(advertising_data(Beacon(bytes(16), bytes(4)), 0xFD6F))
        first, second = air.sniffer
        assert not first.random_address
        assert first.address == second.address
        assert first.payload != second.payload

    play(main)


def test_a_reset_ends_sending_and_hearing_and_forgets_the_address() -> None:
    async def main() -> None:
        air = VirtualAir()
        sender, listener = await host(air, "a"), await host(air, "b")
        await send(sender)
        reports = await listen(listener)
        await asyncio.sleep(1)
        await sender.command(hci.HCI_Reset_Command())
        heard = len(reports)
        await asyncio.sleep(10)
        assert len(reports) == heard > 0
        with pytest.raises(RadioError):
            await sender.command(ADVERTISE[True])

    play(main)


def test_a_device_that_is_unplugged_is_silent_and_its_host_is_told() -> None:
    async def main() -> None:
        air = VirtualAir()
        controller = air.controller("a")
        radio = await BumbleRadio.start(controller, controller, clock().now, Random(0).randbytes)
        await radio.broadcaster.broadcast(BEACON.rpi, BEACON.aem)
        listener = await host(air, "b")
        reports = await listen(listener)
        controller.unplug()
        assert await radio.broadcaster.ended() == "the Bluetooth dongle was taken out"
        await asyncio.sleep(10)
        assert reports == []

    play(main)
