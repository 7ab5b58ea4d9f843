"""Findings: the step from evidence to what each group of it means under a rulebook. specs/colour.md sections 4 and 5

- Evidence of different kinds, days and rules is never added up.
- Only what was known at the time counts, so that any past decision can be computed again.
- Whatever is known and makes no colour is in ``not_counted``, with the reason.
- A certificate takes away what it covers, level by level: where it ends red only, yellow remains.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from ownhue.colour.decision import Finding, NotCounted
from ownhue.colour.encounters import encounter_groups
from ownhue.colour.evidence_facts import CertificateFact, ClearanceFact
from ownhue.colour.exits import Exit, Exits, why_it_ends_nothing
from ownhue.colour.facts import Facts
from ownhue.colour.notices import area_groups, venue_groups
from ownhue.colour.own_results import result_groups
from ownhue.colour.pieces import NEVER, Group, Level, Piece, clearances_of
from ownhue.colour.words import EvidenceKind, WhyNot, finding_id
from ownhue.rulebook import Rulebook

_Outcome = Finding | NotCounted | CertificateFact | ClearanceFact

_NOTHING: dict[str, Any] = dict.fromkeys(("part_of_day", "minutes", "seconds", "distance_band", "share_percent"))


class Evidence(NamedTuple):
    """All that the facts mean at one moment."""

    findings: tuple[Finding, ...]
    """Every finding known by then, also those whose stay is over."""
    not_counted: tuple[NotCounted, ...]
    """In order of days."""


def all_groups(rulebook: Rulebook, facts: Facts) -> tuple[Group, ...]:
    """Everything that can make a finding."""
    kinds = (encounter_groups, result_groups, venue_groups, area_groups)
    return tuple(group for groups in kinds for group in groups(rulebook, facts))


def weigh(rulebook: Rulebook, facts: Facts, groups: Iterable[Group], exits: Exits, now: int) -> Evidence:
    """Findings, and what was not counted, at *now* (unix seconds)."""
    items = [item for group in groups for item in _judge(facts, group, exits, now)]
    findings = tuple(item for item in items if isinstance(item, Finding))
    not_counted = [item for item in items if isinstance(item, NotCounted)]
    worked = {item for item in items if isinstance(item, CertificateFact | ClearanceFact)}
    # Two readings of one certificate, or two clearances of one day, may come to the same entry.
    not_counted += set(_without_effect(rulebook, facts, worked, now))
    return Evidence(findings, tuple(sorted(not_counted, key=_order)))


def certificate_name(salt: bytes, certificate: bytes) -> str:
    """How a decision names the certificate with this id: salted, as a finding."""
    return finding_id(salt, "certificate", certificate)


def _judge(facts: Facts, group: Group, exits: Exits, now: int) -> Iterator[_Outcome]:
    """What one group makes at *now*, what of it does not count, and the corrections that saw to that."""
    known = [piece for piece in group.pieces if piece.known_at <= now]
    yield from _left_out(group, known, now)
    yield from _clearing(facts, group, known, now)
    counted = kept = [piece for piece in known if piece.why_not(now) is None]
    ended: defaultdict[Exit, dict[Piece, None]] = defaultdict(dict)
    for level in _reached(group, counted):
        found = [exits.ending(group, level, piece, now) for piece in counted]
        for piece, item in zip(counted, found, strict=True):
            if item is not None:
                ended[item][piece] = None
        kept = [piece for piece, item in zip(counted, found, strict=True) if item is None]
        if group.measure(kept) >= level.needed:
            yield _finding(group, level, kept)
            if level.until < now:
                yield _in_vain(group, kept, WhyNot.STAY_OVER)
            break
    else:
        if kept:
            yield _in_vain(group, kept, WhyNot.BELOW_THRESHOLD)
    yield from _ended(facts, group, ended)


def _ended(facts: Facts, group: Group, ended: Mapping[Exit, Iterable[Piece]]) -> Iterator[NotCounted | CertificateFact]:
    """One entry for each rule and certificate, whatever the number of its readings; and these readings."""
    together: defaultdict[tuple[str, str], dict[Piece, None]] = defaultdict(dict)
    for item, pieces in ended.items():
        name = certificate_name(facts.salt, item.certificate.id)
        together[f"exits.{item.rule}", name].update(dict.fromkeys(pieces))
        yield item.certificate
    for (rule, name), taken in together.items():
        yield _not_counted(group, list(taken), WhyNot.ENDED, rule=rule, certificate=name)


def _clearing(facts: Facts, group: Group, known: Sequence[Piece], now: int) -> Iterator[ClearanceFact]:
    """The clearances that each clear something."""
    cleared = [piece.known_at for piece in known if piece.why_not(now) is WhyNot.CLEARED]
    for item in clearances_of(facts, group.id):
        if item.learned_at <= now and min(cleared, default=NEVER) <= item.issued_at:
            yield item


def _left_out(group: Group, known: Sequence[Piece], now: int) -> Iterator[NotCounted]:
    """One entry for each reason for which pieces do not count; none where another reading of the same counts."""
    dropped: defaultdict[WhyNot, list[Piece]] = defaultdict(list)
    taken = {piece.place for piece in known if piece.why_not(now) is None}
    for piece in known:
        why = piece.why_not(now)
        if why is not None and piece.place not in taken:
            dropped[why].append(piece)
    for why, pieces in dropped.items():
        yield _not_counted(group, pieces, why)


def _reached(group: Group, pieces: Sequence[Piece]) -> list[Level]:
    """The levels that *pieces* reach when no certificate takes any away, the most severe first."""
    value = group.measure(pieces) if pieces else 0
    return [level for level in reversed(group.levels) if value >= level.needed]


def _finding(group: Group, level: Level, pieces: Sequence[Piece]) -> Finding:
    value, described = group.measure(pieces), group.describe(pieces)
    return Finding(
        id=group.id,
        kind=group.kind,
        colour=level.colour,
        rule=level.rule,
        day=group.day,
        share_percent=_share(value, level, described),
        place=group.place_of(pieces),
        capped=value >= group.capped_at,
        learned_at=_learned_at(group, level, pieces),
        until=level.until,
        **described,
    )


def _learned_at(group: Group, level: Level, pieces: Sequence[Piece]) -> int:
    """When what was known by then first reached the level. *pieces* reach it all together."""
    order = sorted(pieces, key=lambda piece: piece.known_at)
    number = bisect_left(range(1, len(order)), True, key=lambda count: group.measure(order[:count]) >= level.needed)
    return order[number].known_at


def _in_vain(group: Group, pieces: Sequence[Piece], why: WhyNot) -> NotCounted:
    """The entry of pieces that make no colour (below the threshold, or their stay is over)."""
    share = _share(group.measure(pieces), group.levels[0], group.describe(pieces))
    return _not_counted(group, pieces, why).model_copy(update={"share_percent": share})


def _share(value: int, level: Level, described: dict[str, Any]) -> int | None:
    return None if described["minutes"] is None else 100 * value // level.needed


def _not_counted(
    group: Group, pieces: Sequence[Piece], why: WhyNot, rule: str | None = None, certificate: str | None = None
) -> NotCounted:
    return NotCounted(
        kind=group.kind,
        day=group.day,
        why=why,
        finding=group.id,
        rule=rule or group.notice_rule,
        certificate=certificate,
        share_percent=None,
        **group.describe(pieces),
    )


def _without_effect(rulebook: Rulebook, facts: Facts, worked: Container[object], now: int) -> Iterator[NotCounted]:
    """Certificates that end nothing and clearances that clear nothing, so that all that is known is told of."""
    for item in facts.certificates:
        if item.learned_at <= now and item not in worked:
            day, why = rulebook.local_date(item.time), why_it_ends_nothing(item, now)
            yield _bare("certificate", day, why, finding=None, certificate=certificate_name(facts.salt, item.id))
    for clearance in facts.clearances:
        if clearance.learned_at <= now and clearance not in worked:
            day = rulebook.local_date(clearance.issued_at)
            yield _bare("clearance", day, WhyNot.NOTHING_TO_END, finding=clearance.finding, certificate=None)


def _bare(kind: EvidenceKind, day: date, why: WhyNot, finding: str | None, certificate: str | None) -> NotCounted:
    return NotCounted(kind=kind, day=day, why=why, rule=None, finding=finding, certificate=certificate, **_NOTHING)


def _order(item: NotCounted) -> tuple[Any, ...]:
    return (item.day, item.kind, item.why, item.finding or "", item.rule or "", item.certificate or "")
