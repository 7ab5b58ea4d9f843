"""History: since when the present colour has been what it is. specs/colour.md section 3

A decision knows the past only through its facts: at any earlier moment, what was known then gave a colour by the same
rulebook. Going back over every moment at which that can have changed finds where the present colour began. Grey is
no part of it: that data were old once is not kept in the facts.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from ownhue.decision import Colour, Finding
from ownhue.facts import Facts
from ownhue.findings import weigh
from ownhue.rulebook import Rulebook


def colour_since(rulebook: Rulebook, facts: Facts, now: int) -> int:
    """Unix second since which the findings gave the colour that they give at *now*."""
    findings = weigh(rulebook, facts, now).findings
    changes = {facts.observed_since, *_changes(findings)}
    withdrawals = _withdrawals(facts, now)
    if not withdrawals:
        # Evidence only grew, so today's findings also tell what was known on each earlier day.
        return _walk(changes, now, lambda moment: _worst(findings, moment))
    standing = replace(facts, withdrawn={}, results=tuple(replace(item, withdrawn_at=None) for item in facts.results))
    changes |= _changes(weigh(rulebook, standing, now).findings)
    changes |= withdrawals | {window.published_at for window in facts.windows}
    return _walk(changes, now, lambda moment: _worst(weigh(rulebook, facts, moment).findings, moment))


def _walk(changes: Iterable[int], now: int, colour_at: Callable[[int], Colour]) -> int:
    since, colour = now, colour_at(now)
    for change in sorted((change for change in changes if change <= now), reverse=True):
        if colour_at(change) != colour:
            break
        since = change
    return since


def _worst(findings: Iterable[Finding], moment: int) -> Colour:
    return max((finding.colour for finding in findings if finding.active(moment)), default=Colour.GREEN)


def _changes(findings: Iterable[Finding]) -> set[int]:
    """The moments at which findings began or ended. One that was learned after its end was never active."""
    active = [finding for finding in findings if finding.learned_at <= finding.until]
    return {moment for finding in active for moment in (finding.learned_at, finding.until + 1)}


def _withdrawals(facts: Facts, now: int) -> set[int]:
    times = [*facts.withdrawn.values(), *(result.withdrawn_at for result in facts.results)]
    return {time for time in times if time is not None and time <= now}
