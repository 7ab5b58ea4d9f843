"""How well sampled radio finds what a rehearsal knows: encounters and colours, sensitivity and precision.

    score = encounters(days)             # Score(both=11, missed=2, wrong=1)
    score.sensitivity, score.precision   # 0.846..., 0.916...

- An **encounter** is a person and a local day on which others who tested positive were near for as long as the rule
  asks; found is one that any morning's decision names as a reason.
- A **colour** is a person on a morning, yellow or red by encounters. Whoever tested positive is left out, as their own
  result makes them red whatever was heard.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple, Protocol, TypeVar

from ownhue.colour import Colour, Decision

Thing = TypeVar("Thing")


class Morning(Protocol):
    """What everybody's phone decided on a morning, and what it would have, had it known who was near whom."""

    @property
    def decisions(self) -> Mapping[int, Decision]:
        """By person, the phones' own."""

    @property
    def rehearsed(self) -> Mapping[int, Decision]:
        """By person, the rehearsal's."""


class Score(NamedTuple):
    """How many things both have, and how many one side alone."""

    both: int
    missed: int
    """The rehearsal has it, the phone does not."""
    wrong: int
    """The phone has it, the rehearsal does not."""

    @property
    def sensitivity(self) -> float | None:
        """Share of the rehearsal's that was found; None where there is none."""
        return self.both / (self.both + self.missed) if self.both + self.missed else None

    @property
    def precision(self) -> float | None:
        """Share of what was found that is the rehearsal's, too; None where nothing was found."""
        return self.both / (self.both + self.wrong) if self.both + self.wrong else None


def encounters(mornings: Sequence[Morning]) -> Score:
    """Of all encounters that any of *mornings* names as a reason."""
    return _score(
        (_encounters(morning.decisions) for morning in mornings),
        (_encounters(morning.rehearsed) for morning in mornings),
    )


def colours(mornings: Sequence[Morning], without: Iterable[int]) -> Score:
    """Of the mornings on which people are yellow or red; *without* those who tested positive."""
    left_out = set(without)
    return _score(
        (_warned(number, morning.decisions, left_out) for number, morning in enumerate(mornings)),
        (_warned(number, morning.rehearsed, left_out) for number, morning in enumerate(mornings)),
    )


def minutes_ratio(mornings: Sequence[Morning]) -> float | None:
    """Weighted minutes that phones counted in the encounters of both, for each minute of the rehearsal's."""
    phone: dict[tuple[int, date], int] = {}
    rehearsal: dict[tuple[int, date], int] = {}
    for morning in mornings:
        phone |= _minutes(morning.decisions)
        rehearsal |= _minutes(morning.rehearsed)
    both = phone.keys() & rehearsal.keys()
    expected = sum(rehearsal[one] for one in both)
    return sum(phone[one] for one in both) / expected if expected else None


def _score(found: Iterable[set[Thing]], expected: Iterable[set[Thing]]) -> Score:
    ours, theirs = set().union(*found), set().union(*expected)
    return Score(len(ours & theirs), len(theirs - ours), len(ours - theirs))


def _encounters(decisions: Mapping[int, Decision]) -> set[tuple[int, date]]:
    return set(_minutes(decisions))


def _minutes(decisions: Mapping[int, Decision]) -> dict[tuple[int, date], int]:
    return {
        (person, finding.day): finding.minutes or 0
        for person, decision in decisions.items()
        for finding in decision.reasons
        if finding.kind == "encounter"
    }


def _warned(number: int, decisions: Mapping[int, Decision], without: set[int]) -> set[tuple[int, int]]:
    return {
        (number, person)
        for person, decision in decisions.items()
        if person not in without and decision.colour in {Colour.YELLOW, Colour.RED}
    }
