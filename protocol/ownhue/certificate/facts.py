"""What a verified certificate means for a decision: facts of ``ownhue.colour``. specs/certificate.md section 6

    fact = certificate_fact(certificate, trust, ZoneInfo("Europe/Vienna"), now)
    fact.kind, fact.test_kind, fact.complete                                     # ("negative_test", "naat", True)

- Only COVID-19 counts, only a negative test of a known kind, and nothing that lies in the future.
- A positive result is refused with its own sentence: it ends nothing. What it begins comes from the desk.
- No name, no place and no maker gets into a fact.
"""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from ownhue.certificate import Certificate, Clearance
from ownhue.certificate.content import COVID_19, DETECTED, NAAT, NOT_DETECTED, RAT, RecoveryEntry, ResultEntry
from ownhue.certificate.trust_list import TrustList
from ownhue.colour.evidence_facts import CertificateFact, CertificateKind, ClearanceFact, TestKind
from ownhue.errors import VerificationError

_TEST_KINDS: dict[str, TestKind] = {NAAT: "naat", RAT: "rat"}
_NOON, _DAY_END = time(12), time(23, 59, 59)
# Facts have times of 32 bits; a certificate without end is good until then.
_LAST_SECOND = 2**32 - 1


def certificate_fact(certificate: Certificate, trust: TrustList, zone: ZoneInfo, learned_at: int) -> CertificateFact:
    """The fact of a verified certificate. *zone*: the rulebook's; *learned_at*: when the phone verified it, unix.

    Raises VerificationError for a positive result, another disease, an unknown test, or a date in the future.
    """
    entry = certificate.entry
    if entry.tg != COVID_19:
        raise VerificationError("the certificate is about another disease")
    test_kind = _test_kind(entry) if isinstance(entry, ResultEntry) else None
    when = _when(certificate, zone)
    # Dates stand for their noon, which is in the future until noon of the same day.
    if when > (learned_at if test_kind else _second(_day(learned_at, zone), _NOON, zone)):
        raise VerificationError("the certificate speaks of a time in the future")
    return CertificateFact(
        id=certificate.id,
        kind=_kind(certificate),
        test_kind=test_kind,
        time=when,
        complete=getattr(entry, "complete", True),
        learned_at=learned_at,
        valid_until=_valid_until(certificate, zone),
        revoked_at=trust.revoked_at(certificate.revocation_digest, certificate.kid),
    )


def clearance_fact(clearance: Clearance, learned_at: int) -> ClearanceFact:
    """The fact of a verified clearance. *learned_at*: when the phone verified it, unix seconds."""
    return ClearanceFact(clearance.body.finding, clearance.body.issued_at, learned_at)


def _kind(certificate: Certificate) -> CertificateKind:
    if certificate.usage == "test":
        return "negative_test"
    return "recovery" if certificate.usage == "recovery" else "vaccination"


def _test_kind(entry: ResultEntry) -> TestKind:
    """Kind of a negative test. Raises VerificationError for every other."""
    if entry.tr == DETECTED:
        raise VerificationError("the certificate is about a positive result, which ends nothing")
    if entry.tr != NOT_DETECTED:
        raise VerificationError("the certificate's test has no result that is known here")
    if entry.tt not in _TEST_KINDS:
        raise VerificationError("the certificate's test is of a kind that is not known here")
    return _TEST_KINDS[entry.tt]


def _when(certificate: Certificate, zone: ZoneInfo) -> int:
    """Unix second of the sample; for dates their noon."""
    entry = certificate.entry
    if isinstance(entry, ResultEntry):
        return entry.sampled_at
    day = entry.fr if isinstance(entry, RecoveryEntry) else entry.dt
    return _second(date.fromisoformat(day), _NOON, zone)


def _valid_until(certificate: Certificate, zone: ZoneInfo) -> int:
    """The last second of the token, and of a recovery's last day."""
    until = min(certificate.expires_at, _LAST_SECOND)
    if isinstance(certificate.entry, RecoveryEntry):
        until = min(until, _second(date.fromisoformat(certificate.entry.du), _DAY_END, zone))
    return until


def _second(day: date, clock: time, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, clock, zone).timestamp())


def _day(second: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(second, zone).date()
