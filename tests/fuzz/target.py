"""What a fuzz target is: a parser, the way back, and a few valid inputs to begin from.

A target fails when anything but an error of this project leaves the parser, or when accepted bytes do not encode again
to themselves.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ownhue.errors import OwnhueError


@dataclass(frozen=True, slots=True)
class Target:
    """One parser."""

    parse: Callable[[bytes], Any]
    """Reads bytes, or raises an error of this project."""
    encode: Callable[[Any], bytes | None] | None
    """Writes what was read; None for foreign formats, whose readers are not canonical (their spec says so)."""
    seeds: Callable[[], Sequence[bytes]]
    """Valid inputs, at least one."""

    def run(self, data: bytes) -> bool:
        """Whether *data* was accepted. Raises whatever must never be raised, AssertionError for a second spelling."""
        with suppress(OwnhueError):
            value = self.parse(data)
            if self.encode is not None:
                assert self.encode(value) == data, "accepted bytes do not encode again to themselves"
            return True
        return False


def text(parse: Callable[[str], Any]) -> Callable[[bytes], Any]:
    """A parser of texts as one of bytes: what is no UTF-8 is read as Latin-1."""

    def parse_bytes(data: bytes) -> Any:
        try:
            return parse(data.decode())
        except UnicodeDecodeError:
            return parse(data.decode("latin-1"))

    return parse_bytes
