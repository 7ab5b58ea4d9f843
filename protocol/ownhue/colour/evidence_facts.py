"""Evidence besides encounters, as facts hold it: own results, venue visits, stays in areas, certificates, clearances.

    VenueExposure(source=<tag of the notice, 16 bytes>, rule="indoor", start=1767585600, seconds=3600,
                  published_at=1767744000, contradicted=False)
    CertificateFact(id=<32 bytes>, kind="negative_test", test_kind="naat", time=1768000000, complete=True,
                    learned_at=1768060000, valid_until=1799536000, revoked_at=None)

- Each is the result of a check made elsewhere (specs/venue.md, area.md, certificate.md); nothing is verified here.
- No place, no name and no certificate is in them. Whether and how they count is written in specs/colour.md.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from ownhue.errors import FormatError
from ownhue.rulebook.words import YEARS

#: Length in bytes of the tag that names a venue notice. specs/colour.md section 10
VENUE_SOURCE_BYTES = 16
#: Length in bytes of the digest that names an area notice. specs/colour.md section 10
AREA_SOURCE_BYTES = 32
#: Length in bytes of what names a certificate. specs/colour.md section 10
CERTIFICATE_ID_BYTES = 32

CertificateKind = Literal["negative_test", "recovery", "vaccination"]
TestKind = Literal["naat", "rat"]

_RULE_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_FINDING_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class OwnResult:
    """A positive result of the phone's own owner. Raises FormatError for a date outside the years of rulebooks."""

    report_type: int
    """Kind of diagnosis (ReportType)."""
    tested_on: date
    """Local date of the test."""
    learned_at: int
    """Unix second at which the phone learned of it."""
    withdrawn_at: int | None = None
    """Unix second at which the authority withdrew it; None while it stands."""

    def __post_init__(self) -> None:
        if self.tested_on.year not in YEARS:
            raise FormatError(f"the year of a test is not between {YEARS.start} and {YEARS.stop - 1}")


@dataclass(frozen=True, slots=True)
class VenueExposure:
    """A visit that a venue notice speaks of. Raises FormatError for a wrong length or name."""

    source: bytes = field(repr=False)
    """Tag of the notice, 16 bytes."""
    rule: str
    """Name of the venue rule that the notice asks for."""
    start: int
    """Unix second at which visit and notice begin to overlap."""
    seconds: int
    """How long they overlap."""
    published_at: int
    """Unix second at which the notice was published."""
    contradicted: bool
    """The phone's own location says that it was elsewhere."""

    def __post_init__(self) -> None:
        _need_length(self.source, VENUE_SOURCE_BYTES, "the source of a venue exposure")
        _need_rule(self.rule)


@dataclass(frozen=True, slots=True)
class AreaExposure:
    """A stay in the cells of an area notice. Raises FormatError for a wrong length or name."""

    source: bytes = field(repr=False)
    """Digest of the notice, 32 bytes."""
    rule: str
    """Name of the area rule that the notice asks for."""
    start: int
    """Unix second at which stay and notice begin to overlap."""
    seconds: int
    """How long they overlap."""
    minimum_seconds: int
    """Least stay that the notice asks for; the rulebook may ask for more."""
    published_at: int
    """Unix second at which the notice was published."""
    denied_at: int | None
    """Unix second at which the owner said "I was not there"; None where not."""

    def __post_init__(self) -> None:
        _need_length(self.source, AREA_SOURCE_BYTES, "the source of an area exposure")
        _need_rule(self.rule)


@dataclass(frozen=True, slots=True)
class CertificateFact:
    """A certificate that was verified and belongs to the owner. Raises FormatError for a wrong length or test kind."""

    id: bytes = field(repr=False)
    """Name of the certificate, 32 bytes. It stays on the phone; a decision has a salted digest of it."""
    kind: CertificateKind
    test_kind: TestKind | None
    """Kind of a test; None for recovery and vaccination."""
    time: int
    """Unix second of the sample; for recovery and vaccination 12:00 of their local date."""
    complete: bool
    """Whether a vaccination is complete; True for tests and recoveries. What is not complete ends nothing."""
    learned_at: int
    """Unix second at which the phone verified it."""
    valid_until: int
    """Last unix second at which it is valid."""
    revoked_at: int | None
    """Unix second at which its revocation was published; None while it stands."""

    def __post_init__(self) -> None:
        _need_length(self.id, CERTIFICATE_ID_BYTES, "the id of a certificate")
        if (self.kind == "negative_test") != (self.test_kind is not None):
            raise FormatError("a test has a kind of test, and nothing else has")


@dataclass(frozen=True, slots=True)
class ClearanceFact:
    """The authority's correction of one finding. Raises FormatError for what is no finding id."""

    finding: str
    """Id of the finding, 16 hexadecimal digits."""
    issued_at: int
    """Unix second of its making: what was published or learned later still counts."""
    learned_at: int
    """Unix second at which the phone verified it."""

    def __post_init__(self) -> None:
        if not _FINDING_ID.fullmatch(self.finding):
            raise FormatError("a finding's id has 16 hexadecimal digits")


def _need_length(data: bytes, length: int, what: str) -> None:
    if len(data) != length:
        raise FormatError(f"{what} has {length} bytes")


def _need_rule(name: str) -> None:
    if not _RULE_NAME.fullmatch(name):
        raise FormatError("a rule's name is small letters, digits and hyphens, at most 32, a letter first")
