"""Colour: the decision from a rulebook and facts at one moment. specs/colour.md

    decide(demonstration_rulebook(), facts, 1767834000).colour          Colour.YELLOW

- Pure and deterministic: no clock, no network, no order of input changes the result.
- The colour is the most severe finding; evidence is never added up over kinds or days.
- Grey replaces only green. An outage makes nobody yellow or red and ends no stay early; stays end when they end.
- Every yellow and red has an end, and the decision says when and by what.
- More evidence never makes a colour milder; a certificate, clearance, denial or withdrawal never makes it worse.
"""

from collections.abc import Iterator
from typing import Any

from ownhue.colour.decision import (
    Colour,
    Decision,
    Ending,
    Finding,
    Grey,
    NotCounted,
    WhyNot,
    decision_bytes,
    parse_decision,
)
from ownhue.colour.endings import endings
from ownhue.colour.evidence_facts import AreaExposure, CertificateFact, ClearanceFact, VenueExposure
from ownhue.colour.exits import Exits
from ownhue.colour.facts import Facts, OwnResult, facts_digest
from ownhue.colour.findings import all_groups, weigh
from ownhue.colour.history import colour_since
from ownhue.rulebook import Rulebook

__all__ = [
    "AreaExposure",
    "CertificateFact",
    "ClearanceFact",
    "Colour",
    "Decision",
    "Ending",
    "Facts",
    "Finding",
    "Grey",
    "NotCounted",
    "OwnResult",
    "VenueExposure",
    "WhyNot",
    "decide",
    "decision_bytes",
    "parse_decision",
]

_HOUR = 3600


def decide(rulebook: Rulebook | None, facts: Facts, now: int) -> Decision:
    """The colour at *now* (unix seconds, 0 .. 2^32 - 1), with its reasons. specs/colour.md section 2

    Without a rulebook that is in force, nothing is judged: the colour is grey.
    """
    inputs = _inputs(rulebook, facts, now)
    if rulebook is None or not rulebook.in_force(now):
        return _decision(rulebook, inputs, Colour.GREY, grey_because=(Grey.NO_RULEBOOK,))
    groups = all_groups(rulebook, facts)
    exits = Exits(rulebook, (item for item in facts.certificates if item.learned_at <= now))
    evidence = weigh(rulebook, facts, groups, exits, now)
    reasons = sorted((finding for finding in evidence.findings if finding.active(now)), key=_severest_first)
    colour = max((finding.colour for finding in reasons), default=Colour.GREEN)
    missing = tuple(_missing(rulebook, facts, now)) if colour == Colour.GREEN else ()
    if missing:
        return _decision(rulebook, inputs, Colour.GREY, grey_because=missing, not_counted=evidence.not_counted)
    return _decision(
        rulebook,
        inputs,
        colour,
        since=colour_since(groups, exits, facts.observed_since, now),
        until=max((finding.until for finding in reasons if finding.colour == colour), default=None),
        reasons=tuple(reasons),
        not_counted=evidence.not_counted,
    )


def _inputs(rulebook: Rulebook | None, facts: Facts, now: int) -> dict[str, Any]:
    return {
        "time": now,
        "zone": rulebook.zone if rulebook else None,
        "observed_since": facts.observed_since,
        "published_until": facts.published_until,
        "radio_share_percent": facts.radio_share_percent,
        "data_old": rulebook is None or facts.published_until is None or _too_old(rulebook, facts.published_until, now),
        "rulebook_version": rulebook.version if rulebook else None,
        "rulebook_digest": rulebook.digest if rulebook else None,
        "facts_digest": facts_digest(facts),
    }


def _decision(
    rulebook: Rulebook | None,
    inputs: dict[str, Any],
    colour: Colour,
    *,
    since: int | None = None,
    until: int | None = None,
    reasons: tuple[Finding, ...] = (),
    not_counted: tuple[NotCounted, ...] = (),
    grey_because: tuple[Grey, ...] = (),
) -> Decision:
    return Decision(
        colour=colour,
        since=since,
        until=until,
        reasons=reasons,
        not_counted=not_counted,
        grey_because=grey_because,
        ends=tuple(endings(rulebook, reasons, grey_because)),
        **inputs,
    )


def _severest_first(finding: Finding) -> tuple[Any, ...]:
    return (-finding.colour, finding.day, finding.kind, finding.id)


def _missing(rulebook: Rulebook, facts: Facts, now: int) -> Iterator[Grey]:
    """Why nothing found does not mean that nothing was there. specs/colour.md section 6"""
    if facts.published_until is None:
        yield Grey.NO_DATA
    elif _too_old(rulebook, facts.published_until, now):
        yield Grey.OLD_DATA
    share = facts.radio_share_percent
    if share is None:
        if rulebook.radio.when_unknown == "grey":
            yield Grey.RADIO_OFF
    elif share < rulebook.radio.least_share_percent:
        yield Grey.RADIO_OFF


def _too_old(rulebook: Rulebook, published_until: int, now: int) -> bool:
    return now - published_until > rulebook.freshness.published_data_hours * _HOUR
