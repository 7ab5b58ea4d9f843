"""Facts: everything that a decision is made from, besides the rulebook and the time. specs/colour.md section 1

    {"format":"ownhue-facts-1","observed_since":1767225600,"published_until":1767744000,"radio_share_percent":97,
     "results":[{"learned_at":...,"report_type":1,"tested_on":"2026-01-05","withdrawn_at":null}],
     "salt":"0f1e...","windows":[{...,"scans":[[1767232800,20,52,50],...],"source":"6d61..."}],"withdrawn":{"6d61...":1767744000}}

- Facts never leave the phone by themselves; this spelling is for the digest of a decision and for its owner.
- The spelling does not depend on the order in which windows and results were found.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from ownhue.encoding import canonical_json
from ownhue.errors import FormatError
from ownhue.exposure import ExposureWindow, ScanInstance
from ownhue.records import Record, parse_record
from ownhue.rules import YEARS

#: Longest file of facts in bytes. specs/colour.md section 1
MAX_FACTS_BYTES = 16_777_216
#: Least length of the salt in bytes. specs/colour.md section 1
MIN_SALT_BYTES = 16

Second = Annotated[int, Field(ge=0, lt=2**32)]
Attenuation = Annotated[int, Field(ge=0, lt=2**32)]
Hexadecimal = Annotated[str, Field(pattern=r"^([0-9a-f]{2}){1,64}$")]


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
class Facts:
    """What one phone knows. Raises FormatError for a salt that is too short."""

    salt: bytes = field(repr=False)
    """The phone's own salt for finding ids, at least 16 bytes."""
    observed_since: int
    """Unix second since which the phone has been listening."""
    published_until: int | None
    """Signed time of the newest checked tree head; None before the first."""
    radio_share_percent: int | None
    """Share of the planned scans that ran; None before the first planned scan."""
    windows: tuple[ExposureWindow, ...] = field(default=(), repr=False)
    """Exposure windows of published keys, in any order."""
    withdrawn: Mapping[bytes, int] = field(default_factory=dict, repr=False)
    """Revoked key -> unix second at which that was published."""
    results: tuple[OwnResult, ...] = field(default=(), repr=False)
    """Own results, in any order."""

    def __post_init__(self) -> None:
        if len(self.salt) < MIN_SALT_BYTES:
            raise FormatError(f"a salt has at least {MIN_SALT_BYTES} bytes")


def facts_bytes(facts: Facts) -> bytes:
    """The facts as canonical JSON, the same for every order of windows and results."""
    return canonical_json(
        {
            "format": "ownhue-facts-1",
            "observed_since": facts.observed_since,
            "published_until": facts.published_until,
            "radio_share_percent": facts.radio_share_percent,
            "results": sorted(map(_result, facts.results), key=canonical_json),
            "salt": facts.salt.hex(),
            "windows": sorted(map(_window, facts.windows), key=canonical_json),
            "withdrawn": {source.hex(): time for source, time in facts.withdrawn.items()},
        }
    )


def facts_digest(facts: Facts) -> str:
    """SHA-256 of :func:`facts_bytes`, in hexadecimal digits."""
    return hashlib.sha256(facts_bytes(facts)).hexdigest()


def parse_facts(data: bytes) -> Facts:
    """The facts of :func:`facts_bytes`. Raises LimitError, or FormatError naming the wrong field."""
    record = parse_record(_FactsRecord, data, "a file of facts", MAX_FACTS_BYTES)
    facts = Facts(
        salt=bytes.fromhex(record.salt),
        observed_since=record.observed_since,
        published_until=record.published_until,
        radio_share_percent=record.radio_share_percent,
        windows=tuple(window.value() for window in record.windows),
        withdrawn={bytes.fromhex(source): time for source, time in record.withdrawn.items()},
        results=tuple(OwnResult(**result.model_dump()) for result in record.results),
    )
    if facts_bytes(facts) != data:
        raise FormatError("not a file of facts: windows or results are not in order")
    return facts


def _result(result: OwnResult) -> dict[str, Any]:
    return {
        "learned_at": result.learned_at,
        "report_type": int(result.report_type),
        "tested_on": result.tested_on.isoformat(),
        "withdrawn_at": result.withdrawn_at,
    }


def _window(window: ExposureWindow) -> dict[str, Any]:
    return {
        "calibration_confidence": window.calibration_confidence,
        "days_since_onset": window.days_since_onset,
        "published_at": window.published_at,
        "report_type": int(window.report_type),
        "scans": [
            (scan.time, scan.seconds, scan.typical_attenuation, scan.minimum_attenuation) for scan in window.scans
        ],
        "source": window.source.hex(),
        "start": window.start,
    }


class _ResultRecord(Record):
    learned_at: Second
    report_type: int = Field(ge=0, le=5)
    tested_on: date
    withdrawn_at: Second | None


class _WindowRecord(Record):
    calibration_confidence: int = Field(ge=0, le=3)
    days_since_onset: int | None = Field(ge=-1000, le=1000)
    published_at: Second
    report_type: int = Field(ge=0, le=5)
    scans: Annotated[tuple[tuple[Second, Second, Attenuation, Attenuation], ...], Field(min_length=1)]
    source: Hexadecimal
    start: Second

    def value(self) -> ExposureWindow:
        return ExposureWindow(
            source=bytes.fromhex(self.source),
            start=self.start,
            report_type=self.report_type,
            days_since_onset=self.days_since_onset,
            published_at=self.published_at,
            scans=tuple(ScanInstance(*scan) for scan in self.scans),
            calibration_confidence=self.calibration_confidence,
        )


class _FactsRecord(Record):
    format: Literal["ownhue-facts-1"]
    observed_since: Second
    published_until: Second | None
    radio_share_percent: int | None = Field(ge=0, le=100)
    results: tuple[_ResultRecord, ...]
    salt: Hexadecimal
    windows: tuple[_WindowRecord, ...]
    withdrawn: dict[Hexadecimal, Second]
