"""What a replay will do, settled before it begins: who tests positive when, and at which moments everybody looks.

Pure: the same trace, number and seed give the same plan. The rehearsal gets the very same plan, so both must agree.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ownhue.contact_trace import Contact
from ownhue.errors import FormatError
from ownhue.rehearsal import Positive

#: The local hour at which every phone synchronises and decides, on the morning after each day.
SYNC_HOUR = 6
#: People test positive between these local hours, in the middle of their day, so that the current key must be cut.
_FIRST_HOUR, _LAST_HOUR = 10, 19
#: Nobody tests positive on the first two days, so that there is something to report.
_FIRST_DAY = 2
_MOST_DAYS_SINCE_ONSET = 3


@dataclass(frozen=True)
class Plan:
    """A replay's fixed course. Times are unix seconds; `moments[i]` is the morning after day i."""

    start: int
    zone: ZoneInfo
    contacts: tuple[Contact, ...]
    people: tuple[int, ...]
    positives: tuple[Positive, ...]
    moments: tuple[int, ...]

    def days(self) -> Iterator[tuple[int, Sequence[Contact], Sequence[Positive]]]:
        """For each moment: the contacts and the positive tests that lie before it and after the one before."""
        begin = self.start
        for moment in self.moments:
            yield (
                moment,
                [contact for contact in self.contacts if begin <= contact.time < moment],
                [positive for positive in self.positives if begin <= positive.reported_at < moment],
            )
            begin = moment


def make_plan(contacts: Sequence[Contact], start: int, zone: ZoneInfo, count: int, seed: int) -> Plan:
    """A plan for *contacts* with *count* positives. Raises FormatError when the trace has fewer people or days."""
    people = tuple(sorted({person for contact in contacts for person in (contact.a, contact.b)}))
    days = sorted({datetime.fromtimestamp(contact.time, zone).date() for contact in contacts})
    if count > len(people):
        raise FormatError(f"the trace has {len(people)} people, fewer than {count} positives")
    if len(days) <= _FIRST_DAY:
        raise FormatError(f"the trace has {len(days)} days; a replay needs more than {_FIRST_DAY}")
    first = datetime.fromtimestamp(start, zone).replace(hour=SYNC_HOUR, minute=0, second=0)
    last = days[-1]
    mornings = [first + timedelta(days=day + 1) for day in range((last - first.date()).days + 1)]
    return Plan(
        start=start,
        zone=zone,
        contacts=tuple(contacts),
        people=people,
        positives=tuple(_positives(people, days[_FIRST_DAY:], zone, count, random.Random(seed))),  # noqa: S311
        moments=tuple(int(morning.timestamp()) for morning in mornings),
    )


def _positives(
    people: Sequence[int], days: Sequence[date], zone: ZoneInfo, count: int, rng: random.Random
) -> list[Positive]:
    chosen = []
    for person in rng.sample(people, count):
        day = rng.choice(days)
        tested = datetime.combine(day, datetime.min.time(), zone).replace(
            hour=rng.randint(_FIRST_HOUR, _LAST_HOUR), minute=rng.randrange(60), second=rng.randrange(60)
        )
        onset = tested.date() - timedelta(days=rng.randint(0, _MOST_DAYS_SINCE_ONSET))
        chosen.append(
            Positive(person=person, onset=onset, tested_on=tested.date(), reported_at=int(tested.timestamp()))
        )
    return sorted(chosen, key=lambda positive: positive.reported_at)
