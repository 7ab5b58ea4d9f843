"""Decision: a colour and everything its owner may want to know about it. specs/colour.md section 3

    {"colour":"yellow","ends":[{"at":1768060799,"finding":"9c0f...","how":"time"},...],"reasons":[{"day":"2026-01-03",
     "kind":"encounter","minutes":22,"part_of_day":"morning","share_percent":146,...}],"until":1768060799,...}

- Colours are written as words, days as dates, times as unix seconds.
- The same rulebook, facts and time give the same bytes, on every machine.
"""

import hashlib
from datetime import date
from enum import IntEnum, StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainSerializer

from ownhue.encoding import cbor_encode
from ownhue.records import Record, parse_record, record_bytes

#: Longest decision in bytes. specs/colour.md section 3
MAX_DECISION_BYTES = 1_048_576

_FINDING_PURPOSE = b"OWNHUE-FINDING"
_FINDING_ID_BYTES = 8


class Colour(IntEnum):
    """The colours in order of severity. specs/colour.md section 2"""

    GREEN = 0
    GREY = 1
    YELLOW = 2
    RED = 3

    @property
    def word(self) -> str:
        """The colour's name in lower case."""
        return self.name.lower()


_COLOURS = {colour.word: colour for colour in Colour}


def _colour_of(value: Any) -> Any:
    return _COLOURS.get(value, value) if isinstance(value, str) else value


#: A colour that is written as its word in JSON.
ColourField = Annotated[
    Colour,
    BeforeValidator(_colour_of, json_schema_input_type=Literal["green", "grey", "yellow", "red"]),
    PlainSerializer(lambda colour: colour.word, return_type=str, when_used="json"),
]

PartOfDay = Literal["night", "morning", "afternoon", "evening"]
DistanceBand = Literal["immediate", "near", "medium", "other"]
Kind = Literal["encounter", "own_result"]


class WhyNot(StrEnum):
    """Why something that was seen did not count. specs/colour.md section 5"""

    WITHDRAWN = "withdrawn"
    TOO_OLD = "too old"
    REPORT_TYPE = "report type does not count"
    NOT_INFECTIOUS = "not infectious"
    TOO_FAR = "too far"
    TOO_SHORT = "too short"
    BELOW_THRESHOLD = "below threshold"
    STAY_OVER = "stay is over"


class Grey(StrEnum):
    """Why a colour is not established. specs/colour.md section 6"""

    NO_RULEBOOK = "no rulebook in force"
    NO_DATA = "no published data"
    OLD_DATA = "published data too old"
    RADIO_OFF = "radio off too much"


def finding_id(salt: bytes, kind: Kind, *parts: int | str) -> str:
    """Salted name of a finding: the first 8 bytes of SHA-256("OWNHUE-FINDING" || CBOR [salt, kind, parts...]).

    Two phones that found the same thing give it different names. specs/colour.md section 4
    """
    return hashlib.sha256(_FINDING_PURPOSE + cbor_encode([salt, kind, *parts])).digest()[:_FINDING_ID_BYTES].hex()


class Finding(Record):
    """One piece of evidence that makes a colour now."""

    id: str
    """Salted name of the finding, 16 hexadecimal digits; the same day or result keeps its id."""
    kind: Kind
    colour: ColourField
    """The colour it makes."""
    rule: str
    """The field of the rulebook that says so."""
    day: date
    """Local day of the encounter or of the test."""
    part_of_day: PartOfDay | None
    """Part of the day with the most weight (quarters from midnight); None for a result."""
    minutes: int | None
    """Weighted minutes of that day, rounded down."""
    seconds: int | None
    """Seconds heard on that day, unweighted, of what counted."""
    distance_band: DistanceBand | None
    """Band of attenuation with the most weight. Not a distance: walls and pockets count too."""
    share_percent: int | None
    """How far it filled the threshold of its rule, in percent, rounded down."""
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
    """What was seen and makes no colour, with the reason; one entry per day (or result) and reason."""

    kind: Kind
    day: date
    why: WhyNot
    finding: str
    """Id of the finding that it would belong to."""
    part_of_day: PartOfDay | None
    minutes: int | None
    """Weighted minutes, rounded down, that it would have had (0 where its weight is zero)."""
    seconds: int | None
    distance_band: DistanceBand | None
    share_percent: int | None
    """How far it filled the threshold of yellow; None for a result and for what was left out of a day."""


class Ending(Record):
    """One way in which a reason of the colour ends."""

    how: Literal[
        "time",
        "withdrawal by the authority",
        "a rulebook in force",
        "new published data",
        "radio on",
    ]
    at: int | None
    """Last unix second, for "time"; None for what has no date."""
    finding: str | None
    """Id of the finding that ends; None for grey."""


class Decision(Record):
    """A colour at one moment, with its reasons."""

    time: int
    """Unix second for which it was decided."""
    colour: ColourField
    since: int | None
    """Unix second since which the findings gave this colour by this rulebook. None for grey: the journal has it."""
    until: int | None
    """Last unix second of the colour, if nothing new happens; None for green and grey."""
    zone: str | None
    """Time zone of the days; None without a rulebook."""
    observed_since: int
    """Unix second since which the phone has been listening."""
    published_until: int | None
    """Signed time of the newest published data that were looked at."""
    radio_share_percent: int | None
    """Share of the planned scans that ran; None before the first."""
    data_old: bool
    """Published data are missing or too old: the colour says nothing about what happened since."""
    rulebook_version: int | None
    rulebook_digest: str | None
    """SHA-256 of the rulebook, in hexadecimal digits."""
    facts_digest: str
    """SHA-256 of the facts, in hexadecimal digits."""
    reasons: tuple[Finding, ...]
    """Findings in force, the most severe first. Milder ones than the colour are listed too."""
    not_counted: tuple[NotCounted, ...]
    """In order of days."""
    grey_because: tuple[Grey, ...]
    """Why it is grey; empty for other colours."""
    ends: tuple[Ending, ...]
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
