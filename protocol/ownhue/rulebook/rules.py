"""Rules: the parts a rulebook is made of. specs/rulebook.md section 2

- Only parameters: integers, texts, dates and lists. Weights are whole percents.
- A part refuses values that contradict each other, with a sentence that says how.
- Tuples are ordered as the table of the spec orders them.

Parts about exposure and about the other kinds of evidence have modules of their own; all are importable from here.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ownhue.records import Record
from ownhue.rulebook.evidence_rules import AreaRule, EncounterRules, ExitRule, VenueRule
from ownhue.rulebook.exposure_rules import ExposureRules, LevelWeights, ReportWeights
from ownhue.rulebook.words import (
    MAX_RULES,
    MAX_VERSION,
    ONSET_RANGE,
    SEVERITY,
    YEARS,
    CertificateWord,
    ColourWord,
    EvidenceWord,
    Infectiousness,
    Label,
    Language,
    OwnResultWord,
    ReportTypeWord,
    RuleName,
    StayColour,
    TestKindWord,
    need_alphabetical,
    need_severity_order,
    report_type_word,
)

__all__ = [
    "MAX_RULES",
    "MAX_VERSION",
    "ONSET_RANGE",
    "SEVERITY",
    "YEARS",
    "AreaRule",
    "CertificateWord",
    "ColourWord",
    "EncounterRules",
    "EvidenceWord",
    "ExitRule",
    "ExposureRules",
    "Freshness",
    "Infectiousness",
    "Label",
    "Language",
    "LevelWeights",
    "Mode",
    "OwnResultWord",
    "Radio",
    "ReportTypeWord",
    "ReportWeights",
    "RuleName",
    "StayColour",
    "Stays",
    "TestKindWord",
    "VenueRule",
    "need_alphabetical",
    "report_type_word",
]


class Stays(Record):
    """How long colours last: to the end of the local day that lies this many days after the day they count from."""

    yellow_days: int = Field(ge=1, le=90)
    """Days after the day of the finding."""
    red_days: int = Field(ge=1, le=90)
    """Days after the day of the finding (for an own result: the day of the test)."""

    @model_validator(mode="after")
    def _red_is_not_shorter(self) -> Self:
        if self.red_days < self.yellow_days:
            raise ValueError("red ends before yellow, so that more evidence would end a stay earlier")
        return self


class Freshness(Record):
    """How old what is known may be."""

    published_data_hours: int = Field(ge=1, le=336)
    """Published data older than this many hours no longer show that nothing happened: grey instead of green."""


class Radio(Record):
    """How much the phone must have listened."""

    least_share_percent: int = Field(ge=0, le=100)
    """Least share of the planned scans that must have run, or grey instead of green."""
    when_unknown: Literal["green", "grey"]
    """What a phone is that had no planned scan yet."""


class Mode(Record):
    """What a checkpoint of one kind does with each colour. A colour in neither list is refused."""

    label: Label
    """Name of the mode, by language."""
    passes: tuple[ColourWord, ...]
    """Colours that pass, in order of severity."""
    refers: tuple[ColourWord, ...]
    """Colours that are referred to the staff, in order of severity."""
    requires: tuple[CertificateWord, ...]
    """Certificates of which one must be shown too, in alphabetical order; empty: none."""
    test_hours: Annotated[int, Field(ge=1, le=336)]
    """How many hours old the sample of a required negative test may be."""
    measure_temperature: bool
    """Whether the staff also measures the temperature. No device of this project does it or keeps it."""

    @model_validator(mode="after")
    def _nothing_contradicts(self) -> Self:
        for words in (self.passes, self.refers):
            need_severity_order(words)
        need_alphabetical(self.requires, "the certificates that a mode requires")
        if set(self.passes) & set(self.refers):
            raise ValueError("a colour both passes and is referred")
        if "green" not in self.passes:
            raise ValueError("green does not pass, so that nobody could ever enter unquestioned")
        if "red" in self.passes:
            raise ValueError("red passes, so that this checkpoint would ask for a colour and let everybody in")
        treatments = [self.treatment(colour) for colour in SEVERITY]
        if treatments != sorted(treatments):
            raise ValueError("a more severe colour is treated better than a milder one")
        return self

    def treatment(self, colour: ColourWord) -> int:
        """0 where the colour passes, 1 where it is referred to the staff, 2 where it is refused."""
        return 0 if colour in self.passes else 1 if colour in self.refers else 2
