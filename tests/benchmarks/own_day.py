"""A phone's own day in the city of matching.py: its agent as it runs on a device, in virtual time, on a real store.

It scans, rotates, synchronises twelve times, fetches passes, sends decoys, works out the colour and forgets. What it
costs is told as processor time of this one process, without what the town (the other side of every request) needs, and
as bytes from its own ledger. Bluetooth's own power is not in it: that is the adapter's.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import httpx

from ownhue.key_file import ExposureKey
from ownhue.matching import Sighting
from ownhue.params import INTERVAL_SECONDS, KEY_PERIOD, ReportType
from ownhue_client.agent.agent import Agent, Radio
from ownhue_client.agent.long_work import directly
from ownhue_client.agent.scanning import Scan
from ownhue_client.phone import Phone, Settings
from ownhue_client.radio.interface import Heard
from ownhue_client.radio.virtual_time import VirtualClock, run_virtual
from tests.benchmarks.matching import BATCHES, KEYS
from tests.client.publisher import BATCH_SECONDS, START
from tests.client.radio.fake_radio import FakeBroadcaster, FakeScanner
from tests.client.town import DAY, Town, epoch_key, epochs_document

#: Beacons that are heard on a day; in scans of about 225 s, three samples of each.
SIGHTINGS = 10_000
_PER_SCAN = SIGHTINGS * 225 // DAY
_SAMPLES = 3
#: Days of history before the one that is measured.
_DAYS = 13
#: An identifier is heard in about so many scans.
_STAYS = 4
_MIB = 1 << 20


class _Crowd:
    """Strangers who come and go, all of them sampled three times in a scan."""

    def __init__(self) -> None:
        self._beacons: list[tuple[bytes, bytes]] = []
        self._scans = 0

    def beacons(self) -> list[tuple[bytes, bytes]]:
        """What one scan hears."""
        if self._scans % _STAYS == 0:
            count = -(-_PER_SCAN // _SAMPLES)
            self._beacons = [(os.urandom(16), os.urandom(4)) for _ in range(count)]
        self._scans += 1
        return [beacon for beacon in self._beacons for _ in range(_SAMPLES)]


class _Costs:
    """Processor time of the phone: that of the process without the town's."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Count from here on."""
        self._begun = time.process_time()
        self._town = 0.0

    @contextmanager
    def of_town(self) -> Iterator[None]:
        """What runs in here is the town's."""
        begun = time.process_time()
        try:
            yield
        finally:
            self._town += time.process_time() - begun

    def seconds(self) -> float:
        """The phone's so far."""
        return time.process_time() - self._begun - self._town


def own_day() -> None:
    """Live one day and print what it cost."""
    for epoch in range(START // DAY, START // DAY + _DAYS + 5):
        epoch_key(epoch)  # RSA keys are made before anything is measured
    with tempfile.TemporaryDirectory(prefix="ownhue-bench-") as name:
        run_virtual(_live(Path(name) / "phone"), START)


async def _live(folder: Path) -> None:
    costs, town, crowd = _Costs(), Town(), _Crowd()
    clock = VirtualClock(asyncio.get_running_loop(), START)

    def handle(request: httpx.Request) -> httpx.Response:
        with costs.of_town():
            return town.handle(request)

    client = httpx.Client(transport=httpx.MockTransport(handle))
    phone = Phone.create(
        folder, town.region, random=os.urandom, http_client=client, now=START, clock=clock, settings=Settings()
    )
    with client, phone:
        _remember(phone, crowd, clock)
        town.publisher.batch = clock.now() // BATCH_SECONDS
        _close(town, clock.now(), [])
        phone.enrol(town.ticket(), clock.now())
        phone.sync(clock.now())
        costs.begin()
        lines = len(phone.ledger())
        agent = _agent(phone, clock, crowd)
        await _a_day(agent, town, costs)
        _tell(phone, costs.seconds(), lines, agent, folder)


def _agent(phone: Phone, clock: VirtualClock, crowd: _Crowd) -> Agent:
    def heard() -> list[Heard]:
        return [Heard(*beacon, -70, clock.now()) for beacon in crowd.beacons()]

    radio = Radio(FakeBroadcaster(), FakeScanner(heard))
    random = Random(1).randbytes
    return Agent(phone, radio, None, now=clock.now, random=random, run_long=directly, clock=clock)


def _remember(phone: Phone, crowd: _Crowd, clock: VirtualClock) -> None:
    """Let 13 days of scans have been."""
    agent = Agent(phone, None, None, now=clock.now, random=os.urandom, clock=clock)
    for day in range(_DAYS):
        with phone.store.atomic():
            for at in range(START + day * DAY, START + (day + 1) * DAY, 225):
                heard = tuple(Sighting(*beacon, at, -70, at, 225) for beacon in crowd.beacons())
                agent.take_scan(Scan(at, at, 225, True, heard))
    asyncio.get_running_loop().jump(_DAYS * DAY)  # type: ignore[attr-defined]


async def _a_day(agent: Agent, town: Town, costs: _Costs) -> None:
    publishing = asyncio.create_task(_publish(agent, town, costs))
    running = asyncio.create_task(agent.run())
    await asyncio.sleep(DAY)
    agent.stop()
    await running
    publishing.cancel()
    with suppress(asyncio.CancelledError):
        await publishing


async def _publish(agent: Agent, town: Town, costs: _Costs) -> None:
    """Close a batch of a city every two hours."""
    while True:
        await asyncio.sleep(BATCH_SECONDS - agent.now() % BATCH_SECONDS)
        with costs.of_town():
            now = agent.now()
            last = now // INTERVAL_SECONDS - 2 * KEY_PERIOD
            keys = [
                ExposureKey(os.urandom(16), last, KEY_PERIOD, ReportType.CONFIRMED_TEST, 1)
                for _ in range(KEYS // BATCHES)
            ]
            _close(town, now, keys)


def _close(town: Town, now: int, keys: list[ExposureKey]) -> None:
    epochs = epochs_document(*map(epoch_key, range(now // DAY, now // DAY + 3)))
    town.publisher.batch = now // BATCH_SECONDS - 1
    town.now = town.publisher.close_keys(epochs, keys=keys)


def _tell(phone: Phone, seconds: float, lines: int, agent: Agent, folder: Path) -> None:
    ledger = phone.ledger()[lines:]
    came, went = sum(line.bytes_in or 0 for line in ledger), sum(line.bytes_out for line in ledger)
    state, size = agent.state(), sum(path.stat().st_size for path in folder.iterdir())
    print(
        f"a phone's own day ({KEYS:,} keys published, {state['counts']['scans']} scans, "
        f"{state['counts']['sightings']:,} sightings, 14 days kept): {seconds:.1f} s of processor time "
        f"({100 * seconds / DAY:.3f} % of one core); {came:,} bytes downloaded and {went:,} sent in {len(ledger)} "
        f"requests; its folder {size / _MIB:.1f} MiB; trouble: {', '.join(state['trouble']) or 'none'}",
        flush=True,
    )
