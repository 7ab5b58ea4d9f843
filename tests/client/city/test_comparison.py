"""Scores of sampled radio against a rehearsal."""

from collections.abc import Mapping
from dataclasses import dataclass

from ownhue.colour import Decision, decide
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue_client.city.comparison import Score, colours, encounters, minutes_ratio
from tests.protocol.colour_cases import at, encounter, facts


@dataclass(frozen=True)
class Morning:
    decisions: Mapping[int, Decision]
    rehearsed: Mapping[int, Decision]


def decision(day: int, minutes: Mapping[int, int]) -> Decision:
    """What a phone says on the morning of a day in January that was near somebody for *minutes* of other days."""
    windows = (encounter(at(met, "10:00:00"), lasted, published_at=at(met + 1)) for met, lasted in minutes.items())
    now = at(day, "06:00:00")
    return decide(demonstration_rulebook(), facts(*windows, published_until=now), now)


NOBODY: dict[int, int] = {}


def test_scores_without_anything_to_find_have_no_shares() -> None:
    quiet = Morning({1: decision(7, NOBODY)}, {1: decision(7, NOBODY)})
    assert encounters([quiet]) == colours([quiet], []) == Score(0, 0, 0)
    assert encounters([quiet]).sensitivity is None
    assert encounters([quiet]).precision is None
    assert minutes_ratio([quiet]) is None


def test_encounters_are_found_missed_and_wrong_by_person_and_day() -> None:
    morning = Morning(
        {1: decision(7, {4: 20, 5: 30}), 2: decision(7, {5: 16}), 3: decision(7, {5: 10})},
        {1: decision(7, {4: 30}), 2: decision(7, {5: 20, 4: 15}), 3: decision(7, {5: 15})},
    )
    score = encounters([morning])
    # Person 1 on the 4th and 2 on the 5th; missed 2 on the 4th and 3; wrong 1 on the 5th.
    assert score == Score(both=2, missed=2, wrong=1)
    assert score.sensitivity == 1 / 2
    assert score.precision == 2 / 3
    assert minutes_ratio([morning]) == (20 + 16) / (30 + 20)


def test_an_encounter_that_any_morning_names_counts_once() -> None:
    first = Morning({1: decision(6, {4: 20})}, {1: decision(6, NOBODY)})
    second = Morning({1: decision(7, {4: 20})}, {1: decision(7, {4: 20})})
    assert encounters([first, second]) == Score(1, 0, 0)


def test_colours_are_counted_morning_by_morning_without_those_who_tested_positive() -> None:
    morning = Morning(
        {1: decision(7, {5: 20}), 2: decision(7, NOBODY), 3: decision(7, {5: 20})},
        {1: decision(7, {5: 20}), 2: decision(7, {5: 20}), 3: decision(7, NOBODY)},
    )
    assert colours([morning, morning], []) == Score(2, 2, 2)
    assert colours([morning], [2, 3]) == Score(1, 0, 0)
