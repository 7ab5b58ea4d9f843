"""Facts: everything that a decision is made from, besides the rulebook and the time. specs/colour.md section 1

    {"areas":[],"certificates":[],"clearances":[],"format":"ownhue-facts-1","observed_since":1767225600,
     "published_until":1767744000,"radio_share_percent":97,"results":[{"learned_at":...,"report_type":1,...}],
     "salt":"0f1e...","venues":[],"windows":[{...,"scans":[[1767232800,20,52,50],...],"source":"6d61..."}],
     "withdrawn":{"6d61...":1767744000}}

- Facts never leave the phone by themselves; this spelling is for the digest of a decision and for its owner.
- The spelling does not depend on the order in which they were found, nor on how often.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ownhue.colour.evidence_facts import AreaExposure, CertificateFact, ClearanceFact, OwnResult, VenueExposure
from ownhue.colour.facts_records import (
    FactsRecord,
    area_object,
    certificate_object,
    clearance_object,
    list_bytes,
    result_object,
    venue_object,
    window_object,
)
from ownhue.encoding import canonical_json
from ownhue.errors import FormatError
from ownhue.exposure import ExposureWindow
from ownhue.records import parse_record

__all__ = [
    "MAX_FACTS_BYTES",
    "MIN_SALT_BYTES",
    "Facts",
    "OwnResult",
    "facts_bytes",
    "facts_digest",
    "parse_facts",
]

#: Longest file of facts in bytes. specs/colour.md section 10
MAX_FACTS_BYTES = 16_777_216
#: Least length of the salt in bytes. specs/colour.md section 10
MIN_SALT_BYTES = 16


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
    """Exposure windows of published keys. All tuples are in any order."""
    withdrawn: Mapping[bytes, int] = field(default_factory=dict, repr=False)
    """Revoked key, tag of a venue notice or digest of an area notice -> unix second at which that was published."""
    results: tuple[OwnResult, ...] = field(default=(), repr=False)
    """Own positive results."""
    venues: tuple[VenueExposure, ...] = field(default=(), repr=False)
    """Visits that venue notices speak of."""
    areas: tuple[AreaExposure, ...] = field(default=(), repr=False)
    """Stays that area notices speak of."""
    certificates: tuple[CertificateFact, ...] = field(default=(), repr=False)
    """Verified certificates of the owner."""
    clearances: tuple[ClearanceFact, ...] = field(default=(), repr=False)
    """The authority's corrections."""

    def __post_init__(self) -> None:
        if len(self.salt) < MIN_SALT_BYTES:
            raise FormatError(f"a salt has at least {MIN_SALT_BYTES} bytes")


def facts_bytes(facts: Facts) -> bytes:
    """The facts as canonical JSON, the same for every order in which they are listed."""
    fields = {
        "areas": list_bytes(map(area_object, facts.areas)),
        "certificates": list_bytes(map(certificate_object, facts.certificates)),
        "clearances": list_bytes(map(clearance_object, facts.clearances)),
        "format": canonical_json("ownhue-facts-1"),
        "observed_since": canonical_json(facts.observed_since),
        "published_until": canonical_json(facts.published_until),
        "radio_share_percent": canonical_json(facts.radio_share_percent),
        "results": list_bytes(map(result_object, facts.results)),
        "salt": canonical_json(facts.salt.hex()),
        "venues": list_bytes(map(venue_object, facts.venues)),
        "windows": list_bytes(map(window_object, facts.windows)),
        "withdrawn": canonical_json({source.hex(): time for source, time in facts.withdrawn.items()}),
    }
    # Put together from their parts: the longest of them need not be spelled twice for their order.
    return b"{" + b",".join(canonical_json(name) + b":" + fields[name] for name in sorted(fields)) + b"}"


def facts_digest(facts: Facts) -> str:
    """SHA-256 of :func:`facts_bytes`, in hexadecimal digits."""
    return hashlib.sha256(facts_bytes(facts)).hexdigest()


def parse_facts(data: bytes) -> Facts:
    """The facts of :func:`facts_bytes`. Raises LimitError, or FormatError naming the wrong field."""
    facts = Facts(**parse_record(FactsRecord, data, "a file of facts", MAX_FACTS_BYTES).values())
    if facts_bytes(facts) != data:
        raise FormatError("not a file of facts: a list is not in order, or something stands in it twice")
    return facts
