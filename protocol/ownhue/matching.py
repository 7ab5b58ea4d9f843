"""Matching: which of the published keys did this phone hear? specs/identifiers.md section 7

A published key is expanded into its identifiers, and these are looked up among those that the phone heard::

    matcher = Matcher(sightings, places=own_cells)       # everything heard in the last days
    matches = matcher.match(content.keys, published_at=content.end)
    windows = windows_from(matches, content.end)         # -> ownhue.exposure
    matcher.discarded                                    # {"out_of_tolerance": 0, ..., "relayed": 3}

- Time is linear in the published keys and does not depend on how much was heard; memory does not depend on the
  number of published keys, which are taken in batches.
- Two bitmaps, one for each half of an identifier, may only let too much through. What is a match is decided by an
  exact look-up of all 16 bytes.
- A sighting counts only near the interval of its identifier and before the key was published: afterwards anybody
  can transmit the identifier. What the wall clock says of it is held against the clock anchor, what its place tag says
  against the phone's own cells.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ownhue.errors import FormatError
from ownhue.exposure import ExposureWindow, Observation, windows_of
from ownhue.identifiers import KEY_BYTES, Metadata, decrypt_metadata, expand, interval_number
from ownhue.key_file import ExposureKey
from ownhue.params import MATCH_TOLERANCE
from ownhue.place_tag import PLACE_SECONDS, Place, judge_place

#: A wall clock may be this many seconds behind what the clock anchor knows: as much as sightings are tolerated.
#: specs/identifiers.md section 8
CLOCK_ALLOWANCE_SECONDS = 1200
#: Why a sighting of a published identifier does not count. specs/identifiers.md section 7
DISCARD_REASONS = ("out_of_tolerance", "clock_turned_back", "after_publication", "bad_metadata", "relayed")

#: The receiver's own cells (resolution 7) between two unix seconds, both included; empty where it does not know them
#: for the whole of that time.
Places = Callable[[int, int], Collection[int]]

#: Keys expanded at a time: their identifiers (at most 295 kB) stay in the processor's cache.
_BATCH_KEYS = 128
#: Smallest and largest number of bits that index a bitmap; the largest takes 16 MiB.
_BITMAP_BITS = (10, 24)
#: A bitmap has at least this many places per identifier: at most one of 32 strangers passes it, one of 1,000 both.
#: Larger ones would let fewer through, but no longer fit the cache of a processor.
_PLACES_PER_IDENTIFIER = 32


class Sighting(NamedTuple):
    """A beacon heard once in one scan."""

    rpi: bytes
    """Rolling proximity identifier, 16 bytes."""
    aem: bytes
    """Associated encrypted metadata, 4 bytes."""
    time: int
    """Unix second at which it was heard."""
    rssi: int
    """Received signal strength in dBm."""
    scan_id: int
    """Which of the phone's own scans heard it."""
    scan_seconds: int
    """Seconds of presence that the scan stands for."""
    rssi_correction: int = 0
    """Calibration of the receiving phone model, in dB, added to rssi."""
    not_before: int = 0
    """Unix second before which it was not heard, by the clock anchor; 0: no anchor."""


class Match(NamedTuple):
    """A sighting whose identifier belongs to a published key."""

    key: ExposureKey
    sighting: Sighting
    metadata: Metadata
    place_confirmed: bool = False
    """Its place tag fits one of the receiver's own cells or their ring 1."""

    def observation(self) -> Observation:
        """The sighting without identifiers: attenuation = transmit power - (rssi + correction), at least 0 dB."""
        heard = self.sighting
        attenuation = max(self.metadata.transmit_power - (heard.rssi + heard.rssi_correction), 0)
        return Observation(heard.scan_id, heard.time, heard.scan_seconds, attenuation)


class Matcher:
    """The identifiers that were heard, ready to be compared with any number of published keys."""

    discarded: dict[str, int]
    """How many sightings belonged to a published key and did not count, by reason (DISCARD_REASONS)."""

    def __init__(
        self, sightings: Iterable[Sighting], tolerance: int = MATCH_TOLERANCE, places: Places | None = None
    ) -> None:
        """*tolerance* in intervals; *places* where the receiver was (None: it keeps no history of places).

        Raises FormatError when a sighting's identifier or metadata has a wrong length.
        """
        self._tolerance = tolerance
        self._places = places
        heard: defaultdict[bytes, list[Sighting]] = defaultdict(list)
        for sighting in sightings:
            if len(sighting.rpi) != KEY_BYTES or len(sighting.aem) != 4:
                raise FormatError("a sighting has an identifier of 16 bytes and metadata of 4")
            heard[sighting.rpi].append(sighting)
        self._heard = dict(heard)
        self._mask, self._bitmaps = _bitmaps(self._heard)
        self.discarded = dict.fromkeys(DISCARD_REASONS, 0)

    def match(self, keys: Iterable[ExposureKey], published_at: int) -> Iterator[Match]:
        """The sightings of *keys* that count, key by key. *keys* come from a verified key file; *published_at* is
        the unix second at which it became public."""
        remaining = iter(keys)
        while batch := list(islice(remaining, _BATCH_KEYS)):
            for key, interval, rpi in self._candidates(batch):
                for sighting in self._heard.get(rpi, ()):
                    judged = self._judge(key, interval, sighting, published_at)
                    if isinstance(judged, Match):
                        yield judged
                    else:
                        self.discarded[judged] += 1

    def _candidates(self, batch: list[ExposureKey]) -> Iterator[tuple[ExposureKey, int, bytes]]:
        """(key, interval, identifier) for each identifier of the batch that both bitmaps let through."""
        identifiers = expand(batch)
        halves = np.frombuffer(identifiers, dtype="<i8").reshape(-1, 2)
        first, second = self._bitmaps
        positions = np.flatnonzero(first.take(halves[:, 0] & self._mask, mode="wrap"))
        positions = positions[second.take(halves[positions, 1] & self._mask, mode="wrap")]
        if not positions.size:
            return
        ends = np.cumsum([key.rolling_period for key in batch])
        owners = np.searchsorted(ends, positions, side="right")
        for position, owner in zip(positions.tolist(), owners.tolist(), strict=True):
            key = batch[owner]
            interval = key.rolling_start + key.rolling_period - (int(ends[owner]) - position)
            yield key, interval, identifiers[position * KEY_BYTES : (position + 1) * KEY_BYTES]

    def _judge(self, key: ExposureKey, interval: int, sighting: Sighting, published_at: int) -> Match | str:
        """The match if the sighting counts, otherwise the reason. Steps of specs/identifiers.md section 7."""
        if abs(interval_number(sighting.time) - interval) > self._tolerance:  # (1)
            return "out_of_tolerance"
        if sighting.time < sighting.not_before - CLOCK_ALLOWANCE_SECONDS:  # (2)
            return "clock_turned_back"
        if max(sighting.time, sighting.not_before) >= published_at:  # (3)
            return "after_publication"
        try:
            metadata = Metadata.from_bytes(decrypt_metadata(key.data, sighting.rpi, sighting.aem))  # (4)
        except FormatError:
            return "bad_metadata"
        place = judge_place(key.data, sighting.rpi, metadata, self._own_cells(sighting, metadata))  # (5)
        return "relayed" if place is Place.ELSEWHERE else Match(key, sighting, metadata, place is Place.CONFIRMED)

    def _own_cells(self, sighting: Sighting, metadata: Metadata) -> Collection[int]:
        """Where the receiver was while this beacon can have been on the air; empty where that is not asked or known."""
        if self._places is None or metadata.place_tag is None:
            return ()
        return self._places(sighting.time - PLACE_SECONDS, sighting.time)


def _bitmaps(heard: Iterable[bytes]) -> tuple[int, list[NDArray[np.bool_]]]:
    """A mask for halves of identifiers (8 bytes), and for either half whether a masked value was heard."""
    halves = np.frombuffer(b"".join(heard), dtype="<i8").reshape(-1, 2)
    least, most = _BITMAP_BITS
    mask = 2 ** min(max((len(halves) * _PLACES_PER_IDENTIFIER).bit_length(), least), most) - 1
    bitmaps = [np.zeros(mask + 1, dtype=np.bool_) for _ in range(2)]
    for half, bitmap in enumerate(bitmaps):
        bitmap[halves[:, half] & mask] = True
    return mask, bitmaps


def windows_from(matches: Iterable[Match], published_at: int) -> list[ExposureWindow]:
    """The exposure windows of *matches*, key by key in the order in which the keys first occur."""
    of_key: defaultdict[ExposureKey, list[Match]] = defaultdict(list)
    for match in matches:
        of_key[match.key].append(match)
    return [
        window
        for key, group in of_key.items()
        for window in _confirmed(
            windows_of(
                key.data,
                [match.observation() for match in group],
                report_type=int(key.report_type),
                days_since_onset=key.days_since_onset,
                published_at=published_at,
            ),
            group,
        )
    ]


def _confirmed(windows: Iterable[ExposureWindow], matches: Collection[Match]) -> Iterator[ExposureWindow]:
    """The *windows* of one key with what their *matches* say of calibration and place."""
    # One key is one phone, so its beacons state one confidence; if they do not, the lowest is believed.
    confidence = min(match.metadata.calibration_confidence for match in matches)
    begun: defaultdict[int, list[int]] = defaultdict(list)
    for match in matches:
        begun[match.sighting.scan_id].append(match.sighting.time)
    doubtful = {min(begun[match.sighting.scan_id]) for match in matches if not match.place_confirmed}
    for window in windows:
        confirmed = not any(scan.time in doubtful for scan in window.scans)
        yield replace(window, calibration_confidence=confidence, place_confirmed=confirmed)
