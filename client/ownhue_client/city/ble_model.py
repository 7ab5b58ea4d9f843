"""Attenuations as they were measured between phones of real people, for the sampled radio of a replay.

    model = BleModel(read_measurements(Path("../shared/data/ble/dp3t-exp34")), seed=1)
    model.scan("courier", "cook", Distance.FACE)         # [52, 55, 51, 60]: one scan of 4 s; []: heard nothing

The measurements are those of DP-3T's experiment 34 (EPFL, 30 July 2020): 18 phones in six everyday scenes, received
strengths with distances by camera, in SQLite files. They are licensed CC BY-ND 4.0: whoever has them may compute with
them; they are no part of this project, and nothing of them may become one.

- Their phones scanned as ours do, about 4 s every 3.5 to 5 minutes, so a scan of theirs is a scan of ours, with all of
  its packets.
- A scan that missed a phone is known where the scans before and after heard it in the same class of distance. A phone
  that was never heard is unknown, so the model misses a little too seldom.
- Each pair of phones is given, for each class of distance, one measured link (receiver, sender, scene) for good: how a
  pocket or a body dampens it stays with the pair. Each scan then is one of that link's scans.
"""

import random
import sqlite3
from collections import defaultdict
from collections.abc import Hashable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from ownhue.errors import FormatError
from ownhue_client.city.proximity import Distance, distance_of

#: Transmit power in dBm by which strengths become attenuations: what the experiment's own exposure windows imply.
TRANSMIT_POWER = -29
#: Seconds without a packet that end a scan.
_SILENCE_SECONDS = 10
#: A link of fewer scans than this says nothing of how it varies.
_LEAST_SCANS = 3
_QUERY = (
    "SELECT receiver_id, transmitter_id, timestamp, rssi, ground_truth_distance FROM results"
    " ORDER BY receiver_id, timestamp"
)

Scan = tuple[int, ...]
"""Attenuations in dB of the packets that one scan heard of one sender; empty: none."""
Link = tuple[Scan, ...]
"""What was measured between one receiver and one sender in one scene, in one class of distance."""


class Packet(NamedTuple):
    """One packet that was received. Fields as in the files: identifiers, unix seconds, dBm, metres."""

    receiver: str
    sender: str
    time: float
    rssi: int
    metres: float | None


class Measurements(NamedTuple):
    """Measured links by class of distance."""

    links: dict[Distance, tuple[Link, ...]]

    def scans(self, distance: Distance) -> int:
        """How many scans were measured in a class."""
        return sum(map(len, self.links[distance]))

    def heard_percent(self, distance: Distance) -> float:
        """Share of the scans in which something was heard, in percent."""
        return 100 * sum(bool(scan) for link in self.links[distance] for scan in link) / self.scans(distance)


def read_measurements(folder: Path) -> Measurements:
    """The measurements in *folder*. Raises FormatError: none there, or not such files; OSError."""
    paths = sorted(path for path in folder.iterdir() if path.suffix == ".sqlite")
    found: dict[Distance, list[Link]] = {distance: [] for distance in Distance}
    for path in paths:
        for distance, link in links_of(list(_packets(path))):
            found[distance].append(link)
    if not all(found.values()):
        raise FormatError(f"{folder}: too few measurements; a folder with scenes of DP-3T's experiment 34 is needed")
    return Measurements({distance: tuple(links) for distance, links in found.items()})


def links_of(packets: list[Packet]) -> Iterator[tuple[Distance, Link]]:
    """The links in the *packets* of one scene, which are in order of receivers and time."""
    for scans in _by_receiver(packets).values():
        senders = {sender for scan in scans for sender in scan}
        for sender in sorted(senders):
            by_class: defaultdict[Distance, list[Scan]] = defaultdict(list)
            for distance, heard in _scans_of(scans, sender):
                by_class[distance].append(heard)
            yield from ((distance, tuple(heard)) for distance, heard in by_class.items() if len(heard) >= _LEAST_SCANS)


class BleModel:
    """Draws scans from *measurements*, the same ones for the same *seed* and order of questions."""

    def __init__(self, measurements: Measurements, seed: int) -> None:
        self.measurements = measurements
        self._random = random.Random(seed)  # noqa: S311 - a model, no secret
        self._links: dict[tuple[Hashable, Hashable, Distance], Link] = {}

    def scan(self, sender: Hashable, receiver: Hashable, distance: Distance) -> Scan:
        """What one scan of *receiver* hears of *sender*: attenuations in dB, one for each packet."""
        pair = sender, receiver, distance
        if pair not in self._links:
            self._links[pair] = self._random.choice(self.measurements.links[distance])
        return self._random.choice(self._links[pair])


def _packets(path: Path) -> Iterator[Packet]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            for row in database.execute(_QUERY):
                yield _packet(path, row)
    except sqlite3.Error as error:
        raise FormatError(f"{path}: no measurements of DP-3T's experiment 34") from error


def _packet(path: Path, row: tuple[Any, ...]) -> Packet:
    """A packet, if it is one: SQLite does not look at the types of columns."""
    _, _, time, rssi, metres = row
    if isinstance(time, float) and isinstance(rssi, int) and -127 < rssi < 0 and isinstance(metres, float | None):
        return Packet(*row)
    raise FormatError(f"{path}: a packet without a time, a strength or a distance")


_Heard = dict[str, list[Packet]]


def _by_receiver(packets: list[Packet]) -> dict[str, list[_Heard]]:
    """For each receiver its scans: what it heard of whom, until nothing was heard for a while."""
    receivers: defaultdict[str, list[_Heard]] = defaultdict(list)
    last: dict[str, float] = {}
    for packet in packets:
        scans = receivers[packet.receiver]
        if not scans or packet.time - last[packet.receiver] > _SILENCE_SECONDS:
            scans.append(defaultdict(list))
        scans[-1][packet.sender].append(packet)
        last[packet.receiver] = packet.time
    return receivers


def _scans_of(scans: list[_Heard], sender: str) -> Iterator[tuple[Distance, Scan]]:
    """Scans that heard *sender*, and those that missed it between two that heard it in the same class."""
    classes = [_class_of(scan.get(sender, [])) for scan in scans]
    for number, (scan, distance) in enumerate(zip(scans, classes, strict=True)):
        around = {classes[number - 1], classes[number + 1]} if 0 < number < len(scans) - 1 else {None}
        if distance is not None:
            yield distance, tuple(max(TRANSMIT_POWER - packet.rssi, 0) for packet in scan[sender])
        elif sender not in scan and len(around) == 1 and (missed := around.pop()) is not None:
            yield missed, ()


def _class_of(packets: list[Packet]) -> Distance | None:
    """By the mean of the distances that are known."""
    metres = [packet.metres for packet in packets if packet.metres is not None]
    return distance_of(sum(metres) / len(metres)) if metres else None
