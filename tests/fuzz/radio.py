"""Targets: what comes from the air, and the notices that speak of places."""

from ownhue import advertisement
from ownhue.area_notice import parse_area_notice
from ownhue.cells import format_cell, parse_cell
from ownhue.clock_anchor import ClockAnchor
from ownhue.encoding import canonical_json
from ownhue.identifiers import Beacon, Metadata
from ownhue.records import record_bytes
from tests.fuzz import seeds
from tests.fuzz.target import Target, text


def _structures(data: bytes) -> tuple[int, list[tuple[int, bytes]]]:
    return len(data), advertisement.split_structures(data)


def _joined(read: tuple[int, list[tuple[int, bytes]]]) -> bytes:
    length, structures = read
    return advertisement.join_structures(structures, length)


def _area_notices() -> list[bytes]:
    return [canonical_json(case["input"]["notice"]) for case in seeds.cases("area", "sign_area_notice")]


def _advertisements() -> list[bytes]:
    found = [case["input"] for case in seeds.cases("identifiers", "read_advertisement")]
    return [bytes.fromhex(given["data"]) for given in found if given.keys() == {"data"}]


TARGETS: dict[str, Target] = {
    "metadata": Target(Metadata.from_bytes, Metadata.to_bytes, seeds.data("identifiers", "metadata", "bytes")),
    "service-data": Target(Beacon.from_service_data, Beacon.service_data, seeds.these(bytes(range(20)))),
    "advertisement": Target(advertisement.read_advertisement, None, _advertisements),
    "ad-structures": Target(_structures, _joined, seeds.data("identifiers", "read_advertisement")),
    "clock-anchor": Target(
        ClockAnchor.from_bytes, ClockAnchor.to_bytes, seeds.data("identifiers", "read_clock_anchor")
    ),
    "cell": Target(text(parse_cell), lambda cell: format_cell(cell).encode(), seeds.texts("area", "ring1", "cell")),
    "area-notice": Target(parse_area_notice, record_bytes, _area_notices),
}
