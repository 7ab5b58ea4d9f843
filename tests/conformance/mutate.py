"""Mutations of structured values, field by field, for tests that attack readers. specs/README.md

    for path, mutant in mutations([1, b"key", {"day": "2026-01-05"}], Random(7)):
        ...                                  ("[1]", [1, b"kez", {...}]), ("['day']", ...), ...

- Every mutant differs from the original in exactly one place, and *path* names the place.
- A mutant may be of another type than the field wants; it is never equal to the original.
- The same value and the same random source give the same mutants.
"""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any


def mutations(value: Any, random: Random, rounds: int = 1) -> Iterator[tuple[str, Any]]:
    """(path, mutant) for every field of nested lists, tuples, dicts and scalars, *rounds* times each."""
    for _ in range(rounds):
        yield from _mutate(value, random, "")


def flipped(data: bytes, random: Random) -> bytes:
    """*data* (not empty) with one bit flipped."""
    position = random.randrange(len(data) * 8)
    changed = bytearray(data)
    changed[position // 8] ^= 1 << position % 8
    return bytes(changed)


def _mutate(value: Any, random: Random, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from _mutate_dict(value, random, path)
    elif isinstance(value, list | tuple):
        yield from _mutate_list(value, random, path)
    else:
        for mutant in _scalars(value, random):
            if mutant != value or type(mutant) is not type(value):
                yield path, mutant


def _mutate_dict(value: dict[Any, Any], random: Random, path: str) -> Iterator[tuple[str, Any]]:
    for key in value:
        where = f"{path}[{key!r}]"
        yield f"{where} missing", {name: item for name, item in value.items() if name != key}
        for below, mutant in _mutate(value[key], random, where):
            yield below, {name: mutant if name == key else item for name, item in value.items()}
    yield f"{path} one more", {**value, "zz-unknown": 0}


def _mutate_list(value: list[Any] | tuple[Any, ...], random: Random, path: str) -> Iterator[tuple[str, Any]]:
    kind, items = type(value), list(value)
    for index, item in enumerate(items):
        where = f"{path}[{index}]"
        yield f"{where} missing", kind(items[:index] + items[index + 1 :])
        yield f"{where} twice", kind([*items[: index + 1], item, *items[index + 1 :]])
        for below, mutant in _mutate(item, random, where):
            yield below, kind([*items[:index], mutant, *items[index + 1 :]])


def _scalars(value: Any, random: Random) -> Iterator[Any]:
    match value:
        case bool() | None:
            yield from (not value, 0, "x")
        case int():
            yield from (
                value + 1,
                value - 1,
                -value - 1,
                value + 2 ** random.randrange(1, 64),
                2**64 - 1,
                str(value),
                None,
            )
        case bytes():
            yield from (
                flipped(value, random) if value else b"\0",
                value + b"\0",
                value[:-1] + b"\0\0",
                b"",
                value[1:],
                0,
            )
        case str():
            yield from (value + "x", value[1:], value.swapcase(), "", value + "\0", f" {value}", 0)
            if value:
                at = random.randrange(len(value))
                yield value[:at] + chr(ord(value[at]) % 94 + 33) + value[at + 1 :]
        case _:
            yield None


class Tally:
    """How often each step of a verification failed; a test asks that each did often enough."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, step: str) -> None:
        """One more failure of *step*."""
        self.counts[step] += 1

    def require(self, steps: list[str], least: int = 100) -> None:
        """Raises AssertionError naming every step that failed fewer than *least* times."""
        missing = {step: self.counts[step] for step in steps if self.counts[step] < least}
        assert not missing, f"too few failures: {missing}; all: {dict(self.counts)}"
