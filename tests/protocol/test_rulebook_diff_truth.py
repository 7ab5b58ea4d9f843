"""Whether a change is stricter or milder, as its difference says: decisions by both rulebooks. rulebook.md section 9"""

from collections import Counter
from datetime import date, timedelta
from itertools import permutations
from operator import gt, lt
from random import Random
from typing import Any, Literal

import pytest

from ownhue.colour import AreaExposure, CertificateFact, Facts, OwnResult, VenueExposure, decide
from ownhue.exposure import ExposureWindow, ScanInstance
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue.rulebook.diff import diff
from tests.protocol.rulebook_cases import an_exit, content, parsed, set_field

OLD = demonstration_rulebook()
LABEL = {"de": "neu", "en": "new", "zh": "新"}
DAY = date(2026, 3, 2)
NOON = OLD.end_of_day(DAY) - 12 * 3600

FIELDS: dict[str, list[Any]] = {
    "exposure.attenuation": ["typical", "minimum"],
    "exposure.thresholds_db": [[55, 63, 70], [50, 63, 70], [55, 65, 75], [45, 46, 60]],
    "exposure.weights_percent": [[100, 100, 40, 0], [150, 100, 40, 0], [80, 100, 10, 0], [100, 50, 0, 0]],
    "exposure.infectiousness": [
        ["none"] * 10 + ["high"] * 19,
        ["standard"] * 29,
        ["none"] * 14 + ["high"] * 15,
        ["none"] * 29,
    ],
    "exposure.infectiousness_when_unknown": ["none", "standard", "high"],
    "exposure.weights_by_report_percent.confirmed_test": [
        {"standard": 0, "high": 0},
        {"standard": 30, "high": 100},
        {"standard": 100, "high": 200},
    ],
    "exposure.report_type_when_unknown": ["none", "confirmed_test", "self_report"],
    "exposure.minimum_window_score_percent": [0, 30_000, 90_000],
    "exposure.look_back_days": [1, 3, 14],
    "encounters.yellow_minutes_per_day": [5, 15, 20],
    "encounters.red_minutes_per_day": [20, 30, 60],
    "encounters.ceiling": ["yellow", "red"],
    "stays.yellow_days": [1, 5, 7],
    "stays.red_days": [7, 10, 14],
    "own_results": [[], ["confirmed_test"], ["confirmed_clinical", "confirmed_test"]],
    "venues": [
        {},
        {"indoor": {"label": LABEL, "minimum_minutes": 15, "colour": "yellow"}},
        {"indoor": {"label": LABEL, "minimum_minutes": 45, "colour": "yellow"}},
        {"indoor": {"label": LABEL, "minimum_minutes": 15, "colour": "red"}},
    ],
    "areas": [
        {},
        {"outbreak": {"label": LABEL, "minimum_minutes": 15}},
        {"outbreak": {"label": LABEL, "minimum_minutes": 45}},
    ],
    "exits": [
        [],
        [an_exit("one")],
        [an_exit("one", from_day=2)],
        [an_exit("one", until_day=6)],
        [an_exit("one", test_kinds=["naat", "rat"])],
        [an_exit("one", colours=["yellow", "red"])],
        [an_exit("one", ends=["encounter", "venue"], colours=["red"])],
        [an_exit("one", ends=["area", "encounter", "own_result", "venue"], colours=["yellow", "red"])],
        [an_exit("one", certificate="vaccination", test_kinds=[], from_day=-300, until_day=-14)],
    ],
    "freshness.published_data_hours": [1, 24, 100],
    "radio.least_share_percent": [0, 50, 90],
    "radio.when_unknown": ["green", "grey"],
}


def negative_test(kind: Literal["naat", "rat"], days: int) -> CertificateFact:
    taken = NOON + 86_400 * days
    return CertificateFact(bytes(32), "negative_test", kind, taken, True, taken, 2**32 - 1, None)


VACCINATION = CertificateFact(bytes(32), "vaccination", None, NOON - 30 * 86_400, True, NOON, 2**32 - 1, None)
CERTIFICATES = [
    negative_test("naat", 3),
    negative_test("naat", 5),
    negative_test("rat", 5),
    negative_test("naat", 7),
    VACCINATION,
]


def phone(random: Random) -> Facts:
    """A phone with evidence of the day DAY, most of it near what some of the values above make a colour of."""

    def published() -> int:
        return NOON + 86_400 * random.choice([0, 0, 2, 5])

    windows = []
    for source in range(random.choice([0, 1, 2, 2])):
        typical = random.choice([44, 52, 52, 52, 60, 66, 72])
        scan = ScanInstance(NOON, 60 * random.choice([10, 20, 30]), typical, typical - random.choice([0, 8]))
        kind, onset = random.choice([0, 1, 1, 1, 1, 2]), random.choice([None, -10, -3, 0, 0, 0, 2])
        windows.append(ExposureWindow(bytes([source]), NOON, kind, onset, published(), (scan,)))
    visit = VenueExposure(bytes(16), "indoor", NOON, 60 * random.choice([20, 60]), published(), False)
    stay = AreaExposure(bytes(32), "outbreak", NOON, 60 * random.choice([20, 60]), 60, published(), None)
    return Facts(
        salt=bytes(32),
        observed_since=NOON - 86_400,
        published_until=random.choice([None, NOON + 43_200, NOON + 20 * 86_400, NOON + 20 * 86_400]),
        radio_share_percent=random.choice([None, 0, 60, 100, 100]),
        windows=tuple(windows),
        results=(OwnResult(random.choice([1, 2]), DAY, published()),) if random.random() < 0.2 else (),
        venues=(visit,) if random.random() < 0.2 else (),
        areas=(stay,) if random.random() < 0.2 else (),
        certificates=(random.choice(CERTIFICATES),) if random.random() < 0.5 else (),
    )


SEVERE = {"encounters__red_minutes_per_day": 20, "encounters__ceiling": "red", "exits": []}
#: An exit from red alone: under it a visit that makes yellow is worse than one that makes red.
FROM_RED = {**SEVERE, "exits": [an_exit("one", ends=["area", "encounter", "own_result", "venue"], colours=["red"])]}
RANDOM = Random(11)
MOMENTS = [(phone(RANDOM), NOON + 3600 * RANDOM.choice([3, 60, 60, 130, 200, 280])) for _ in range(160)]


@pytest.mark.parametrize("path", FIELDS)
def test_stricter_makes_no_colour_milder_and_milder_makes_none_worse(path: str) -> None:
    moved = Counter[str]()
    for base in ({}, {"encounters__ceiling": "red"}, SEVERE, FROM_RED):
        books = [parsed(with_field(content(**base), path, value)) for value in FIELDS[path]]
        colours = [[decide(book, facts, now).colour for facts, now in MOMENTS] for book in books]
        for (old, before), (new, after) in permutations(zip(books, colours, strict=True), 2):
            directions = {change.direction for change in diff(old, new)}
            worse, better = (any(map(compare, after, before)) for compare in (gt, lt))
            if directions == {"stricter"}:
                assert not better
            if directions == {"milder"}:
                assert not worse
            for direction in directions if len(directions) == 1 else ():
                moved[direction] += worse or better
    # Not for nothing: some phones' colours change in both directions.
    assert min(moved["stricter"], moved["milder"]) > 0


def test_a_visit_that_becomes_yellow_where_only_red_can_be_ended_is_not_called_milder() -> None:
    red = {"label": LABEL, "minimum_minutes": 15, "colour": "red"}
    books = [parsed(content(**FROM_RED, venues__indoor=red | {"colour": colour})) for colour in ("red", "yellow")]
    visit = VenueExposure(bytes(16), "indoor", NOON, 1800, NOON, False)
    known = Facts(bytes(32), NOON, NOON + 432_000, 100, venues=(visit,), certificates=(negative_test("naat", 5),))
    before, after = (decide(book, known, NOON + 432_000).colour for book in books)
    assert before < after
    for old, new in permutations(books):
        assert {change.direction for change in diff(old, new)} == {"other"}


def with_field(book: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    set_field(book, path, value)
    return book


def test_a_day_has_24_hours_here() -> None:
    assert OLD.end_of_day(DAY + timedelta(days=1)) - OLD.end_of_day(DAY) == 86_400
