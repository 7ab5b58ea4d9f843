"""History: since when the present colour has been what it is. specs/colour.md section 3

A decision knows the past only through its facts: at any earlier moment, what was known then gave a colour by the same
rulebook. Going back over every moment at which that can have changed finds where the present colour began. Grey is
no part of it: that data were old once is not kept in the facts.
"""

from collections.abc import Iterable

from ownhue.decision import Colour, Finding
from ownhue.facts import Facts
from ownhue.findings import weigh
from ownhue.rulebook import Rulebook


def colour_since(rulebook: Rulebook, facts: Facts, now: int) -> int:
    """Unix second since which the findings gave the colour that they give at *now*."""
    findings = weigh(rulebook, facts, now).findings
    colour, withdrawals = _worst(findings, now), _withdrawals(facts, now)
    if not withdrawals and all(finding.learned_at <= finding.until for finding in findings):
        # Evidence only grew, and in time: today's findings also tell what was known on each earlier day.
        first = min((facts.observed_since, *_changes(findings)))
        return _walk([(first, findings)], colour, now)
    # Today's findings hide a stay that was withdrawn, or that turned into a graver one only after that one's end.
    learned = {window.published_at for window in facts.windows} | {result.learned_at for result in facts.results}
    begins = sorted((known for known in {facts.observed_since, *learned, *withdrawals} if known <= now), reverse=True)
    return _walk(((begin, weigh(rulebook, facts, begin).findings) for begin in begins), colour, now)


def _walk(known: Iterable[tuple[int, Iterable[Finding]]], colour: Colour, now: int) -> int:
    """Back over what was known, the latest first (from when on, which findings), for as long as it gave *colour*."""
    since, end = now, now + 1
    for begin, findings in known:
        for change in sorted((item for item in {begin, *_changes(findings)} if begin <= item < end), reverse=True):
            if _worst(findings, change) != colour:
                return since
            since = change
        end = begin
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
