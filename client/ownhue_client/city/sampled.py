"""The sampled radio of a replay: real schedules of scans and rotations in virtual time, measured attenuations.

    carrier = SampledRadio(agents, clock, BleModel(measurements, seed), seed)
    carrier.play(contacts, events, progress)         # one day

- Each agent sends by :class:`ownhue_client.agent.rotation.Rotation` and listens by
  :class:`ownhue_client.agent.scanning.Scanning`, as on a device: 4 s every 2.5 to 5 minutes, a new beacon every 10 to
  20. Only the air between them is a model: who is near is proximity.py, what is heard of them ble_model.py.
- They do so from a while before anybody is near their owners until a while after; the rest of the day they would hear
  nobody.
- Not in it: packets that collide, other radios, phones that are switched off, and people who are in no trace.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ownhue.contact_trace import Contact
from ownhue.identifiers import Beacon
from ownhue_client.agent.agent import Agent
from ownhue_client.agent.rotation import ROTATION_SECONDS, Rotation
from ownhue_client.agent.scanning import Scanning
from ownhue_client.city.ble_model import BleModel
from ownhue_client.city.carriers import Event, Progress
from ownhue_client.city.clock import CityClock
from ownhue_client.city.proximity import Distance, Proximity
from ownhue_client.radio.interface import Heard
from ownhue_client.radio.virtual_time import VirtualClock, run_virtual

_PROGRESS_SECONDS = 300


@dataclass
class _Air:
    """What is on the air on one day, and who could hear it."""

    proximity: Proximity
    model: BleModel
    now: Callable[[], int]
    sent: dict[int, tuple[Beacon, int]] = field(default_factory=dict)
    """For each sender its beacon and its power in dBm."""

    def heard_by(self, person: int) -> list[Heard]:
        """What a scan of *person* hears that begins now."""
        now = self.now()
        heard = []
        for other, distance in sorted(self.proximity.around(person, now).items()):
            if other in self.sent:
                beacon, power = self.sent[other]
                scan = self.model.scan(other, person, distance)
                heard += [Heard(beacon.rpi, beacon.aem, power - attenuation, now) for attenuation in scan]
        return heard


class _Radio:
    """Both halves of one phone's radio; fits ``radio.interface``."""

    malformed = 0

    def __init__(self, air: _Air, person: int, power: int) -> None:
        self._air = air
        self._person = person
        self._power = power

    async def broadcast(self, rpi: bytes, aem: bytes) -> None:
        self._air.sent[self._person] = Beacon(rpi, aem), self._power

    async def stop(self) -> None:
        self._air.sent.pop(self._person, None)

    async def ended(self) -> str:
        # Nothing ends it but whoever waits for this.
        await asyncio.Event().wait()
        return ""

    async def sightings(self, duration: float) -> AsyncIterator[Heard]:
        heard = self._air.heard_by(self._person)
        await asyncio.sleep(duration)
        for one in heard:
            yield one


class SampledRadio:
    """Carries meetings as *model* says, on schedules that *seed* draws."""

    def __init__(
        self,
        agents: Mapping[int, Agent],
        clock: CityClock,
        model: BleModel,
        seed: int,
        reach: Distance = Distance.ROOM,
    ) -> None:
        """*reach*: the furthest class of distance in which anybody is heard."""
        self._agents = agents
        self._reach = reach
        self._clock = clock
        self._model = model
        self._random = random.Random(seed).randbytes  # noqa: S311 - times of a model, no secret
        # Nobody starts anew in the middle of a replay, so what was on the air need not be kept on a disk.
        self._on_air: dict[int, set[int]] = {person: set() for person in agents}

    def play(self, contacts: Sequence[Contact], events: Sequence[Event], progress: Progress) -> None:
        """As ``Carrier.play``."""
        if contacts or events:
            first = min([one.time for one in contacts[:1]] + [one.time for one in events[:1]])
            run_virtual(self._day(Proximity(contacts, self._reach), events, progress), first - 2 * ROTATION_SECONDS[1])

    async def _day(self, proximity: Proximity, events: Sequence[Event], progress: Progress) -> None:
        clock = VirtualClock(asyncio.get_running_loop())
        air = _Air(proximity, self._model, clock.now)
        with self._clock.led_by(clock.now):
            async with asyncio.TaskGroup() as group:
                living = [
                    group.create_task(self._live(air, person, *proximity.presence(person)))
                    for person in proximity.people()
                ]
                group.create_task(_tell(living, progress))
                for event in events:
                    await asyncio.sleep(event.time - clock.now())
                    event.act()

    async def _live(self, air: _Air, person: int, first: int, last: int) -> None:
        """Send and listen while anybody is near, and for the time of a beacon before."""
        await asyncio.sleep(first - ROTATION_SECONDS[1] - air.now())
        agent = self._agents[person]
        radio = _Radio(air, person, agent.phone.settings.transmit_power)
        sent = self._on_air[person]
        rotation = Rotation(
            radio,
            agent.phone.beacon_at,
            air.now,
            self._random,
            was_on_air=sent.__contains__,
            note_on_air=sent.add,
        )
        scanning = Scanning(radio, air.now, self._random, agent.take_scan)
        with suppress(TimeoutError):
            async with asyncio.timeout(last - air.now()), asyncio.TaskGroup() as group:
                group.create_task(rotation.run())
                group.create_task(scanning.run())


async def _tell(living: Sequence["asyncio.Task[None]"], progress: Progress) -> None:
    while not all(task.done() for task in living):
        progress("meeting", sum(task.done() for task in living), len(living))
        await asyncio.sleep(_PROGRESS_SECONDS)
