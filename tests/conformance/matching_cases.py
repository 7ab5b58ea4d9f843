"""Cases for specs/vectors/identifiers-matching.json: which sightings of published keys count, and why others do not.

Beacons come from tests/protocol/second_opinion.py; what becomes of them is written by hand.
"""

import hashlib
from typing import Any

from tests.conformance.expected import Case, bad, good
from tests.conformance.identifiers_cases import FAR, HOME, NEXT, START, TEK, beacon

_DAY_TEK = hashlib.sha256(b"ownhue vector: a day").digest()[:16]
_PLAIN = bytes.fromhex("40ec")
_TIME = START * 600 + 30
_PUBLISHED = (START + 24) * 600
_AT_HOME = [{"start": _TIME - 7200, "end": _TIME + 7200, "cells": [HOME]}]
_FAR_AWAY = [{"start": _TIME - 7200, "end": _TIME + 7200, "cells": [FAR]}]
_REASONS = ("out_of_tolerance", "clock_turned_back", "after_publication", "bad_metadata", "relayed")

KEYS = [
    {"data": TEK.hex(), "rolling_start": START, "rolling_period": 12, "report_type": 1, "days_since_onset": -1},
    {
        "data": _DAY_TEK.hex(),
        "rolling_start": START - 100,
        "rolling_period": 144,
        "report_type": 3,
        "days_since_onset": None,
    },
]


def heard(sent: dict[str, str], time: int = _TIME, scan: int = 1, **more: int) -> dict[str, Any]:
    """A beacon heard with -70 dBm in a scan that stands for 20 s."""
    plain = {"rpi": sent["rpi"], "aem": sent["aem"], "time": time, "rssi": -70, "scan_id": scan, "scan_seconds": 20}
    return plain | more


def match(time: int = _TIME, scan: int = 1, confirmed: bool = False, attenuation: int = 50) -> dict[str, Any]:
    """A match with the first key."""
    said = {"scan_id": scan, "time": time, "seconds": 20, "attenuation": attenuation}
    return {"key": TEK.hex(), "place_confirmed": confirmed} | said


def window(scans: list[list[int]], confirmed: bool = False, **more: Any) -> dict[str, Any]:
    """A window of the first key; *scans*: time, seconds, typical and minimum attenuation."""
    plain = {
        "source": TEK.hex(),
        "start": scans[0][0],
        "report_type": 1,
        "days_since_onset": -1,
        "published_at": _PUBLISHED,
        "scans": scans,
        "calibration_confidence": 0,
        "place_confirmed": confirmed,
    }
    return plain | more


def flipped(sent: dict[str, str], mask: str) -> dict[str, str]:
    """The beacon with bits of its encrypted metadata flipped in the air."""
    changed = bytes(a ^ b for a, b in zip(bytes.fromhex(sent["aem"]), bytes.fromhex(mask), strict=True))
    return sent | {"aem": changed.hex()}


def _case(
    name: str,
    sightings: list[Any],
    places: Any,
    matches: list[Any],
    windows: list[Any],
    published_at: int = _PUBLISHED,
    **why: int,
) -> Case:
    output = {"matches": matches, "discarded": dict.fromkeys(_REASONS, 0) | why, "windows": windows}
    question = {"keys": KEYS, "sightings": sightings, "places": places, "published_at": published_at}
    return good(f"matching: {name}", "match", output, **question)


def _kept(name: str, sighting: Any, places: Any = None, confirmed: bool = False, attenuation: int = 50) -> Case:
    time = sighting["time"]
    scans = [[time, 20, attenuation, attenuation]]
    return _case(
        name, [sighting], places, [match(time, 1, confirmed, attenuation)], [window(scans, confirmed=confirmed)]
    )


def _dropped(name: str, reason: str, sighting: Any, places: Any = None) -> Case:
    return _case(name, [sighting], places, [], [], **{reason: 1})


def matching_cases() -> list[Case]:
    """All cases of the file."""
    placed, plain = beacon(), beacon(_PLAIN, None)
    first, last = (START - 2) * 600, (START + 3) * 600 - 1
    return [
        _kept("a beacon without a tag", heard(plain)),
        _kept("a corrected strength", heard(plain, rssi_correction=5), attenuation=45),
        _kept("no path loss below zero", heard(plain, rssi=-10), attenuation=0),
        _kept("20 minutes early", heard(plain, first)),
        _kept("nearly 30 minutes after its interval began", heard(plain, last)),
        _dropped("a second too early", "out_of_tolerance", heard(plain, first - 1)),
        _dropped("a second too late", "out_of_tolerance", heard(plain, last + 1)),
        _case("a stranger", [heard(beacon(tek=bytes(16)))], _AT_HOME, [], []),
        *_place_cases(placed, plain),
        *_clock_cases(plain),
        *_mixed_cases(placed, plain),
        bad(
            "matching: an identifier of 15 bytes",
            "match",
            keys=KEYS,
            sightings=[heard(plain | {"rpi": plain["rpi"][2:]})],
            places=None,
            published_at=_PUBLISHED,
        ),
    ]


def _place_cases(placed: dict[str, str], plain: dict[str, str]) -> list[Case]:
    passed = [{"start": _TIME - 1200, "end": _TIME - 1200, "cells": [NEXT]}, *_FAR_AWAY]
    left = [{"start": _TIME - 7200, "end": _TIME - 1201, "cells": [HOME]}, *_FAR_AWAY]
    everywhere = [{"start": 0, "end": _PUBLISHED, "cells": _many(33)}]
    return [
        _kept("a tag, in the sender's cell", heard(placed), _AT_HOME, confirmed=True),
        _kept("a tag, in a neighbouring cell 20 minutes before", heard(placed), passed, confirmed=True),
        _kept("a tag, and the receiver keeps no history of places", heard(placed)),
        _kept("a tag, and the receiver does not know its place", heard(placed), []),
        _kept("no tag, and the receiver knows its place", heard(plain), _FAR_AWAY),
        _kept("a tag, and the receiver was in 33 cells", heard(placed), everywhere),
        _dropped("a tag of elsewhere", "relayed", heard(placed), _FAR_AWAY),
        _dropped("a tag of where the receiver was 20 minutes and a second before", "relayed", heard(placed), left),
        _dropped("power changed in the air", "relayed", heard(flipped(placed, "00100000")), _AT_HOME),
        _kept("power changed, place not known", heard(flipped(placed, "00100000")), attenuation=66),
        _dropped("flag of the tag cleared in the air", "bad_metadata", heard(flipped(placed, "01000000"))),
        _dropped("another version claimed", "bad_metadata", heard(flipped(placed, "c0000000")), _AT_HOME),
    ]


def _many(count: int) -> list[str]:
    """The first cells of resolution 7 in one of resolution 5: their two last digits, three bits each, are 0 to 6."""
    return [f"871f83{0x400 | last << 3 | least:03x}ffffff" for last in range(7) for least in range(7)][:count]


def _clock_cases(plain: dict[str, str]) -> list[Case]:
    return [
        _kept("heard by an anchored clock", heard(plain, not_before=_TIME - 3600)),
        _kept("a wall clock 20 minutes slow", heard(plain, not_before=_TIME + 1200)),
        _dropped("a wall clock set back", "clock_turned_back", heard(plain, not_before=_TIME + 1201)),
        _dropped("the time machine", "clock_turned_back", heard(plain, not_before=_PUBLISHED + 5)),
        _case(
            "heard before, as and after the key is published, and before it by a slow clock",
            [heard(plain, time) for time in (_TIME - 1, _TIME, _TIME + 1)]
            + [heard(plain, _TIME - 1, not_before=_TIME)],
            None,
            [match(_TIME - 1)],
            [window([[_TIME - 1, 20, 50, 50]], published_at=_TIME)],
            _TIME,
            after_publication=3,
        ),
    ]


def _mixed_cases(placed: dict[str, str], plain: dict[str, str]) -> list[Case]:
    day = beacon(bytes.fromhex("5c08"), None, START + 2, _DAY_TEK)
    precise = [
        {
            "key": _DAY_TEK.hex(),
            "place_confirmed": False,
            "scan_id": 9,
            "time": _TIME + 1200,
            "seconds": 20,
            "attenuation": 78,
        }
    ]
    later = _TIME + 1800
    both = [
        heard(placed),
        heard(placed, _TIME + 1, rssi=-77),
        heard(beacon(interval=START + 3), later, 2),
        heard(beacon(_PLAIN, None, START + 3), later + 60, 3),
        heard(day, _TIME + 1200, 9),
    ]
    return [
        _case(
            "two keys of different periods, windows confirmed and not",
            both,
            _AT_HOME,
            [
                match(confirmed=True),
                match(_TIME + 1, confirmed=True, attenuation=57),
                match(later, 2, confirmed=True),
                match(later + 60, 3),
                *precise,
            ],
            [
                window([[_TIME, 20, 54, 50]], confirmed=True),
                window([[later, 20, 50, 50], [later + 60, 20, 50, 50]]),
                window(
                    [[_TIME + 1200, 20, 78, 78]],
                    source=_DAY_TEK.hex(),
                    report_type=3,
                    days_since_onset=None,
                    calibration_confidence=3,
                ),
            ],
        ),
        _case("nothing heard", [], _AT_HOME, [], []),
        _case(
            "the same beacon heard twice in a scan",
            [heard(plain)] * 2,
            None,
            [match()] * 2,
            [window([[_TIME, 20, 50, 50]])],
        ),
    ]
