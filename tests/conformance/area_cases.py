"""Cases for specs/vectors/area.json: cells, signed notices, stays.

Bodies, documents and digests are put together here from the standard library and Ed25519; seconds are counted by hand.
No place of a case lies within 20 m of where the answer would change, so that no rounding of another computer matters.
"""

import base64
import hashlib
import json
from typing import Any

from nacl.signing import SigningKey

from tests.conformance.expected import Case, bad, good

#: A cell of resolution 7, its ring 1, a neighbour's neighbour, and a cell of resolution 8 at its border.
HOME, FAR, CHILD = "871f8342cffffff", "871f83405ffffff", "881f8342c3fffff"
RING = [
    "871f83421ffffff",
    "871f83428ffffff",
    "871f8342cffffff",
    "871f8342dffffff",
    "871f8342effffff",
    "871f83552ffffff",
    "871f83553ffffff",
]
START, END = 1_767_700_800, 1_767_715_200
PUBLISHED = 1_767_715_200
AUTHORITY, SECOND, STRANGER = (
    SigningKey(hashlib.sha256(f"ownhue vector: {name}".encode()).digest())
    for name in ("authority", "second person", "stranger")
)
KEYS = [bytes(key.verify_key).hex() for key in (AUTHORITY, SECOND)]
#: Middle of HOME in microdegrees; its border is 1,140 to 1,430 m away.
MIDDLE = {"latitude_microdegrees": 46_946_891, "longitude_microdegrees": 7_457_789}


def notice(**changes: Any) -> dict[str, Any]:
    """A body."""
    plain = {
        "cells": [HOME],
        "end": END,
        "format": "ownhue-area-notice-1",
        "minimum_minutes": 60,
        "reason": {"en": "Outbreak at the station market"},
        "region": "demo",
        "rule": "outbreak",
        "start": START,
    }
    return {name: value for name, value in (plain | changes).items() if value is not None}


def canonical(value: Any) -> str:
    """Canonical JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def document(body: dict[str, Any], *signers: SigningKey, kind: str = "area-notice") -> str:
    """The signed document of a body that need not be a right one."""
    message = b"\0".join((b"OWNHUE-DOCUMENT", kind.encode(), canonical(body).encode()))
    signatures = []
    for key in signers:
        text = base64.urlsafe_b64encode(key.sign(message).signature).decode().rstrip("=")
        signatures.append({"key": hashlib.sha256(bytes(key.verify_key)).hexdigest()[:16], "signature": text})
    ordered = sorted(signatures, key=lambda item: item["key"])
    return canonical({"kind": kind, "signatures": ordered, "signed": body})


def digest(body: dict[str, Any]) -> str:
    """Digest of a notice."""
    return hashlib.sha256(canonical(body).encode()).hexdigest()


def cell_cases() -> list[Case]:
    """Cells of places, neighbours, parents."""

    def cell(name: str, north: int, east: int, resolution: int, output: str) -> Case:
        place = {"latitude_microdegrees": north, "longitude_microdegrees": east, "resolution": resolution}
        return good(f"cell: {name}", "cell", output, **place)

    outside = {
        "north of the pole": (90_000_001, 0, 7),
        "south of the pole": (-90_000_001, 0, 7),
        "more than 180 degrees east": (0, 180_000_001, 7),
        "resolution 16": (0, 0, 16),
        "resolution below zero": (0, 0, -1),
    }
    return [
        cell("of a city", 46_948_000, 7_447_400, 7, HOME),
        cell("of a city, coarse", 46_948_000, 7_447_400, 5, "851f8343fffffff"),
        cell("of the north pole", 90_000_000, 0, 7, "870326233ffffff"),
        cell("of the north pole, by another longitude", 90_000_000, -123_456_789, 7, "870326233ffffff"),
        cell("of the south pole", -90_000_000, 0, 7, "87f29380effffff"),
        cell("on the antimeridian", 0, 180_000_000, 7, "877eb5722ffffff"),
        cell("on the antimeridian, from the other side", 0, -180_000_000, 7, "877eb5722ffffff"),
        *[
            bad(f"cell: {name}", "cell", latitude_microdegrees=north, longitude_microdegrees=east, resolution=size)
            for name, (north, east, size) in outside.items()
        ],
        good("ring 1: seven cells", "ring1", RING, cell=HOME),
        good(
            "ring 1: six cells around a pentagon",
            "ring1",
            [f"87080000{digit}ffffff" for digit in "023456"],
            cell="870800000ffffff",
        ),
        good("parent: two steps", "parent", "851f8343fffffff", cell=HOME, resolution=5),
        bad("parent: finer than the cell", "parent", cell=HOME, resolution=8),
        *[
            bad(f"no cell: {text!r}", "ring1", cell=text)
            for text in ("", HOME.upper(), "0" + HOME, HOME[:-1], "87ffffffffffff0", "971f8342cffffff", f"{HOME}\n")
        ],
    ]


def notice_cases() -> list[Case]:
    """Notices: signed, opened, refused at each step of specs/area.md section 3."""
    body, both = notice(), notice(cells=RING, reason={"de": "Ausbruch", "en": "Outbreak"})
    seeds = [bytes(AUTHORITY).hex(), bytes(SECOND).hex()]

    def opened(name: str, content: dict[str, Any], *signers: SigningKey, threshold: int = 1) -> Case:
        output = {"notice": content, "digest": digest(content)}
        return good(f"notice: {name}", "open_area_notice", output, **_question(document(content, *signers), threshold))

    def refused(name: str, text: str, error: str = "VerificationError", threshold: int = 1, **changes: Any) -> Case:
        return bad(f"notice: {name}", "open_area_notice", error, **_question(text, threshold) | changes)

    fine, by_two = document(body, AUTHORITY), document(both, AUTHORITY, SECOND)
    return [
        good(
            "notice: signed by two",
            "sign_area_notice",
            {"document": by_two, "digest": digest(both)},
            notice=both,
            seeds=seeds,
        ),
        opened("by one", body, AUTHORITY),
        opened("by two, where two are asked for", both, AUTHORITY, SECOND, threshold=2),
        opened("by one and a stranger, who is not judged", body, SECOND, STRANGER),
        opened("a whole day in the coarsest cell", notice(cells=["851f8343fffffff"], start=END - 86_400), AUTHORITY),
        refused("longer than a notice may be", fine + " " * 32_768, "LimitError"),
        refused("white space", fine.replace(":", ": ", 1), "FormatError"),
        refused("another kind", document(body, AUTHORITY, kind="rulebook")),
        refused("cells changed after signing", fine.replace(HOME, FAR)),
        refused("by a stranger", document(body, STRANGER)),
        refused("by one, where two are asked for", fine, threshold=2),
        refused("of another region", document(notice(region="elsewhere"), AUTHORITY)),
        refused("of a time after its publication", fine, published_at=END - 1),
        refused("of a time that phones have forgotten", fine, published_at=START + 14 * 86_400 + 1),
        *[refused(name, document(content, AUTHORITY), "FormatError") for name, content in _wrong_bodies().items()],
    ]


def _question(text: str, threshold: int) -> dict[str, Any]:
    return {"document": text, "keys": KEYS, "region": "demo", "published_at": PUBLISHED, "threshold": threshold}


def _wrong_bodies() -> dict[str, dict[str, Any]]:
    return {
        "of no format": notice(format=None),
        "of a later format": notice(format="ownhue-area-notice-2"),
        "with a field too many": notice(colour="red"),
        "without cells": notice(cells=[]),
        "with 201 cells": notice(cells=[HOME] * 201),
        "with a cell twice": notice(cells=[HOME, HOME]),
        "with cells out of order": notice(cells=RING[::-1]),
        "with cells of two resolutions": notice(cells=[HOME, CHILD]),
        "with a cell of resolution 4": notice(cells=["841f835ffffffff"]),
        "with a cell of resolution 10": notice(cells=["8a1f8342cc0ffff"]),
        "with what is no cell": notice(cells=["87ffffffffffff0"]),
        "with a cell as a number": notice(cells=[int(HOME, 16)]),
        "over before it begins": notice(end=START),
        "longer than a day": notice(start=END - 86_401),
        "with a least stay that is longer than itself": notice(minimum_minutes=241),
        "with a least stay of nothing": notice(minimum_minutes=0),
        "with a start in text": notice(start=str(START)),
        "without a reason": notice(reason={}),
        "with an empty reason": notice(reason={"en": ""}),
        "with a reason in no language": notice(reason={"EN": "Outbreak"}),
        "with a rule of capitals": notice(rule="Outbreak"),
        "with a rule that ends in a new line": notice(rule="outbreak\n"),
    }


def stay_cases() -> list[Case]:
    """Stays: what counts of them, in seconds."""

    def circle(start: int, end: int, accuracy: int, north: int = 0) -> dict[str, Any]:
        place = MIDDLE | {"latitude_microdegrees": MIDDLE["latitude_microdegrees"] + north}
        return {"start": START + start, "end": START + end, "accuracy_metres": accuracy} | place

    def cell(start: int, end: int, text: str = HOME) -> dict[str, Any]:
        return {"start": START + start, "end": START + end, "cell": text}

    def counted(name: str, stays: list[Any], start: int, seconds: int, body: dict[str, Any] | None = None) -> Case:
        body = body or notice()
        output = {
            "source": digest(body),
            "rule": "outbreak",
            "start": START + start,
            "seconds": seconds,
            "minimum_seconds": 3600,
            "published_at": PUBLISHED,
            "denied_at": None,
        }
        return good(f"stay: {name}", "match_area", output, notice=body, stays=stays, published_at=PUBLISHED)

    def not_there(name: str, *stays: Any, body: dict[str, Any] | None = None) -> Case:
        asked = {"notice": body or notice(), "stays": list(stays), "published_at": PUBLISHED}
        return good(f"stay: {name}", "match_area", None, **asked)

    wide, day = notice(cells=RING), END - START
    return [
        counted("an hour in the middle", [circle(0, 3600, 50)], 0, 3600),
        counted("one second", [circle(0, 1, 0)], 0, 1),
        counted("longer than the notice at both ends", [cell(-3600, day + 3600)], 0, day),
        counted("as inexact as the cell allows", [circle(60, 120, 1000)], 60, 60),
        not_there("less exact than that", circle(60, 120, 1400)),
        counted("less exact, in the middle of seven cells", [circle(60, 120, 1400)], 60, 60, wide),
        not_there("with its middle outside", circle(0, 3600, 300, north=12_500)),
        not_there("so near the border that it may be outside", circle(0, 3600, 500, north=8_000)),
        counted("near the border of a cell whose neighbour is named too", [circle(0, 3600, 500, 8_000)], 0, 3600, wide),
        counted("a history of cells", [cell(0, 600)], 0, 600),
        not_there("another cell", cell(0, 600, FAR)),
        not_there("a coarser cell may be elsewhere", cell(0, 600, "861f8342fffffff")),
        counted("a finer cell in the middle", [cell(0, 600, "881f8342c1fffff")], 0, 600),
        not_there("a finer cell that sticks out of the area", cell(0, 600, CHILD)),
        counted("that finer cell, with the neighbours named", [cell(0, 600, CHILD)], 0, 600, wide),
        counted("several pieces", [cell(7200, 7800), circle(600, 1200, 30), cell(3600, 4200, FAR)], 600, 1200),
        counted("pieces that overlap count once", [cell(0, 1000), circle(500, 1500, 30), cell(200, 300)], 0, 1500),
        not_there("before the notice", cell(-600, 0)),
        not_there("after the notice", cell(day, day + 600)),
        not_there("no history"),
        bad(
            "stay: one that ends as it begins",
            "match_area",
            notice=notice(),
            stays=[cell(0, 0)],
            published_at=PUBLISHED,
        ),
        bad(
            "stay: an accuracy of 101 km",
            "match_area",
            notice=notice(),
            stays=[circle(0, 60, 101_000)],
            published_at=PUBLISHED,
        ),
    ]
