"""The air between the phones of one process: carries beacons from one phone to another, with an attenuation.

What a radio would do, and nothing else: it hands a phone the bytes that another one sends at that moment, and a
received strength. It knows nothing of keys. What was carried reaches the phones' stores with :meth:`Air.settle`.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

from ownhue.matching import Sighting
from ownhue_client.phone import Phone

Who = TypeVar("Who", bound=Hashable)


class Air(Generic[Who]):
    """Carries beacons between *phones*."""

    def __init__(self, phones: Mapping[Who, Phone]) -> None:
        self._phones = phones
        self._heard: defaultdict[Who, list[Sighting]] = defaultdict(list)

    def meet(self, a: Who, b: Who, time: int, seconds: int, attenuation: int) -> None:
        """*a* and *b* hear each other in the scan at *time* (unix), which stands for *seconds* of presence."""
        self._carry(a, b, time, seconds, attenuation)
        self._carry(b, a, time, seconds, attenuation)

    def settle(self) -> None:
        """Let every phone keep what it heard since the last time."""
        for receiver, sightings in self._heard.items():
            self._phones[receiver].hear_many(sightings)
        self._heard.clear()

    def _carry(self, sender: Who, receiver: Who, time: int, seconds: int, attenuation: int) -> None:
        phone = self._phones[sender]
        beacon, rssi = phone.beacon_at(time), phone.settings.transmit_power - attenuation
        # One scan hears everybody at once, so its time names it.
        self._heard[receiver].append(Sighting(beacon.rpi, beacon.aem, time, rssi, time, seconds))
