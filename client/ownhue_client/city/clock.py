"""The clock of a city's devices: goes where the story goes, never back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ownhue.clock_anchor import BOOT_BYTES


class CityClock:
    """Every device of a city was switched on at *start* (unix seconds), and none of them is ever switched off."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._now = start
        self._lead: Callable[[], int] | None = None

    def now(self) -> int:
        """The wall clock of every device, unix seconds."""
        if self._lead is not None:
            self.move(self._lead())
        return self._now

    def reading(self) -> tuple[bytes, int]:
        """As ``ownhue_client.clock.Clock.reading``."""
        return bytes(BOOT_BYTES), self.now() - self._start

    def move(self, now: int) -> None:
        """Let it be *now* (unix seconds), or later if it is later already."""
        self._now = max(self._now, now)

    @contextmanager
    def led_by(self, lead: Callable[[], int]) -> Iterator[None]:
        """Go with another clock (unix seconds) for a while: that of an event loop with virtual time."""
        self._lead = lead
        try:
            yield
        finally:
            self.now()
            self._lead = None
