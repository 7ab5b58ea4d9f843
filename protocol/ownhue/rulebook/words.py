"""The words and ranges that all parts of a rulebook share. specs/rulebook.md section 2"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from ownhue.params import ReportType

#: Days since onset for which a rulebook says how infectious somebody is: -14 .. +14. specs/rulebook.md section 3
ONSET_RANGE = 14
#: Dates of rulebooks and results lie in these years, so that every stay has an end. specs/rulebook.md section 3
YEARS = range(2000, 2101)
#: Most rules of one kind (modes, venues, areas, exits) of a rulebook. specs/rulebook.md section 3
MAX_RULES = 64

#: Highest version of a rulebook. specs/rulebook.md section 3
MAX_VERSION = 2**31 - 1

ColourWord = Literal["green", "grey", "yellow", "red"]
StayColour = Literal["yellow", "red"]
Infectiousness = Literal["none", "standard", "high"]
ReportTypeWord = Literal["confirmed_test", "confirmed_clinical", "self_report", "recursive"]
OwnResultWord = Literal["confirmed_test", "confirmed_clinical", "self_report"]
CertificateWord = Literal["negative_test", "recovery", "vaccination"]
TestKindWord = Literal["naat", "rat"]
EvidenceWord = Literal["area", "encounter", "own_result", "venue"]

#: All colours, mildest first.
SEVERITY: tuple[ColourWord, ...] = ("green", "grey", "yellow", "red")

Percent = Annotated[int, Field(ge=0, le=250)]
ReportPercent = Annotated[int, Field(ge=0, le=625)]
Decibel = Annotated[int, Field(ge=0, le=255)]
DayOffset = Annotated[int, Field(ge=-400, le=90)]
RuleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
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


def need_alphabetical(words: Sequence[str], what: str) -> None:
    """Raises ValueError unless the words stand once each, in alphabetical order."""
    if list(words) != sorted(set(words)):
        raise ValueError(f"{what} stand once each, in alphabetical order")


def need_severity_order(words: Sequence[ColourWord]) -> None:
    """Raises ValueError unless the colours stand once each, mildest first."""
    if list(words) != sorted(set(words), key=SEVERITY.index):
        raise ValueError("colours stand once each, in order of severity")
