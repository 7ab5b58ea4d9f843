"""The key periods that a report may hold, for the owner to look at before anything is sent. specs/report.md"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from ownhue.errors import StateError
from ownhue.exposure import days_since_onset
from ownhue.identifiers import TemporaryExposureKey, interval_number
from ownhue.params import INTERVAL_SECONDS, MATCH_TOLERANCE, MAX_KEY_PERIOD, RETENTION_DAYS
from ownhue.rulebook.rules import ONSET_RANGE
from ownhue_client.phone.documents import Documents
from ownhue_client.phone.keys import OwnKeys
from ownhue_client.phone.records import day_of, unpack_sightings
from ownhue_client.phone.store import Store


@dataclass(frozen=True)
class ReportPeriod:
    """One of the owner's key periods. Times in unix seconds, the end exclusive."""

    start: int
    end: int
    #: Beacons heard in it. What was heard is never reported; it only shows that somebody was near.
    heard: int
    days_since_onset: int | None
    #: Whether a report made now would hold it.
    included: bool
    #: Why not; empty when included.
    why_not: str
    key: TemporaryExposureKey = field(repr=False)


class Periods:
    """Own key periods of *store*."""

    def __init__(self, store: Store, keys: OwnKeys, documents: Documents) -> None:
        self._store = store
        self._keys = keys
        self._documents = documents

    def report_periods(self, now: int, onset: date | None) -> list[ReportPeriod]:
        """Periods of the last 14 days, oldest first; *onset*: first day of symptoms, None when not known.

        Raises StateError with an onset as long as no rulebook says in which zone days begin.
        """
        last = interval_number(now)
        first = last - RETENTION_DAYS * MAX_KEY_PERIOD
        # The present key goes with the claim, also when nothing was sent under it yet: its owner has to see it.
        self._keys.key_at(last)
        days = day_of(first * INTERVAL_SECONDS), day_of(now)
        keys = [key for key in self._keys.of_days(*days) if first <= key.rolling_start <= last]
        heard = Counter(interval_number(time) for time in self._heard_times(*days))
        return [self._period(key, heard, onset, last) for key in keys]

    def _heard_times(self, first: int, last: int) -> Iterator[int]:
        for row in self._store.bytes_rows("sightings", first, last):
            for sighting in unpack_sightings(row.value):
                yield sighting.time

    def _period(self, key: TemporaryExposureKey, heard: Counter[int], onset: date | None, now: int) -> ReportPeriod:
        count = sum(heard[interval] for interval in range(key.rolling_start, key.end))
        days = None if onset is None else self._days_since(key.rolling_start, onset, now)
        # What was begun in the last intervals of a period is on the air for as many after it, and with it this key.
        near = any(heard[interval] for interval in range(key.rolling_start, key.end + MATCH_TOLERANCE))
        # The identifier of the present interval stays in the air to its end, and somebody may still come near.
        why_not = "" if near or key.covers(now) else "nobody was heard"
        if days is not None and abs(days) > ONSET_RANGE:
            why_not = f"more than {ONSET_RANGE} days from the onset"
        start, end = key.rolling_start * INTERVAL_SECONDS, key.end * INTERVAL_SECONDS
        return ReportPeriod(start, end, count, days, not why_not, why_not, key)

    def _days_since(self, interval: int, onset: date, now: int) -> int:
        rulebook = self._documents.rulebook_at(now * INTERVAL_SECONDS)
        if rulebook is None:
            raise StateError("no rulebook is known yet; synchronise first")
        return days_since_onset(interval, onset, rulebook.zone_info)
