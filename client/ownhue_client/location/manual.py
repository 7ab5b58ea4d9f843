"""The source "manual": where its owner said that this phone is. For a desk, or a device without a receiver."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from ownhue_client.location.interface import Fix

#: Seconds between two fixes: a place tag wants one that is at most two minutes old.
STEP_SECONDS = 60


class ByHand(NamedTuple):
    """One place, until it is over."""

    latitude: float
    """Degrees north, -90 to 90."""
    longitude: float
    """Degrees east, -180 to 180."""
    accuracy: int
    """Radius in metres."""
    until: int
    """Unix second from which on the place is not known any more."""

    def __repr__(self) -> str:
        """Without the place."""
        return f"ByHand(until={self.until}, ...)"


class ManualSource:
    """Repeats what the owner said last."""

    def __init__(self, told: Callable[[], ByHand | None], now: Callable[[], int]) -> None:
        """*told*: what was said last, None if nothing; *now*: unix seconds."""
        self._told = told
        self._now = now

    async def fixes(self) -> AsyncIterator[Fix]:
        """A fix a minute for as long as what was said holds."""
        while True:
            told, now = self._told(), self._now()
            if told is not None and now < told.until:
                yield Fix(now, told.latitude, told.longitude, told.accuracy)
            await asyncio.sleep(STEP_SECONDS)
