"""A clock that nobody can set: which start of the device this is, and the seconds that went by in it.

    clock = SystemClock()
    clock.reading()                           # (16 bytes that name this start of the device, 86412)

The clock anchor (specs/identifiers.md section 6) is built on it. It says nothing of the date: that is what can be set.
"""

import hashlib
import os
import time
from pathlib import Path
from typing import Protocol

from ownhue.clock_anchor import BOOT_BYTES

#: Linux draws this number at every start.
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
#: Where the system has one that goes on while the device sleeps, that one.
_MONOTONIC = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


class Clock(Protocol):
    """What a phone asks of its device beside the wall clock."""

    def reading(self) -> tuple[bytes, int]:
        """Name of this start of the device (16 bytes), and its monotonic clock in whole seconds, not negative."""


class SystemClock:
    """The clock of the system that this program runs on."""

    def __init__(self) -> None:
        self._boot = _boot_name()

    def reading(self) -> tuple[bytes, int]:
        """As :meth:`Clock.reading`."""
        seconds = time.monotonic() if _MONOTONIC is None else time.clock_gettime(_MONOTONIC)
        return self._boot, int(seconds)


def _boot_name() -> bytes:
    """What changes with each start of the device; of this process alone where the system tells nothing better."""
    try:
        number = _BOOT_ID.read_bytes()
    except OSError:
        # A later start than the last one, as far as an anchor is concerned: it loses the time in between, no more.
        return os.urandom(BOOT_BYTES)
    return hashlib.sha256(b"OWNHUE-BOOT" + number).digest()[:BOOT_BYTES]
