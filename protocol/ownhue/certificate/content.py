"""What a health certificate says: the EU's DCC schema 1.0 to 1.3 as values. specs/certificate.md section 2

    {"ver": "1.3.0", "nam": {"fn": "Muster", "fnt": "MUSTER", "gn": "Probe", "gnt": "PROBE"}, "dob": "1990-01-01",
     "t": [{"tg": "840539006", "tt": "LP6464-4", "sc": "2026-01-05T08:30:00Z", "tr": "260415000", "tc": "Desk 1",
            "co": "XX", "is": "Health Office", "ci": "URN:UVCI:01:XX:5E21...#R"}]}

- Exactly one of the groups v, t and r is there, with exactly one entry. A group that is null is not there.
- Members that are not known are skipped: states add their own. The strict spelling of section 3 has none.
- Codes of vaccines, makers and places are not compared with lists: what a certificate ends does not depend on them.
- A name, a date of birth, a certificate's id and what it says never show in a repr.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, model_validator

from ownhue.certificate.parts import Birth, Country, Date, Doses, Part, Standardised, Text, Time, Uvci, parse_part

#: Disease or agent: COVID-19, in SNOMED CT. specs/certificate.md section 2
COVID_19 = "840539006"
#: Test result: not detected, in SNOMED CT. specs/certificate.md section 2
NOT_DETECTED = "260415000"
#: Test result: detected, in SNOMED CT. specs/certificate.md section 2
DETECTED = "260373001"
#: Kind of test: nucleic acid amplification, in LOINC. specs/certificate.md section 2
NAAT = "LP6464-4"
#: Kind of test: rapid antigen, in LOINC. specs/certificate.md section 2
RAT = "LP217198-3"
#: Version of the schema that our own certificates follow. specs/certificate.md section 3
SCHEMA_VERSION = "1.3.0"

Usage = Literal["clearance", "recovery", "test", "vaccination"]


class Name(Part):
    """Name of the holder: as written, and standardised for machines (ICAO 9303: A to Z, "<" between parts)."""

    fn: Text | None = None
    """Family name."""
    fnt: Standardised
    """Family name, standardised. Empty: not told."""
    gn: Text | None = None
    """Given name."""
    gnt: Standardised | None = None
    """Given name, standardised."""


class ResultEntry(Part):
    """One test."""

    tg: Text
    """Disease or agent."""
    tt: Text
    """Kind of test."""
    nm: Text | None = None
    """Name of a nucleic acid amplification test."""
    ma: Text | None = None
    """Device of a rapid antigen test."""
    sc: Time
    """When the sample was taken, UTC."""
    tr: Text
    """Result."""
    tc: Text | None = None
    """Testing centre."""
    co: Country
    """Country."""
    is_: Text = Field(alias="is")
    """Who issued it."""
    ci: Uvci
    """Unique certificate identifier (UVCI)."""

    @property
    def sampled_at(self) -> int:
        """Unix second at which the sample was taken."""
        return int(datetime.fromisoformat(self.sc).timestamp())


class RecoveryEntry(Part):
    """One recovery."""

    tg: Text
    """Disease or agent."""
    fr: Date
    """Date of the first positive result."""
    co: Country
    """Country."""
    is_: Text = Field(alias="is")
    """Who issued it."""
    df: Date
    """First date on which it is valid."""
    du: Date
    """Last date on which it is valid."""
    ci: Uvci
    """Unique certificate identifier (UVCI)."""


class VaccinationEntry(Part):
    """One vaccination."""

    tg: Text
    """Disease or agent."""
    vp: Text
    """Kind of vaccine."""
    mp: Text
    """Product."""
    ma: Text
    """Maker."""
    dn: Doses
    """Number of this dose."""
    sd: Doses
    """Number of doses that make it complete."""
    dt: Date
    """Date of this dose."""
    co: Country
    """Country."""
    is_: Text = Field(alias="is")
    """Who issued it."""
    ci: Uvci
    """Unique certificate identifier (UVCI)."""

    @property
    def complete(self) -> bool:
        """Whether this dose made the series complete."""
        return self.dn >= self.sd


Entry = ResultEntry | RecoveryEntry | VaccinationEntry
E = TypeVar("E", bound=Entry)
# A list of one; "strict" would want a tuple of CBOR.
OneOf = Annotated[tuple[E, ...], Field(strict=False, min_length=1, max_length=1)]


class Content(Part):
    """The whole content: a person and one entry."""

    ver: Annotated[str, Field(pattern=r"^[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\z")]
    """Version of the schema."""
    nam: Name
    dob: Birth
    """Date of birth: a date, a month, a year, or empty."""
    v: OneOf[VaccinationEntry] | None = None
    t: OneOf[ResultEntry] | None = None
    r: OneOf[RecoveryEntry] | None = None

    @model_validator(mode="after")
    def _has_one_group(self) -> Self:
        if sum(group is not None for group in (self.v, self.t, self.r)) != 1:
            raise ValueError("not exactly one of the groups v, t and r")
        return self

    @property
    def entry(self) -> Entry:
        """The one entry."""
        return next(group[0] for group in (self.v, self.t, self.r) if group)

    @property
    def usage(self) -> Usage:
        """What a signer must be allowed to sign."""
        return "vaccination" if self.v else "test" if self.t else "recovery"

    @property
    def names_nobody(self) -> bool:
        """Whether it tells neither a name nor a date of birth: it is good for whoever holds it."""
        standardised = (self.nam.fnt + (self.nam.gnt or "")).strip("<")  # which alone only fills a line
        return not (standardised or self.nam.fn or self.nam.gn or self.dob)


class ClearanceBody(Part):
    """The claim of a clearance: the authority takes back one finding."""

    finding: Annotated[str, Field(pattern=r"^[0-9a-f]{16}\z")]
    """Id of the finding, which only the phone that has it knows (specs/colour.md)."""
    region: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}\z")]
    """Region whose authority says so."""
    issued_at: Annotated[int, Field(ge=0, lt=2**32)]
    """Unix second of its making."""


def parse_content(content: dict[Any, Any]) -> Content:
    """(10): the content of a certificate. Raises FormatError naming each wrong field, without its value."""
    return parse_part(Content, content, "not the content of a certificate")


def parse_clearance(body: dict[Any, Any]) -> ClearanceBody:
    """(10): the body of a clearance. Raises FormatError."""
    return parse_part(ClearanceBody, body, "not the content of a clearance")


def content_body(content: Part) -> dict[str, Any]:
    """The content as CBOR or JSON has it; what is not told is left out."""
    return content.model_dump(by_alias=True, exclude_none=True)
