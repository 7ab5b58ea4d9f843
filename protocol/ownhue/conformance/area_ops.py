"""Operations of specs/area.md on vectors: cells, signed notices, stays."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from nacl.signing import SigningKey

from ownhue.area import Circle, Stay, match_area
from ownhue.area_notice import AreaNotice, open_area_notice, parse_area_notice, sign_area_notice
from ownhue.cells import cell_of, format_cell, parent, parse_cell, ring1
from ownhue.encoding import canonical_json

Question = Mapping[str, Any]


def _cell(question: Question) -> Any:
    cell = cell_of(question["latitude_microdegrees"], question["longitude_microdegrees"], question["resolution"])
    return format_cell(cell)


def _ring1(question: Question) -> Any:
    return [format_cell(cell) for cell in sorted(ring1(parse_cell(question["cell"])))]


def _parent(question: Question) -> Any:
    return format_cell(parent(parse_cell(question["cell"]), question["resolution"]))


def _sign(question: Question) -> Any:
    notice = _notice(question["notice"])
    document = sign_area_notice(notice, *(SigningKey(bytes.fromhex(seed)) for seed in question["seeds"]))
    return {"document": document.decode(), "digest": notice.digest.hex()}


def _open(question: Question) -> Any:
    notice = open_area_notice(
        question["document"].encode(),
        [bytes.fromhex(key) for key in question["keys"]],
        region=question["region"],
        published_at=question["published_at"],
        threshold=question["threshold"],
    )
    return {"notice": notice.body, "digest": notice.digest.hex()}


def _match(question: Question) -> Any:
    stays = [Stay(stay["start"], stay["end"], _place(stay)) for stay in question["stays"]]
    exposure = match_area(_notice(question["notice"]), stays, question["published_at"])
    return None if exposure is None else asdict(exposure) | {"source": exposure.source.hex()}


def _notice(body: Any) -> AreaNotice:
    return parse_area_notice(canonical_json(body))


def _place(stay: Question) -> Circle | int:
    if "cell" in stay:
        return parse_cell(stay["cell"])
    return Circle(stay["latitude_microdegrees"], stay["longitude_microdegrees"], stay["accuracy_metres"])


OPERATIONS: dict[str, Callable[[Question], Any]] = {
    "cell": _cell,
    "ring1": _ring1,
    "parent": _parent,
    "sign_area_notice": _sign,
    "open_area_notice": _open,
    "match_area": _match,
}
