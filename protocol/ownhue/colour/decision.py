"""Decision: a colour and everything its owner may want to know about it. specs/colour.md section 3

    {"colour":"yellow","ends":[{"at":1768060799,"finding":"9c0f...","how":"time",...},...],"reasons":[{"day":"2026-01-03",
     "kind":"encounter","minutes":22,"part_of_day":"morning","share_percent":146,...}],"until":1768060799,...}

- Colours are written as words, days as dates, times as unix seconds.
- The same rulebook, facts and time give the same bytes, on every machine.
"""

import hashlib
from datetime import date
from typing import Annotated, Literal

from pydantic import FailFast, Field

from ownhue.colour.evidence_facts import CertificateKind, TestKind
from ownhue.colour.words import (
    Colour,
    ColourField,
    Digest,
    DistanceBand,
    EvidenceKind,
    FindingId,
    Grey,
    Kind,
    PartOfDay,
    PlaceWord,
    WhyNot,
    finding_id,
)
from ownhue.records import Record, parse_record, record_bytes

__all__ = [
    "MAX_DECISION_BYTES",
    "Colour",
    "Decision",
    "Ending",
    "Finding",
    "Grey",
    "How",
    "Kind",
    "NotCounted",
    "WhyNot",
    "decision_bytes",
    "finding_id",
    "parse_decision",
]

#: Longest decision in bytes. specs/colour.md section 10
MAX_DECISION_BYTES = 33_554_432

Second = Annotated[int, Field(ge=0, lt=2**32)]
Count = Annotated[int, Field(ge=0)]
Zone = Annotated[str, Field(max_length=100)]
How = Literal[
    "time",
    "withdrawal by the authority",
    "I was not there",
    "certificate",
    "clearance by the authority",
    "a rulebook in force",
    "new published data",
    "radio on",
]


class Finding(Record):
    """Evidence of one kind, day and rule that makes a colour now."""

    id: FindingId
    """Salted name of the finding, 16 hexadecimal digits; it stays the same while evidence is added."""
    kind: Kind
    colour: ColourField
    """The colour it makes."""
    rule: str
    """The field of the rulebook that says so."""
    day: date
    """Local day of the encounter, test, visit or stay."""
    part_of_day: PartOfDay | None
    """Part of the day with the most weight (quarters from midnight); None for a result."""
    minutes: Count | None
    """What is compared with the threshold, rounded down: weighted minutes, or those of the longest stay at a venue."""
    seconds: Count | None
    """Seconds heard on that day, or spent at such venues or in such areas, of what counted."""
    distance_band: DistanceBand | None
    """Band of attenuation with the most weight. Not a distance: walls and pockets count too."""
    share_percent: Count | None
    """How far it filled the threshold of its rule, in percent, rounded down."""
    place: PlaceWord | None
    """Whether place tags showed that the beacons were sent here; only for encounters."""
    capped: bool
    """It reached the threshold of red, and the ceiling kept it at yellow."""
    learned_at: int
    """Unix second at which the evidence for this colour was complete on the phone."""
    until: int
    """Last unix second of the stay: 23:59:59 of a local day."""

    def active(self, now: int) -> bool:
        """Whether the stay is running at *now* (unix seconds)."""
        return self.learned_at <= now <= self.until


class NotCounted(Record):
    """What is known and makes no colour, with the reason; one entry per finding and reason."""

    kind: EvidenceKind
    day: date
    """Local day of the evidence, of a certificate, or of the making of a clearance."""
    why: WhyNot
    finding: FindingId | None
    """Id of the finding that it would belong to; None for a certificate."""
    rule: str | None
    """The field of the rulebook: the exit that ended it, or the rule that a notice names; else None."""
    certificate: FindingId | None
    """Salted name of the certificate that ended it, or that ended nothing."""
    part_of_day: PartOfDay | None
    minutes: Count | None
    """As in a finding, of what did not count (0 where its weight is zero)."""
    seconds: Count | None
    distance_band: DistanceBand | None
    share_percent: Count | None
    """How far it filled the threshold of its mildest colour; only for "below threshold" and "stay is over"."""


class Ending(Record):
    """One way in which a reason of the colour ends."""

    how: How
    at: int | None
    """For "time" the last unix second; for a certificate the first one that its date may have; else None."""
    last: int | None
    """For a certificate the last unix second that its date may have; else None."""
    finding: FindingId | None
    """Id of the finding that ends; None for grey."""
    rule: str | None
    """For a certificate the field of the rulebook; else None."""
    certificate: CertificateKind | None
    """Which kind of certificate."""
    test_kinds: tuple[TestKind, ...]
    """Which kinds of test; empty where it is none."""


class Decision(Record):
    """A colour at one moment, with its reasons."""

    time: Second
    """Unix second for which it was decided."""
    colour: ColourField
    since: int | None
    """Unix second since which the findings gave this colour by this rulebook. None for grey: the journal has it."""
    until: int | None
    """Last unix second of the colour, if nothing new happens; None for green and grey."""
    zone: Zone | None
    """Time zone of the days; None without a rulebook."""
    observed_since: Second
    """Unix second since which the phone has been listening."""
    published_until: Second | None
    """Signed time of the newest published data that were looked at."""
    radio_share_percent: Annotated[int, Field(ge=0, le=100)] | None
    """Share of the planned scans that ran; None before the first."""
    data_old: bool
    """Published data are missing or too old: the colour says nothing about what happened since."""
    rulebook_version: Annotated[int, Field(ge=1, lt=2**31)] | None
    rulebook_digest: Digest | None
    """SHA-256 of the rulebook, in hexadecimal digits."""
    facts_digest: Digest
    """SHA-256 of the facts, in hexadecimal digits."""
    reasons: Annotated[tuple[Finding, ...], FailFast()]
    """Findings in force, the most severe first. Milder ones than the colour are listed too."""
    not_counted: Annotated[tuple[NotCounted, ...], FailFast()]
    """In order of days."""
    grey_because: tuple[Grey, ...]
    """Why it is grey; empty for other colours."""
    ends: Annotated[tuple[Ending, ...], FailFast()]
    """What ends each reason."""

    @property
    def digest(self) -> str:
        """SHA-256 of the decision's canonical JSON, in hexadecimal digits."""
        return hashlib.sha256(decision_bytes(self)).hexdigest()


def decision_bytes(decision: Decision) -> bytes:
    """The decision as canonical JSON."""
    return record_bytes(decision)


def parse_decision(data: bytes) -> Decision:
    """The decision of :func:`decision_bytes`. Raises LimitError or FormatError."""
    return parse_record(Decision, data, "a decision", MAX_DECISION_BYTES)
