"""How records of the protocol lie in the store: lists of CBOR kinds, sightings as fixed rows of 48 bytes."""

import struct
from collections.abc import Iterable, Iterator
from datetime import date

from ownhue.colour import OwnResult
from ownhue.errors import FormatError
from ownhue.exposure import ExposureWindow, ScanInstance
from ownhue.matching import Sighting
from ownhue.params import INTERVAL_SECONDS

DAY_SECONDS = 86400
#: rpi, aem, time, rssi, scan id, scan seconds, rssi correction, not before.
_SIGHTING = struct.Struct(">16s4sqbqHbq")


def day_of(unix: int) -> int:
    """The UTC day number of a time in unix seconds."""
    return unix // DAY_SECONDS


def interval_day(interval: int) -> int:
    """The UTC day number of a GAEN interval."""
    return interval * INTERVAL_SECONDS // DAY_SECONDS


def pack_sightings(sightings: Iterable[Sighting]) -> bytes:
    """48 bytes for each. Raises FormatError for an identifier or a number that no radio gives."""
    try:
        return b"".join(_checked(sighting) for sighting in sightings)
    except struct.error as error:
        raise FormatError("a sighting's numbers are out of range") from error


def _checked(sighting: Sighting) -> bytes:
    # struct would pad or cut byte strings of another length without a word.
    if len(sighting.rpi) != 16 or len(sighting.aem) != 4:
        raise FormatError("a beacon has 16 + 4 bytes")
    return _SIGHTING.pack(*sighting)


def unpack_sightings(data: bytes) -> Iterator[Sighting]:
    """The sightings of a packed group. Raises FormatError for another length."""
    if len(data) % _SIGHTING.size:
        raise FormatError("not a group of sightings")
    return map(Sighting._make, _SIGHTING.iter_unpack(data))


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
