"""Chance: numbers from random bytes, so that tests can repeat what was drawn."""

import os
import struct
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
Random = Callable[[int], bytes]

_NUMBER_BYTES = 8


class Chance:
    """Draws from *random*, which gives that many random bytes."""

    def __init__(self, random: Random = os.urandom) -> None:
        self._random = random

    def bytes(self, count: int) -> bytes:
        """*count* random bytes."""
        return self._random(count)

    def numbers(self, bound: int, count: int) -> list[int]:
        """*count* numbers from 0 up to *bound*, exclusive."""
        # 8 random bytes modulo some millions: the bias is below 2**-40.
        words = struct.unpack(f"<{count}Q", self._random(_NUMBER_BYTES * count))
        return [word % bound for word in words]

    def below(self, bound: int) -> int:
        """A number from 0 up to *bound*, exclusive."""
        return self.numbers(bound, 1)[0]

    def percent(self, chance: int) -> bool:
        """True in *chance* of a hundred cases."""
        return self.below(100) < chance

    def one_of(self, items: Sequence[T]) -> T:
        """Any of *items*."""
        return items[self.below(len(items))]
