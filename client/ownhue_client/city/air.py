"""The air between the phones of one process: carries beacons from one agent to another, with an attenuation.

What a radio would do, and nothing else: it hands an agent the bytes that another one sends at that moment, and a
received strength. It knows nothing of keys. What was carried reaches the agents with :meth:`Air.settle`, scan by scan.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

from ownhue.identifiers import Beacon, interval_number
from ownhue.matching import Sighting
from ownhue_client.agent.agent import Agent
from ownhue_client.agent.scanning import Scan

Who = TypeVar("Who", bound=Hashable)


class Air(Generic[Who]):
    """Carries beacons between *agents*."""

    def __init__(self, agents: Mapping[Who, Agent]) -> None:
        self._agents = agents
        self._heard: defaultdict[Who, defaultdict[int, list[Sighting]]] = defaultdict(lambda: defaultdict(list))
        self._on_air: dict[Who, tuple[int, Beacon]] = {}

    def meet(self, a: Who, b: Who, time: int, seconds: int, attenuation: int) -> None:
        """*a* and *b* hear each other in the scan at *time* (unix), which stands for *seconds* of presence."""
        self._carry(a, b, time, seconds, attenuation)
        self._carry(b, a, time, seconds, attenuation)

    def settle(self) -> None:
        """Let every agent take the scans since the last time; those of one agent in one transaction."""
        for receiver, scans in self._heard.items():
            agent = self._agents[receiver]
            with agent.phone.store.atomic():
                for time, heard in scans.items():
                    agent.take_scan(Scan(time, time, max(one.scan_seconds for one in heard), True, tuple(heard)))
        self._heard.clear()

    def _carry(self, sender: Who, receiver: Who, time: int, seconds: int, attenuation: int) -> None:
        beacon = self._beacon(sender, time)
        rssi = self._agents[sender].phone.settings.transmit_power - attenuation
        # One scan hears everybody at once, so its time names it.
        self._heard[receiver][time].append(Sighting(beacon.rpi, beacon.aem, time, rssi, time, seconds))

    def _beacon(self, sender: Who, time: int) -> Beacon:
        """What *sender* has on the air: one beacon an interval, asked for at its first meeting in it."""
        interval = interval_number(time)
        if sender not in self._on_air or self._on_air[sender][0] != interval:
            self._on_air[sender] = interval, self._agents[sender].phone.beacon_at(time)
        return self._on_air[sender][1]
