"""Endings: what can end each reason of a colour, and when. specs/colour.md section 5

- Every finding ends by time. What stands here besides is what can end it earlier.
- A certificate stands here with the dates that it may have, by each rule that would end the finding, as long as the
  first of these dates lies before the finding's end.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from ownhue.colour.decision import Ending, Finding, Grey, How
from ownhue.colour.exits import ends_findings
from ownhue.rulebook import ExitRule, Rulebook

_GREY_ENDS: dict[Grey, How] = {
    Grey.NO_RULEBOOK: "a rulebook in force",
    Grey.NO_DATA: "new published data",
    Grey.OLD_DATA: "new published data",
    Grey.RADIO_OFF: "radio on",
}


def endings(rulebook: Rulebook | None, reasons: Iterable[Finding], grey_because: Iterable[Grey]) -> Iterator[Ending]:
    """For each reason in its order what ends it, then for each cause of grey."""
    for finding in reasons:
        yield _ending("time", finding.id, at=finding.until)
        yield _ending("withdrawal by the authority", finding.id)
        if finding.kind == "area":
            yield _ending("I was not there", finding.id)
        if rulebook is not None:
            yield from _certificates(rulebook, finding)
        yield _ending("clearance by the authority", finding.id)
    for grey in grey_because:
        yield _ending(_GREY_ENDS[grey], None)


def _certificates(rulebook: Rulebook, finding: Finding) -> Iterator[Ending]:
    for rule in rulebook.exits:
        first = _begin_of_day(rulebook, finding, rule.from_day)
        if ends_findings(rule, finding.kind, finding.colour) and first <= finding.until:
            yield _certificate(rulebook, finding, rule, first)


def _certificate(rulebook: Rulebook, finding: Finding, rule: ExitRule, first: int) -> Ending:
    return Ending(
        how="certificate",
        at=first,
        last=_begin_of_day(rulebook, finding, rule.until_day + 1) - 1,
        finding=finding.id,
        rule=f"exits.{rule.name}",
        certificate=rule.certificate,
        test_kinds=rule.test_kinds,
    )


def _begin_of_day(rulebook: Rulebook, finding: Finding, days: int) -> int:
    """First second of the local day so many days after the finding's (one after the end of the day before)."""
    return rulebook.end_of_day(finding.day + timedelta(days=days - 1)) + 1


def _ending(how: How, finding: str | None, at: int | None = None) -> Ending:
    return Ending(how=how, at=at, last=None, finding=finding, rule=None, certificate=None, test_kinds=())
