"""When the radio listened: one bit for every five minutes, in which a scan was planned. specs/colour.md section 1

    listening.note([1768000000, 1768000210], ran=True)
    listening.share_percent(now)                     # of the last 24 hours
    listening.since(now, created)                    # since when without a gap of a day

- What was planned is counted from the clock, not from what the radio or the agent says of itself: a phone that was
  switched off for twenty hours did not listen for twenty hours.
- Before the first scan nothing was planned: a phone that has no radio says "not known", not "0 %".
- All of it is worked out from the bits that are kept. So a day that was forgotten, or a clock that was wrong for a
  moment, leaves nothing behind that is untrue.
"""

from collections.abc import Iterable
from itertools import groupby

from ownhue.params import RETENTION_DAYS
from ownhue_client.phone.records import DAY_SECONDS, day_of
from ownhue_client.phone.store import Store

#: Longest time between the beginnings of two scans, in seconds. specs/colour.md section 1
SLOT_SECONDS = 300
#: Slots without a scan after which listening begins anew: 24 hours. specs/colour.md section 1
GAP_SLOTS = DAY_SECONDS // SLOT_SECONDS

#: State: unix second of the first scan that was planned.
_BEGUN = "radio_since"
_DAY_SLOTS = DAY_SECONDS // SLOT_SECONDS
_DAY_BYTES = _DAY_SLOTS // 8


class Listening:
    """The slots of *store* in which a scan ran."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._begun: int | None = None
        # The day and bits that were written last: most scans find their bit set.
        self._last = (0, 0)
        self.forget()

    def note(self, times: Iterable[int], *, ran: bool) -> None:
        """Scans began at *times* (unix seconds); or, not *ran*, were planned and could not be. All or none."""
        noted = list(times)
        if not noted or (ran and self._is_known(noted)):
            return
        with self._store.atomic():
            if self._begun is None:
                self._begun = min(noted)
                self._store.put(_BEGUN, self._begun)
            for day, group in groupby(sorted(noted), day_of) if ran else ():
                self._mark(day, _bits(group))

    def share_percent(self, now: int) -> int | None:
        """Share of the slots of the last 24 hours in which a scan ran, rounded down; None before the first scan."""
        if self._begun is None or self._begun > now:
            return None
        first, last = self._begun // SLOT_SECONDS, now // SLOT_SECONDS
        # The present slot is not over: its scan may be still to come.
        begin, end = max(last - _DAY_SLOTS, first), max(last, first + 1)
        return 100 * self._slots(begin, end).count("1") // (end - begin)

    def since(self, now: int, created: int) -> int:
        """Since when (unix seconds) it has been listening without a gap of a day; *created* if there was none.

        *now* in the middle of such a gap: nothing is observed.
        """
        if self._begun is None:
            return created
        begin = max(created, now - RETENTION_DAYS * DAY_SECONDS) // SLOT_SECONDS
        slots = self._slots(begin, now // SLOT_SECONDS + 1)
        gap = slots.rfind("0" * GAP_SLOTS)
        if gap < 0:
            return created
        end = slots.find("1", gap)
        return now if end < 0 else max((begin + end) * SLOT_SECONDS, created)

    def forget(self) -> None:
        """Look into the store again: days were forgotten, or a transaction was undone."""
        self._begun = self._store.get(_BEGUN)
        self._last = (0, 0)

    def _is_known(self, times: list[int]) -> bool:
        day, bits = self._last
        return all(day_of(time) == day for time in times) and not _bits(times) & ~bits

    def _mark(self, day: int, bits: int) -> None:
        row = next(self._store.rows("scans", day, day), None)
        known = int.from_bytes(row.value, "little") if row else 0
        value = (known | bits).to_bytes(_DAY_BYTES, "little")
        if row is None:
            self._store.add("scans", day, value)
        elif bits & ~known:
            self._store.replace("scans", row, value)
        self._last = (day, known | bits)

    def _slots(self, begin: int, end: int) -> str:
        """A "1" for each slot from *begin* up to but not including *end* in which a scan ran, else a "0"."""
        first, last = begin // _DAY_SLOTS, (end - 1) // _DAY_SLOTS
        days = {row.day: int.from_bytes(row.value, "little") for row in self._store.rows("scans", first, last)}
        text = "".join(f"{days.get(day, 0):0{_DAY_SLOTS}b}"[::-1] for day in range(first, last + 1))
        return text[begin - first * _DAY_SLOTS : end - first * _DAY_SLOTS]


def _bits(times: Iterable[int]) -> int:
    """A bit for each slot of a day."""
    bits = 0
    for time in times:
        bits |= 1 << (time % DAY_SECONDS // SLOT_SECONDS)
    return bits
