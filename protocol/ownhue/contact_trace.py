"""Contact trace: who was near whom, as the SocioPatterns project publishes it. specs/rehearsal.md section 1

    time a b
    28840 574 1362
    28840 164 779

- ``time`` is in seconds from local midnight of day 0, in steps of 20, not going back; ``a`` and ``b`` are numbers of
  people. One line: the two wore badges that heard each other face to face in that slot of 20 s.
- The attenuation of such a contact is taken as 50 dB (about one metre, between bodies that face each other).
- Strict: what is not exactly that is refused with the number of its line.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ownhue.errors import FormatError, LimitError

#: Length of a slot in seconds. specs/rehearsal.md section 1
SLOT_SECONDS = 20
#: Attenuation in dB at which a contact counts as heard. specs/rehearsal.md section 1
CONTACT_ATTENUATION = 50
#: First line of a trace.
HEADER = "time a b"

_LINE = re.compile(r"(0|[1-9][0-9]{0,8}) (0|[1-9][0-9]{0,8}) (0|[1-9][0-9]{0,8})")


class Contact(NamedTuple):
    """Two people near each other in one slot."""

    time: int
    """Unix second."""
    a: int
    b: int
    seconds: int = SLOT_SECONDS
    """Length of the slot."""
    attenuation: int = CONTACT_ATTENUATION
    """Path loss between their phones in dB."""


@dataclass(frozen=True, slots=True)
class TraceLimits:
    """The most that a trace may hold."""

    lines: int = 5_000_000
    """Lines, the header included."""
    days: int = 366
    """Days from the first midnight."""
    people: int = 100_000
    """Different people."""


def read_trace(lines: Iterable[str], start: int, limits: TraceLimits | None = None) -> Iterator[Contact]:
    """The contacts of a trace whose day 0 begins at *start* (unix seconds), in their order.

    Lines may end with a line feed. Raises FormatError or LimitError with the number of the line, while iterating.
    """
    limits = limits or TraceLimits()
    numbered = enumerate(lines, start=1)
    if _text(next(numbered, (1, ""))[1]) != HEADER:
        raise FormatError(f"line 1: a contact trace begins with {HEADER!r}")
    slot, pairs, people = -1, set[tuple[int, int]](), set[int]()
    for number, line in numbered:
        time, a, b = _fields(number, line)
        if time < slot:
            raise FormatError(f"line {number}: time goes back")
        if time > slot:
            slot = time
            pairs.clear()
        pair = (min(a, b), max(a, b))
        if pair in pairs:
            raise FormatError(f"line {number}: the same pair twice in one slot")
        pairs.add(pair)
        people.update(pair)
        _check_limits(number, time, len(people), limits)
        yield Contact(start + time, a, b)


def _text(line: str) -> str:
    return line.removesuffix("\n")


def _fields(number: int, line: str) -> tuple[int, int, int]:
    match = _LINE.fullmatch(_text(line))
    if match is None:
        raise FormatError(f"line {number}: not three plain integers")
    time, a, b = map(int, match.groups())
    if time % SLOT_SECONDS:
        raise FormatError(f"line {number}: the time is not a multiple of {SLOT_SECONDS} s")
    if a == b:
        raise FormatError(f"line {number}: a contact of somebody with themselves")
    return time, a, b


def _check_limits(number: int, time: int, people: int, limits: TraceLimits) -> None:
    if number > limits.lines:
        raise LimitError(f"line {number}: a contact trace has at most {limits.lines} lines")
    if time >= limits.days * 86_400:
        raise LimitError(f"line {number}: a contact trace has at most {limits.days} days")
    if people > limits.people:
        raise LimitError(f"line {number}: a contact trace has at most {limits.people} people")
