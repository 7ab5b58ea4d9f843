"""A change between two rulebooks, and the words for it. specs/rulebook.md section 9"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Direction = Literal["stricter", "milder", "other"]


@dataclass(frozen=True, slots=True)
class Change:
    """One change, told in plain words."""

    path: str
    """The field, with dots; an exit is named by its name."""
    direction: Direction
    """stricter: colours can only get worse by it, or doors narrower; milder: only better; other: neither is known."""
    sentence: str
    """What it means for people, in plain English."""


def by_size(old: int, new: int, more: Direction) -> Direction:
    """*more* where the new value is greater, its opposite where it is smaller."""
    if old == new:
        return "other"
    return more if new > old else opposite(more)


def opposite(direction: Direction) -> Direction:
    """The other of stricter and milder."""
    opposites: dict[Direction, Direction] = {"stricter": "milder", "milder": "stricter", "other": "other"}
    return opposites[direction]


def by_choice(old: Sequence[Any], new: Sequence[Any], more: Direction) -> Direction:
    """*more* where the new list has all of the old one, its opposite where it has nothing else."""
    if set(new) > set(old):
        return more
    return opposite(more) if set(new) < set(old) else "other"


def listed(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"; "nothing" for no words."""
    if not words:
        return "nothing"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def hundredths(value: int) -> str:
    """ "12.34" for 1234, "12" for 1200."""
    return f"{value // 100}.{value % 100:02d}".removesuffix(".00")


def pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """(name, old value or None, new value or None) for every name of either, in alphabetical order."""
    for name in sorted({*old, *new}):
        yield name, old.get(name), new.get(name)


def label_changes(path: str, what: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    """Changes of a text that is written in several languages."""
    for language, before, after in pairs(old, new):
        where = f"{path}.{language}"
        if before is None:
            yield Change(where, "other", f"{what} is now also written in {language!r}.")
        elif after is None:
            yield Change(where, "other", f"{what} is no longer written in {language!r}.")
        elif before != after:
            yield Change(where, "other", f"{what} reads differently in {language!r}.")
