"""Broadcasting through BlueZ: the bytes, and a fresh address with each beacon."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from ownhue.advertisement import read_advertisement, write_advertisement
from ownhue.errors import FormatError
from ownhue.identifiers import Beacon
from ownhue_client.errors import RadioError
from ownhue_client.radio.bluez import BlueZBroadcaster, opened
from tests.client.radio.fake_bluez import FakeBlueZ, Sent

RPI, AEM = bytes(range(16)), b"\xa0\xa1\xa2\xa3"
UUID = 0xFD6F


@asynccontextmanager
async def broadcaster_of(bluez: FakeBlueZ) -> AsyncIterator[BlueZBroadcaster]:
    async with bluez, opened("hci0", UUID, lambda: 0) as (broadcaster, _):
        yield broadcaster


def test_bluez_is_given_a_beacon_byte_for_byte(system_bus_address: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address)
        async with broadcaster_of(bluez) as broadcaster:
            await broadcaster.broadcast(RPI, AEM)
            expected = bytes.fromhex("03036ffd 17166ffd 000102030405060708090a0b0c0d0e0f a0a1a2a3")
            assert bluez.on_air == Sent("ADV_NONCONN_IND", "fresh address 1", expected, ())
            assert expected == write_advertisement(Beacon(RPI, AEM), flags=None)
            assert read_advertisement(b"\x02\x01\x04" + expected) == Beacon(RPI, AEM)

    asyncio.run(main())


def test_intervals_are_those_of_gaen_where_bluez_heeds_them(system_bus_address: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address, experimental=True)
        async with broadcaster_of(bluez) as broadcaster:
            await broadcaster.broadcast(RPI, AEM)
            assert bluez.on_air is not None
            assert bluez.on_air.slots == (320, 432)

    asyncio.run(main())


def test_each_beacon_has_an_address_of_its_own(system_bus_address: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address)
        async with broadcaster_of(bluez) as broadcaster:
            for number in range(20):
                await broadcaster.broadcast(bytes([number]) * 16, AEM)
            await broadcaster.stop()
            assert bluez.on_air is None
        assert len({sent.address for sent in bluez.history}) == 20
        assert len({sent.payload for sent in bluez.history}) == 20
        assert len(bluez.history) == 20
        assert {sent.pdu for sent in bluez.history} == {"ADV_NONCONN_IND"}

    asyncio.run(main())


def test_nothing_is_on_the_air_after_the_block_and_stopping_twice_is_nothing(system_bus_address: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address)
        async with bluez:
            async with opened("hci0", UUID, lambda: 0) as (broadcaster, _):
                await broadcaster.stop()
                await broadcaster.broadcast(RPI, AEM)
            assert bluez.on_air is None
            await broadcaster.stop()

    asyncio.run(main())


def test_what_is_no_beacon_is_refused_before_the_last_one_ends(system_bus_address: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address)
        async with broadcaster_of(bluez) as broadcaster:
            await broadcaster.broadcast(RPI, AEM)
            with pytest.raises(FormatError):
                await broadcaster.broadcast(RPI, AEM + b"\0")
            assert bluez.on_air is not None

    asyncio.run(main())


def test_attack_another_program_on_the_bus_reads_the_advertisement(system_bus_address: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address)
        async with broadcaster_of(bluez) as broadcaster:
            await broadcaster.broadcast(RPI, AEM)
            ((owner, path),) = bluez._clients
            spy = await MessageBus(bus_address=system_bus_address).connect()
            for member, signature, body in (("GetAll", "s", ["org.bluez.LEAdvertisement1"]), ("Release", "", [])):
                interface = "org.freedesktop.DBus.Properties" if signature else "org.bluez.LEAdvertisement1"
                call = Message(
                    destination=owner, path=path, interface=interface, member=member, signature=signature, body=body
                )
                answer = await spy.call(call)
                assert answer.message_type is MessageType.ERROR
                assert answer.error_name == "org.freedesktop.DBus.Error.AccessDenied"
            assert bluez.on_air is not None
            spy.disconnect()
            await spy.wait_for_disconnect()  # type: ignore[no-untyped-call]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("org.freedesktop.DBus.Error.AccessDenied", "may not use Bluetooth"),
        ("org.bluez.Error.NotPermitted", "other programs use all"),
        ("org.bluez.Error.NotReady", "switched off"),
        ("org.freedesktop.DBus.Error.UnknownMethod", "cannot do this"),
        ("org.bluez.Error.Failed", "BlueZ refuses"),
    ],
)
def test_a_refusal_says_what_to_do_and_repeats_no_address(system_bus_address: str, name: str, says: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address)
        async with broadcaster_of(bluez) as broadcaster:
            bluez.errors["RegisterAdvertisement"] = name
            with pytest.raises(RadioError, match=says) as raised:
                await broadcaster.broadcast(RPI, AEM)
            assert "0A:0B" not in str(raised.value)
            assert bluez.on_air is None
            # And later it works again.
            bluez.errors.clear()
            await broadcaster.broadcast(RPI, AEM)
            assert bluez.on_air is not None

    asyncio.run(main())


def test_a_radio_that_is_not_there_is_told_at_the_beginning(system_bus_address: str) -> None:
    async def main() -> None:
        with pytest.raises(RadioError, match="BlueZ does not run"):
            async with opened("hci0", UUID, lambda: 0):
                pass
        async with FakeBlueZ(system_bus_address):
            with pytest.raises(RadioError, match="no Bluetooth adapter hci7"):
                async with opened("hci7", UUID, lambda: 0):
                    pass
            with pytest.raises(RadioError, match="names such as hci0"):
                async with opened("../hci0", UUID, lambda: 0):
                    pass

    asyncio.run(main())


def test_without_a_bus_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        with pytest.raises(RadioError, match="no system bus"):
            async with opened("hci0", UUID, lambda: 0):
                pass

    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    asyncio.run(main())
