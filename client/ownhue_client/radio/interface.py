"""What a radio can do. specs/identifiers.md section 5

    await broadcaster.broadcast(beacon.rpi, beacon.aem)    # starts, or rotates: address and identifier together
    async for heard in scanner.sightings(4.0): ...
    reason = await broadcaster.ended()                       # it ended by itself: nothing is on the air any more

- "A new identifier on the old address" cannot be written with it, nor "a new address for the old identifier": whoever
  calls waits for the next interval before anything is on the air again.
- No address of anybody comes out of here.
"""

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol


class Heard(NamedTuple):
    """One advertisement that was received."""

    rpi: bytes
    """Rolling proximity identifier, 16 bytes."""
    aem: bytes
    """Associated encrypted metadata, 4 bytes."""
    rssi: int
    """Received signal strength in dBm, as the radio gave it. One that is missing (-127) is never handed on."""
    time: int
    """Unix second at which it was received."""


class Broadcaster(Protocol):
    """The sending half of a radio."""

    async def broadcast(self, rpi: bytes, aem: bytes) -> None:
        """Send this beacon from now on, from a fresh non-resolvable private address, in place of the last one.

        Raises RadioError; nothing is on the air then. FormatError for a beacon that is not 16 + 4 bytes.
        """

    async def stop(self) -> None:
        """Send nothing any more. Does nothing when nothing is sent; never raises for a radio that is gone."""

    async def ended(self) -> str:
        """Wait until a broadcast ended without :meth:`stop`, and tell why, in a sentence."""


class Scanner(Protocol):
    """The receiving half of a radio."""

    def sightings(self, duration: float) -> AsyncIterator[Heard]:
        """Listen for *duration* seconds; each advertisement of the service as it comes. Raises RadioError.

        What is no beacon of the service (another length, more than one) is left out and counted by the back end as
        ``malformed``.
        """

    @property
    def malformed(self) -> int:
        """Advertisements of the service so far that were no beacons."""
