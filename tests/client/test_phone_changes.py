"""What of a change is told at once: nothing twice, no second warning missed, and nothing on the screen that names."""

import re
from dataclasses import replace
from typing import Any

import pytest

from ownhue.colour import ClearanceFact, Decision, Facts, decide
from ownhue.exposure import ExposureWindow
from ownhue.rulebook import Rulebook
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue_client.phone.changes import Notice, worth_telling
from tests.protocol.colour_cases import area, at, encounter, facts, key, negative, result, uncapped

RULEBOOK = demonstration_rulebook()
MORNING = encounter(at(5, "09:00:00"), 20)
LATER = encounter(at(6, "15:00:00"), 20, source=key(2), published_at=at(8))


def decided(known: Facts, now: int, rulebook: Rulebook | None = RULEBOOK) -> Decision:
    return decide(rulebook, known, now)


def fresh(*windows: ExposureWindow, now: int, share: int = 100, **more: Any) -> Decision:
    return decided(replace(facts(*windows, published_until=now, **more), radio_share_percent=share), now)


def told(before: Decision | None, after: Decision) -> list[str]:
    return [notice.kind for notice in worth_telling(before, after)]


GREEN = fresh(now=at(7))
YELLOW = fresh(MORNING, now=at(8))
ID = YELLOW.reasons[0].id
RED = fresh(MORNING, now=at(8, "10:00:00"), results=(result(8, at(8)),))


def test_what_did_not_change_is_not_told() -> None:
    for decision in (GREEN, YELLOW, RED, fresh(now=at(7), share=3)):
        assert told(decision, decision) == []
    assert told(GREEN, fresh(now=at(8))) == []
    assert told(YELLOW, fresh(MORNING, now=at(9))) == []


def test_a_new_phone_is_told_only_what_is_bad() -> None:
    assert [told(None, decision) for decision in (GREEN, decided(facts(), at(7), None), YELLOW, RED)] == [
        [],
        [],
        ["worse"],
        ["worse"],
    ]


def test_worse_is_told_with_the_end_of_it() -> None:
    (notice,) = worth_telling(GREEN, YELLOW)
    assert notice == Notice(
        "worse",
        "Your colour is yellow",
        "Until 2026-01-12, 23:59, if nothing new happens. The reasons are in the application.",
    )
    assert told(YELLOW, RED) == ["worse"]


def test_a_second_exposure_during_a_stay_is_told_although_the_colour_stays() -> None:
    """What users missed most: while somebody is yellow or red, a further warning comes without a word."""
    again = fresh(MORNING, LATER, now=at(8, "10:00:00"))
    assert again.colour == YELLOW.colour
    assert told(YELLOW, again) == ["again"]
    assert told(RED, fresh(MORNING, LATER, now=at(9), results=(result(8, at(8)),))) == ["again"]


def test_a_finding_that_turns_worse_under_a_worse_one_is_told() -> None:
    rules = uncapped()
    before = decided(facts(MORNING, results=(result(8, at(8)),)), at(8, "10:00:00"), rules)
    more = encounter(at(5, "12:00:00"), 300, source=key(3), published_at=at(8, "10:00:00"))
    after = decided(facts(MORNING, more, results=(result(8, at(8)),)), at(8, "11:00:00"), rules)
    assert [[finding.colour.word for finding in decision.reasons] for decision in (before, after)] == [
        ["red", "yellow"],
        ["red", "red"],
    ]
    assert told(before, after) == ["again"]


@pytest.mark.parametrize(
    ("after", "kind", "words"),
    [
        (fresh(MORNING, now=at(13)), "ended", "The time that the rules set for it is over."),
        (fresh(MORNING, now=at(10), withdrawn={key(1): at(9)}), "ended", "The authority took back"),
        (fresh(MORNING, now=at(10), clearances=(ClearanceFact(ID, at(9), at(10)),)), "ended", "corrected it"),
        (fresh(MORNING, now=at(11), certificates=(negative(at(10), at(10, "09:00:00")),)), "ended", "certificate"),
    ],
)
def test_what_is_over_is_told_with_its_cause(after: Decision, kind: str, words: str) -> None:
    (notice,) = worth_telling(YELLOW, after)
    assert (notice.kind, notice.title) == (kind, "Your colour is green")
    assert words in notice.text


def test_a_result_that_is_withdrawn_leaves_what_is_milder() -> None:
    after = fresh(MORNING, now=at(9), results=(result(8, at(8), at(9)),))
    (notice,) = worth_telling(RED, after)
    assert (notice.kind, notice.title) == ("milder", "Your colour is yellow")
    assert notice.text.startswith("The authority took back what it rested on. Until ")


def test_a_reason_that_goes_under_the_same_colour_is_told() -> None:
    denied = area(at(5, "09:00:00"), 60, denied_at=at(9))
    both = fresh(MORNING, now=at(8), areas=(area(at(5, "09:00:00"), 60),))
    (notice,) = worth_telling(both, fresh(MORNING, now=at(9), areas=(denied,)))
    assert notice.kind == "corrected"
    assert "You said that you were not there." in notice.text


def test_grey_is_told_when_it_begins_and_when_it_is_over() -> None:
    off = fresh(now=at(8), share=3)
    (notice,) = worth_telling(GREEN, off)
    assert (notice.kind, notice.title) == ("not established", "Your colour is not established")
    assert "Bluetooth" in notice.text
    assert told(off, fresh(now=at(9), share=4)) == []
    old = decided(replace(facts(published_until=at(5)), radio_share_percent=3), at(9))
    assert told(off, old) == ["not established"], "another reason for it"
    assert told(off, fresh(now=at(9))) == ["established"]
    assert told(off, YELLOW) == ["worse"]


def test_a_stay_that_ends_in_grey_says_both() -> None:
    after = decided(facts(MORNING, published_until=at(8)), at(14))
    (notice,) = worth_telling(YELLOW, after)
    assert notice.text.startswith("Your stay is over. ")


def test_a_rulebook_that_makes_a_stay_longer_is_told() -> None:
    stays = RULEBOOK.stays.model_copy(update={"yellow_days": RULEBOOK.stays.yellow_days + 2})
    longer = decided(facts(MORNING), at(8, "10:00:00"), RULEBOOK.model_copy(update={"stays": stays, "version": 2}))
    assert told(YELLOW, longer) == ["longer"]


def test_a_notice_names_no_place_no_person_and_no_day_of_an_encounter() -> None:
    """It lies on a locked screen. The only date in it is the end, which the colour itself tells."""
    decisions = [GREEN, YELLOW, RED, fresh(MORNING, LATER, now=at(9), areas=(area(at(5, "09:00:00"), 60),))]
    decisions += [fresh(MORNING, now=at(13)), fresh(now=at(8), share=3), decided(facts(), at(9), None)]
    notices = [notice for a in (None, *decisions) for b in decisions for notice in worth_telling(a, b)]
    assert len(notices) > 20
    for notice in notices:
        text = notice.title + notice.text
        assert not re.search(r"encounter|venue|area|morning|minutes|result|[0-9a-f]{16}", text)
        assert len(re.findall(r"\d{4}-\d{2}-\d{2}", text)) <= 1
        assert len(notice.text) < 200
