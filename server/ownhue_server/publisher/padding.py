"""Padding: random keys that make every key file large, also an empty one. specs/key-file.md, specs/publication.md

- A file has at least the configured number of keys, and a random number more (up to a tenth), also when the real ones
  exceed the minimum: its size never is the number of reports.
- A padding key copies rolling start, rolling period, report type and days since onset together from one real key of
  this batch; without one, from a key of the last day, moved on so that it is as old now as it was then; without that,
  from the default below.
- Nothing marks a padding key; its commitment is random, so nobody can take it back.

The default is the report of somebody whose symptoms began three days ago, who kept the phone on for fourteen days.
"""

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ownhue.params import EMBARGO_SECONDS, EPOCH_SECONDS, INTERVAL_SECONDS, KEY_PERIOD, RETENTION_DAYS, ReportType
from ownhue_server.publisher.tables import StoredKey

#: One in this many of the minimum is the most that jitter adds.
JITTER_SHARE = 10
#: Days from onset to the batch in the default distribution.
DEFAULT_ONSET_DAYS = 3


class KeyMetadata(NamedTuple):
    """What a published key says beside its data."""

    rolling_start: int
    rolling_period: int
    report_type: int
    days_since_onset: int | None


Random = Callable[[int], bytes]


def padding_keys(
    real: Sequence[StoredKey], recent: Sequence[KeyMetadata], minimum: int, closing: int, random: Random = os.urandom
) -> list[StoredKey]:
    """The padding for a batch that closes at *closing* (unix seconds) with the *real* keys.

    *recent*: metadata of keys published during the last day, moved on to this batch by :func:`moved`.
    """
    count = max(minimum - len(real), 0) + _below(minimum // JITTER_SHARE + 1, random)
    templates = [KeyMetadata(*key[1:5]) for key in real] or list(recent) or default_metadata(closing)
    return [StoredKey(random(16), *templates[_below(len(templates), random)], random(32)) for _ in range(count)]


def moved(metadata: KeyMetadata, seconds: int, closing: int) -> KeyMetadata | None:
    """*metadata* of a batch that closed *seconds* before *closing*, as old now as it was then; None when too old.

    Whole key periods only, rounded down: a copy is never younger than its original was.
    """
    start = metadata.rolling_start + seconds // (KEY_PERIOD * INTERVAL_SECONDS) * KEY_PERIOD
    oldest = (closing - RETENTION_DAYS * EPOCH_SECONDS) // INTERVAL_SECONDS
    return metadata._replace(rolling_start=start) if start >= oldest else None


def default_metadata(closing: int) -> list[KeyMetadata]:
    """The published default: every key period of the fourteen days before *closing* whose embargo is over."""
    last = (closing - EMBARGO_SECONDS) // INTERVAL_SECONDS // KEY_PERIOD * KEY_PERIOD
    periods = RETENTION_DAYS * EPOCH_SECONDS // INTERVAL_SECONDS // KEY_PERIOD
    onset_day = closing // EPOCH_SECONDS - DEFAULT_ONSET_DAYS
    starts = [last - number * KEY_PERIOD for number in range(1, periods + 1)]
    return [
        KeyMetadata(start, KEY_PERIOD, ReportType.CONFIRMED_TEST, start * INTERVAL_SECONDS // EPOCH_SECONDS - onset_day)
        for start in starts
    ]


def _below(bound: int, random: Random) -> int:
    # 8 random bytes modulo some thousands: the bias is below 2**-50.
    return int.from_bytes(random(8), "big") % bound
