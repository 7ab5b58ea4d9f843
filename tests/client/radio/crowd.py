"""Many phones that send and scan as the agent lets them, and walk between rooms, in virtual air and virtual time."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from ownhue.identifiers import Beacon, Metadata, TemporaryExposureKey, beacon_at, interval_number, period_start
from ownhue_client.agent.rotation import Rotation
from ownhue_client.agent.scanning import Scan, Scanning
from ownhue_client.radio.bumble_radio import BumbleRadio
from ownhue_client.radio.virtual_air import Sniffed, VirtualAir
from ownhue_client.radio.virtual_time import VirtualClock

#: Where the identifier stands in the payload.
_RPI = slice(11, 27)
#: A packet of four is lost.
_LOSS = 0.25


class Stay(NamedTuple):
    """A phone in a room, by the loop's clock."""

    room: int
    begin: float
    end: float


@dataclass
class Walker:
    """One person's phone: its keys, its ways, and what it heard and when."""

    name: str
    draw: Random
    stays: list[Stay] = field(default_factory=list)
    past: list[Stay] = field(default_factory=list)
    heard: dict[bytes, list[int]] = field(default_factory=lambda: defaultdict(list))
    scans: list[Scan] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    keys: dict[int, TemporaryExposureKey] = field(default_factory=dict)

    def plan(self, seconds: float, rooms: int) -> None:
        """Ways for *seconds*: a room at random for 5 minutes to 3 hours, then the next."""
        time = 0.0
        while time < seconds:
            end = time + self.draw.uniform(300, 10_800)
            self.stays.append(Stay(self.draw.randrange(rooms), time, end))
            time = end

    def room_at(self, time: float) -> int:
        """Where it is. Asked for times that grow."""
        while self.stays[0].end <= time and len(self.stays) > 1:
            self.past.append(self.stays.pop(0))
        return self.stays[0].room

    def beacon_at(self, now: int) -> Beacon:
        """As a phone's store gives it: a random key for each period."""
        interval = interval_number(now)
        start = period_start(interval)
        if start not in self.keys:
            self.keys[start] = TemporaryExposureKey(self.draw.randbytes(16), start)
        return beacon_at(self.keys[start], interval, Metadata(-20))

    def take(self, scan: Scan) -> None:
        """Keep what a scan heard."""
        self.scans.append(scan._replace(sightings=()))
        for sighting in scan.sightings:
            self.heard[sighting.rpi].append(sighting.time)


class Crowd:
    """*count* phones in *rooms* rooms. Within a room everybody hears everybody; the next room is out of range."""

    def __init__(self, count: int, rooms: int, seconds: float, seed: int) -> None:
        draw = Random(seed)
        self.seconds = seconds
        self.walkers = {str(number): Walker(str(number), Random(draw.random())) for number in range(count)}
        for walker in self.walkers.values():
            walker.plan(seconds, rooms)
        self._draw = draw
        self.air = VirtualAir(self._rssi, self._near, seed=seed)

    async def live(self) -> None:
        """Let the time go by, then stop every phone as its agent would."""
        clock = VirtualClock(asyncio.get_running_loop(), 1_800_000_000)
        tasks = [task for walker in self.walkers.values() for task in await self._start(walker, clock)]
        await asyncio.sleep(self.seconds)
        for task in tasks:
            task.cancel()
        done, _ = await asyncio.wait(tasks)
        assert all(task.cancelled() for task in done), "a phone's task ended by itself"

    async def _start(self, walker: Walker, clock: VirtualClock) -> list[asyncio.Task[None]]:
        controller = self.air.controller(walker.name)
        radio = await BumbleRadio.start(controller, controller, clock.now, walker.draw.randbytes)
        rotation = Rotation(
            radio.broadcaster,
            walker.beacon_at,
            clock.now,
            walker.draw.randbytes,
            was_on_air=walker.used.__contains__,
            note_on_air=walker.used.add,
        )
        scanning = Scanning(radio.scanner, clock.now, walker.draw.randbytes, walker.take)
        return [asyncio.create_task(rotation.run()), asyncio.create_task(scanning.run())]

    def _near(self, sender: str, receiver: str) -> bool:
        time = asyncio.get_running_loop().time()
        return self.walkers[sender].room_at(time) == self.walkers[receiver].room_at(time)

    def _rssi(self, sender: str, receiver: str) -> int | None:
        return None if self._draw.random() < _LOSS else self._draw.randint(-85, -55)

    def pairs(self) -> tuple[int, int]:
        """(heard, all): identifiers of phones that were in one room for 10 minutes while it was on the air."""
        heard = every = 0
        for sender, rpi, begin, end in self.spans():
            for receiver in self.walkers.values():
                if receiver.name != sender and self._together(sender, receiver.name, begin, end) >= 600:
                    every += 1
                    heard += rpi in receiver.heard
        return heard, every

    def spans(self) -> list[tuple[str, bytes, float, float]]:
        """(sender, identifier, begin, end) of each identifier that was on the air."""
        spans = []
        by_sender: dict[str, list[Sniffed]] = defaultdict(list)
        for one in self.air.sniffer:
            by_sender[one.sender].append(one)
        for sender, row in by_sender.items():
            ends = [one.time for one in row[1:]] + [self.seconds]
            spans += [(sender, one.payload[_RPI], one.time, end) for one, end in zip(row, ends, strict=True)]
        return spans

    def _together(self, one: str, other: str, begin: float, end: float) -> float:
        """Longest time without a break in one room between *begin* and *end*. It begins anew with each stay."""
        longest = 0.0
        for a in self._ways(one):
            for b in self._ways(other):
                if a.room == b.room:
                    longest = max(longest, min(a.end, b.end, end) - max(a.begin, b.begin, begin))
        return longest

    def _ways(self, name: str) -> list[Stay]:
        return self.walkers[name].past + self.walkers[name].stays

    def check_addresses(self) -> None:
        """No address ever carries two identifiers, no identifier two addresses, and nothing else is on the air."""
        identifiers: dict[bytes, set[bytes]] = defaultdict(set)
        addresses: dict[bytes, set[bytes]] = defaultdict(set)
        for one in self.air.sniffer:
            assert (one.kind, one.random_address, one.address[0] >> 6) == ("ADV_NONCONN_IND", True, 0)
            identifiers[one.address].add(one.payload[_RPI])
            addresses[one.payload[_RPI]].add(one.address)
        assert max(map(len, identifiers.values())) == 1, "an address carried two identifiers"
        assert max(map(len, addresses.values())) == 1, "an identifier had two addresses"
        assert len(addresses) == len(self.air.sniffer), "an identifier was on the air twice"
