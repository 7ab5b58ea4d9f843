"""Rules: the parts a rulebook is made of. specs/rulebook.md section 2

- Only parameters: integers, texts, dates and lists. Weights are whole percents.
- A part refuses values that contradict each other, with a sentence that says how.
- Tuples are ordered as the table of the spec orders them.
"""

from bisect import bisect_left
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ownhue.params import ReportType
from ownhue.records import Record

#: Days since onset for which a rulebook says how infectious somebody is: -14 .. +14. specs/rulebook.md section 2
ONSET_RANGE = 14
#: Dates of rulebooks and results lie in these years, so that every stay has an end. specs/rulebook.md section 3
YEARS = range(2000, 2101)

ColourWord = Literal["green", "grey", "yellow", "red"]
Infectiousness = Literal["none", "standard", "high"]
ReportTypeWord = Literal["confirmed_test", "confirmed_clinical", "self_report", "recursive"]

Percent = Annotated[int, Field(ge=0, le=250)]
Decibel = Annotated[int, Field(ge=0, le=255)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Label = Annotated[dict[Language, Text], Field(min_length=1, max_length=50)]

_REPORT_TYPE_WORDS: dict[int, ReportTypeWord] = {
    ReportType.CONFIRMED_TEST: "confirmed_test",
    ReportType.CONFIRMED_CLINICAL: "confirmed_clinical",
    ReportType.SELF_REPORT: "self_report",
    ReportType.RECURSIVE: "recursive",
}


def report_type_word(report_type: int) -> ReportTypeWord | None:
    """The rulebook's word for a report type; None for unknown, revoked and foreign ones."""
    return _REPORT_TYPE_WORDS.get(report_type)


class InfectiousnessWeights(Record):
    """Weights of the two levels, in percent. Level "none" weighs nothing."""

    standard: Percent
    """Weight of level "standard"."""
    high: Percent
    """Weight of level "high"."""

    @model_validator(mode="after")
    def _high_is_not_less(self) -> Self:
        if self.high < self.standard:
            raise ValueError("infectiousness 'high' weighs less than 'standard'")
        return self


class ReportTypeWeights(Record):
    """Weights of the kinds of diagnosis, in percent. A revoked key weighs nothing."""

    confirmed_test: Percent
    """A test confirmed by a laboratory."""
    confirmed_clinical: Percent
    """A diagnosis by a doctor without a test."""
    self_report: Percent
    """The word of the person alone."""
    recursive: Percent
    """Reserved by GAEN."""


class ExposureRules(Record):
    """How a window becomes weighted seconds: the parameters of the GAEN v2 daily summary, in integers."""

    attenuation: Literal["typical", "minimum"]
    """Which attenuation of a scan is looked at."""
    thresholds_db: tuple[Decibel, Decibel, Decibel]
    """Upper ends, inclusive, of the bands "immediate", "near" and "medium"; "other" is what lies above."""
    weights_percent: tuple[Percent, Percent, Percent, Percent]
    """Weights of "immediate", "near", "medium" and "other"."""
    infectiousness: Annotated[tuple[Infectiousness, ...], Field(min_length=29, max_length=29)]
    """Level for each day since onset, from -14 to +14. Days outside weigh nothing."""
    infectiousness_when_unknown: Infectiousness
    """Level of a key that does not say its days since onset."""
    infectiousness_weights_percent: InfectiousnessWeights
    report_type_weights_percent: ReportTypeWeights
    report_type_when_unknown: ReportTypeWord | Literal["none"]
    """As what a key of unknown report type is taken; "none": it weighs nothing."""
    minimum_window_score_percent: int = Field(ge=0, le=1_000_000)
    """Windows scoring less than this many hundredths of a weighted second are dropped."""
    look_back_days: int = Field(ge=1, le=30)
    """An encounter counts when it became known at most this many days after its own day."""

    @model_validator(mode="after")
    def _thresholds_ascend(self) -> Self:
        immediate, near, medium = self.thresholds_db
        if not immediate < near < medium:
            raise ValueError("the three attenuation thresholds do not ascend")
        return self

    def band_of(self, attenuation: int) -> int:
        """Index of the band (0 immediate .. 3 other) of an attenuation in dB."""
        return bisect_left(self.thresholds_db, attenuation)

    def infectiousness_percent(self, days_since_onset: int | None) -> int:
        """Weight of a key whose period began this many days after onset."""
        level = self.infectiousness_when_unknown if days_since_onset is None else self._level(days_since_onset)
        weights = self.infectiousness_weights_percent
        return {"none": 0, "standard": weights.standard, "high": weights.high}[level]

    def report_type_percent(self, report_type: int) -> int:
        """Weight of a report type. Revoked and foreign ones weigh nothing."""
        word = report_type_word(report_type)
        if report_type == ReportType.UNKNOWN and self.report_type_when_unknown != "none":
            word = self.report_type_when_unknown
        return 0 if word is None else int(getattr(self.report_type_weights_percent, word))

    def _level(self, days_since_onset: int) -> Infectiousness:
        if abs(days_since_onset) > ONSET_RANGE:
            return "none"
        return self.infectiousness[days_since_onset + ONSET_RANGE]


class EncounterRules(Record):
    """How much of one local day with reported people makes a colour."""

    yellow_minutes_per_day: int = Field(ge=1, le=1440)
    """Weighted minutes of one day that make yellow (inclusive)."""
    red_minutes_per_day: int = Field(ge=1, le=1440)
    """Weighted minutes of one day that make red (inclusive), if the ceiling allows it."""
    ceiling: Literal["yellow", "red"]
    """The worst colour that Bluetooth alone can give."""

    @model_validator(mode="after")
    def _red_is_not_less(self) -> Self:
        if self.red_minutes_per_day < self.yellow_minutes_per_day:
            raise ValueError("red needs fewer minutes a day than yellow, so that yellow could never be reached alone")
        return self


class Stays(Record):
    """How long colours last: to the end of the local day that lies this many days after the day they count from."""

    yellow_days: int = Field(ge=1, le=90)
    """Days after the day of the encounter."""
    red_days: int = Field(ge=1, le=90)
    """Days after the day of the encounter, or of the own test."""

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

    @model_validator(mode="after")
    def _each_colour_once(self) -> Self:
        order = ("green", "grey", "yellow", "red")
        for words in (self.passes, self.refers):
            if list(words) != sorted(set(words), key=order.index):
                raise ValueError("colours stand once each, in order of severity")
        if set(self.passes) & set(self.refers):
            raise ValueError("a colour both passes and is referred")
        if "green" not in self.passes:
            raise ValueError("green does not pass, so that nobody could ever enter unquestioned")
        return self
