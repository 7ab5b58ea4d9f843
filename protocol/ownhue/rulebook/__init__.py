"""Rulebook: the published algorithm that makes colours, as data. specs/rulebook.md

    {"encounters":{"ceiling":"yellow","red_minutes_per_day":60,"yellow_minutes_per_day":15},"exposure":{...},
     "format":"ownhue-rulebook-1","freshness":{"published_data_hours":24},"modes":{...},"own_results":[...],...}

- Canonical JSON: what :func:`parse_rulebook` accepts, :func:`rulebook_bytes` writes again byte by byte.
- It holds parameters only; what they mean is written once, in specs/colour.md, and done once, in ownhue.colour.
- It arrives signed (specs/publication.md); this module judges its content, not its signature.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from ownhue.records import Record, parse_record, record_bytes
from ownhue.rulebook.rules import (
    MAX_RULES,
    MAX_VERSION,
    YEARS,
    AreaRule,
    EncounterRules,
    ExitRule,
    ExposureRules,
    Freshness,
    Label,
    Language,
    Mode,
    OwnResultWord,
    Radio,
    RuleName,
    Stays,
    VenueRule,
    need_alphabetical,
)

__all__ = [
    "MAX_RULEBOOK_BYTES",
    "AreaRule",
    "EncounterRules",
    "ExitRule",
    "ExposureRules",
    "Freshness",
    "Mode",
    "Radio",
    "Rulebook",
    "Stays",
    "VenueRule",
    "parse_rulebook",
    "rulebook_bytes",
    "rulebook_schema",
]

#: Longest rulebook in bytes. specs/rulebook.md section 3
MAX_RULEBOOK_BYTES = 131_072


class Rulebook(Record):
    """One version of a region's rules. Values of others come through :func:`parse_rulebook`."""

    format: Literal["ownhue-rulebook-1"]
    """Name of this format."""
    region: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    """Short name of the region."""
    zone: str = Field(pattern=r"^[A-Z][A-Za-z0-9_+-]{1,30}(/[A-Z][A-Za-z0-9_+-]{1,30}){0,2}$")
    """IANA time zone in which days begin and end."""
    version: int = Field(ge=1, le=MAX_VERSION)
    """Grows with every rulebook of the region."""
    valid_from: date
    """First day on which this rulebook decides."""
    valid_until: date
    """Last day on which this rulebook decides."""
    sunset: date
    """Last day of the whole system in this region: after it phones wipe and checkpoints stop."""
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=50)]
    """Languages of all its texts, in alphabetical order."""
    summary: Label
    """The rules in plain words, by language."""
    exposure: ExposureRules
    encounters: EncounterRules
    stays: Stays
    own_results: Annotated[tuple[OwnResultWord, ...], Field(max_length=3)]
    """Which own positive results make red, in alphabetical order."""
    venues: Annotated[dict[RuleName, VenueRule], Field(max_length=MAX_RULES)]
    """Rules that venue notices can name."""
    areas: Annotated[dict[RuleName, AreaRule], Field(max_length=MAX_RULES)]
    """Rules that area notices can name."""
    exits: Annotated[tuple[ExitRule, ...], Field(max_length=MAX_RULES)]
    """Which certificates end findings early, in alphabetical order of their names."""
    freshness: Freshness
    radio: Radio
    modes: Annotated[dict[RuleName, Mode], Field(min_length=1, max_length=MAX_RULES)]
    """Kinds of checkpoints, by name."""

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, LookupError) as error:
            raise ValueError("not a time zone of the IANA data base") from error
        return name

    @field_validator("valid_from", "valid_until", "sunset")
    @classmethod
    def _date_is_near(cls, day: date) -> date:
        if day.year not in YEARS:
            raise ValueError(f"the year is not between {YEARS.start} and {YEARS.stop - 1}")
        return day

    @model_validator(mode="after")
    def _nothing_contradicts(self) -> Self:
        if self.valid_until < self.valid_from:
            raise ValueError("valid_until lies before valid_from, so that the rulebook is never in force")
        if self.sunset < self.valid_until:
            raise ValueError("the sunset lies before valid_until, so that rules would outlive the system")
        need_alphabetical(self.own_results, "own_results")
        need_alphabetical(self.languages, "languages")
        need_alphabetical([rule.name for rule in self.exits], "the names of exits")
        for path, label in self.labels():
            if set(label) != set(self.languages):
                raise ValueError(f"{path} is not written in exactly the languages of the rulebook")
        return self

    def labels(self) -> Iterator[tuple[str, Label]]:
        """Every text that people read, with the path of its field."""
        yield "summary", self.summary
        kinds: tuple[tuple[str, Mapping[str, AreaRule | Mode | VenueRule]], ...] = (
            ("venues", self.venues),
            ("areas", self.areas),
            ("modes", self.modes),
        )
        for kind, rules in kinds:
            for name, rule in rules.items():
                yield f"{kind}.{name}.label", rule.label

    @property
    def zone_info(self) -> ZoneInfo:
        """The time zone as an object."""
        return ZoneInfo(self.zone)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, in hexadecimal digits."""
        return hashlib.sha256(rulebook_bytes(self)).hexdigest()

    def local_date(self, now: int) -> date:
        """The date in the rulebook's zone at *now* (unix seconds)."""
        return datetime.fromtimestamp(now, self.zone_info).date()

    def end_of_day(self, day: date) -> int:
        """Unix second of 23:59:59 of a local day; the later one, where clocks are put back over midnight."""
        return int(datetime.combine(day, time(23, 59, 59, fold=1), self.zone_info).timestamp())

    def in_force(self, now: int) -> bool:
        """Whether the rulebook decides at *now* (unix seconds)."""
        return self.valid_from <= self.local_date(now) <= min(self.valid_until, self.sunset)


def rulebook_bytes(rulebook: Rulebook) -> bytes:
    """The rulebook's file: canonical JSON."""
    return record_bytes(rulebook)


def parse_rulebook(data: bytes) -> Rulebook:
    """The rulebook of a file. Raises LimitError, or FormatError saying what is wrong or contradicts itself."""
    return parse_record(Rulebook, data, "a rulebook", MAX_RULEBOOK_BYTES)


def rulebook_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the format: what specs/rulebook.schema.json holds."""
    schema = Rulebook.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
