"""Windows of foreign data: GAEN's own grouping of sightings, where no scan ids are known. specs/exposure.md section 8

    ForeignSighting(time=1767232980, attenuation=52, previous_scan=1767232741)    a scan that stands for 4 minutes
    ForeignSighting(time=1767232983, attenuation=57, previous_scan=1767232741)    the same scan: typical 55, minimum 52

- Only for data that were recorded elsewhere, as test data of other apps. Our own radio numbers its scans, and
  ownhue.exposure.windows_of groups by these numbers.
- A window is cut by sightings, not by scans: a scan that lies across the cut becomes one scan in each window.
- The result does not depend on the order of the sightings.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ownhue.errors import FormatError
from ownhue.exposure import WINDOW_SECONDS, ExposureWindow, ScanInstance, mean_attenuation

#: Sightings at most this many seconds after the one before belong to one scan (GAEN: 25.5; times are whole seconds).
#: specs/exposure.md section 8
GAEN_SCAN_GAP = 25
#: A scan stands for at most this many minutes. specs/exposure.md section 8
GAEN_MOST_MINUTES = 5
#: Minutes that a scan stands for when the one before it is unknown. specs/exposure.md section 8
GAEN_DEFAULT_MINUTES = 2


class ForeignSighting(NamedTuple):
    """One reported key, heard once, by a radio that does not number its scans."""

    time: int
    """Unix second."""
    attenuation: int
    """Path loss in dB, not negative."""
    previous_scan: int | None
    """Unix second of the scan before this one, whatever it heard; None where unknown."""


def gaen_windows(
    source: bytes,
    sightings: Iterable[ForeignSighting],
    *,
    report_type: int,
    days_since_onset: int | None,
    published_at: int,
) -> list[ExposureWindow]:
    """The windows of one key, in order of time. Raises FormatError for a previous scan after its sighting."""
    windows: list[list[list[ForeignSighting]]] = []
    for sighting in sorted(sightings, key=_order):
        if sighting.previous_scan is not None and sighting.previous_scan > sighting.time:
            raise FormatError("the previous scan of a sighting lies after it")
        if not windows or sighting.time - windows[-1][0][0].time >= WINDOW_SECONDS:
            windows.append([[sighting]])
        elif sighting.time - windows[-1][-1][-1].time > GAEN_SCAN_GAP:
            windows[-1].append([sighting])
        else:
            windows[-1][-1].append(sighting)
    return [
        ExposureWindow(
            source, scans[0][0].time, report_type, days_since_onset, published_at, tuple(_scan(scan) for scan in scans)
        )
        for scans in windows
    ]


def _scan(group: list[ForeignSighting]) -> ScanInstance:
    attenuations = [sighting.attenuation for sighting in group]
    return ScanInstance(group[0].time, _seconds(group[0]), mean_attenuation(attenuations), min(attenuations))


def _seconds(first: ForeignSighting) -> int:
    """Whole minutes since the previous scan; both times are cut to their minute before they are subtracted."""
    if first.previous_scan is None:
        return 60 * GAEN_DEFAULT_MINUTES
    return 60 * min(GAEN_MOST_MINUTES, first.time // 60 - first.previous_scan // 60)


def _order(sighting: ForeignSighting) -> tuple[int, bool, int, int]:
    previous = sighting.previous_scan
    return sighting.time, previous is not None, previous or 0, sighting.attenuation
