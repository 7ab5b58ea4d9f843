"""Phones with their agents' radio tasks, and an attacker's radios, in a virtual air of a town."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bumble import hci

from ownhue.advertisement import write_advertisement
from ownhue.identifiers import Beacon
from ownhue.key_file import ExposureKey
from ownhue.params import ReportType
from ownhue_client.agent.rotation import Rotation
from ownhue_client.agent.scanning import Scan, Scanning
from ownhue_client.phone import Phone
from ownhue_client.radio.bumble_radio import BumbleRadio
from ownhue_client.radio.interface import Heard
from ownhue_client.radio.virtual_air import VirtualAir
from ownhue_client.radio.virtual_controller import AirController, Pdu
from ownhue_client.radio.virtual_time import VirtualClock, run_virtual
from tests.client.publisher import BATCH_SECONDS, START
from tests.client.town import Town

MEETING = START + BATCH_SECONDS
HOUR = 3600
CLINIC, STADIUM = (46.948, 7.4474), (47.3769, 8.5417)


@dataclass
class Device:
    """A phone, its radio and its agent's two tasks."""

    phone: Phone
    clock: VirtualClock
    controller: AirController
    radio: BumbleRadio
    at: tuple[float, float] | None
    scans: list[Scan] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def take(self, scan: Scan) -> None:
        """What an agent does with a scan."""
        self.scans.append(scan)
        if scan.sightings:
            self.phone.hear_many(scan.sightings)
        else:
            self.phone.note_scan(scan.time, ran=scan.ran)

    async def walk(self) -> None:
        """A source of places: one fix a minute, which is where the device stays."""
        while True:
            if self.at is not None:
                self.phone.note_place(*self.at, 20, self.clock.now())
            await asyncio.sleep(60)

    async def begin(self, draw: Random) -> None:
        """Start the agent's tasks."""
        rotation = Rotation(
            self.radio.broadcaster,
            self.phone.beacon_at,
            self.clock.now,
            draw.randbytes,
            was_on_air=self.phone.was_on_air,
            note_on_air=self.phone.note_on_air,
        )
        own = self.phone.own_identifiers
        scanning = Scanning(self.radio.scanner, self.clock.now, draw.randbytes, self.take, own=own)
        self.tasks = [asyncio.create_task(one) for one in (self.walk(), rotation.run(), scanning.run())]

    async def end(self) -> None:
        """Stop them, as the agent does."""
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)

    def published(self) -> list[ExposureKey]:
        """The keys of this phone, reported and published."""
        keys = self.phone._keys.of_days(MEETING // 86400, MEETING // 86400)
        return [
            ExposureKey(key.data, key.rolling_start, key.rolling_period, ReportType.CONFIRMED_TEST, 1) for key in keys
        ]


class Scene:
    """A town, an air in which only named pairs hear each other, and phones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.town = Town()
        self.draw = Random(3)
        self.near: set[frozenset[str]] = set()
        self.strength: Callable[[str, str], int] = lambda sender, receiver: -65
        self.air = VirtualAir(lambda sender, receiver: self.strength(sender, receiver), self._near)
        self.devices: list[Device] = []

    def _near(self, sender: str, receiver: str) -> bool:
        return frozenset((sender, receiver)) in self.near

    def beside(self, *names: str) -> None:
        """These hear each other from now on."""
        self.near |= {frozenset((one, other)) for one in names for other in names if one != other}

    def apart(self, *names: str) -> None:
        """These hear each other no more."""
        self.near -= {frozenset((one, other)) for one in names for other in names if one != other}

    async def device(self, name: str, at: tuple[float, float] | None) -> Device:
        """A phone whose owner lets it know its place (None: it is off)."""
        clock = VirtualClock(asyncio.get_running_loop(), MEETING)
        phone = self.town.phone(self.folder / name, clock=clock)
        if at is not None:
            phone.prefer(location="manual", coarse=False)
        device = Device(phone, clock, *(await self.attacker(name)), at)
        await device.begin(Random(name))
        self.devices.append(device)
        return device

    async def attacker(self, name: str) -> tuple[AirController, BumbleRadio]:
        """A radio that somebody does with what they like."""
        controller = self.air.controller(name)
        clock = VirtualClock(asyncio.get_running_loop(), MEETING)
        radio = await BumbleRadio.start(controller, controller, clock.now, Random(name).randbytes)
        return controller, radio

    def publish(self, *reported: Device) -> int:
        """The keys of *reported* are published in the batch after the next; the time by then."""
        keys = [key for device in reported for key in device.published()]
        self.town.publisher.close_keys()
        return self.town.publisher.close_keys(keys=keys)


def play(folder: Path, main: Callable[[Scene], Awaitable[None]]) -> None:
    async def whole() -> None:
        scene = Scene(folder)
        try:
            await main(scene)
        finally:
            for device in scene.devices:
                await device.end()
                device.phone.close()

    run_virtual(whole())


@asynccontextmanager
async def relay(ear: BumbleRadio, mouth: BumbleRadio, delay: float = 0.0) -> AsyncIterator[None]:
    """Whatever *ear* hears, *mouth* sends *delay* seconds later, byte for byte, until the end."""

    async def later(heard: Heard) -> None:
        await asyncio.sleep(delay)
        await mouth.broadcaster.broadcast(heard.rpi, heard.aem)

    async def run() -> None:
        last, sent = b"", set()
        while True:
            # A second in ten is enough to hear every name within 10 s.
            async for heard in ear.scanner.sightings(1.0):
                if heard.rpi != last:
                    last = heard.rpi
                    sent.add(asyncio.create_task(later(heard)))
            await asyncio.sleep(9)

    task = asyncio.create_task(run())
    yield
    task.cancel()
    await asyncio.wait([task])
    await mouth.broadcaster.stop()


async def flood(victim: AirController, draw: Random) -> None:
    """1,000 new beacons a second, as strong as from the other side of a room."""
    address = hci.Address(bytes(6), hci.Address.RANDOM_DEVICE_ADDRESS)
    while True:
        await asyncio.sleep(0.05)
        for _ in range(50 if victim.le_scan_enable else 0):
            beacon = Beacon(draw.randbytes(16), draw.randbytes(4))
            victim.on_pdu(Pdu(3, address, write_advertisement(beacon)), -75)
