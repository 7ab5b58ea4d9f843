"""BlueZ's back end with what uses it: rotation, scanning, the agent's choice; and a bus that ends, or forbids."""

import asyncio
import logging
import shutil
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ownhue_client.agent import rotation, scanning
from ownhue_client.agent.backends import Choice, radio_facts, radio_of
from ownhue_client.agent.rotation import Rotation
from ownhue_client.agent.scanning import Scanning
from ownhue_client.errors import RadioError
from ownhue_client.radio.bluez import BlueZBroadcaster, Bus, opened, probe
from ownhue_client.radio.bluez.guard import watch_rules
from ownhue_client.radio.bluez.sentences import ENDED, LOST
from tests.client.location.fake_geoclue import private_bus
from tests.client.radio.fake_bluez import PUBLIC, FakeBlueZ
from tests.client.radio.fake_radio import START, beacon_of

UUID = 0xFD6F
NAME = "0000fd6f-0000-1000-8000-00805f9b34fb"
AEM = b"\xa0\xa1\xa2\xa3"


def linked(bluez: FakeBlueZ) -> bool:
    """Whether an address carried two identifiers, or an identifier had two addresses."""
    pairs = {(sent.address, sent.payload) for sent in bluez.history}
    return len({address for address, _ in pairs}) != len(pairs) or len({data for _, data in pairs}) != len(pairs)


class Storm:
    """Things that happen to an adapter, one after the other, while beacons come and go."""

    def __init__(self, bluez: FakeBlueZ, chance: Random) -> None:
        self.bluez = bluez
        self.chance = chance
        self.bus = Bus(watch_rules("hci0"))
        self.broadcaster = BlueZBroadcaster(self.bus)
        self.events: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "rotate": self.rotate,
            "give up": self.give_up,
            "stop": self.broadcaster.stop,
            "visible": self.visible,
            "hidden": lambda: self.adapter(Discoverable=False),
            "off": lambda: self.adapter(Powered=False),
            "on": lambda: self.adapter(Powered=True),
            "in": self.adapter,
        }
        self.sudden: dict[str, Callable[[], None]] = {
            "out": bluez.remove_adapter,
            "release": bluez.release,
            "leave": self.bus.close,
        }

    async def blow(self, times: int) -> None:
        for event in self.chance.choices(["rotate"] * 8 + [*self.events, *self.sudden], k=times):
            if event in self.sudden:
                self.sudden[event]()
            else:
                await self.events[event]()
        await self.broadcaster.close()
        await self.bus.leave()
        await self.bluez.silence()

    async def rotate(self) -> None:
        with suppress(RadioError):
            await self.broadcaster.broadcast(self.chance.randbytes(16), AEM)

    async def give_up(self) -> None:
        task = asyncio.create_task(self.rotate())
        await asyncio.sleep(self.chance.random() / 200)
        task.cancel()
        await asyncio.wait({task})

    async def adapter(self, **changes: bool) -> None:
        self.bluez.present = True
        self.bluez.set_adapter(**changes)  # type: ignore[arg-type]

    async def visible(self) -> None:
        # What is on the air is sent openly until the news are here; other tests look at that. Here it ends before.
        await self.broadcaster.stop()
        await self.bluez.silence()
        await self.adapter(Discoverable=True)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_no_address_carries_two_identifiers(system_bus_address: str, seed: int) -> None:
    async def main() -> None:
        async with FakeBlueZ(system_bus_address) as bluez:
            await Storm(bluez, Random(seed)).blow(120)
            assert not linked(bluez), bluez.history
            assert {sent.pdu for sent in bluez.history} <= {"ADV_NONCONN_IND"}
            assert bluez.history

    asyncio.run(main())


def test_the_rotation_keeps_fresh_beacons_on_the_air_and_hears_why_they_end(
    system_bus_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "ROTATION_SECONDS", (0.02, 0.04))
    noted: list[int] = []
    told: list[str] = []
    clock = iter(range(START, START + 600 * 10_000, 600))

    async def main() -> None:
        async with FakeBlueZ(system_bus_address) as bluez, opened("hci0", UUID, lambda: START) as (broadcaster, _):
            turning = Rotation(
                broadcaster,
                beacon_of,
                lambda: next(clock),
                lambda n: bytes(n),
                was_on_air=lambda interval: interval in noted,
                note_on_air=noted.append,
                told=told.append,
            )
            task = asyncio.create_task(turning.run())
            async with asyncio.timeout(20):
                while len(bluez.history) < 5:
                    await asyncio.sleep(0.01)
                bluez.set_adapter(Discoverable=True)
                while not told:
                    await asyncio.sleep(0.01)
            assert "discoverable" in told[0]
            assert bluez.on_air is None
            assert "discoverable" in turning.trouble
            task.cancel()
            await asyncio.wait({task})
            assert not linked(bluez) or PUBLIC in {sent.address for sent in bluez.history}

    asyncio.run(main())


def test_a_scan_that_cannot_run_is_told_and_the_next_one_runs(
    system_bus_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "SCAN_SECONDS", 1)

    async def main() -> None:
        async with FakeBlueZ(system_bus_address) as bluez, opened("hci0", UUID, lambda: START) as (_, scanner):
            listening = Scanning(scanner, lambda: START, Random(1).randbytes, lambda scan: None)
            bluez.set_adapter(Powered=False)
            scan = await listening.scan()
            assert not scan.ran
            assert "switched off" in scan.trouble
            bluez.set_adapter(Powered=True)
            task = asyncio.create_task(listening.scan())
            await bluez.scanning.wait()
            for rssi in (-60, -58, -61):
                bluez.report(1, rssi, [NAME], {NAME: bytes(16) + AEM})
            bluez.report(2, -50, [NAME], {NAME: b"foreign"})
            scan = await task
            assert scan.ran
            assert {sighting.rpi for sighting in scan.sightings} == {bytes(16)}
            assert scan.malformed == 1

    asyncio.run(main())


def test_the_agent_chooses_bluez_by_the_name_of_an_adapter(system_bus_address: str) -> None:
    async def main() -> None:
        async with FakeBlueZ(system_bus_address) as bluez:
            async with radio_of(Choice("hci0"), UUID, lambda: START, Random(1).randbytes) as radio:
                assert radio is not None
                await radio.broadcaster.broadcast(bytes(16), AEM)
                assert bluez.on_air is not None
            await bluez.silence()
            assert (await radio_facts("hci0"))["present"] is True

    asyncio.run(main())


def test_attack_identifiers_and_addresses_of_others_in_a_detailed_log(
    system_bus_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        async with (
            FakeBlueZ(system_bus_address) as bluez,
            opened("hci0", UUID, lambda: START) as (broadcaster, scanner),
        ):
            await broadcaster.broadcast(bytes(16), AEM)
            async with aclosing(scanner.sightings(60)) as listening:
                first = asyncio.ensure_future(anext(listening))
                await bluez.scanning.wait()
                bluez.report(1, -60, [NAME], {NAME: b"\x11" * 16 + AEM})
                assert (await first).rpi == b"\x11" * 16

    asyncio.run(main())
    assert "0A:00" not in caplog.text
    assert "fd6f" not in caplog.text.lower()


@contextmanager
def bus_daemon(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A dbus-daemon with these arguments, while the block runs. Needs one, as ``private_bus`` has found."""
    program = shutil.which("dbus-daemon")
    assert program is not None
    command = [program, "--nofork", "--nopidfile", "--print-address", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        try:
            assert daemon.stdout is not None
            daemon.stdout.readline()
            yield daemon
        finally:
            daemon.terminate()


def test_a_bus_that_ends_is_told_and_the_next_one_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"unix:path={tmp_path}/bus"
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)

    async def main() -> None:
        bus = Bus(watch_rules("hci0"))
        broadcaster = BlueZBroadcaster(bus)
        with bus_daemon("--session", f"--address={address}") as daemon:
            async with FakeBlueZ(address) as first:
                await broadcaster.broadcast(bytes(16), AEM)
                assert first.on_air is not None
                daemon.terminate()
                async with asyncio.timeout(5):
                    # The daemon tells the end of BlueZ first, if it still can.
                    assert await broadcaster.ended() in (LOST, ENDED)
        with pytest.raises(RadioError, match="no system bus"):
            await broadcaster.broadcast(bytes(16), AEM)
        with bus_daemon("--session", f"--address={address}"):
            async with FakeBlueZ(address) as second:
                await broadcaster.broadcast(bytes(16), AEM)
                assert second.on_air is not None
                await broadcaster.close()
                await bus.leave()

    with private_bus():
        asyncio.run(main())


_POLICY = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>{address}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="org.bluez"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
    <deny send_destination="org.bluez"/>
  </policy>
</busconfig>
"""


def test_whoever_may_not_talk_to_bluez_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"unix:path={tmp_path}/bus"
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
    (tmp_path / "bus.conf").write_text(_POLICY.format(address=address))

    async def main() -> None:
        with bus_daemon(f"--config-file={tmp_path}/bus.conf"):
            async with FakeBlueZ(address):
                with pytest.raises(RadioError, match="join the group `bluetooth`"):
                    await probe("hci0")
                with pytest.raises(RadioError, match="join the group `bluetooth`"):
                    async with opened("hci0", UUID, lambda: START):
                        pass

    with private_bus():
        asyncio.run(main())
