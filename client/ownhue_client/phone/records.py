"""How records of the protocol lie in the store: lists of CBOR kinds; sightings in groups that share a clock anchor.

A group of sightings is 5 bytes (``not_before``, big-endian) and 40 bytes for each sighting.
"""

import struct
from collections.abc import Iterable, Iterator
from datetime import date

from ownhue.colour import OwnResult
from ownhue.errors import FormatError
from ownhue.exposure import ExposureWindow, ScanInstance
from ownhue.matching import Sighting
from ownhue.params import INTERVAL_SECONDS

DAY_SECONDS = 86400
#: rpi, aem, time, rssi, scan id, scan seconds, rssi correction.
_SIGHTING = struct.Struct(">16s4sqbqHb")
#: Times of a clock anchor have 40 bits. specs/identifiers.md section 6
_NOT_BEFORE_BYTES = 5


def day_of(unix: int) -> int:
    """The UTC day number of a time in unix seconds."""
    return unix // DAY_SECONDS


def interval_day(interval: int) -> int:
    """The UTC day number of a GAEN interval."""
    return interval * INTERVAL_SECONDS // DAY_SECONDS


def pack_sightings(sightings: Iterable[Sighting], not_before: int) -> bytes:
    """A group of sightings that were not heard before *not_before* (unix seconds; 0: not known).

    The sightings' own ``not_before`` is not looked at. Raises FormatError for an identifier or a number that no radio
    gives.
    """
    try:
        header = not_before.to_bytes(_NOT_BEFORE_BYTES, "big")
        return header + b"".join(_checked(sighting) for sighting in sightings)
    except (struct.error, OverflowError) as error:
        raise FormatError("a sighting's numbers are out of range") from error


def _checked(sighting: Sighting) -> bytes:
    # struct would pad or cut byte strings of another length without a word.
    if len(sighting.rpi) != 16 or len(sighting.aem) != 4:
        raise FormatError("a beacon has 16 + 4 bytes")
    return _SIGHTING.pack(*sighting[:7])


def unpack_sightings(data: bytes) -> Iterator[Sighting]:
    """The sightings of a group. Raises FormatError for another length."""
    header, rows = data[:_NOT_BEFORE_BYTES], data[_NOT_BEFORE_BYTES:]
    if len(header) != _NOT_BEFORE_BYTES or len(rows) % _SIGHTING.size:
        raise FormatError("not a group of sightings")
    bound = (int.from_bytes(header, "big"),)
    return (Sighting._make(fields + bound) for fields in _SIGHTING.iter_unpack(rows))


def window_record(window: ExposureWindow) -> list[object]:
    """An exposure window as a list."""
    scans = [
        [scan.time, scan.seconds, scan.typical_attenuation, scan.minimum_attenuation]  # one scan instance
        for scan in window.scans
    ]
    return [
        window.source,
        window.start,
        int(window.report_type),
        window.days_since_onset,
        window.published_at,
        scans,
        window.calibration_confidence,
        window.place_confirmed,
    ]


def window_of(record: list[object]) -> ExposureWindow:
    """The exposure window of :func:`window_record`."""
    source, start, report_type, days, published_at, scans, *radio = record
    instances = tuple(ScanInstance(*scan) for scan in scans)  # type: ignore[attr-defined]
    return ExposureWindow(source, start, report_type, days, published_at, instances, *radio)  # type: ignore[arg-type]


def result_record(result: OwnResult) -> list[object]:
    """An own test result as a list."""
    return [int(result.report_type), result.tested_on.isoformat(), result.learned_at, result.withdrawn_at]


def result_of(record: list[object]) -> OwnResult:
    """The own result of :func:`result_record`."""
    report_type, tested_on, learned_at, withdrawn_at = record
    return OwnResult(report_type, date.fromisoformat(str(tested_on)), learned_at, withdrawn_at)  # type: ignore[arg-type]
