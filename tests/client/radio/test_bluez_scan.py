"""Scanning through BlueZ with the real bleak, against a BlueZ on a private bus."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import pytest

from ownhue_client.errors import RadioError
from ownhue_client.radio.bluez import BlueZScanner, opened
from ownhue_client.radio.interface import Heard
from tests.client.radio.fake_bluez import FakeBlueZ

UUID = 0xFD6F
NAME = "0000fd6f-0000-1000-8000-00805f9b34fb"
OTHER = "0000180f-0000-1000-8000-00805f9b34fb"
RPI, AEM = bytes(range(16)), b"\xa0\xa1\xa2\xa3"
NOW = 1_800_000_000
#: Seconds of a scan that something else ends.
LONG = 60.0
#: The last beacon of a scan, and the number of the device that sends it.
MARK, LAST = b"\xee" * 16, 250


@asynccontextmanager
async def scanner_of(bluez: FakeBlueZ) -> AsyncIterator[BlueZScanner]:
    async with bluez, opened("hci0", UUID, lambda: NOW) as (_, scanner):
        yield scanner


async def heard_during(bluez: FakeBlueZ, scanner: BlueZScanner, happens: Callable[[], None]) -> list[Heard]:
    """What a scan hears while something *happens*. A last beacon ends it, so no time has to be guessed."""

    async def happen() -> None:
        await bluez.scanning.wait()
        happens()
        bluez.report(LAST, -99, [NAME], {NAME: MARK + AEM})

    task = asyncio.create_task(happen())
    heard: list[Heard] = []
    async with aclosing(scanner.sightings(LONG)) as sightings:
        async for one in sightings:
            if one.rpi == MARK:
                break
            heard.append(one)
    await task
    return heard


async def listen(scanner: BlueZScanner, seconds: float = LONG) -> list[Heard]:
    return [one async for one in scanner.sightings(seconds)]


@pytest.mark.parametrize("experimental", [False, True])
def test_each_sample_of_each_phone_is_heard(system_bus_address: str, experimental: bool) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address, experimental=experimental)

        def happens() -> None:
            assert len(bluez.monitors) == experimental
            for number in range(3):
                for rssi in range(-70, -54):
                    bluez.report(number, rssi, [NAME], {NAME: bytes([number]) * 16 + AEM})

        async with scanner_of(bluez) as scanner:
            heard = await heard_during(bluez, scanner, happens)
            expected = [Heard(bytes([n]) * 16, AEM, rssi, NOW) for n in range(3) for rssi in range(-70, -54)]
            assert heard == expected
            assert scanner.malformed == 0
            assert bluez.filters[0] == {"Transport": "le", "DuplicateData": True, "UUIDs": [NAME]}
            # Nothing is left behind, neither a scan nor a monitor.
            assert not bluez.scanning.is_set()
            assert not bluez.monitors

    asyncio.run(main())


def test_a_scan_ends_by_itself(system_bus_address: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address, experimental=True)
        async with scanner_of(bluez) as scanner:
            assert await listen(scanner, 0.05) == []
            assert bluez.calls[-1] == "UnregisterMonitor"
            assert not bluez.scanning.is_set()

    asyncio.run(main())


def test_what_bluez_knew_before_the_scan_is_not_heard(system_bus_address: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address)
        async with scanner_of(bluez) as scanner:
            bluez.report(1, -60, [NAME], {NAME: RPI + AEM})
            assert await heard_during(bluez, scanner, lambda: None) == []

    asyncio.run(main())


def test_samples_without_a_strength_are_dropped(system_bus_address: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address)

        def happens() -> None:
            for rssi in (-127, 127, None, 21, -60):
                bluez.report(1 if rssi is not None else 2, rssi, [NAME], {NAME: RPI + AEM})

        async with scanner_of(bluez) as scanner:
            assert await heard_during(bluez, scanner, happens) == [Heard(RPI, AEM, -60, NOW)]
            assert scanner.malformed == 0

    asyncio.run(main())


def test_attack_service_data_that_is_no_beacon_is_counted_and_passed_over(system_bus_address: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address)

        def happens() -> None:
            bluez.report(1, -60, [NAME], {NAME: RPI + AEM[:-1]})
            bluez.report(2, -60, [NAME], {NAME: RPI + AEM + b"\0"})
            bluez.report(3, -60, [NAME], {NAME: b""})
            bluez.report(4, -60, [NAME], {})
            bluez.report(5, -60, [NAME, OTHER], {NAME: RPI + AEM})
            bluez.report(6, -60, [NAME], {NAME: RPI + AEM, OTHER: b"x"})
            bluez.report(7, -60, [OTHER], {OTHER: RPI + AEM})  # another service, and none of ours
            bluez.report(8, -60, [NAME], {NAME: RPI + AEM})

        async with scanner_of(bluez) as scanner:
            assert await heard_during(bluez, scanner, happens) == [Heard(RPI, AEM, -60, NOW)]
            assert scanner.malformed == 6

    asyncio.run(main())


def test_a_monitor_that_is_refused_does_not_stop_the_scan(system_bus_address: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address, experimental=True)
        bluez.errors["RegisterMonitor"] = "org.bluez.Error.Failed"
        async with scanner_of(bluez) as scanner:
            heard = await heard_during(bluez, scanner, lambda: bluez.report(1, -60, [NAME], {NAME: RPI + AEM}))
            assert heard == [Heard(RPI, AEM, -60, NOW)]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("method", "name", "says"),
    [
        ("StartDiscovery", "org.bluez.Error.NotReady", "switched off"),
        ("StartDiscovery", "org.bluez.Error.InProgress", "another program scans"),
        ("StartDiscovery", "org.freedesktop.DBus.Error.AccessDenied", "may not use Bluetooth"),
        ("SetDiscoveryFilter", "org.bluez.Error.Failed", "BlueZ refuses"),
    ],
)
def test_a_scan_that_does_not_begin_says_why(system_bus_address: str, method: str, name: str, says: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address, experimental=True)
        async with scanner_of(bluez) as scanner:
            bluez.errors[method] = name
            with pytest.raises(RadioError, match=says) as raised:
                await listen(scanner)
            assert "0A:0B" not in str(raised.value)
            assert not bluez.monitors
            bluez.errors.clear()
            heard = await heard_during(bluez, scanner, lambda: bluez.report(1, -60, [NAME], {NAME: RPI + AEM}))
            assert len(heard) == 1

    asyncio.run(main())


def test_an_adapter_that_is_off_or_absent_is_told_before_the_scan(system_bus_address: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address)
        async with scanner_of(bluez) as scanner:
            bluez.set_adapter(Powered=False)
            with pytest.raises(RadioError, match="bluetoothctl power on"):
                await listen(scanner)
            bluez.remove_adapter()
            with pytest.raises(RadioError, match="no Bluetooth adapter hci0"):
                await listen(scanner)
            assert not bluez.scanning.is_set()

    asyncio.run(main())


@pytest.mark.parametrize("how", ["off", "removed", "ended"])
def test_an_adapter_that_goes_during_a_scan_is_no_quiet_scan(system_bus_address: str, how: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address)
        happens = {
            "off": lambda: bluez.set_adapter(Powered=False),
            "removed": bluez.remove_adapter,
            "ended": bluez.leave,
        }
        async with scanner_of(bluez) as scanner:

            async def happen() -> None:
                await bluez.scanning.wait()
                happens[how]()

            task = asyncio.create_task(happen())
            with pytest.raises(RadioError):
                async with asyncio.timeout(5):
                    await listen(scanner)
            await task

    asyncio.run(main())


def test_a_visible_adapter_may_still_listen(system_bus_address: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address)
        bluez.adapter["Discoverable"] = True
        async with scanner_of(bluez) as scanner:
            heard = await heard_during(bluez, scanner, lambda: bluez.report(1, -60, [NAME], {NAME: RPI + AEM}))
            assert len(heard) == 1

    asyncio.run(main())


def test_two_scans_at_once_are_refused(system_bus_address: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address)
        async with scanner_of(bluez) as scanner:
            first = asyncio.create_task(listen(scanner))
            await bluez.scanning.wait()
            with pytest.raises(RadioError, match="under way"):
                await listen(scanner)
            first.cancel()
            await asyncio.wait({first})
            assert await listen(scanner, 0.05) == []

    asyncio.run(main())


@pytest.mark.parametrize("method", ["RegisterMonitor", "SetDiscoveryFilter", "StartDiscovery", ""])
def test_a_scan_that_is_given_up_is_ended_at_bluez(system_bus_address: str, method: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address, experimental=True)
        asked = asyncio.Event()
        bluez.before[method] = asked.set
        async with scanner_of(bluez) as scanner:
            task = asyncio.create_task(listen(scanner))
            if method:
                await asked.wait()
            else:
                await bluez.scanning.wait()
                await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not bluez.scanning.is_set()
            assert not bluez.monitors
            heard = await heard_during(bluez, scanner, lambda: bluez.report(1, -60, [NAME], {NAME: RPI + AEM}))
            assert len(heard) == 1

    asyncio.run(main())


def test_sending_and_listening_go_on_beside_each_other(system_bus_address: str) -> None:
    async def main() -> None:
        bluez = FakeBlueZ(system_bus_address)
        async with bluez, opened("hci0", UUID, lambda: NOW) as (broadcaster, scanner):
            await broadcaster.broadcast(RPI, AEM)
            heard = await heard_during(bluez, scanner, lambda: bluez.report(1, -60, [NAME], {NAME: RPI + AEM}))
            assert len(heard) == 1
            assert bluez.on_air is not None

    asyncio.run(main())
