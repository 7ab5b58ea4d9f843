"""Broadcaster and scanner over a controller of our own: what is on the air, and what is made of what is heard."""

import asyncio

import pytest
from bumble import hci

from ownhue.advertisement import write_advertisement
from ownhue.errors import FormatError
from ownhue_client.errors import RadioError
from ownhue_client.radio.bumble_commands import ADVERTISE, fresh_address
from ownhue_client.radio.interface import Heard
from ownhue_client.radio.virtual_air import VirtualAir
from tests.client.radio.fake_radio import START, play
from tests.client.radio.radios import beacon, hear, radio, send, send_raw

ADDRESS = hci.Address(bytes([6, 5, 4, 3, 2, 1]), hci.Address.RANDOM_DEVICE_ADDRESS)


def test_a_beacon_is_heard_with_its_bytes_strength_and_time_and_without_an_address() -> None:
    async def main() -> None:
        air = VirtualAir(lambda sender, receiver: -66)
        sender, listener = await radio(air, "a"), await radio(air, "b")
        await send(sender, 1)
        heard = await hear(listener)
        # 4 s of one packet each 200 to 270 ms, and up to 10 ms later.
        assert 14 <= len(heard) <= 20
        assert {(one.rpi, one.aem, one.rssi) for one in heard} == {(beacon(1).rpi, beacon(1).aem, -66)}
        assert START <= heard[0].time <= heard[-1].time <= START + 5
        assert Heard._fields == ("rpi", "aem", "rssi", "time")

    play(main)


def test_payload_type_and_address_are_as_specified() -> None:
    async def main() -> None:
        air = VirtualAir()
        sender = await radio(air, "a")
        for number in range(1, 50):
            await send(sender, number)
        assert [one.payload for one in air.sniffer] == [write_advertisement(beacon(number)) for number in range(1, 50)]
        assert {one.kind for one in air.sniffer} == {"ADV_NONCONN_IND"}
        assert all(one.random_address and one.address[0] >> 6 == 0 for one in air.sniffer)
        assert len({one.address for one in air.sniffer}) == 49

    play(main)


def test_the_same_beacon_again_has_another_address_too() -> None:
    """Whoever calls does not do it; the broadcaster does not keep an address in any case."""

    async def main() -> None:
        air = VirtualAir()
        sender = await radio(air, "a")
        await send(sender, 1)
        await send(sender, 1)
        first, second = air.sniffer
        assert first.address != second.address

    play(main)


def test_an_address_of_zeros_or_ones_only_is_drawn_again() -> None:
    draws = iter([bytes(6), b"\xff" * 6, bytes(5) + b"\xc0", bytes([1, 2, 3, 4, 5, 0xFF])])
    assert bytes(fresh_address(lambda count: next(draws))) == bytes([1, 2, 3, 4, 5, 0x3F])


def test_a_rotation_during_a_scan_only_interrupts_it() -> None:
    async def main() -> None:
        air = VirtualAir()
        one, other = await radio(air, "a"), await radio(air, "b")
        await send(other, 1)
        task = asyncio.create_task(hear(one))
        await asyncio.sleep(1)
        await send(one, 2)
        await asyncio.sleep(1)
        await send(one, 3)
        heard = await task
        assert 14 <= len(heard) <= 20
        assert {item.rpi for item in heard} == {beacon(1).rpi}, "nobody hears themselves"
        assert len({item.address for item in air.sniffer}) == len(air.sniffer) == 3

    play(main)


def test_broadcasts_at_the_same_time_do_not_mix() -> None:
    async def main() -> None:
        air = VirtualAir()
        sender = await radio(air, "a")
        await asyncio.gather(*(send(sender, number) for number in range(1, 20)))
        assert len({one.address for one in air.sniffer}) == len({one.payload for one in air.sniffer}) == 19

    play(main)


def test_stop_ends_it_and_can_be_called_again() -> None:
    async def main() -> None:
        air = VirtualAir()
        sender, listener = await radio(air, "a"), await radio(air, "b")
        await sender.broadcaster.stop()
        await send(sender, 1)
        await sender.broadcaster.stop()
        await sender.broadcaster.stop()
        assert await hear(listener) == []
        await send(sender, 2)
        assert {one.rpi for one in await hear(listener)} == {beacon(2).rpi}

    play(main)


@pytest.mark.parametrize(
    ("data", "counted"),
    [
        ("02011a 03036ffd 17166ffd" + "11" * 19, True),  # cut off
        ("03036ffd 16166ffd" + "11" * 19, True),  # 19 bytes of service data
        ("03036ffd 04166ffd11", True),
        ("03036ffd", True),  # the service without data
        ("17166ffd" + "11" * 20, True),  # data without the list
        ("03030ffd 04160ffd6f", False),  # another service
        ("0bff6ffd1122334455667788", False),  # a company's data that holds the two bytes by chance
        ("020106", False),
    ],
)
def test_what_is_no_beacon_is_left_out_and_counted_if_it_is_of_the_service(data: str, counted: bool) -> None:
    async def main() -> None:
        air = VirtualAir()
        sender, listener = await radio(air, "a"), await radio(air, "b")
        await send_raw(sender, bytes.fromhex(data))
        assert await hear(listener) == []
        assert bool(listener.scanner.malformed) == counted

    play(main)


@pytest.mark.parametrize("rssi", [127, -127])
def test_a_missing_strength_is_dropped(rssi: int) -> None:
    async def main() -> None:
        air = VirtualAir(lambda sender, receiver: rssi)
        sender, listener = await radio(air, "a"), await radio(air, "b")
        await send(sender, 1)
        assert await hear(listener) == []
        assert listener.scanner.malformed == 0

    play(main)


def test_a_service_of_ones_own_for_tests_beside_real_phones() -> None:
    async def main() -> None:
        air = VirtualAir()
        sender, listener = await radio(air, "a", uuid=0xFE00), await radio(air, "b", uuid=0xFE00)
        stranger = await radio(air, "c")
        await send(sender, 1)
        assert await hear(listener)
        assert await hear(stranger) == []
        assert stranger.scanner.malformed == 0

    play(main)


def test_a_wrong_length_is_refused_before_the_radio_is_touched() -> None:
    async def main() -> None:
        air = VirtualAir()
        sender = await radio(air, "a")
        with pytest.raises(FormatError):
            await sender.broadcaster.broadcast(bytes(15), bytes(4))
        assert air.sniffer == []

    play(main)


def test_nothing_of_the_air_is_written_into_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    async def main() -> None:
        air = VirtualAir()
        sender, listener = await radio(air, "a"), await radio(air, "b")
        await send(sender, 0x77)
        assert await hear(listener)
        with pytest.raises(RadioError):
            await sender.host.command(hci.HCI_LE_Set_Random_Address_Command(random_address=ADDRESS))
        await sender.host.command(ADVERTISE[False])
        written = caplog.text.lower().replace(":", "")
        assert "77" * 16 not in written
        assert "010203040506" not in written
        assert air.sniffer[0].address.hex() not in written

    play(main)
