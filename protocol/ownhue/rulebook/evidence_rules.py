"""Evidence rules: from which amount each kind of evidence makes a colour, and what ends it early.

    "venues": {"indoor": {"colour": "yellow", "label": {"en": "Indoor venue"}, "minimum_minutes": 15}}
    "exits": [{"certificate": "negative_test", "colours": ["yellow"], "ends": ["encounter"], "from_day": 5,
               "name": "negative-pcr", "test_kinds": ["naat"], "until_day": 90}]

What they mean: specs/colour.md sections 4 and 5. Days of exits are counted from the day of the finding; negative ones
lie before it and say how long a vaccination or a recovery protects (specs/decisions/0010).
"""

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from ownhue.records import Record
from ownhue.rulebook.words import (
    CertificateWord,
    DayOffset,
    EvidenceWord,
    Label,
    RuleName,
    StayColour,
    TestKindWord,
    need_alphabetical,
    need_severity_order,
)

Minutes = Annotated[int, Field(ge=1, le=1440)]


class EncounterRules(Record):
    """How much of one local day with reported people makes a colour."""

    yellow_minutes_per_day: Minutes
    """Weighted minutes of one day that make yellow (inclusive)."""
    red_minutes_per_day: Minutes
    """Weighted minutes of one day that make red (inclusive), if the ceiling allows it."""
    ceiling: StayColour
    """The worst colour that Bluetooth alone can give."""

    @model_validator(mode="after")
    def _red_is_not_less(self) -> Self:
        if self.red_minutes_per_day < self.yellow_minutes_per_day:
            raise ValueError("red needs fewer minutes a day than yellow, so that yellow could never be reached alone")
        return self


class VenueRule(Record):
    """What a visit makes that a venue notice of this rule speaks of."""

    label: Label
    """Name of the kind of venue, by language."""
    minimum_minutes: Minutes
    """Minutes that visit and notice must overlap (inclusive)."""
    colour: StayColour
    """The colour that such a visit makes."""


class AreaRule(Record):
    """What a stay makes that an area notice of this rule speaks of. It is never more than yellow."""

    label: Label
    """Name of the kind of area, by language."""
    minimum_minutes: Minutes
    """Minutes that stay and notice must overlap (inclusive); a notice can ask for more."""


class ExitRule(Record):
    """Which certificate ends which findings before their time."""

    name: RuleName
    """Name of the rule."""
    certificate: CertificateWord
    """Kind of certificate."""
    test_kinds: tuple[TestKindWord, ...]
    """Kinds of test that are accepted, in alphabetical order; empty for recovery and vaccination."""
    ends: Annotated[tuple[EvidenceWord, ...], Field(min_length=1)]
    """Kinds of findings that it ends, in alphabetical order."""
    colours: Annotated[tuple[StayColour, ...], Field(min_length=1)]
    """Colours of findings that it ends, in order of severity."""
    from_day: DayOffset
    """First date of the certificate that fits, in days after the day of the finding; negative: before it."""
    until_day: DayOffset
    """Last date of the certificate that fits, counted likewise."""

    @model_validator(mode="after")
    def _nothing_contradicts(self) -> Self:
        need_alphabetical(self.test_kinds, "test_kinds")
        need_alphabetical(self.ends, "the findings that an exit ends")
        need_severity_order(self.colours)
        if self.certificate == "negative_test" and not self.test_kinds:
            raise ValueError("a negative test needs kinds of test, or no test could ever end anything")
        if self.certificate != "negative_test" and self.test_kinds:
            raise ValueError("only a negative test has kinds of test")
        if self.until_day < self.from_day:
            raise ValueError("until_day lies before from_day, so that no certificate could ever fit")
        return self

    def fits_days(self, finding_day: date, certificate_day: date) -> bool:
        """Whether a certificate of this local date can end a finding of that local date."""
        return self.from_day <= (certificate_day - finding_day).days <= self.until_day
