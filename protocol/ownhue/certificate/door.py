"""A certificate shown at a door: what the checkpoint's mode asks for, and no more. specs/certificate.md section 6

    shown = verify_shown(scanned_text, DoorView(trust, ZoneInfo("Europe/Vienna")), now, rulebook.modes["care-home"])
    shown.kind, shown.name, shown.born          # compare with an identity card; then forget it

- The result has the kind of certificate and whom it names. Product, place, date and certificate id stay behind.
- Nothing here remembers anything: a certificate is a name, and a list of them would be a list of persons.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from ownhue.certificate import Certificate, open_certificate
from ownhue.certificate.content import Name, RecoveryEntry
from ownhue.certificate.facts import certificate_fact
from ownhue.certificate.trust_list import TrustList
from ownhue.colour.evidence_facts import CertificateFact, CertificateKind
from ownhue.errors import VerificationError

_HOUR = 3600


class AsksForCertificates(Protocol):
    """What of a checkpoint's mode (``ownhue.rulebook.rules.Mode``) concerns certificates."""

    @property
    def requires(self) -> tuple[CertificateKind, ...]:
        """Kinds of which one must be shown."""

    @property
    def test_hours(self) -> int:
        """How many hours old a negative test may be."""


@dataclass(frozen=True, slots=True)
class DoorView:
    """What a checkpoint knows of certificates."""

    trust: TrustList
    zone: ZoneInfo
    """The rulebook's time zone."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate that fits the mode."""

    kind: CertificateKind
    name: Name = field(repr=False)
    """Whom it names; empty when it names nobody."""
    born: str = field(repr=False)
    """Date of birth: a date, a month, a year, or empty."""


def verify_shown(text: str, view: DoorView, now: int, mode: AsksForCertificates) -> Shown:
    """Verify a scanned certificate for *mode* at *now* (unix seconds).

    Raises FormatError, VerificationError: it does not hold, or it is not what this door asks for.
    """
    certificate = open_certificate(text, view.trust, now)
    if not isinstance(certificate, Certificate):
        raise VerificationError("a clearance is for the phone that it was made for, not for a door")
    fact = certificate_fact(certificate, view.trust, view.zone, now)
    if fact.kind not in mode.requires:
        raise VerificationError("this checkpoint does not ask for a certificate of this kind")
    _check_age(certificate, fact, now, view.zone, mode.test_hours)
    return Shown(fact.kind, certificate.content.nam, certificate.content.dob)


def _check_age(certificate: Certificate, fact: CertificateFact, now: int, zone: ZoneInfo, test_hours: int) -> None:
    if fact.kind == "negative_test" and now - fact.time > test_hours * _HOUR:
        raise VerificationError(f"the test is older than {test_hours} hours")
    if not fact.complete:
        raise VerificationError("the vaccination is not complete")
    entry = certificate.entry
    if isinstance(entry, RecoveryEntry):
        today = datetime.fromtimestamp(now, zone).date().isoformat()
        if not entry.df <= today <= entry.du:
            raise VerificationError("the certificate of recovery does not count today")
