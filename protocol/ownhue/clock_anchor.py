"""Clock anchor: what time it is at least, whatever the phone's wall clock says. specs/identifiers.md section 6

    anchor = ClockAnchor(head.time, boot, reading)            a verified tree head came in
    anchor.not_before(boot, reading + 3600)                   an hour later it is head.time + 3598 at least

A phone's wall clock is set by networks that nobody authenticates. Set back, it takes identifiers of keys that are long
published for fresh ones (the "time machine"). The signed time of a tree head cannot lie in the future, and a monotonic
clock cannot be set: together they bound the time from below.

- The bounds that are told one after the other in a boot never decrease, also with older heads. After a reboot they
  begin at the floor of the anchor that was kept last.
- All readings are of the moment of the call. A boot other than the anchor's is a later one.
- It says nothing about clocks that run ahead; matching discards what they stamp as out of tolerance.
"""

from dataclasses import dataclass

from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import FormatError

#: A monotonic clock gains at most this many millionths (Linux steers by no more). specs/identifiers.md section 8
CLOCK_DRIFT_PPM = 500
#: Length in bytes of the name of a boot. specs/identifiers.md section 8
BOOT_BYTES = 16

_LAST_SECOND = 2**40 - 1
_VERSION = 1


@dataclass(frozen=True, slots=True)
class ClockAnchor:
    """At *reading* in *boot* the time was *floor* or later. Raises FormatError for values without a spelling."""

    floor: int
    """Unix second, 0 to 2^40 - 1."""
    boot: bytes
    """Name of the boot: 16 bytes that change with every start of the device."""
    reading: int
    """The boot's monotonic clock in whole seconds, 0 to 2^40 - 1."""

    def __post_init__(self) -> None:
        for value in (self.floor, self.reading):
            if not 0 <= value <= _LAST_SECOND:
                raise FormatError("a clock anchor's time and reading are integers of 40 bits")
        if len(self.boot) != BOOT_BYTES:
            raise FormatError(f"the name of a boot has {BOOT_BYTES} bytes")

    def not_before(self, boot: bytes, reading: int) -> int:
        """Least time (unix seconds) at *reading* in *boot*, which is now."""
        elapsed = max(reading - self.reading, 0) if boot == self.boot else 0
        drift = -(-elapsed * CLOCK_DRIFT_PPM // 1_000_000)  # rounded up
        return min(self.floor + elapsed - drift, _LAST_SECOND)

    def learned(self, signed_time: int, boot: bytes, reading: int) -> "ClockAnchor":
        """The anchor after a tree head with *signed_time* was verified at *reading* in *boot*. Raises FormatError."""
        floor = max(self.not_before(boot, reading), signed_time)
        return ClockAnchor(floor, boot, max(reading, self.reading) if boot == self.boot else reading)

    def moved(self, boot: bytes, reading: int) -> "ClockAnchor":
        """The anchor moved to now: kept from time to time, it makes a reboot lose little."""
        return self.learned(self.floor, boot, reading)

    def to_bytes(self) -> bytes:
        """Deterministic CBOR: [1, floor, boot, reading]."""
        return cbor_encode([_VERSION, self.floor, self.boot, self.reading])

    @classmethod
    def from_bytes(cls, data: bytes) -> "ClockAnchor":
        """Read :meth:`to_bytes`. Raises FormatError."""
        value = cbor_decode(data)
        if not isinstance(value, list) or [type(item) for item in value] != [int, int, bytes, int]:
            raise FormatError("a clock anchor is an array of a version, a time, a boot and a reading")
        if value[0] != _VERSION:
            raise FormatError("a clock anchor of another version")
        return cls(*value[1:])
