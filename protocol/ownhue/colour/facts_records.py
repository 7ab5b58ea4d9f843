"""The spelling of facts, field by field. specs/colour.md section 1

What is read goes through records that check types and ranges. What is written is made as plain objects, because every
decision has a digest of its facts.
"""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import FailFast, Field

from ownhue.colour.evidence_facts import (
    AreaExposure,
    CertificateFact,
    CertificateKind,
    ClearanceFact,
    OwnResult,
    TestKind,
    VenueExposure,
)
from ownhue.encoding import canonical_json
from ownhue.exposure import ExposureWindow, ScanInstance
from ownhue.records import Record

#: Most venue exposures of a file, and most area exposures. specs/colour.md section 10
MAX_EXPOSURES = 2048
#: Most certificates of a file. specs/colour.md section 10
MAX_CERTIFICATES = 64
#: Most own results of a file. specs/colour.md section 10
MAX_RESULTS = 64
#: Most clearances of a file. specs/colour.md section 10
MAX_CLEARANCES = 256

Second = Annotated[int, Field(ge=0, lt=2**32)]
Attenuation = Annotated[int, Field(ge=0, lt=2**32)]
Hexadecimal = Annotated[str, Field(pattern=r"^([0-9a-f]{2}){1,64}$")]


def list_bytes(items: Iterable[dict[str, Any]]) -> bytes:
    """Canonical JSON of the list that has each of *items* once, in the order of their own canonical JSON."""
    return b"[" + b",".join(sorted({canonical_json(item) for item in items})) + b"]"


def window_object(window: ExposureWindow) -> dict[str, Any]:
    """An exposure window as it is spelled."""
    return {
        "calibration_confidence": window.calibration_confidence,
        "days_since_onset": window.days_since_onset,
        "place_confirmed": window.place_confirmed,
        "published_at": window.published_at,
        "report_type": int(window.report_type),
        "scans": [
            (scan.time, scan.seconds, scan.typical_attenuation, scan.minimum_attenuation) for scan in window.scans
        ],
        "source": window.source.hex(),
        "start": window.start,
    }


def result_object(result: OwnResult) -> dict[str, Any]:
    """An own result as it is spelled."""
    return {
        "learned_at": result.learned_at,
        "report_type": int(result.report_type),
        "tested_on": result.tested_on.isoformat(),
        "withdrawn_at": result.withdrawn_at,
    }


def venue_object(exposure: VenueExposure) -> dict[str, Any]:
    """A venue exposure as it is spelled."""
    return {
        "contradicted": exposure.contradicted,
        "published_at": exposure.published_at,
        "rule": exposure.rule,
        "seconds": exposure.seconds,
        "source": exposure.source.hex(),
        "start": exposure.start,
    }


def area_object(exposure: AreaExposure) -> dict[str, Any]:
    """An area exposure as it is spelled."""
    return {
        "denied_at": exposure.denied_at,
        "minimum_seconds": exposure.minimum_seconds,
        "published_at": exposure.published_at,
        "rule": exposure.rule,
        "seconds": exposure.seconds,
        "source": exposure.source.hex(),
        "start": exposure.start,
    }


def certificate_object(certificate: CertificateFact) -> dict[str, Any]:
    """A certificate as it is spelled."""
    return {
        "complete": certificate.complete,
        "id": certificate.id.hex(),
        "kind": certificate.kind,
        "learned_at": certificate.learned_at,
        "revoked_at": certificate.revoked_at,
        "test_kind": certificate.test_kind,
        "time": certificate.time,
        "valid_until": certificate.valid_until,
    }


def clearance_object(clearance: ClearanceFact) -> dict[str, Any]:
    """A clearance as it is spelled."""
    return {"finding": clearance.finding, "issued_at": clearance.issued_at, "learned_at": clearance.learned_at}


class _WindowRecord(Record):
    calibration_confidence: int = Field(ge=0, le=3)
    days_since_onset: int | None = Field(ge=-1000, le=1000)
    place_confirmed: bool
    published_at: Second
    report_type: int = Field(ge=0, le=5)
    scans: Annotated[tuple[tuple[Second, Second, Attenuation, Attenuation], ...], Field(min_length=1), FailFast()]
    source: Hexadecimal
    start: Second

    def value(self) -> ExposureWindow:
        scans = tuple(ScanInstance(*scan) for scan in self.scans)
        return ExposureWindow(**self.model_dump(exclude={"scans", "source"}), scans=scans, source=_raw(self.source))


class _ResultRecord(Record):
    learned_at: Second
    report_type: int = Field(ge=0, le=5)
    tested_on: date
    withdrawn_at: Second | None

    def value(self) -> OwnResult:
        return OwnResult(**self.model_dump())


class _VenueRecord(Record):
    contradicted: bool
    published_at: Second
    rule: str
    seconds: Second
    source: Hexadecimal
    start: Second

    def value(self) -> VenueExposure:
        return VenueExposure(**self.model_dump(exclude={"source"}), source=_raw(self.source))


class _AreaRecord(Record):
    denied_at: Second | None
    minimum_seconds: Second
    published_at: Second
    rule: str
    seconds: Second
    source: Hexadecimal
    start: Second

    def value(self) -> AreaExposure:
        return AreaExposure(**self.model_dump(exclude={"source"}), source=_raw(self.source))


class _CertificateRecord(Record):
    complete: bool
    id: Hexadecimal
    kind: CertificateKind
    learned_at: Second
    revoked_at: Second | None
    test_kind: TestKind | None
    time: Second
    valid_until: Second

    def value(self) -> CertificateFact:
        return CertificateFact(**self.model_dump(exclude={"id"}), id=_raw(self.id))


class _ClearanceRecord(Record):
    finding: str
    issued_at: Second
    learned_at: Second

    def value(self) -> ClearanceFact:
        return ClearanceFact(**self.model_dump())


class FactsRecord(Record):
    """A whole file of facts. Order and repetition are not checked here. Of each list one wrong item is enough."""

    areas: Annotated[tuple[_AreaRecord, ...], Field(max_length=MAX_EXPOSURES), FailFast()]
    certificates: Annotated[tuple[_CertificateRecord, ...], Field(max_length=MAX_CERTIFICATES), FailFast()]
    clearances: Annotated[tuple[_ClearanceRecord, ...], Field(max_length=MAX_CLEARANCES), FailFast()]
    format: Literal["ownhue-facts-1"]
    observed_since: Second
    published_until: Second | None
    radio_share_percent: int | None = Field(ge=0, le=100)
    results: Annotated[tuple[_ResultRecord, ...], Field(max_length=MAX_RESULTS), FailFast()]
    salt: Hexadecimal
    venues: Annotated[tuple[_VenueRecord, ...], Field(max_length=MAX_EXPOSURES), FailFast()]
    windows: Annotated[tuple[_WindowRecord, ...], FailFast()]
    withdrawn: dict[Hexadecimal, Second]

    def values(self) -> dict[str, Any]:
        """The fields of Facts. Raises FormatError for a fact that contradicts itself."""
        listed = ("areas", "certificates", "clearances", "results", "venues", "windows")
        return {
            "observed_since": self.observed_since,
            "published_until": self.published_until,
            "radio_share_percent": self.radio_share_percent,
            "salt": _raw(self.salt),
            "withdrawn": {_raw(source): time for source, time in self.withdrawn.items()},
            **{name: tuple(record.value() for record in getattr(self, name)) for name in listed},
        }


def _raw(digits: str) -> bytes:
    return bytes.fromhex(digits)
