"""Operations of specs/identifiers.md on vectors: identifiers, metadata, place tags, advertisements, clock, matching."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from typing import Any

from ownhue.advertisement import FLAGS, SERVICE_UUID, read_advertisement, write_advertisement
from ownhue.cells import parse_cell
from ownhue.clock_anchor import ClockAnchor
from ownhue.exposure import ExposureWindow
from ownhue.identifiers import (
    Beacon,
    Metadata,
    TemporaryExposureKey,
    decrypt_metadata,
    derive_aemk,
    derive_place_key,
    derive_rpik,
    encrypt_metadata,
    rpi_at,
)
from ownhue.key_file import ExposureKey
from ownhue.matching import Match, Matcher, Places, Sighting, windows_from
from ownhue.place_tag import beacon_in, judge_place, place_tag

Question = Mapping[str, Any]


def _key(question: Question) -> TemporaryExposureKey:
    return TemporaryExposureKey(
        bytes.fromhex(question["tek"]), question["rolling_start"], question.get("rolling_period", 12)
    )


def _cells(texts: Collection[str]) -> list[int]:
    return [parse_cell(text) for text in texts]


def _expand(question: Question) -> Any:
    key, metadata = _key(question), bytes.fromhex(question["metadata"])
    rpis = [rpi_at(key, interval) for interval in range(key.rolling_start, key.end)]
    beacons = [f"{rpi.hex()} {encrypt_metadata(key.data, rpi, metadata).hex()}" for rpi in rpis]
    return {"rpik": derive_rpik(key.data).hex(), "aemk": derive_aemk(key.data).hex(), "beacons": beacons}


def _metadata(question: Question) -> Any:
    metadata = Metadata.from_bytes(bytes.fromhex(question["bytes"]))
    tag = metadata.place_tag
    return asdict(metadata) | {"place_tag": None if tag is None else tag.hex()}


def _place_tag(question: Question) -> Any:
    tek, rpi, head = (bytes.fromhex(question[name]) for name in ("tek", "rpi", "head"))
    tag = place_tag(tek, rpi, head, parse_cell(question["cell"]))
    return {"place_key": derive_place_key(tek).hex(), "tag": tag.hex()}


def _beacon(question: Question) -> Any:
    key, cell = _key(question), question["cell"]
    metadata = Metadata(
        question["transmit_power"],
        minor=question.get("minor", 0),
        calibration_confidence=question.get("calibration_confidence", 0),
    )
    beacon = beacon_in(key, question["interval"], metadata, None if cell is None else parse_cell(cell))
    return {
        "rpi": beacon.rpi.hex(),
        "metadata": decrypt_metadata(key.data, beacon.rpi, beacon.aem).hex(),
        "aem": beacon.aem.hex(),
    }


def _judge_place(question: Question) -> Any:
    tek, rpi = bytes.fromhex(question["tek"]), bytes.fromhex(question["rpi"])
    metadata = Metadata.from_bytes(bytes.fromhex(question["metadata"]))
    return judge_place(tek, rpi, metadata, _cells(question["own_cells"])).value


def _read_advertisement(question: Question) -> Any:
    beacon = read_advertisement(bytes.fromhex(question["data"]), question.get("uuid", SERVICE_UUID))
    return {"rpi": beacon.rpi.hex(), "aem": beacon.aem.hex()}


def _write_advertisement(question: Question) -> Any:
    beacon = Beacon.from_service_data(bytes.fromhex(question["service_data"]))
    return write_advertisement(beacon, question.get("uuid", SERVICE_UUID), question.get("flags", FLAGS)).hex()


def _clock_anchor(question: Question) -> Any:
    first, *others = question["heads"]
    anchor = ClockAnchor(first["time"], bytes.fromhex(first["boot"]), first["reading"])
    for head in others:
        anchor = anchor.learned(head["time"], bytes.fromhex(head["boot"]), head["reading"])
    now = question["now"]
    return {
        "anchor": anchor.to_bytes().hex(),
        "not_before": anchor.not_before(bytes.fromhex(now["boot"]), now["reading"]),
    }


def _read_clock_anchor(question: Question) -> Any:
    anchor = ClockAnchor.from_bytes(bytes.fromhex(question["data"]))
    return asdict(anchor) | {"boot": anchor.boot.hex()}


def _match(question: Question) -> Any:
    keys = [ExposureKey(**item | {"data": bytes.fromhex(item["data"])}) for item in question["keys"]]
    for key in keys:  # a matcher takes them from a verified key file, which holds no others
        TemporaryExposureKey(key.data, key.rolling_start, key.rolling_period)
    sightings = [
        Sighting(**item | {name: bytes.fromhex(item[name]) for name in ("rpi", "aem")})
        for item in question["sightings"]
    ]
    published_at = question["published_at"]
    matcher = Matcher(sightings, places=_places(question["places"]))
    matches = list(matcher.match(keys, published_at))
    return {
        "matches": [_match_object(match) for match in matches],
        "discarded": matcher.discarded,
        "windows": [_window_object(window) for window in windows_from(matches, published_at)],
    }


def _places(history: list[Question] | None) -> Places | None:
    """A history of places, pieces of (start, end, cells), as the function that a matcher asks."""
    if history is None:
        return None
    pieces = [(piece["start"], piece["end"], _cells(piece["cells"])) for piece in history]

    def places(since: int, until: int) -> Collection[int]:
        return {cell for start, end, cells in pieces if start <= until and since <= end for cell in cells}

    return places


def _match_object(match: Match) -> Any:
    observation = match.observation()._asdict()
    return {"key": match.key.data.hex(), "place_confirmed": match.place_confirmed, **observation}


def _window_object(window: ExposureWindow) -> Any:
    scans = [[scan.time, scan.seconds, scan.typical_attenuation, scan.minimum_attenuation] for scan in window.scans]
    return asdict(window) | {"source": window.source.hex(), "scans": scans}


OPERATIONS: dict[str, Callable[[Question], Any]] = {
    "expand": _expand,
    "metadata": _metadata,
    "place_tag": _place_tag,
    "beacon": _beacon,
    "judge_place": _judge_place,
    "read_advertisement": _read_advertisement,
    "write_advertisement": _write_advertisement,
    "clock_anchor": _clock_anchor,
    "read_clock_anchor": _read_clock_anchor,
    "match": _match,
}
