"""Every field is compared, told in words, and its direction is what decisions do. specs/rulebook.md section 9"""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings

from ownhue.errors import OwnhueError
from ownhue.rulebook import Rulebook, rulebook_schema
from ownhue.rulebook.demonstration import demonstration_rulebook, without_ceilings
from ownhue.rulebook.diff import diff
from tests.conformance.mutate import mutations
from tests.protocol.rulebook_cases import an_exit, content, parsed, rulebooks, set_field, with_fields

OLD = demonstration_rulebook()
LABEL = {"de": "neu", "en": "new", "zh": "新"}
MODE = content()["modes"]["metro"]

# Path of a field, its new value, direction, and what the sentence says.
CASES: list[tuple[str, Any, str, str, str]] = [
    ("region", "north", "region", "other", "the region 'north' instead of 'demo'"),
    ("zone", "Europe/Berlin", "zone", "other", "the clock of Europe/Berlin instead of Asia/Shanghai"),
    ("version", 7, "version", "other", "The version is 7 instead of 1"),
    ("valid_from", "2026-02-01", "valid_from", "other", "decide from 2026-02-01 instead of 2026-01-01"),
    ("valid_until", "2028-12-31", "valid_until", "other", "decide until 2028-12-31 instead of 2029-12-31"),
    ("sunset", "2029-12-31", "sunset", "other", "The whole system ends after 2029-12-31 instead of 2030-12-31"),
    ("summary.en", "Other words.", "summary.en", "other", "The summary reads differently in 'en'"),
    ("exposure.attenuation", "minimum", "exposure.attenuation", "stricter", "the strongest packet counts"),
    (
        "exposure.thresholds_db",
        [50, 63, 70],
        "exposure.thresholds_db",
        "milder",
        "'immediate' ends at 50 dB instead of 55",
    ),
    (
        "exposure.thresholds_db",
        [55, 64, 70],
        "exposure.thresholds_db",
        "stricter",
        "'near' ends at 64 dB instead of 63 dB",
    ),
    ("exposure.thresholds_db", [55, 63, 71], "exposure.thresholds_db", "stricter", "'medium' ends at 71 dB"),
    (
        "exposure.weights_percent",
        [100, 90, 40, 0],
        "exposure.weights_percent",
        "milder",
        "'near' counts 90 % instead of 100",
    ),
    (
        "exposure.infectiousness",
        ["none"] * 9 + ["high"] * 20,
        "exposure.infectiousness",
        "stricter",
        "On day +14 since",
    ),
    (
        "exposure.infectiousness_when_unknown",
        "high",
        "exposure.infectiousness_when_unknown",
        "stricter",
        "counts as 'high'",
    ),
    (
        "exposure.weights_by_report_percent.self_report",
        {"standard": 0, "high": 50},
        "exposure.weights_by_report_percent.self_report.high",
        "stricter",
        "Keys of self reports count 50 % instead of 0 % on days of high infectiousness",
    ),
    (
        "exposure.weights_by_report_percent.confirmed_test.standard",
        20,
        "exposure.weights_by_report_percent.confirmed_test.standard",
        "milder",
        "Keys of confirmed tests count 20 % instead of 30 %",
    ),
    (
        "exposure.weights_by_report_percent.confirmed_clinical.high",
        110,
        "exposure.weights_by_report_percent.confirmed_clinical.high",
        "stricter",
        "Keys of a doctor's diagnoses count 110 % instead of 100 %",
    ),
    (
        "exposure.weights_by_report_percent.recursive.high",
        1,
        "exposure.weights_by_report_percent.recursive.high",
        "stricter",
        "Keys of recursive reports count 1 % instead of 0 %",
    ),
    (
        "exposure.report_type_when_unknown",
        "confirmed_test",
        "exposure.report_type_when_unknown",
        "stricter",
        "counts as 'confirmed_test' instead of 'none'",
    ),
    (
        "exposure.report_type_when_unknown",
        "recursive",
        "exposure.report_type_when_unknown",
        "other",  # both weigh nothing
        "counts as 'recursive' instead of 'none'",
    ),
    (
        "exposure.minimum_window_score_percent",
        12_050,
        "exposure.minimum_window_score_percent",
        "milder",
        "A meeting counts from 120.50 weighted seconds instead of 0",
    ),
    ("exposure.look_back_days", 10, "exposure.look_back_days", "milder", "up to 10 days after its day instead of 14"),
    (
        "encounters.yellow_minutes_per_day",
        20,
        "encounters.yellow_minutes_per_day",
        "milder",
        "Yellow needs 20 minutes a day near reported people instead of 15.",
    ),
    (
        "encounters.red_minutes_per_day",
        30,
        "encounters.red_minutes_per_day",
        "other",
        "which changes nobody's colour under the ceiling yellow",
    ),
    ("encounters.ceiling", "red", "encounters.ceiling", "stricter", "Bluetooth alone can now make people red at most"),
    ("stays.yellow_days", 5, "stays.yellow_days", "milder", "Yellow lasts until the end of day 5 instead of day 7"),
    ("stays.red_days", 21, "stays.red_days", "stricter", "Red lasts until the end of day 21 instead of day 14"),
    ("own_results", ["confirmed_test"], "own_results", "milder", "confirmed_test instead of confirmed_clinical and"),
    ("own_results", [], "own_results", "milder", "nothing instead of confirmed_clinical and confirmed_test"),
    ("own_results", ["self_report"], "own_results", "other", "self_report instead of"),
    ("venues", {}, "venues.indoor", "milder", "The rule 'indoor' for venue notices is gone"),
    (
        "venues.club",
        {"label": LABEL, "minimum_minutes": 5, "colour": "red"},
        "venues.club",
        "stricter",
        "5 minutes make red",
    ),
    (
        "venues.indoor.label",
        LABEL,
        "venues.indoor.label.de",
        "other",
        "The label of 'indoor' reads differently in 'de'",
    ),
    ("venues.indoor.minimum_minutes", 30, "venues.indoor.minimum_minutes", "milder", "from 30 minutes instead of 15"),
    ("venues.indoor.colour", "red", "venues.indoor.colour", "stricter", "makes red instead of yellow"),
    ("areas", {}, "areas.outbreak", "milder", "The rule 'outbreak' for area notices is gone"),
    ("areas.city", {"label": LABEL, "minimum_minutes": 5}, "areas.city", "stricter", "5 minutes make yellow"),
    (
        "areas.outbreak.label",
        LABEL,
        "areas.outbreak.label.zh",
        "other",
        "The label of 'outbreak' reads differently in 'zh'",
    ),
    (
        "areas.outbreak.minimum_minutes",
        30,
        "areas.outbreak.minimum_minutes",
        "stricter",
        "from 30 minutes instead of 60",
    ),
    ("exits", content()["exits"][1:], "exits.negative-pcr", "stricter", "The exit 'negative-pcr' is gone"),
    (
        "exits",
        [*content()["exits"], an_exit("z")],
        "exits.z",
        "milder",
        "New exit 'z': a negative test (naat) from day +5 to day +90 ends yellow of encounter.",
    ),
    (
        "exits.recovered.certificate",
        "vaccination",
        "exits.recovered.certificate",
        "other",
        "a vaccination instead of a rec",
    ),
    (
        "exits.test-out.test_kinds",
        ["naat", "rat"],
        "exits.test-out.test_kinds",
        "milder",
        "accepts tests of naat and rat",
    ),
    (
        "exits.recovered.ends",
        ["area"],
        "exits.recovered.ends",
        "stricter",
        "ends findings of area instead of area, enc",
    ),
    (
        "exits.recovered.colours",
        ["yellow", "red"],
        "exits.recovered.colours",
        "milder",
        "yellow and red instead of yellow",
    ),
    (
        "exits.recovered.from_day",
        -90,
        "exits.recovered.from_day",
        "stricter",
        "fits from day -90 on instead of day -180",
    ),
    ("exits.recovered.until_day", 0, "exits.recovered.until_day", "milder", "fits until day +0 instead of day -11"),
    (
        "freshness.published_data_hours",
        12,
        "freshness.published_data_hours",
        "stricter",
        "older than 12 hours instead of 24",
    ),
    ("radio.least_share_percent", 40, "radio.least_share_percent", "milder", "Green needs 40 % of the planned scans"),
    ("radio.when_unknown", "grey", "radio.when_unknown", "stricter", "A new phone is grey"),
    ("modes.shop", MODE, "modes.shop", "other", "New kind of checkpoint 'shop', which lets in green"),
    (
        "modes.shop",
        MODE | {"refers": ["grey"], "requires": ["negative_test"], "test_hours": 2, "measure_temperature": True},
        "modes.shop",
        "other",
        "lets in green; sends grey to the staff; demands one of: negative_test of the last 2 hours; measures the",
    ),
    ("modes", {"metro": MODE}, "modes.clinic", "other", "The kind of checkpoint 'clinic' is gone"),
    ("modes.metro.label", LABEL, "modes.metro.label.en", "other", "The label of 'metro' reads differently in 'en'"),
    ("modes.care-home.passes", ["green"], "", "", ""),  # as it is
    (
        "modes.clinic.refers",
        ["grey", "yellow"],
        "modes.clinic.refers",
        "stricter",
        "red is refused instead of sent to the",
    ),
    (
        "modes.metro.refers",
        ["grey", "yellow"],
        "modes.metro.refers",
        "milder",
        "yellow is sent to the staff instead of ref",
    ),
    (
        "modes.metro.requires",
        ["recovery"],
        "modes.metro.requires",
        "stricter",
        "show one of: recovery; before: nothing",
    ),
    (
        "modes.care-home.requires",
        [],
        "modes.care-home.requires",
        "milder",
        "show one of: nothing; before: negative_test, re",
    ),
    ("modes.care-home.requires", ["recovery"], "modes.care-home.requires", "stricter", "show one of: recovery"),
    ("modes.care-home.test_hours", 24, "modes.care-home.test_hours", "stricter", "may be 24 hours old instead of 48."),
    ("modes.metro.test_hours", 24, "modes.metro.test_hours", "other", "decides nothing where no test is required"),
    ("modes.metro.measure_temperature", True, "modes.metro.measure_temperature", "stricter", "is now measured"),
    (
        "modes.care-home.measure_temperature",
        False,
        "modes.care-home.measure_temperature",
        "milder",
        "no longer measured",
    ),
]


@pytest.mark.parametrize(("field", "value", "path", "direction", "words"), CASES, ids=lambda value: str(value)[:40])
def test_a_change_is_told(field: str, value: Any, path: str, direction: str, words: str) -> None:
    changed = content()
    set_field(changed, field, value)
    changes = diff(OLD, parsed(changed))
    if not path:
        assert changes == ()
        return
    told = [change for change in changes if change.path == path and words in change.sentence]
    assert [change.direction for change in told] == [direction]


def test_a_colour_that_passes_now_is_told() -> None:
    changed = with_fields(modes__metro__passes=["green", "grey"], modes__metro__refers=[])
    (change,) = diff(OLD, changed)
    assert (change.path, change.direction) == ("modes.metro.passes", "milder")
    assert change.sentence == "At 'metro' grey is let in instead of sent to the staff."


def test_a_language_that_is_added_is_told_of_every_text() -> None:
    before = without("zh")
    changes = {change.path: change.sentence for change in diff(before, OLD)}
    assert changes["languages"] == "The rules are written in de, en and zh instead of de and en."
    assert changes["summary.zh"] == "The summary is now also written in 'zh'."
    assert changes["modes.metro.label.zh"] == "The label of 'metro' is now also written in 'zh'."
    gone = {change.path: change.sentence for change in diff(OLD, before)}
    assert gone["summary.zh"] == "The summary is no longer written in 'zh'."


def without(language: str) -> Rulebook:
    def pruned(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: pruned(item) for name, item in value.items() if name != language}
        return [pruned(item) for item in value if item != language] if isinstance(value, list) else value

    return parsed(pruned(content()))


def test_the_example_of_the_module() -> None:
    told = [(change.direction, change.path) for change in diff(OLD, without_ceilings())]
    assert ("stricter", "encounters.red_minutes_per_day") in told
    assert ("stricter", "encounters.ceiling") in told
    assert [change.path for change in diff(OLD, without_ceilings()) if change.direction == "milder"] == []


def test_every_field_of_the_schema_has_a_case() -> None:
    told = {part for _, _, path, _, _ in CASES for part in path.split(".")}
    # The only value of "format"; names of exits are told as exits that come and go; languages and passes stand above.
    assert set(field_names(rulebook_schema())) - told <= {"format", "name", "languages", "passes"}


def field_names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
    for item in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from field_names(item)


def test_whatever_is_mutated_is_told_at_its_place() -> None:
    book, random = content(), Random(7)
    told = 0
    for path, mutant in mutations(book, random, rounds=2):
        try:
            new = parsed(mutant)
        except (OwnhueError, TypeError):
            continue
        changes = diff(OLD, new)
        top = path.split("']")[0].lstrip("['").split(" ")[0]
        assert (new == OLD) is (changes == ())
        assert all(change.path.split(".")[0] == top for change in changes), path
        assert {(change.path, change.direction) for change in changes} == turned_back(diff(new, OLD))
        told += 1
    assert told > 200


def turned_back(changes: Any) -> set[tuple[str, str]]:
    other_way = {"stricter": "milder", "milder": "stricter", "other": "other"}
    return {(change.path, other_way[change.direction]) for change in changes}


@given(rulebooks, rulebooks)
@settings(deadline=None, max_examples=50)
def test_two_rulebooks_that_differ_have_a_change_and_equal_ones_have_none(old: Rulebook, new: Rulebook) -> None:
    assert diff(old, old) == ()
    assert (diff(old, new) == ()) is (old == new)
    assert {change.path for change in diff(old, new)} == {change.path for change in diff(new, old)}
