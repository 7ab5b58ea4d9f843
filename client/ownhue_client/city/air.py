"""The air between the phones of one process: carries beacons from one phone to another, with an attenuation.

What a radio would do, and nothing else: it hands a phone the bytes that another one sends at that moment, and a
received strength. It knows nothing of keys.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

from ownhue.identifiers import Beacon, interval_number
from ownhue_client.phone import Phone

Who = TypeVar("Who", bound=Hashable)


class Air(Generic[Who]):
    """Carries beacons between *phones*; each phone's beacon of an interval is asked for once."""

    def __init__(self, phones: Mapping[Who, Phone]) -> None:
        self._phones = phones
        self._beacons: dict[tuple[Who, int], Beacon] = {}

    def meet(self, a: Who, b: Who, time: int, seconds: int, attenuation: int) -> None:
        """*a* and *b* hear each other in the scan at *time* (unix), which stands for *seconds* of presence."""
        self._carry(a, b, time, seconds, attenuation)
        self._carry(b, a, time, seconds, attenuation)

    def _carry(self, sender: Who, receiver: Who, time: int, seconds: int, attenuation: int) -> None:
        rssi = self._phones[sender].settings.transmit_power - attenuation
        self._phones[receiver].hear(self._beacon(sender, time), rssi=rssi, scan_id=time, scan_seconds=seconds, now=time)

    def _beacon(self, sender: Who, time: int) -> Beacon:
        interval = interval_number(time)
        if (sender, interval) not in self._beacons:
            self._beacons = {key: beacon for key, beacon in self._beacons.items() if key[1] == interval}
            self._beacons[sender, interval] = self._phones[sender].beacon_at(time)
        return self._beacons[sender, interval]

    def forget(self, senders: Iterable[Who]) -> None:
        """Ask *senders* for their beacons anew: their keys were ended before the interval was over."""
        gone = set(senders)
        self._beacons = {key: beacon for key, beacon in self._beacons.items() if key[0] not in gone}
