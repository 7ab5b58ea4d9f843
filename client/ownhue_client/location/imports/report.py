"""What became of the points of an imported history, and the sieve that decides it.

Kept is one fix a minute of the last 14 days, on earth, known to 900 m, of a time that is over.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from ownhue.params import RETENTION_DAYS
from ownhue_client.location.imports.values import number_of
from ownhue_client.location.interface import USEFUL_ACCURACY, Fix

#: Why a point is dropped.
DROP_REASONS = (
    "no place",
    "no time",
    "not on earth",
    "too old",
    "in the future",
    "inaccurate",
    "duplicate",
    "same minute",
    "known already",
)
#: Metres that are taken for the accuracy where a format states none.
UNSTATED_ACCURACY = 200
#: Platforms (Android, iOS) state the radius of 68 %; specs/area.md section 4 wants that of 95 %.
PLATFORM_FACTOR = 2
_DAY_SECONDS = 86_400
_MINUTE = 60


@dataclass(frozen=True)
class ImportReport:
    """What one import read, kept and dropped."""

    name: str
    """Of the file, as the owner gave it."""
    format: str
    """What it was recognised as."""
    read: int
    """Points in the file, up to a broken place if there is one."""
    kept: int
    """Fixes that are in the history now."""
    dropped: dict[str, int]
    """How many were not, by reason (of DROP_REASONS)."""
    first: int | None
    """Unix second of the oldest fix that was kept."""
    last: int | None
    """Unix second of the newest."""
    broken: str = ""
    """What is wrong with the file, where its beginning was kept even so."""

    def to_record(self) -> dict[str, Any]:
        """As JSON says it."""
        return dict(vars(self))


@dataclass
class Sieve:
    """Lets through what is worth keeping at *now*, and counts."""

    now: int
    known: Collection[int] = ()
    """Minutes (unix seconds // 60) of which the phone has a place already."""
    read: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    first: int | None = None
    last: int | None = None
    _minutes: dict[int, int] = field(default_factory=dict)

    def take(self, time: float | None, latitude: Any, longitude: Any, accuracy: Any = None) -> Fix | None:
        """The fix of a point, None if it is dropped. *time* in unix seconds, *accuracy* in metres (68 %).

        Of place and accuracy anything may come that JSON can say.
        """
        self.read += 1
        stated, north, east = number_of(accuracy), number_of(latitude), number_of(longitude)
        radius = UNSTATED_ACCURACY if stated is None or stated < 0 else stated * PLATFORM_FACTOR
        if north is None or east is None:
            return self._dropped("no place")
        # Nobody is at 0, 0 in the sea: it is what programs write that do not know.
        if not (abs(north) <= 90 and abs(east) <= 180) or north == east == 0:
            return self._dropped("not on earth")
        if (reason := self._time_reason(time) or self._value_reason(time, radius)) is not None or time is None:
            return self._dropped(reason or "no time")
        fix = Fix(int(time), north, east, math.ceil(radius))
        self._minutes[fix.time // _MINUTE] = fix.time
        self.kept += 1
        self.first = fix.time if self.first is None else min(self.first, fix.time)
        self.last = fix.time if self.last is None else max(self.last, fix.time)
        return fix

    def _dropped(self, reason: str) -> Fix | None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
        return None

    def report(self, name: str, kind: str, broken: str = "") -> ImportReport:
        """What was counted so far."""
        dropped = {reason: self.dropped[reason] for reason in DROP_REASONS if reason in self.dropped}
        return ImportReport(name, kind, self.read, self.kept, dropped, self.first, self.last, broken)

    def _time_reason(self, time: float | None) -> str | None:
        if time is None:
            return "no time"
        # Forgetting goes by whole UTC days: a point of the last of them would be forgotten by the next tidying.
        oldest = (self.now // _DAY_SECONDS - RETENTION_DAYS) * _DAY_SECONDS
        if time < oldest:
            return "too old"
        return "in the future" if time > self.now else None

    def _value_reason(self, time: float | None, radius: float) -> str | None:
        if radius > USEFUL_ACCURACY:
            return "inaccurate"
        second = int(time or 0)
        minute = second // _MINUTE
        if minute in self._minutes:
            return "duplicate" if self._minutes[minute] == second else "same minute"
        return "known already" if minute in self.known else None
