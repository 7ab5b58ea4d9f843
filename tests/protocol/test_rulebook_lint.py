"""Each remark of the linter, and a rulebook that gets it where the demonstration book does not."""

from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings

from ownhue.rulebook import Rulebook
from ownhue.rulebook.demonstration import demonstration_rulebook, without_ceilings
from ownhue.rulebook.lint import Remark, lint
from tests.protocol.rulebook_cases import an_exit, rulebooks, with_fields

NOTHING = {"standard": 0, "high": 0}
ALL = ("confirmed_test", "confirmed_clinical", "self_report", "recursive")
LABEL = {"de": "x", "en": "x", "zh": "x"}
RED = {"encounters__ceiling": "red"}


class Case(NamedTuple):
    """Changed fields, and the remark that they bring."""

    severity: str
    path: str
    words: str
    changes: dict[str, Any]


def only(**changes: Any) -> dict[str, Any]:
    """A rulebook whose one exit is that of :func:`an_exit` with these fields."""
    return {"exits": [an_exit("one", **changes)]}


CASES = [
    # Encounters
    Case(
        "error",
        "exposure.weights_percent",
        "Yellow can never be reached by encounters: the weight of every distance is 0",
        {"exposure__weights_percent": [0, 0, 0, 0]},
    ),
    Case(
        "error",
        "exposure.weights_by_report_percent",
        "Yellow can never be reached by encounters: no kind of key counts",
        {"exposure__weights_by_report_percent": dict.fromkeys(ALL, NOTHING)},
    ),
    Case(
        "error",
        "exposure.infectiousness",
        "Yellow can never be reached by encounters: on no day since onset",
        {"exposure__infectiousness": ["none"] * 29},
    ),
    Case(
        "error",
        "exposure.infectiousness",
        "on no day since onset does any kind of key count",
        {
            "exposure__infectiousness": ["standard"] * 29,
            "exposure__weights_by_report_percent": {word: {"standard": 0, "high": 100} for word in ALL},
        },
    ),
    Case(
        "error",
        "exposure.minimum_window_score_percent",
        "a window holds at most 35 minutes and scores at most 2100 weighted seconds, and what scores less than 2100.01",
        {"exposure__minimum_window_score_percent": 210_001},
    ),
    Case(
        "error",
        "encounters.yellow_minutes_per_day",
        "what counts makes red at once",
        RED | {"encounters__yellow_minutes_per_day": 60},
    ),
    Case(
        "error",
        "encounters.yellow_minutes_per_day",
        "what counts makes red at once",
        # A window counts from 20 minutes, red needs 16.
        RED | {"exposure__minimum_window_score_percent": 120_000, "encounters__red_minutes_per_day": 16},
    ),
    Case(
        "error",
        "exposure.weights_by_report_percent",
        "The weights for 'high' decide nothing",
        {"exposure__infectiousness": ["standard"] * 29},
    ),
    Case("warning", "encounters.ceiling", "Bluetooth alone makes people red for 14 days", RED),
    Case(
        "warning",
        "encounters.yellow_minutes_per_day",
        "can never make yellow, however near and long: the longest day weighs at most 16 minutes of 20",
        {"exposure__weights_percent": [1, 1, 1, 0], "encounters__yellow_minutes_per_day": 20},
    ),
    Case(
        "warning",
        "encounters.yellow_minutes_per_day",
        "A single scan can make yellow: one that stands for 5 minutes weighs up to 5, and yellow needs 5",
        {"encounters__yellow_minutes_per_day": 5},
    ),
    Case(
        "warning",
        "exposure.weights_percent",
        "'near' weighs more than 'immediate'",
        {"exposure__weights_percent": [80, 100, 10, 0]},
    ),
    Case(
        "warning",
        "exposure.weights_percent",
        "'other' has no far end",
        {"exposure__weights_percent": [100, 100, 40, 1]},
    ),
    Case(
        "warning",
        "exposure.thresholds_db",
        "however faintly it is heard: what weighs more than 0 ends at 255 dB",
        {"exposure__thresholds_db": [55, 63, 255]},
    ),
    Case("warning", "version", "Only 0 later versions can ever replace it", {"version": 2**31 - 1}),
    Case("warning", "summary.en", "says next to nothing", {"summary__en": "nothing" + " " * 40}),
    Case(
        "warning",
        "venues.indoor.minimum_minutes",
        "Looking in is enough under 'indoor': 1 minutes make yellow",
        {"venues__indoor__minimum_minutes": 1},
    ),
    Case(
        "warning",
        "exposure.weights_by_report_percent.confirmed_clinical",
        "makes its owner red and warns nobody",
        # Its longest window scores 21 weighted seconds, and what scores less than 60 is dropped.
        {
            "exposure__minimum_window_score_percent": 6_000,
            "exposure__weights_by_report_percent__confirmed_clinical": {"standard": 0, "high": 1},
        },
    ),
    Case(
        "warning",
        "exposure.infectiousness",
        "counts for nothing, although days before and after it count",
        {"exposure__infectiousness": ["none"] * 10 + ["high", "none", "standard"] + ["none"] * 16},
    ),
    Case(
        "warning",
        "exposure.weights_by_report_percent.self_report",
        "nobody confirmed a self report",
        {"exposure__weights_by_report_percent__self_report": {"standard": 0, "high": 1}},
    ),
    Case("warning", "exposure.look_back_days", "is dropped, although its stay", {"exposure__look_back_days": 6}),
    Case("warning", "exposure.look_back_days", "promises too much", {"exposure__look_back_days": 15}),
    Case(
        "note",
        "exposure.weights_percent",
        "A minute can count for more than a minute: up to 150 %",
        {"exposure__weights_percent": [150, 100, 40, 0]},
    ),
    Case(
        "note",
        "exposure.infectiousness_when_unknown",
        "counts as 'standard'",
        {"exposure__infectiousness_when_unknown": "standard"},
    ),
    Case(
        "note",
        "exposure.report_type_when_unknown",
        "counts as 'confirmed_test'",
        {"exposure__report_type_when_unknown": "confirmed_test"},
    ),
    # Other evidence, stays
    Case(
        "warning",
        "own_results",
        "'confirmed_clinical' makes other people yellow and its owner not red",
        {"own_results": ["confirmed_test"]},
    ),
    Case(
        "warning",
        "exposure.weights_by_report_percent.confirmed_clinical",
        "'confirmed_clinical' makes its owner red and warns nobody",
        {"exposure__weights_by_report_percent__confirmed_clinical": NOTHING},
    ),
    Case(
        "note",
        "own_results",
        "The word of a person alone makes that person red",
        {"own_results": ["confirmed_clinical", "confirmed_test", "self_report"]},
    ),
    Case(
        "warning", "venues.indoor.colour", "A visit alone makes red under 'indoor'", {"venues__indoor__colour": "red"}
    ),
    Case(
        "warning",
        "areas.outbreak.minimum_minutes",
        "Passing by is enough under 'outbreak': 14 minutes",
        {"areas__outbreak__minimum_minutes": 14},
    ),
    Case("note", "venues", "Venue notices change nothing", {"venues": {}}),
    Case("note", "areas", "Area notices change nothing", {"areas": {}}),
    Case(
        "error",
        "stays.yellow_days",
        "Nothing at all makes yellow",
        {"exposure__weights_percent": [0, 0, 0, 0], "venues": {}, "areas": {}},
    ),
    Case("error", "stays.red_days", "Nothing at all makes red", {"own_results": []}),
    Case("note", "stays", "Red lasts no longer than yellow", {"stays__yellow_days": 14}),
    Case("warning", "stays.red_days", "keep the evidence of a stay for 15 days", {"stays__red_days": 15}),
    # Exits
    Case(
        "error",
        "exits.one",
        "The exit 'one' can never fit: it ends red encounters, which the ceiling prevents",
        only(colours=["red"]),
    ),
    Case(
        "error",
        "exits.one",
        "can never fit: an own result makes red, never yellow",
        only(ends=["own_result"]),
    ),
    Case(
        "error",
        "exits.one",
        "can never fit: an area makes yellow at most; no venue rule makes red",
        only(ends=["area", "venue"], colours=["red"]),
    ),
    Case(
        "error",
        "exits.one",
        "can never fit: no own result makes red",
        only(ends=["own_result"], colours=["red"]) | {"own_results": []},
    ),
    Case("error", "exits.one", "can never fit: there is no rule for areas", only(ends=["area"]) | {"areas": {}}),
    Case(
        "error",
        "exits.one",
        "can never fit: encounters never make yellow",
        only() | {"exposure__weights_percent": [0, 0, 0, 0]},
    ),
    Case(
        "error",
        "exits.one.from_day",
        "can never fit: the yellow stay of 7 days is over before day 8",
        only(from_day=8),
    ),
    Case(
        "error",
        "exits.one.from_day",
        "can never fit: the red stay of 14 days is over before day 15",
        only(certificate="recovery", test_kinds=[], ends=["own_result"], colours=["red"], from_day=15),
    ),
    Case(
        "error",
        "exits.one.from_day",
        "can never end yellow: the yellow stay of 7 days is over before day 8",
        only(ends=["own_result", "venue"], colours=["yellow", "red"], from_day=8),
    ),
    Case(
        "error",
        "exits.one.colours",
        "names red for nothing",
        only(ends=["area", "encounter"], colours=["yellow", "red"]),
    ),
    Case(
        "error",
        "exits.one.ends",
        "names 'own_result' for nothing: an own result makes red, never yellow",
        only(ends=["encounter", "own_result"]),
    ),
    Case("warning", "exits.one.from_day", "saves a day at most: it ends yellow on the last day", only(from_day=7)),
    Case("warning", "exits.one.from_day", "from the day of the finding itself, or from before it", only(from_day=0)),
    Case(
        "warning",
        "exits.one.until_day",
        "makes a vaccination a way out",
        only(certificate="vaccination", test_kinds=[], from_day=-300, until_day=0),
    ),
    Case(
        "warning",
        "exits.one.ends",
        "frees people with a positive result of their own",
        only(
            certificate="vaccination", test_kinds=[], ends=["own_result"], colours=["red"], from_day=-300, until_day=-14
        ),
    ),
    Case(
        "warning",
        "exits.one.ends",
        "end the red stay of that same infection",
        only(certificate="recovery", test_kinds=[], ends=["own_result"], colours=["red"], from_day=-180, until_day=0),
    ),
    Case(
        "warning",
        "exits.two",
        "The exit 'two' decides nothing that 'one' does not decide already",
        {"exits": [an_exit("one", ends=["encounter", "venue"]), an_exit("two", from_day=6)]},
    ),
    Case(
        "warning",
        "exits.two",
        "The exit 'two' decides nothing that 'one' does not decide already",
        {"exits": [an_exit("one"), an_exit("two")]},
    ),
    Case(
        "note",
        "exits",
        "No certificate ends the red of an own result before its 14 days are over",
        only(),
    ),
    # Dates, freshness, radio
    Case("note", "zone", "Days begin and end by UTC", {"zone": "UTC"}),
    Case(
        "warning",
        "valid_until",
        "It decides for 14 days, and a red stay of 14 days outlives it",
        {"valid_until": "2026-01-14"},
    ),
    Case(
        "error",
        "freshness.published_data_hours",
        "turn grey between two batches",
        {"freshness__published_data_hours": 1},
    ),
    Case(
        "warning", "freshness.published_data_hours", "One batch that comes late", {"freshness__published_data_hours": 3}
    ),
    Case(
        "warning",
        "freshness.published_data_hours",
        "for longer than a whole yellow stay and still be green",
        {"freshness__published_data_hours": 169},
    ),
    Case("warning", "radio.least_share_percent", "Switching Bluetooth off helps", {"radio__least_share_percent": 0}),
    Case(
        "warning",
        "radio.least_share_percent",
        "misses more than 9 scans in a hundred",
        {"radio__least_share_percent": 91},
    ),
    Case("note", "radio.when_unknown", "A new phone is grey", {"radio__when_unknown": "grey"}),
    # Checkpoints
    Case(
        "warning",
        "modes.metro.passes",
        "At 'metro' grey passes, so that switching Bluetooth off",
        {"modes__metro__passes": ["green", "grey"], "modes__metro__refers": []},
    ),
    Case(
        "note",
        "modes.metro.passes",
        "At 'metro' yellow passes",
        {"modes__metro__passes": ["green", "grey", "yellow"], "modes__metro__refers": []},
    ),
    Case("warning", "modes.metro.refers", "At 'metro' grey is refused", {"modes__metro__refers": []}),
    Case(
        "note",
        "modes.metro.refers",
        "At 'metro' nobody is refused",
        {"modes__metro__refers": ["grey", "yellow", "red"]},
    ),
    Case(
        "warning",
        "modes.metro.requires",
        "nobody enters by a test: only people with recovery or vaccination do",
        {"modes__metro__requires": ["recovery", "vaccination"]},
    ),
    Case(
        "note",
        "modes.metro.requires",
        "everybody needs a negative test of the last 48 hours",
        {"modes__metro__requires": ["negative_test"]},
    ),
    # Texts
    Case(
        "warning",
        "summary.en",
        "The summaries in 'de' and 'en' are the same text",
        {"summary": {"de": "Wer sich nah war, wird gelb.", "en": "Wer sich nah war, wird gelb.", "zh": "一" * 20}},
    ),
    Case("warning", "summary.zh", "The summary in 'zh' says next to nothing", {"summary__zh": "规则"}),
    Case("warning", "modes", "the same label in 'en'", {"modes__metro__label__en": "Clinic"}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.path}: {case.words[:50]}")
def test_a_remark_is_made_where_it_holds_and_not_of_the_demonstration_book(case: Case) -> None:
    def meant(remark: Remark) -> bool:
        return (remark.severity, remark.path) == (case.severity, case.path) and case.words in remark.sentence

    assert len([remark for remark in lint(with_fields(**case.changes)) if meant(remark)]) == 1
    assert not any(map(meant, lint(demonstration_rulebook())))


def test_one_language_alone_is_told() -> None:
    book = demonstration_rulebook()
    english = {"en": "Who was close to people who tested positive is yellow."}
    alone = book.model_copy(update={"languages": ("en",), "summary": english})
    assert Remark("note", "languages", "The rules are written in one language only: en.") in lint(alone)
    assert not any(remark.path == "languages" for remark in lint(book))


def test_the_demonstration_book_gets_these_notes_and_nothing_worse() -> None:
    assert [(remark.severity, remark.path, remark.sentence) for remark in lint(demonstration_rulebook())] == [
        ("note", "encounters.red_minutes_per_day", "Red can never be reached by encounters: the ceiling is yellow."),
        (
            "note",
            "exposure.look_back_days",
            "An encounter that becomes known more than 7 days after its day changes nothing: its stay is over.",
        ),
        (
            "note",
            "valid_until",
            "From 2030-01-01 to the sunset, 365 days, every phone is grey unless a next version is published.",
        ),
        ("note", "valid_until", "It decides for 1461 days before anybody has to renew it."),
        (
            "note",
            "modes.clinic.refers",
            "At 'clinic' nobody is refused: everybody who is not green is sent to the staff.",
        ),
    ]


def test_these_notes_go_where_their_reason_goes() -> None:
    book = with_fields(
        **RED,
        exposure__look_back_days=14,
        valid_until="2026-12-31",
        sunset="2026-12-31",
        modes__clinic__refers=["grey", "yellow"],
    )
    paths = {remark.path for remark in lint(book)}
    assert not paths & {
        "encounters.red_minutes_per_day",
        "exposure.look_back_days",
        "valid_until",
        "modes.clinic.refers",
    }


def test_without_ceilings_red_by_bluetooth_is_told() -> None:
    told = {(remark.severity, remark.path) for remark in lint(without_ceilings())}
    assert ("warning", "encounters.ceiling") in told
    assert ("note", "exits") in told
    assert not any(severity == "error" for severity, _ in told)


def test_there_are_more_than_fifty_different_remarks() -> None:
    assert len({(case.path, case.words) for case in CASES}) >= 50


@given(rulebooks)
@settings(deadline=None)
def test_every_rulebook_can_be_judged_and_errors_come_first(book: Rulebook) -> None:
    remarks = lint(book)
    order = [("error", "warning", "note").index(remark.severity) for remark in remarks]
    assert order == sorted(order)
    assert len(set(remarks)) == len(remarks)
    assert lint(book) == remarks
    for remark in remarks:
        assert remark.sentence[0].isupper()
        assert remark.sentence.endswith(".")
