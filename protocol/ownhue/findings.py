"""Findings: the step from evidence to what each piece of it means under a rulebook. specs/colour.md sections 4 and 5

- Evidence of different kinds is never added up.
- Only what was known at the time counts, so that any past decision can be computed again.
- Whatever is known and makes no colour is in ``not_counted``, with the reason.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from ownhue.decision import Colour, Finding, NotCounted, WhyNot, finding_id
from ownhue.encounters import counted_in_vain, day_finding, days_of, left_out
from ownhue.facts import Facts, OwnResult
from ownhue.rulebook import Rulebook
from ownhue.rules import report_type_word

_NOTHING_HEARD: dict[str, Any] = dict.fromkeys(("part_of_day", "minutes", "seconds", "distance_band", "share_percent"))


class Evidence(NamedTuple):
    """All that the facts mean at one moment."""

    findings: tuple[Finding, ...]
    """Every finding known by then, also those whose stay is over."""
    not_counted: tuple[NotCounted, ...]
    """In order of days."""


def weigh(rulebook: Rulebook, facts: Facts, now: int) -> Evidence:
    """Findings, and what was not counted, at *now* (unix seconds)."""
    items = [*_encounters(rulebook, facts, now), *_results(rulebook, facts, now)]
    findings = [item for item in items if isinstance(item, Finding)]
    not_counted = [item for item in items if isinstance(item, NotCounted)]
    not_counted.sort(key=lambda item: (item.day, item.kind, item.why, item.finding))
    return Evidence(tuple(findings), tuple(not_counted))


def _encounters(rulebook: Rulebook, facts: Facts, now: int) -> Iterator[Finding | NotCounted]:
    for _, group in days_of(rulebook, facts, now):
        yield from left_out(rulebook, facts.salt, group)
        finding = day_finding(rulebook, facts.salt, group)
        if finding is not None:
            yield finding
            if finding.until < now:
                yield counted_in_vain(rulebook, facts.salt, group, WhyNot.STAY_OVER)
        elif any(item.why is None for item in group):
            yield counted_in_vain(rulebook, facts.salt, group, WhyNot.BELOW_THRESHOLD)


def _results(rulebook: Rulebook, facts: Facts, now: int) -> Iterator[Finding | NotCounted]:
    for result in sorted(set(facts.results), key=_order):
        if result.learned_at > now:
            continue
        name = finding_id(facts.salt, "own_result", result.report_type, result.tested_on.isoformat(), result.learned_at)
        until = rulebook.end_of_day(result.tested_on + timedelta(days=rulebook.stays.red_days))
        why = _why_not(rulebook, result, until, now)
        if why is None or why is WhyNot.STAY_OVER:
            yield _result_finding(result, name, until)
        if why is not None:
            yield NotCounted(kind="own_result", day=result.tested_on, why=why, finding=name, **_NOTHING_HEARD)


def _why_not(rulebook: Rulebook, result: OwnResult, until: int, now: int) -> WhyNot | None:
    if result.withdrawn_at is not None and result.withdrawn_at <= now:
        return WhyNot.WITHDRAWN
    if report_type_word(result.report_type) not in rulebook.own_results:
        return WhyNot.REPORT_TYPE
    return WhyNot.STAY_OVER if until < now else None


def _result_finding(result: OwnResult, name: str, until: int) -> Finding:
    return Finding(
        id=name,
        kind="own_result",
        colour=Colour.RED,
        rule="own_results",
        day=result.tested_on,
        capped=False,
        learned_at=result.learned_at,
        until=until,
        **_NOTHING_HEARD,
    )


def _order(result: OwnResult) -> tuple[int, int, int, int]:
    withdrawn_at = -1 if result.withdrawn_at is None else result.withdrawn_at
    return (result.tested_on.toordinal(), result.learned_at, result.report_type, withdrawn_at)
