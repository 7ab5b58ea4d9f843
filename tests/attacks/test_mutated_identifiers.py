"""Advertisements and sightings changed in one field: each step of specs/identifiers.md sections 5 and 7 refuses."""

import json
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

from ownhue.advertisement import join_structures, read_advertisement, split_structures
from ownhue.clock_anchor import ClockAnchor
from ownhue.conformance.identifiers_ops import OPERATIONS
from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import FormatError, LimitError, OwnhueError
from ownhue.identifiers import Metadata
from tests.conformance.identifiers_cases import HOME, START, beacon
from tests.conformance.matching_cases import heard
from tests.conformance.mutate import Tally, flipped, mutations
from tests.shared import SPECS

CASES = json.loads((SPECS / "vectors" / "identifiers.json").read_text())["cases"]
STEPS = {
    "is cut off": "2 structures",
    "behind the end": "2 structures",
    "with list of services": "3 services",
    "of other services": "3 services",
    "with service data": "4 service data",
    "of another service": "4 service data",
    "a beacon has": "5 beacon",
}


def valid(operation: str) -> list[dict[str, Any]]:
    return [case for case in CASES if case["operation"] == operation and "output" in case]


def test_an_advertisement_changed_in_one_structure_is_refused_at_its_step() -> None:
    tally = Tally()
    for case in valid("read_advertisement"):
        uuid = case["input"].get("uuid", 0xFD6F)
        for data in changed_advertisements(bytes.fromhex(case["input"]["data"]), Random(1)):
            try:
                found = read_advertisement(data, uuid)
            except FormatError as error:
                words = (step for text, step in STEPS.items() if text in str(error))
                tally.add("1 length" if isinstance(error, LimitError) else next(words))
                continue
            # What is read stands in the service data of this service, and the only service listed is this one.
            name = uuid.to_bytes(2, "little")
            assert join_structures(split_structures(data), len(data)) == data
            assert (0x16, name + found.service_data()) in split_structures(data)
            assert [content for kind, content in split_structures(data) if kind == 3] == [name]
    tally.require(["1 length", *dict.fromkeys(STEPS.values())])


def changed_advertisements(data: bytes, random: Random) -> Iterator[bytes]:
    """One structure more or less, one field of one structure changed, one byte changed, or another end."""
    parts: list[list[Any]] = [list(part) for part in split_structures(data)]
    for _, mutant in mutations(parts, random, 4):
        if isinstance(mutant, list) and all(isinstance(part, list) and spells(part) for part in mutant):
            yield joined(mutant)
    for length in range(2, 22):  # every shorter beacon
        yield joined([kind, content[:length] if kind == 0x16 else content] for kind, content in parts)
    short = [part for part in parts if part[0] in (0x03, 0x16)]
    for kind in (0x03, 0x16):  # a second list or service data, for which only an empty one has room
        for at in range(3):
            yield joined([*short[:at], [kind, b""], *short[at:]])
    yield joined(short) + b"\0\1"
    for _ in range(60):
        yield flipped(data, random)
        yield data[: random.randrange(len(data))]
        yield data + random.randbytes(random.randint(1, 3))


def joined(parts: Iterable[Any]) -> bytes:
    return b"".join(bytes((len(content) + 1, kind)) + content for kind, content in parts)


def spells(part: list[Any]) -> bool:
    match part:
        case [int(kind), bytes(content)]:
            return 0 <= kind < 256 and not isinstance(kind, bool) and len(content) < 255
    return False


PLACES = [{"start": 0, "end": 2**32, "cells": [HOME]}]
KEY = {"data": "5b1fbcd0000dd771b5ad10bfc6b3fd85", "rolling_start": START, "rolling_period": 12}
QUESTION = {
    "keys": [KEY | {"report_type": 1, "days_since_onset": 0}],
    "places": PLACES,
    "published_at": (START + 15) * 600,
}


def test_a_sighting_changed_in_one_field_does_not_count_or_is_the_same_encounter() -> None:
    random, tally, by_chance = Random(2), Tally(), 0
    for interval in range(START, START + 12):
        good = heard(beacon(interval=interval), interval * 600 + 5)
        assert [match["place_confirmed"] for match in _matches(good, tally)] == [True]
        for _ in range(40):
            assert _matches(good | {"rpi": flipped_hex(good["rpi"], random)}, tally) == []
            by_chance += len(_matches(good | {"aem": flipped_hex(good["aem"], random)}, tally))
            late = interval * 600 + 1800 + random.randrange(10**6)
            for time in (late, interval * 600 - 1201 - random.randrange(10**6)):
                assert _matches(good | {"time": time}, tally) == []
            ahead = good["time"] + 1201 + random.randrange(10**6)
            assert _matches(good | {"not_before": ahead}, tally) == []
            published = {"published_at": good["time"] - random.randrange(10**6)}
            assert _matches(good, tally, published) == []
            elsewhere = {"places": [PLACES[0] | {"cells": ["871f83405ffffff"]}]}
            assert _matches(good, tally, elsewhere) == []
    # Seven cells are tried, so one wrong tag in 9,362 fits one of them.
    assert by_chance <= 1
    tally.require(["out_of_tolerance", "clock_turned_back", "after_publication", "bad_metadata", "relayed"])


def test_each_step_of_a_sighting_refuses_from_its_first_second_on() -> None:
    first = START + 2
    tally, begin, good = Tally(), first * 600, heard(beacon(interval=first), first * 600)
    for time in (begin - 1200, begin + 1799):
        assert _matches(good | {"time": time}, tally)
    for time in (begin - 1201, begin + 1800):
        assert not _matches(good | {"time": time}, tally)
    assert _matches(good | {"not_before": begin + 1200}, tally)
    assert not _matches(good | {"not_before": begin + 1201}, tally)
    late = {"published_at": begin + 1}
    assert _matches(good, tally, late)
    assert not _matches(good, tally, {"published_at": begin})
    assert not _matches(good | {"not_before": begin + 1}, tally, late)
    assert tally.counts == {"out_of_tolerance": 2, "clock_turned_back": 1, "after_publication": 2}


def test_a_place_is_asked_for_all_of_the_time_in_which_a_beacon_can_be_old() -> None:
    begin = (START + 2) * 600
    good, elsewhere = heard(beacon(interval=START + 2), begin), "871f83405ffffff"
    for left, counts in ((begin - 1200, True), (begin - 1201, False)):
        history = [
            {"start": 0, "end": left, "cells": [HOME]},
            {"start": left + 1, "end": 2**32, "cells": [elsewhere]},
        ]
        assert bool(_matches(good, Tally(), {"places": history})) is counts


def _matches(sighting: dict[str, Any], tally: Tally, changes: dict[str, Any] | None = None) -> list[Any]:
    answer = OPERATIONS["match"](QUESTION | (changes or {}) | {"sightings": [sighting]})
    for reason, count in answer["discarded"].items():
        if count:
            tally.add(reason)
    return list(answer["matches"])


def flipped_hex(text: str, random: Random) -> str:
    return flipped(bytes.fromhex(text), random).hex()


def test_every_value_of_metadata_has_one_spelling_or_is_refused() -> None:
    refused = 0
    for first in range(256):
        for power in range(256):
            for tag in (b"\0\0", b"\0\1", b"\xbe\xef"):
                data = bytes((first, power)) + tag
                try:
                    assert Metadata.from_bytes(data).to_bytes() == data
                except FormatError:
                    refused += 1
    # 71 powers; first bytes: v1.0 and v1.1 with 4 confidences without tag (only zeros), and with one (any).
    assert 256 * 256 * 3 - refused == 71 * (5 * 1 + 5 * 3)


def test_a_clock_anchor_changed_in_one_field_is_refused_or_another_one() -> None:
    random = Random(3)
    for case in valid("read_clock_anchor"):
        data = bytes.fromhex(case["input"]["data"])
        for _, mutant in mutations(cbor_decode(data), random, 200):
            try:
                other = cbor_encode(mutant)
                assert ClockAnchor.from_bytes(other).to_bytes() == other != data
            except OwnhueError:
                continue
