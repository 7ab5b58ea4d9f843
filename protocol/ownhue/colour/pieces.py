"""Pieces of evidence, and the groups in which they are judged. specs/colour.md section 4

- A piece is one fact under a rulebook: an exposure window, a venue or area exposure, an own result.
- A group holds the pieces of one kind, local day and rule. What it makes is a matter of levels: for each colour that it
  can make, how much is needed.
- Everything here is free of the present time: a piece says from when on it was known, and until when it counted.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from ownhue.colour.evidence_facts import ClearanceFact
from ownhue.colour.facts import Facts
from ownhue.colour.words import Colour, Kind, PartOfDay, WhyNot
from ownhue.rulebook import Rulebook

#: A time that never comes.
NEVER = 2**63
#: The quarters of a local day, from midnight on.
PARTS: tuple[PartOfDay, ...] = ("night", "morning", "afternoon", "evening")


class Piece(NamedTuple):
    """One fact under a rulebook."""

    fact: Any
    """ExposureWindow, VenueExposure, AreaExposure or OwnResult."""
    place: tuple[bytes | int, ...]
    """Facts of one place are readings of one thing."""
    weight: int
    """Score of a window (10^-4 s); the stay in seconds that a notice asks for; 1 for a result."""
    known_at: int
    """Unix second from which on it was known."""
    never: WhyNot | None
    """Why it can never count; None where it can."""
    withdrawn_at: int = NEVER
    denied_at: int = NEVER
    cleared_at: int = NEVER

    def why_not(self, now: int) -> WhyNot | None:
        """Why it does not count at *now*, the first reason that holds. specs/colour.md section 5"""
        if self.withdrawn_at <= now:
            return WhyNot.WITHDRAWN
        if self.never is not None:
            return self.never
        if self.denied_at <= now:
            return WhyNot.DENIED
        return WhyNot.CLEARED if self.cleared_at <= now else None

    @property
    def gone_at(self) -> int:
        """Unix second from which on it no longer counts."""
        return min(self.withdrawn_at, self.denied_at, self.cleared_at)


class Level(NamedTuple):
    """One colour that a group can make."""

    colour: Colour
    needed: int
    """What the meter must show, in its own unit."""
    rule: str
    """The field of the rulebook that says so."""
    until: int
    """Last unix second of its stay."""


class Meter(Protocol):
    """Adds up pieces. More pieces never show less."""

    def add(self, piece: Piece) -> None:
        """Take a piece in."""

    def remove(self, piece: Piece) -> None:
        """Take a piece out that was taken in."""

    def value(self) -> int:
        """What the pieces amount to."""


class ScoreMeter:
    """The sum of weights, of each place only the heaviest reading."""

    def __init__(self) -> None:
        # For each place its weights in order: the heaviest is the last.
        self._weights: defaultdict[tuple[bytes | int, ...], list[int]] = defaultdict(list)
        self._total = 0

    def add(self, piece: Piece) -> None:
        """Take a piece in."""
        weights = self._weights[piece.place]
        self._total -= _last(weights)
        insort(weights, piece.weight)
        self._total += _last(weights)

    def remove(self, piece: Piece) -> None:
        """Take a piece out that was taken in."""
        weights = self._weights[piece.place]
        self._total -= _last(weights)
        del weights[bisect_left(weights, piece.weight)]
        self._total += _last(weights)

    def value(self) -> int:
        """The sum."""
        return self._total


def _last(weights: Sequence[int]) -> int:
    return weights[-1] if weights else 0


@dataclass(frozen=True, slots=True)
class Group:
    """Pieces that are judged together."""

    id: str
    """Id of the finding that they make."""
    kind: Kind
    day: date
    """Local day of all of them."""
    notice_rule: str | None
    """The field of the rulebook that a notice names, whether it is there or not; None without a notice."""
    levels: tuple[Level, ...]
    """What they can make, mildest first, each needing no less than the one before; empty without a rule."""
    capped_at: int
    """What the meter shows at the threshold of a colour that a ceiling forbids; NEVER where none does."""
    pieces: tuple[Piece, ...]
    """In an order that does not depend on how they were found."""
    new_meter: Callable[[], Meter]
    describe: Callable[[Sequence[Piece]], dict[str, Any]]
    """Part of day, minutes, seconds and band of some of the pieces."""
    place_of: Callable[[Sequence[Piece]], Any]
    """Whether the place of some of the pieces is confirmed; None where that is no question."""

    def measure(self, pieces: Iterable[Piece]) -> int:
        """What *pieces* amount to."""
        meter = self.new_meter()
        for piece in pieces:
            meter.add(piece)
        return meter.value()


def part_of_day(rulebook: Rulebook, time: int) -> int:
    """Number of the quarter of the local day in which *time* (unix seconds) lies."""
    return datetime.fromtimestamp(time, rulebook.zone_info).hour // 6


def clearances_of(facts: Facts, name: str) -> tuple[ClearanceFact, ...]:
    """The clearances of one finding."""
    return tuple(item for item in facts.clearances if item.finding == name)


def cleared_at(clearances: Iterable[ClearanceFact], known_at: int) -> int:
    """From when on what was known at *known_at* is cleared; NEVER where no clearance was made so late."""
    return min((item.learned_at for item in clearances if known_at <= item.issued_at), default=NEVER)
