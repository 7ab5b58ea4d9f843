"""Invented people: reports such as real phones send them, for padding. specs/key-file.md section 10

A real report has the keys of the last 14 days in whose periods somebody was heard, and the key in use at the claim, cut
to that moment (report.md); its days since onset change at midnight in the region's zone, or are not said. So has this.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from ownhue.key_file.values import MAX_ONSET_DAYS
from ownhue.params import EMBARGO_SECONDS, INTERVAL_SECONDS, KEY_PERIOD, RETENTION_DAYS
from ownhue_server.publisher.chance import Chance

#: Seconds from claim to report and on to the batch, at most, beside the batch's own. specs/key-file.md section 10
CLAIMED_BEFORE_SECONDS = 3600
#: Most days from onset to claim. specs/key-file.md section 10
ONSET_DAYS = 10
#: Of a hundred people: who does not say an onset, and whose phone was on for all 14 days. specs/key-file.md section 10
NO_ONSET_PERCENT, ALL_DAYS_PERCENT = 25, 50
#: Of a hundred periods: in which somebody was heard, from 8 to 22 h and at night. Each person has shares of their own
#: between these: real people, too, are not all alike. specs/key-file.md section 10
DAY_PERCENT, NIGHT_PERCENT = (40, 100), (0, 40)

_WAKING_HOURS = range(8, 22)
_DAY_INTERVALS = 144


class KeyMetadata(NamedTuple):
    """What a published key says beside its data."""

    rolling_start: int
    rolling_period: int
    report_type: int
    days_since_onset: int | None

    def is_ready(self, closing: int) -> bool:
        """Whether such a key may go out at *closing* (unix seconds)."""
        return (self.rolling_start + self.rolling_period) * INTERVAL_SECONDS + EMBARGO_SECONDS <= closing


@dataclass(frozen=True)
class Occasion:
    """The batch for which people are invented."""

    closing: int
    """Unix second at which it closes."""
    seconds: int
    """Its length."""
    zone: tzinfo = UTC
    """Where days begin and end."""


def invented_report(occasion: Occasion, report_type: int, most: int, chance: Chance) -> list[KeyMetadata]:
    """The keys of one person, oldest first, at most *most*. The last ones may not be ready yet."""
    span = occasion.seconds + CLAIMED_BEFORE_SECONDS
    claim = (occasion.closing - 1 - chance.below(span)) // INTERVAL_SECONDS
    claim_day = datetime.fromtimestamp(claim * INTERVAL_SECONDS, occasion.zone).date()
    onset = None if chance.percent(NO_ONSET_PERCENT) else claim_day - timedelta(chance.below(ONSET_DAYS + 1))
    keys = []
    for start, period in _periods(claim, occasion.zone, chance):
        day = datetime.fromtimestamp(start * INTERVAL_SECONDS, occasion.zone).date()
        days = None if onset is None else (day - onset).days
        if days is None or abs(days) <= MAX_ONSET_DAYS:
            keys.append(KeyMetadata(start, period, report_type, days))
    return keys[len(keys) - min(most, len(keys)) :]


def _periods(claim: int, zone: tzinfo, chance: Chance) -> Iterator[tuple[int, int]]:
    """Start and length of the reported key periods; the last is the one of *claim* (an interval), cut."""
    days = RETENTION_DAYS if chance.percent(ALL_DAYS_PERCENT) else 1 + chance.below(RETENTION_DAYS)
    current = claim // KEY_PERIOD * KEY_PERIOD
    first = -(-(claim - days * _DAY_INTERVALS) // KEY_PERIOD) * KEY_PERIOD
    by_day, at_night = (least + chance.below(most + 1 - least) for least, most in (DAY_PERCENT, NIGHT_PERCENT))
    for start in range(first, current, KEY_PERIOD):
        hour = datetime.fromtimestamp(start * INTERVAL_SECONDS, zone).hour
        if chance.percent(by_day if hour in _WAKING_HOURS else at_night):
            yield start, KEY_PERIOD
    yield current, claim + 1 - current
