"""Exposure rules: how a window near a reported key becomes weighted seconds. specs/exposure.md section 3

The parameters of GAEN's v2 daily summary, in integers, with one difference: what a key counts for is one table by kind
of diagnosis and level of infectiousness, not the product of two weights; why stands in
specs/decisions/0007-weights-by-report-are-a-table.md.

    "weights_by_report_percent": {"confirmed_test": {"standard": 30, "high": 100}, "confirmed_clinical": {...}, ...}
"""

from bisect import bisect_left
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ownhue.params import ReportType
from ownhue.records import Record
from ownhue.rulebook.words import (
    ONSET_RANGE,
    Decibel,
    Infectiousness,
    Percent,
    ReportPercent,
    ReportTypeWord,
    report_type_word,
)


class LevelWeights(Record):
    """Weights of one kind of diagnosis at the two levels of infectiousness, in percent. Level "none" weighs nothing."""

    standard: ReportPercent
    """Weight on a day of level "standard"."""
    high: ReportPercent
    """Weight on a day of level "high"."""

    @model_validator(mode="after")
    def _high_is_not_less(self) -> Self:
        if self.high < self.standard:
            raise ValueError("infectiousness 'high' weighs less than 'standard'")
        return self


class ReportWeights(Record):
    """Weights of the kinds of diagnosis. A revoked key weighs nothing."""

    confirmed_test: LevelWeights
    """A test confirmed by a laboratory."""
    confirmed_clinical: LevelWeights
    """A diagnosis by a doctor without a test."""
    self_report: LevelWeights
    """The word of the person alone."""
    recursive: LevelWeights
    """Reserved by GAEN."""


class ExposureRules(Record):
    """How a window becomes weighted seconds."""

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
    weights_by_report_percent: ReportWeights
    """What a key counts for, by kind of diagnosis and level of infectiousness."""
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

    def level_of(self, days_since_onset: int | None) -> Infectiousness:
        """Infectiousness of a key whose period began this many days after onset; None where it does not say."""
        if days_since_onset is None:
            return self.infectiousness_when_unknown
        if abs(days_since_onset) > ONSET_RANGE:
            return "none"
        return self.infectiousness[days_since_onset + ONSET_RANGE]

    def report_percent(self, report_type: int, days_since_onset: int | None) -> int:
        """What a key of this kind (ReportType) and day counts for, in percent. Revoked and foreign kinds: nothing."""
        level = self.level_of(days_since_onset)
        if level == "none":
            return 0
        weights = self._weights_of(report_type)
        return 0 if weights is None else weights.high if level == "high" else weights.standard

    def counts_report_type(self, report_type: int) -> bool:
        """Whether keys of this kind (ReportType) count on any day."""
        weights = self._weights_of(report_type)
        return weights is not None and weights.high > 0

    def _weights_of(self, report_type: int) -> LevelWeights | None:
        word = report_type_word(report_type)
        if report_type == ReportType.UNKNOWN and self.report_type_when_unknown != "none":
            word = self.report_type_when_unknown
        if word is None:
            return None
        weights: LevelWeights = getattr(self.weights_by_report_percent, word)
        return weights
