"""What a decision tells of its evidence is true: parts of day, who ended what, and what had no effect. specs/colour.md
sections 3 and 5"""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from ownhue.colour import CertificateFact, ClearanceFact, Facts, WhyNot, decide
from ownhue.colour.decision import NotCounted
from ownhue.colour.findings import certificate_name
from ownhue.exposure import ExposureWindow, ScanInstance
from ownhue.rulebook import Rulebook
from ownhue.rulebook.demonstration import demonstration_rulebook
from tests.protocol.colour_cases import SALT, at, encounter, facts, key, negative, recovery, uncapped
from tests.protocol.colour_strategies import cases, moments

BOOK = demonstration_rulebook()
FRESH = at(12)
MORNING_ID = "0c54aa38e7fe6049"


def told(book: Rulebook, known: Facts, now: int = FRESH) -> list[NotCounted]:
    return list(decide(book, replace(known, published_until=now), now).not_counted)


@pytest.mark.parametrize(
    ("decibel", "why", "band"), [(50, WhyNot.TOO_SHORT, "immediate"), (90, WhyNot.TOO_FAR, "other")]
)
def test_a_window_of_no_seconds_is_told_of_where_it_was_heard(decibel: int, why: WhyNot, band: str) -> None:
    # "Far away, at night" would be a wrong statement about a glimpse face to face in the afternoon.
    start = at(5, "15:00:00")
    scans = (ScanInstance(start, 0, decibel, decibel),)
    (item,) = told(BOOK, facts(ExposureWindow(key(1), start, 1, 0, at(7), scans, 0)))
    assert (item.why, item.part_of_day, item.distance_band, item.seconds) == (why, "afternoon", band, 0)


def test_of_two_certificates_that_ended_one_colour_each_both_are_told() -> None:
    # One frees from red, the other from the yellow that would remain: without either the day would have a colour.
    rule = BOOK.exits[0]
    from_red = rule.model_copy(update={"name": "a", "colours": ("red",)})
    from_yellow = rule.model_copy(update={"name": "b", "certificate": "recovery", "test_kinds": ()})
    book = uncapped().model_copy(update={"exits": (from_red, from_yellow)})
    hour = encounter(at(5, "09:00:00"), 30), encounter(at(5, "09:30:00"), 30)
    test, recovered = negative(at(10), at(11)), recovery(at(10), at(11))
    names = [certificate_name(SALT, item.id) for item in (test, recovered)]
    items = told(book, facts(*hour, certificates=(test, recovered)))
    assert [(item.why, item.rule, item.certificate) for item in items] == [
        (WhyNot.ENDED, "exits.a", names[0]),
        (WhyNot.ENDED, "exits.b", names[1]),
    ]


def test_two_readings_of_a_certificate_are_judged_each_by_itself() -> None:
    # The first reading ended the stay; the second one, revoked, did nothing, and that is told too.
    readings = negative(at(10), at(11)), negative(at(10), at(11), revoked_at=at(11))
    items = told(BOOK, facts(encounter(at(5, "09:00:00"), 20), certificates=readings))
    assert {item.why for item in items} == {WhyNot.ENDED, WhyNot.CERTIFICATE_REVOKED}


def test_what_one_certificate_ended_is_one_entry_however_many_readings_there_are() -> None:
    early = encounter(at(5, "09:00:00"), 20)
    late = encounter(at(5, "15:00:00"), 10, source=key(2), published_at=at(11, "12:00:00"))
    # The first reading had expired when the second window became known.
    readings = negative(at(10), at(11), valid_until=at(11)), negative(at(10), at(11, "01:00:00"))
    (item,) = told(BOOK, facts(early, late, certificates=readings))
    assert (item.why, item.minutes) == (WhyNot.ENDED, 30)


def test_a_clearance_of_the_heavier_reading_of_a_key_is_not_told_as_useless() -> None:
    # The reading that came later counts; without the clearance the heavier one would.
    heavy = encounter(at(5, "09:00:00"), 20)
    light = encounter(at(5, "09:00:00"), 16, published_at=at(9))
    cleared = facts(heavy, light, clearances=(ClearanceFact(MORNING_ID, at(8), at(9)),))
    assert told(BOOK, cleared) == []


def test_of_two_clearances_the_one_that_came_too_early_is_told() -> None:
    window = encounter(at(5, "09:00:00"), 20)
    early, late = ClearanceFact(MORNING_ID, at(6), at(8)), ClearanceFact(MORNING_ID, at(8), at(9))
    whys = [(item.kind, item.why) for item in told(BOOK, facts(window, clearances=(early, late)))]
    assert sorted(whys) == [("clearance", WhyNot.NOTHING_TO_END), ("encounter", WhyNot.CLEARED)]


@given(cases(), moments)
@settings(max_examples=300, deadline=None)
def test_what_is_told_to_have_had_no_effect_can_be_left_out(case: tuple[Rulebook, Facts], now: int) -> None:
    book, known = case
    before = decide(book, known, now)
    idle = [item for item in before.not_counted if item.kind in ("certificate", "clearance")]
    busy = {item.certificate for item in before.not_counted if item.why is WhyNot.ENDED}
    idle_names = {item.certificate for item in idle} - busy
    cleared = {item.finding for item in before.not_counted if item.why is WhyNot.CLEARED}
    idle_findings = {item.finding for item in idle if item.kind == "clearance"} - cleared

    def works(item: CertificateFact) -> bool:
        return certificate_name(known.salt, item.id) not in idle_names

    left = replace(
        known,
        certificates=tuple(item for item in known.certificates if works(item)),
        clearances=tuple(item for item in known.clearances if item.finding not in idle_findings),
    )
    after = decide(book, left, now)
    assert (after.colour, after.reasons) == (before.colour, before.reasons)
