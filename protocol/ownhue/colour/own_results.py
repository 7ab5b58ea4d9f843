"""Own results: positive tests of the phone's own owner. specs/colour.md section 4

Each result is a finding of its own: red, to the end of the day that the rulebook's stay of red lies after the test,
or after the day that follows the learning of it, if the test is dated later than that.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from ownhue.colour.facts import Facts, OwnResult
from ownhue.colour.pieces import NEVER, Group, Level, Piece, ScoreMeter, clearances_of, cleared_at
from ownhue.colour.words import Colour, WhyNot, finding_id
from ownhue.rulebook import Rulebook
from ownhue.rulebook.rules import report_type_word

_NOTHING_HEARD: dict[str, Any] = dict.fromkeys(("part_of_day", "minutes", "seconds", "distance_band"))


def result_groups(rulebook: Rulebook, facts: Facts) -> Iterator[Group]:
    """One group for each result; the same result with another time of withdrawal is a second reading of it."""
    by_id: dict[str, list[OwnResult]] = {}
    for result in sorted(set(facts.results), key=_order):
        parts = result.report_type, result.tested_on.isoformat(), result.learned_at
        by_id.setdefault(finding_id(facts.salt, "own_result", *parts), []).append(result)
    for name, readings in by_id.items():
        yield _group(rulebook, facts, name, readings)


def _group(rulebook: Rulebook, facts: Facts, name: str, readings: Sequence[OwnResult]) -> Group:
    # A test cannot be later than its result. One day of grace: it may come from a zone that is ahead.
    latest = rulebook.local_date(readings[0].learned_at) + timedelta(days=1)
    day = min(readings[0].tested_on, latest)
    until = rulebook.end_of_day(day + timedelta(days=rulebook.stays.red_days))
    return Group(
        id=name,
        kind="own_result",
        day=day,
        notice_rule=None,
        levels=(Level(Colour.RED, 1, "own_results", until),),
        capped_at=NEVER,
        pieces=tuple(_piece(rulebook, facts, name, result) for result in readings),
        new_meter=ScoreMeter,
        describe=lambda _: _NOTHING_HEARD,
        place_of=lambda _: None,
    )


def _piece(rulebook: Rulebook, facts: Facts, name: str, result: OwnResult) -> Piece:
    named = report_type_word(result.report_type) in rulebook.own_results
    return Piece(
        fact=result,
        place=(),
        weight=1,
        known_at=result.learned_at,
        never=None if named else WhyNot.REPORT_TYPE,
        withdrawn_at=NEVER if result.withdrawn_at is None else result.withdrawn_at,
        cleared_at=cleared_at(clearances_of(facts, name), result.learned_at),
    )


def _order(result: OwnResult) -> tuple[int, int, int, int]:
    withdrawn_at = NEVER if result.withdrawn_at is None else result.withdrawn_at
    return (result.tested_on.toordinal(), result.learned_at, result.report_type, withdrawn_at)
