"""The clock of a city's devices: goes where the story goes, never back."""

from ownhue.clock_anchor import BOOT_BYTES


class CityClock:
    """Every device of a city was switched on at *start* (unix seconds), and none of them is ever switched off."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._now = start

    def reading(self) -> tuple[bytes, int]:
        """As ``ownhue_client.clock.Clock.reading``."""
        return bytes(BOOT_BYTES), self._now - self._start

    def move(self, now: int) -> None:
        """Let it be *now* (unix seconds), or later if it is later already."""
        self._now = max(self._now, now)
