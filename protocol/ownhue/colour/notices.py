"""Notices: visits that venue notices speak of, and stays that area notices speak of. specs/colour.md section 4

Two hours of one visit, each with a notice of its own, are one stay of 80 minutes:

    VenueExposure(source=..., rule="indoor", start=1767585600, seconds=3600, ...)
    VenueExposure(source=..., rule="indoor", start=1767589200, seconds=1200, ...)

- What overlaps or touches is one stay, so that nothing is counted twice; the longest stay of a local day decides.
- That holds over all venue notices of a rule, since one visit may have a notice for each of its hours. Each area notice
  is taken by itself: the seconds of its exposure are a sum, and need not lie together.
- An area notice may ask for a longer stay than the rulebook, never for a shorter one.
- One more exposure never makes the longest stay shorter.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

from ownhue.colour.evidence_facts import AreaExposure, ClearanceFact, VenueExposure
from ownhue.colour.facts import Facts
from ownhue.colour.pieces import NEVER, PARTS, Group, Level, Piece, clearances_of, cleared_at, part_of_day
from ownhue.colour.words import Colour, WhyNot, finding_id
from ownhue.rulebook import AreaRule, Rulebook, VenueRule

_MINUTE = 60
#: What a meter of stays shows where the least stay is reached.
_FULL = 100

_NoticeKind = Literal["venue", "area"]
_Span = tuple[int, int]  # start, end
_Track = tuple[bytes, int]  # source, least seconds
_Exposure = VenueExposure | AreaExposure
_Rule = VenueRule | AreaRule


class Stay(NamedTuple):
    """One stay."""

    percent: int
    """How far it fills what is asked for."""
    seconds: int
    start: int
    """Unix second."""
    together: int
    """Seconds of all stays that were looked at with it."""


_NO_STAY = Stay(0, 0, 0, 0)


class StayMeter:
    """How far the longest stay fills what its notices ask for, in percent, rounded down."""

    def __init__(self) -> None:
        self._spans: defaultdict[_Track, list[_Span]] = defaultdict(list)
        self._longest: dict[_Track, Stay] = {}

    def add(self, piece: Piece) -> None:
        """Take a piece in."""
        insort(self._spans[_track(piece)], _span(piece))
        self._longest.pop(_track(piece), None)

    def remove(self, piece: Piece) -> None:
        """Take a piece out that was taken in."""
        self._spans[_track(piece)].remove(_span(piece))
        self._longest.pop(_track(piece), None)

    def value(self) -> int:
        """The percentage."""
        return self.longest().percent

    def longest(self) -> Stay:
        """The stay that fills most; of equals the longest, then the first."""
        for track, spans in self._spans.items():
            if track not in self._longest:
                self._longest[track] = _longest(spans, least=track[1])
        return max(self._longest.values(), key=_rank, default=_NO_STAY)


def _longest(spans: Sequence[_Span], least: int) -> Stay:
    joined = _joined(spans)
    if not joined:
        return _NO_STAY
    seconds = [end - start for start, end in joined]
    longest = max(seconds)
    return Stay(_FULL * longest // least, longest, joined[seconds.index(longest)][0], sum(seconds))


def _rank(stay: Stay) -> tuple[int, int, int]:
    return stay.percent, stay.seconds, -stay.start


def venue_groups(rulebook: Rulebook, facts: Facts) -> Iterator[Group]:
    """The venue exposures by local day and rule, in order."""
    return _groups(rulebook, facts, "venue", facts.venues, rulebook.venues)


def area_groups(rulebook: Rulebook, facts: Facts) -> Iterator[Group]:
    """The area exposures by local day and rule, in order."""
    return _groups(rulebook, facts, "area", facts.areas, rulebook.areas)


def _groups(
    rulebook: Rulebook, facts: Facts, kind: _NoticeKind, exposures: Iterable[_Exposure], rules: Mapping[str, _Rule]
) -> Iterator[Group]:
    days: defaultdict[tuple[date, str], list[_Exposure]] = defaultdict(list)
    for exposure in sorted(set(exposures), key=_order):
        days[rulebook.local_date(exposure.start), exposure.rule].append(exposure)
    for day, name in sorted(days):
        yield _group(rulebook, facts, kind, day, name, rules.get(name), days[day, name])


def _group(
    rulebook: Rulebook,
    facts: Facts,
    kind: _NoticeKind,
    day: date,
    name: str,
    rule: _Rule | None,
    exposures: Iterable[_Exposure],
) -> Group:
    identifier, field = finding_id(facts.salt, kind, day.isoformat(), name), f"{kind}s.{name}"
    clearances = clearances_of(facts, identifier)
    return Group(
        id=identifier,
        kind=kind,
        day=day,
        notice_rule=field,
        levels=() if rule is None else (_level(rulebook, day, rule, field),),
        capped_at=NEVER,
        pieces=tuple(_piece(facts, rule, exposure, clearances) for exposure in exposures),
        new_meter=StayMeter,
        describe=lambda pieces: _described(rulebook, pieces),
        place_of=lambda _: None,
    )


def _level(rulebook: Rulebook, day: date, rule: _Rule, field: str) -> Level:
    red = isinstance(rule, VenueRule) and rule.colour == "red"
    days = rulebook.stays.red_days if red else rulebook.stays.yellow_days
    until = rulebook.end_of_day(day + timedelta(days=days))
    return Level(Colour.RED if red else Colour.YELLOW, _FULL, field, until)


def _piece(facts: Facts, rule: _Rule | None, exposure: _Exposure, clearances: Iterable[ClearanceFact]) -> Piece:
    least, denied_at, never = _MINUTE * (1 if rule is None else rule.minimum_minutes), NEVER, None
    if isinstance(exposure, AreaExposure):
        least = max(least, exposure.minimum_seconds)
        denied_at = NEVER if exposure.denied_at is None else exposure.denied_at
    elif exposure.contradicted:
        never = WhyNot.ELSEWHERE
    return Piece(
        fact=exposure,
        place=(exposure.source, exposure.start),
        weight=least,
        known_at=exposure.published_at,
        never=WhyNot.UNKNOWN_RULE if rule is None else never,
        withdrawn_at=facts.withdrawn.get(exposure.source, NEVER),
        denied_at=denied_at,
        cleared_at=cleared_at(clearances, exposure.published_at),
    )


def _track(piece: Piece) -> _Track:
    """What is looked at together: everything of a venue rule, and one notice of an area rule; what it asks for."""
    return piece.fact.source if isinstance(piece.fact, AreaExposure) else b"", piece.weight


def _span(piece: Piece) -> _Span:
    return piece.fact.start, piece.fact.start + piece.fact.seconds


def _joined(spans: Sequence[_Span]) -> list[_Span]:
    """Spans in order of starts, those that overlap or touch joined. Called for every change of a track."""
    if not spans:
        return []
    joined, (begin, last) = [], spans[0]
    for start, end in spans:
        if start > last:
            joined.append((begin, last))
            begin = start
        if end > last:
            last = end
    return [*joined, (begin, last)]


def _described(rulebook: Rulebook, pieces: Iterable[Piece]) -> dict[str, Any]:
    meter = StayMeter()
    for piece in pieces:
        meter.add(piece)
    stay = meter.longest()
    return {
        "part_of_day": PARTS[part_of_day(rulebook, stay.start)],
        "minutes": stay.seconds // _MINUTE,
        "seconds": stay.together,
        "distance_band": None,
    }


def _order(exposure: _Exposure) -> tuple[Any, ...]:
    """An order of the exposures of one kind that does not depend on how they were found."""
    if isinstance(exposure, AreaExposure):
        marks = exposure.minimum_seconds, NEVER if exposure.denied_at is None else exposure.denied_at
    else:
        marks = int(exposure.contradicted), 0
    return (exposure.start, exposure.source, exposure.rule, exposure.seconds, exposure.published_at, *marks)
