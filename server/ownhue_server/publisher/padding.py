"""Padding: random keys that make every key file large, also an empty one. specs/key-file.md section 10

- A file has at least the configured number of keys. Above that its size is rounded up to the next rung of a ladder, and
  a random number is added: its size never is the number of reports.
- In every batch some invented people report (``invented.py``). Some of them take their keys back in a later batch, so
  that taking back is nothing special.
- The rest are copies: of the metadata of a key of this batch, real or invented, or of one of the last day, moved on so
  that it is as old now as it was then. Rolling start, period, report type and days since onset are copied together.
- Nothing marks a padding key; its commitment is random, so nobody can take it back.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from ownhue.params import EMBARGO_SECONDS, EPOCH_SECONDS, INTERVAL_SECONDS, KEY_PERIOD, RETENTION_DAYS, ReportType
from ownhue_server.publisher.chance import Chance
from ownhue_server.publisher.invented import KeyMetadata, Occasion, invented_report
from ownhue_server.publisher.tables import KEY_BYTES, StoredKey

#: One in this many of the minimum is the most that jitter adds. specs/key-file.md section 10
JITTER_SHARE = 10
#: A rung of the ladder is one in this many larger than the one below. specs/key-file.md section 10
RUNG_SHARE = 8
#: Beside the first invented person of a batch, how often chance is asked for another one, and in how many of a hundred
#: cases it says yes. specs/key-file.md section 10
ASKED, PERSON_PERCENT = 12, 25
#: An invented person has at most one in this many of the minimum, all together one share less. specs/key-file.md
#: section 10
PERSON_SHARE = 5
#: Of a hundred invented people beside the first: who takes the keys back. specs/key-file.md section 10
TAKEN_BACK_PERCENT = 33
#: Longest time until then; the first one does it in the next batch. specs/key-file.md section 10
TAKEN_BACK_DAYS = 13
#: Days from onset to the batch in the default distribution. specs/key-file.md section 10
DEFAULT_ONSET_DAYS = 3

_COMMITMENT_BYTES = 32


@dataclass
class Padding:
    """What is added to a batch."""

    keys: list[StoredKey] = field(default_factory=list)
    """Go out with the batch."""
    late: list[StoredKey] = field(default_factory=list)
    """Keys of invented people that are not ready yet; they wait as real ones do."""
    taken_back: list[tuple[int, list[StoredKey]]] = field(default_factory=list)
    """How many batches later, and which keys of this batch are taken back then."""
    messages: int = 0
    """How many reports and withdrawals invented people send in all."""


@dataclass(frozen=True)
class Room:
    """How many keys a file has and may have."""

    real: int
    """Number of its real keys."""
    minimum: int
    """Fewest keys with padding."""
    most: int
    """Most keys with padding."""


def make_padding(
    own: Sequence[tuple[KeyMetadata, int]],
    recent: Sequence[KeyMetadata],
    room: Room,
    occasion: Occasion,
    chance: Chance,
) -> Padding:
    """The padding of a batch. *own*: metadata of its real keys, or of a sample, and how many have it.

    *recent*: metadata of keys published during the last day, moved on to this batch by :func:`moved`.
    """
    padding = Padding()
    recent = recent or default_metadata(occasion.closing)
    pool = list(own)
    share = room.minimum // PERSON_SHARE
    # No more than fits beside real keys in a file that is nearly full.
    left = min(share * (PERSON_SHARE - 1), room.most - room.real)
    for person in range(1 + sum(chance.percent(PERSON_PERCENT) for _ in range(ASKED))):
        kind = chance.one_of(recent).report_type
        report = invented_report(occasion, kind, min(share, left), chance)
        left -= len(report)
        ready = [metadata for metadata in report if metadata.is_ready(occasion.closing)]
        keys = _keys(ready, chance)
        padding.keys += keys
        padding.late += _keys(report[len(ready) :], chance)
        pool += [(metadata, 1) for metadata in ready]
        if keys and (person == 0 or chance.percent(TAKEN_BACK_PERCENT)):
            padding.taken_back.append((_batches_later(person, occasion, chance), keys))
        padding.messages += 1
    padding.messages += len(padding.taken_back)
    there = room.real + len(padding.keys)
    size = min(rung(there, room.minimum) + chance.below(room.minimum // JITTER_SHARE + 1), room.most)
    padding.keys += _keys(_copies(pool, recent, max(size - there, 0), chance), chance)
    return padding


def rung(count: int, minimum: int) -> int:
    """The smallest rung of the ladder that begins with *minimum* and is not below *count*."""
    size = minimum
    while size < count:
        size += size // RUNG_SHARE + 1
    return size


def moved(metadata: KeyMetadata, seconds: int, closing: int) -> KeyMetadata | None:
    """*metadata* of a batch that closed *seconds* before *closing*, as old now as it was then; None when too old.

    Whole key periods only, rounded down: a copy is never younger than its original was.
    """
    start = metadata.rolling_start + seconds // (KEY_PERIOD * INTERVAL_SECONDS) * KEY_PERIOD
    oldest = (closing - RETENTION_DAYS * EPOCH_SECONDS) // INTERVAL_SECONDS
    return metadata._replace(rolling_start=start) if start >= oldest else None


def default_metadata(closing: int) -> list[KeyMetadata]:
    """The published default: every key period of the fourteen days before *closing* whose embargo is over.

    As of somebody whose symptoms began three days ago and who kept the phone on for fourteen days.
    """
    last = (closing - EMBARGO_SECONDS) // INTERVAL_SECONDS // KEY_PERIOD * KEY_PERIOD
    periods = RETENTION_DAYS * EPOCH_SECONDS // INTERVAL_SECONDS // KEY_PERIOD
    onset_day = closing // EPOCH_SECONDS - DEFAULT_ONSET_DAYS
    starts = [last - number * KEY_PERIOD for number in range(1, periods + 1)]
    return [
        KeyMetadata(start, KEY_PERIOD, ReportType.CONFIRMED_TEST, start * INTERVAL_SECONDS // EPOCH_SECONDS - onset_day)
        for start in starts
    ]


def _batches_later(person: int, occasion: Occasion, chance: Chance) -> int:
    # Below a number that was drawn before: mostly soon, as wrong results are found, and now and then late.
    longest = 1 + chance.below(max(TAKEN_BACK_DAYS * EPOCH_SECONDS // occasion.seconds, 1))
    return 1 if person == 0 else 1 + chance.below(longest)


def _copies(
    pool: Sequence[tuple[KeyMetadata, int]], recent: Sequence[KeyMetadata], count: int, chance: Chance
) -> list[KeyMetadata]:
    """*count* times the metadata of a key of *pool* (with how many there are of each) or, as often, of *recent*."""
    ends = list(accumulate(keys for _metadata, keys in pool))
    if not ends:
        return [recent[at] for at in chance.numbers(len(recent), count)]
    copies = []
    for coin, at in zip(chance.numbers(2, count), chance.numbers(len(recent) * ends[-1], count), strict=True):
        copies.append(pool[bisect_right(ends, at % ends[-1])][0] if coin else recent[at % len(recent)])
    return copies


def _keys(metadata: Sequence[KeyMetadata], chance: Chance) -> list[StoredKey]:
    """Random keys with *metadata*."""
    size = KEY_BYTES + _COMMITMENT_BYTES
    drawn = chance.bytes(size * len(metadata))
    pieces = (drawn[at : at + size] for at in range(0, len(drawn), size))
    return [
        StoredKey(piece[:KEY_BYTES], *entry, piece[KEY_BYTES:]) for entry, piece in zip(metadata, pieces, strict=True)
    ]
