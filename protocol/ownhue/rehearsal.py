"""Rehearsal: the colours that a rulebook gives to people who met. specs/rehearsal.md

- Knows who was near whom and who was positive; no keys, no identifiers, no files, no radio. The same functions of
  ownhue.exposure and ownhue.colour as on a phone turn that into colours.
- A run of the whole protocol over the same contacts must give the same colours: what a report covers and when it is
  published is written in specs/rehearsal.md section 2 and nowhere else.
- Phones are taken as always on and always in touch: nobody is grey but by the rulebook.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from ownhue.colour import Colour, Decision, Facts, OwnResult, decide
from ownhue.contact_trace import Contact
from ownhue.errors import FormatError
from ownhue.exposure import ExposureWindow, Observation, days_since_onset, windows_of
from ownhue.params import (
    BATCH_SECONDS,
    EMBARGO_SECONDS,
    INTERVAL_SECONDS,
    KEY_PERIOD,
    MAX_KEY_PERIOD,
    RETENTION_DAYS,
    ReportType,
)
from ownhue.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Positive:
    """Somebody who tests positive and reports."""

    person: int
    onset: date
    """Local date of the onset of symptoms (or what stands for it)."""
    tested_on: date
    """Local date of the test."""
    reported_at: int
    """Unix second of the report; the phone learns of the result at the same moment."""
    report_type: int = ReportType.CONFIRMED_TEST


@dataclass(frozen=True, slots=True)
class PublicationPolicy:
    """How reported keys become published ones. Raises FormatError for a period that does not divide a day."""

    batch_seconds: int = BATCH_SECONDS
    """Length of a batch in seconds."""
    embargo_seconds: int = EMBARGO_SECONDS
    """Seconds from the end of a key's period to the first batch that may hold it."""
    key_period: int = KEY_PERIOD
    """Validity of one key in intervals."""

    def __post_init__(self) -> None:
        if self.key_period < 1 or MAX_KEY_PERIOD % self.key_period:
            raise FormatError("a key period divides a day of 144 intervals")
        if self.batch_seconds < 1 or self.embargo_seconds < 0:
            raise FormatError("a batch has at least one second, an embargo none or more")


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What came out."""

    colours: tuple[Mapping[int, Colour], ...]
    """For each moment the colour of each person."""
    decisions: Mapping[int, Decision]
    """Each person's decision at the last moment."""
    rounds: tuple[Mapping[int, Decision], ...]
    """For each moment the decision of each person."""


class _Key(NamedTuple):
    """One key period of a positive, cut at the report. Times in ENIN, the end exclusive."""

    person: int
    start: int
    end: int

    @property
    def name(self) -> bytes:
        """16 bytes that stand where a phone has the key."""
        return hashlib.sha256(f"OWNHUE-REHEARSAL {self.person} {self.start}".encode()).digest()[:16]


_Heard = dict[tuple[int, _Key], list[Observation]]


def rehearse(
    rulebook: Rulebook,
    contacts: Iterable[Contact],
    positives: Iterable[Positive],
    moments: Sequence[int],
    *,
    observed_since: int,
    policy: PublicationPolicy | None = None,
    people: Iterable[int] | None = None,
) -> Rehearsal:
    """Everybody's colour at each of *moments* (unix seconds). specs/rehearsal.md section 2

    *contacts* before *observed_since* (unix seconds) are not heard. *people*: whose colours to tell; by default
    everybody in the contacts and among the positives. Raises FormatError for a person who is positive twice, and
    when no moment is asked for.
    """
    by_person = _by_person(positives)
    if not moments:
        raise FormatError("a rehearsal needs at least one moment")
    policy = policy or PublicationPolicy()
    heard: _Heard = defaultdict(list)
    met: set[int] = set(by_person)
    for contact in contacts:
        met.update((contact.a, contact.b))
        if contact.time >= observed_since:
            _hear(heard, contact, by_person, policy)
    windows = _windows(heard, by_person, rulebook, policy)
    crowd = sorted(met if people is None else set(people))

    def decision(person: int, moment: int) -> Decision:
        facts = _facts(person, moment, observed_since, windows.get(person, ()), by_person.get(person))
        return decide(rulebook, facts, moment)

    rounds = [{person: decision(person, moment) for person in crowd} for moment in moments]
    colours = tuple({person: made.colour for person, made in decisions.items()} for decisions in rounds)
    return Rehearsal(colours, rounds[-1], tuple(rounds))


def _by_person(positives: Iterable[Positive]) -> dict[int, Positive]:
    by_person: dict[int, Positive] = {}
    for positive in positives:
        if positive.person in by_person:
            raise FormatError(f"person {positive.person} is positive twice")
        by_person[positive.person] = positive
    return by_person


def _hear(heard: _Heard, contact: Contact, positives: Mapping[int, Positive], policy: PublicationPolicy) -> None:
    """Both phones of a contact hear each other; what is heard of a reported key is kept."""
    for listener, speaker in ((contact.a, contact.b), (contact.b, contact.a)):
        key = _reported_key(contact.time, positives.get(speaker), policy)
        if key is not None:
            observation = Observation(contact.time, contact.time, contact.seconds, contact.attenuation)
            heard[listener, key].append(observation)


def _reported_key(time: int, positive: Positive | None, policy: PublicationPolicy) -> _Key | None:
    """The reported key that a positive's phone broadcast at *time*; None where the report does not cover it."""
    if positive is None:
        return None
    interval, reported = time // INTERVAL_SECONDS, positive.reported_at // INTERVAL_SECONDS
    start = interval - interval % policy.key_period
    if interval > reported or start < reported - RETENTION_DAYS * MAX_KEY_PERIOD:
        return None
    return _Key(positive.person, start, min(start + policy.key_period, reported + 1))


def _published_at(key: _Key, positive: Positive, policy: PublicationPolicy) -> int:
    """Closing time of the batch that holds the key: the first after the report and not before the embargo's end."""
    earliest = max(key.end * INTERVAL_SECONDS + policy.embargo_seconds, positive.reported_at + 1)
    return -(-earliest // policy.batch_seconds) * policy.batch_seconds


def _windows(
    heard: _Heard, positives: Mapping[int, Positive], rulebook: Rulebook, policy: PublicationPolicy
) -> dict[int, list[ExposureWindow]]:
    windows: defaultdict[int, list[ExposureWindow]] = defaultdict(list)
    for (listener, key), observations in heard.items():
        positive = positives[key.person]
        windows[listener] += windows_of(
            key.name,
            observations,
            report_type=positive.report_type,
            days_since_onset=days_since_onset(key.start, positive.onset, rulebook.zone_info),
            published_at=_published_at(key, positive, policy),
        )
    return windows


def _facts(
    person: int, moment: int, observed_since: int, windows: Iterable[ExposureWindow], positive: Positive | None
) -> Facts:
    return Facts(
        salt=hashlib.sha256(f"OWNHUE-REHEARSAL {person}".encode()).digest(),
        observed_since=observed_since,
        published_until=moment,
        radio_share_percent=100,
        windows=tuple(window for window in windows if window.published_at <= moment),
        results=tuple(_results(moment, positive)),
    )


def _results(moment: int, positive: Positive | None) -> Iterator[OwnResult]:
    if positive is not None and positive.reported_at <= moment:
        yield OwnResult(positive.report_type, positive.tested_on, positive.reported_at)
