"""What is kept of one scan: a few samples of each beacon, and of a flood the nearest. specs/phone.md

- Of each beacon (identifier and metadata) at most SAMPLES: the strongest, and the two with which the mean of the three
  comes nearest to the mean of all. Least and typical attenuation (specs/exposure.md section 2) are as if all were kept.
- At most MAX_BEACONS beacons of one scan, the strongest: a flood costs neither storage nor whom one stood beside. A
  scan is 4 s in at least 2.5 minutes, so this is also the most of any minute. What is left out is counted.
- Own identifiers (sent back by somebody, or by the own radio) and strengths that no radio measures are left out.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from ownhue.identifiers import KEY_BYTES, METADATA_BYTES
from ownhue_client.radio.interface import Heard

#: Most samples of one beacon that are kept of a scan. specs/phone.md
SAMPLES = 3
#: Most beacons that are kept of a scan, and so of a minute. specs/phone.md
MAX_BEACONS = 300
#: Received strengths in dBm that a controller gives; -127 says that there is none (Bluetooth Core, volume 4 part E).
RSSI_RANGE = (-126, 20)
#: So many times MAX_BEACONS are looked at before the weakest are let go: the memory that a flood can take.
_SLACK = 4
#: Samples of one beacon that are looked at. The controller of one phone sends 20 in a scan.
_MOST_LOOKED_AT = 64


class _Beacon(NamedTuple):
    rpi: bytes
    aem: bytes


class Samples:
    """Collects what one scan hears."""

    dropped: int
    """Advertisements that were left out because of a flood."""
    malformed: int
    """What came from the radio and was no beacon."""

    def __init__(self, own: Collection[bytes] = ()) -> None:
        """*own*: identifiers of this phone."""
        self._own = own
        self._heard: dict[_Beacon, list[Heard]] = {}
        self.dropped = self.malformed = 0

    def __len__(self) -> int:
        """How many beacons were heard."""
        return len(self._heard)

    def add(self, heard: Heard) -> None:
        """Take in one advertisement."""
        if len(heard.rpi) != KEY_BYTES or len(heard.aem) != METADATA_BYTES:
            self.malformed += 1
            return
        if not RSSI_RANGE[0] <= heard.rssi <= RSSI_RANGE[1] or heard.rpi in self._own:
            return
        samples = self._heard.setdefault(_Beacon(heard.rpi, heard.aem), [])
        if len(samples) < _MOST_LOOKED_AT:
            samples.append(heard)
        else:
            self.dropped += 1
        if len(self._heard) > _SLACK * MAX_BEACONS:
            self._let_go()

    def chosen(self) -> Iterator[Heard]:
        """What is to be kept, beacon by beacon in the order in which they were first heard."""
        self._let_go()
        for samples in self._heard.values():
            yield from choose(samples)

    def _let_go(self) -> None:
        """Drop all but the strongest beacons, where there are too many."""
        if len(self._heard) <= MAX_BEACONS:
            return
        strongest = sorted(self._heard, key=lambda beacon: -max(heard.rssi for heard in self._heard[beacon]))
        for beacon in strongest[MAX_BEACONS:]:
            self.dropped += len(self._heard.pop(beacon))


def choose(samples: list[Heard]) -> list[Heard]:
    """At most SAMPLES of the *samples* of one beacon, in order of time: see above."""
    if len(samples) <= SAMPLES:
        return samples
    left = sorted(samples, key=lambda heard: -heard.rssi)
    kept = [left.pop(0)]
    mean = sum(heard.rssi for heard in samples) / len(samples)
    for count in range(2, SAMPLES + 1):
        # What the samples that are still to come have to be on average, so that all kept ones have this mean.
        missing = (SAMPLES * mean - sum(heard.rssi for heard in kept)) / (SAMPLES + 1 - count)
        kept.append(left.pop(min(range(len(left)), key=lambda at: abs(left[at].rssi - missing))))
    return sorted(kept, key=lambda heard: heard.time)
