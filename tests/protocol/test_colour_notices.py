"""Venue and area notices: what a visit or a stay makes, and what does not count. specs/colour.md section 4"""

from datetime import date

import pytest

from ownhue.colour import AreaExposure, Colour, Decision, Facts, VenueExposure, WhyNot, decide
from ownhue.errors import FormatError
from ownhue.rulebook.demonstration import demonstration_rulebook
from tests.protocol.colour_cases import area, at, encounter, facts, key, venue

BOOK = demonstration_rulebook()
NOW = at(8, "09:00:00")
NINE = at(5, "09:00:00")
RED_VENUES = BOOK.model_copy(update={"venues": {"indoor": BOOK.venues["indoor"].model_copy(update={"colour": "red"})}})


def at_venues(*venues: VenueExposure, **more: object) -> Facts:
    return facts(venues=venues, **more)  # type: ignore[arg-type]


def in_areas(*areas: AreaExposure, **more: object) -> Facts:
    return facts(areas=areas, **more)  # type: ignore[arg-type]


def why(decision: Decision) -> list[WhyNot]:
    return [item.why for item in decision.not_counted]


def notice(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_a_visit_makes_what_the_rule_says() -> None:
    decision = decide(BOOK, at_venues(venue(NINE, 15)), NOW)
    (finding,) = decision.reasons
    assert (finding.kind, finding.colour, finding.rule, finding.day) == (
        "venue",
        Colour.YELLOW,
        "venues.indoor",
        date(2026, 1, 5),
    )
    assert (finding.minutes, finding.seconds, finding.share_percent, finding.part_of_day) == (15, 900, 100, "morning")
    assert (finding.distance_band, finding.place, finding.capped) == (None, None, False)
    assert (finding.learned_at, finding.until) == (at(7, "12:00:00"), at(12, "23:59:59"))
    red = decide(RED_VENUES, at_venues(venue(NINE, 15)), NOW)
    assert (red.colour, red.until) == (Colour.RED, at(19, "23:59:59"))


def test_a_shorter_visit_says_how_far_it_came() -> None:
    short = VenueExposure(key(101), "indoor", NINE, 899, at(7), False)
    decision = decide(BOOK, at_venues(short), NOW)
    (item,) = decision.not_counted
    assert (decision.colour, item.why) == (Colour.GREEN, WhyNot.BELOW_THRESHOLD)
    assert (item.minutes, item.seconds, item.share_percent, item.rule) == (14, 899, 99, "venues.indoor")


@pytest.mark.parametrize(
    ("exposure", "reason"),
    [
        (venue(NINE, 60, rule="outdoor"), WhyNot.UNKNOWN_RULE),
        (venue(NINE, 60, contradicted=True), WhyNot.ELSEWHERE),
        (venue(NINE, 60, rule="outdoor", contradicted=True), WhyNot.UNKNOWN_RULE),
    ],
)
def test_a_visit_that_does_not_count_says_why(exposure: VenueExposure, reason: WhyNot) -> None:
    decision = decide(BOOK, at_venues(exposure), NOW)
    assert (decision.colour, why(decision)) == (Colour.GREEN, [reason])
    assert (decision.not_counted[0].rule, decision.not_counted[0].minutes) == (f"venues.{exposure.rule}", 60)


def test_a_forwarded_picture_of_a_poster_turns_nobody_red_who_was_elsewhere() -> None:
    assert decide(RED_VENUES, at_venues(venue(NINE, 600, contradicted=True)), NOW).colour is Colour.GREEN


def test_the_hours_of_one_visit_are_one_stay_and_count_once() -> None:
    hours = venue(NINE, 10), venue(NINE + 600, 5, source=key(102))
    (finding,) = decide(BOOK, at_venues(*hours), NOW).reasons
    assert (finding.minutes, finding.seconds) == (15, 900)
    twice = venue(NINE, 10), venue(NINE, 10, source=key(102)), venue(NINE + 300, 5, source=key(103))
    decision = decide(BOOK, at_venues(*twice), NOW)
    assert (why(decision), decision.not_counted[0].seconds) == ([WhyNot.BELOW_THRESHOLD], 600)
    apart = venue(NINE, 10), venue(NINE + 601, 10)
    decision = decide(BOOK, at_venues(*apart), NOW)
    assert (decision.colour, decision.not_counted[0].minutes, decision.not_counted[0].seconds) == (
        Colour.GREEN,
        10,
        1200,
    )


def test_the_evening_and_the_night_are_two_days() -> None:
    around = venue(at(5, "23:50:00"), 10), venue(at(6), 10)
    assert why(decide(BOOK, at_venues(*around), NOW)) == [WhyNot.BELOW_THRESHOLD] * 2
    long = decide(BOOK, at_venues(venue(at(5, "23:50:00"), 30)), NOW)
    assert (long.reasons[0].day, long.reasons[0].part_of_day) == (date(2026, 1, 5), "evening")


def test_a_visit_is_known_when_its_minutes_are_complete() -> None:
    first, second = venue(NINE, 10), venue(NINE + 600, 20, source=key(102), published_at=at(8))
    known = at_venues(first, second, venue(NINE, 12, published_at=at(8, "01:00:00")))
    assert decide(BOOK, known, at(8) - 1).colour is Colour.GREEN
    assert decide(BOOK, known, NOW).reasons[0].learned_at == at(8)


def test_rules_are_not_added_up() -> None:
    book = BOOK.model_copy(update={"venues": {**BOOK.venues, "outdoor": BOOK.venues["indoor"]}})
    known = at_venues(venue(NINE, 10), venue(NINE + 600, 10, rule="outdoor"))
    assert why(decide(book, known, NOW)) == [WhyNot.BELOW_THRESHOLD] * 2
    known = at_venues(venue(NINE, 15), venue(NINE + 900, 15, rule="outdoor"))
    assert len({finding.id for finding in decide(book, known, NOW).reasons}) == 2


def test_a_withdrawn_notice_frees() -> None:
    for known in (
        at_venues(venue(NINE, 60), withdrawn={key(101): at(8)}),
        in_areas(area(NINE, 60), withdrawn={notice(1): at(8)}),
    ):
        assert decide(BOOK, known, at(8) - 1).colour is Colour.YELLOW
        freed = decide(BOOK, known, at(8))
        assert (freed.colour, why(freed), freed.since) == (Colour.GREEN, [WhyNot.WITHDRAWN], at(8))


def test_a_stay_in_an_area_makes_yellow_and_never_more() -> None:
    decision = decide(BOOK, in_areas(area(NINE, 60), area(at(6), 1440, source=notice(2))), NOW)
    assert [(item.kind, item.colour, item.rule, item.minutes) for item in decision.reasons] == [
        ("area", Colour.YELLOW, "areas.outbreak", 60),
        ("area", Colour.YELLOW, "areas.outbreak", 1440),
    ]
    assert [end.how for end in decision.ends][:3] == ["time", "withdrawal by the authority", "I was not there"]


@pytest.mark.parametrize(("minutes", "least", "colour"), [(59, 30, "green"), (60, 30, "yellow"), (89, 90, "green")])
def test_the_longer_of_the_two_minima_holds(minutes: int, least: int, colour: str) -> None:
    decision = decide(BOOK, in_areas(area(NINE, minutes, least=least)), NOW)
    assert decision.colour.word == colour
    share = 100 * minutes // max(least, 60)
    shares = [item.share_percent for item in decision.reasons] + [item.share_percent for item in decision.not_counted]
    assert shares == [share]


def test_two_area_notices_are_not_added_up_and_one_is_not_counted_twice() -> None:
    two = area(NINE, 40), area(NINE + 2400, 40, source=notice(2))
    assert why(decide(BOOK, in_areas(*two), NOW)) == [WhyNot.BELOW_THRESHOLD]
    one = area(NINE, 40), area(NINE + 1800, 40), area(NINE + 1800, 40, published_at=at(8))
    (finding,) = decide(BOOK, in_areas(*one), NOW).reasons
    assert (finding.minutes, finding.seconds) == (70, 4200)


def test_i_was_not_there_ends_an_area_finding_from_then_on() -> None:
    known = in_areas(area(NINE, 90, denied_at=at(8)))
    assert decide(BOOK, known, at(8) - 1).colour is Colour.YELLOW
    decision = decide(BOOK, known, at(8))
    assert (decision.colour, decision.since, why(decision)) == (Colour.GREEN, at(8), [WhyNot.DENIED])
    other = area(NINE, 90, source=notice(2))
    assert decide(BOOK, in_areas(*known.areas, other), NOW).colour is Colour.YELLOW


def test_an_unknown_area_rule_makes_nothing() -> None:
    decision = decide(BOOK, in_areas(area(NINE, 90, rule="lockdown")), NOW)
    assert (decision.colour, why(decision)) == (Colour.GREEN, [WhyNot.UNKNOWN_RULE])


def test_kinds_stand_beside_each_other_in_the_reasons() -> None:
    known = facts(encounter(NINE, 20), venues=(venue(NINE, 15),), areas=(area(NINE, 60),))
    decision = decide(RED_VENUES, known, NOW)
    assert [(item.kind, item.colour) for item in decision.reasons] == [
        ("venue", Colour.RED),
        ("area", Colour.YELLOW),
        ("encounter", Colour.YELLOW),
    ]


@pytest.mark.parametrize("rule", ["", "Indoor", "1st", "a" * 33, "indoor\n", "in door"])
def test_broken_notices_are_no_facts(rule: str) -> None:
    with pytest.raises(FormatError, match="name"):
        VenueExposure(key(1), rule, 0, 0, 0, False)
    with pytest.raises(FormatError, match="name"):
        AreaExposure(notice(1), rule, 0, 0, 0, 0, None)
    with pytest.raises(FormatError, match="16 bytes"):
        VenueExposure(notice(1), "indoor", 0, 0, 0, False)
    with pytest.raises(FormatError, match="32 bytes"):
        AreaExposure(key(1), "outbreak", 0, 0, 0, 0, None)
