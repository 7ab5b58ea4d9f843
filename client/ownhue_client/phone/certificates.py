"""Health certificates that the owner keeps: verified once, kept sealed, told to the decision as facts.

specs/certificate.md sections 5 and 6, specs/colour.md section 1

    certificates.add("HC1:NCFO...", now)             # raises FormatError, VerificationError, StateError, LimitError
    certificates.facts()                             # for ownhue.colour.decide
    certificates.remove(kept.id)

- Verified against the list of signers that the region published, by the keys in force; a certificate that names
  somebody is kept only if that is the phone's owner, as typed in by the owner.
- What it meant when it was verified stays; whether it was revoked is looked up in the newest list each time.
- The text stays in the wallet, to be shown at a door that asks for it. Only facts go into a decision, and no name is in
  them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from ownhue.certificate import Certificate, open_certificate
from ownhue.certificate.facts import certificate_fact
from ownhue.certificate.holder import Owner, check_holder
from ownhue.certificate.trust_list import TrustList
from ownhue.colour import CertificateFact
from ownhue.colour.evidence_facts import CertificateKind, TestKind
from ownhue.colour.facts_records import MAX_CERTIFICATES
from ownhue.errors import FormatError, LimitError, StateError
from ownhue_client.phone.documents import Documents
from ownhue_client.phone.records import day_of
from ownhue_client.phone.store import Row, Store

#: State: [family name, given names, date of birth].
_OWNER = "owner"


@dataclass(frozen=True)
class KeptCertificate:
    """A certificate in the wallet. Times in unix seconds."""

    id: str
    """Its name on the phone, 64 hexadecimal digits."""
    kind: CertificateKind
    test_kind: TestKind | None
    """Kind of a test; None for recovery and vaccination."""
    time: int
    """The sample; for recovery and vaccination 12:00 of their date."""
    complete: bool
    """Whether a vaccination is complete; True for all else."""
    learned_at: int
    """When the phone verified it."""
    valid_until: int
    """Last second at which it is valid."""
    revoked_at: int | None
    """When its revocation was published; None while it stands."""
    text: str = field(repr=False)
    """The certificate itself, to be shown at a door that asks for one."""


class Certificates:
    """The certificates in *store*. *zone*: the rulebook's time zone; raises StateError without a rulebook."""

    def __init__(self, store: Store, documents: Documents, zone: Callable[[int], ZoneInfo]) -> None:
        self._store = store
        self._documents = documents
        self._zone = zone

    @property
    def owner(self) -> Owner | None:
        """Whose certificates are kept, as the owner typed it in."""
        kept = self._store.get(_OWNER)
        return None if kept is None else Owner(kept[0], kept[1], date.fromisoformat(kept[2]))

    def name_owner(self, owner: Owner | None) -> None:
        """Keep whose certificates these are; None forgets it."""
        if owner is None:
            self._store.drop(_OWNER)
        else:
            self._store.put(_OWNER, [owner.family, owner.given, owner.born.isoformat()])

    def add(self, text: str | bytes, now: int) -> KeptCertificate:
        """Verify the certificate of *text* at *now* (unix seconds) and keep it. The same once more changes nothing.

        Raises FormatError, LimitError (no certificate, or more than a phone keeps), VerificationError (it does not
        hold, means nothing here, or names another person), StateError (no list of signers, no rulebook, or no owner
        named).
        """
        plain = text_of(text)
        trust = signers_of(self._documents)
        certificate = open_certificate(plain, trust, now)
        if not isinstance(certificate, Certificate):
            raise FormatError("this is a clearance, not a certificate")
        fact = certificate_fact(certificate, trust, self._zone(now), now)
        self._check_holder(certificate)
        kept = self._found(certificate.id)
        if kept is None:
            if len(self.all()) >= MAX_CERTIFICATES:
                raise LimitError(f"a phone keeps at most {MAX_CERTIFICATES} certificates; remove one first")
            self._store.add("certificates", day_of(now), _record(fact, certificate, plain))
        return next(item for item in self.all() if item.id == certificate.id.hex())

    def all(self) -> list[KeptCertificate]:
        """Every certificate, in the order in which they came."""
        trust = self._documents.signers
        return [_kept(row.value, trust) for row in self._store.rows("certificates")]

    def facts(self) -> tuple[CertificateFact, ...]:
        """What they mean for a decision."""
        return tuple(
            CertificateFact(
                id=bytes.fromhex(item.id),
                kind=item.kind,
                test_kind=item.test_kind,
                time=item.time,
                complete=item.complete,
                learned_at=item.learned_at,
                valid_until=item.valid_until,
                revoked_at=item.revoked_at,
            )
            for item in self.all()
        )

    def remove(self, identity: str) -> None:
        """Remove the certificate whose id begins with *identity*; what it ended counts again.

        Raises StateError unless it is exactly one.
        """
        found = [
            row for row in self._store.rows("certificates") if identity and row.value[0].hex().startswith(identity)
        ]
        if len(found) != 1:
            raise StateError("there is no such certificate" if not found else "more than one certificate begins so")
        with self._store.atomic(durable=True):
            self._store.delete("certificates", found[0])

    def forget_before(self, day: int) -> None:
        """Forget those that were over before the UTC day *day*: nothing that they ended runs any more."""
        for row in list(self._store.rows("certificates")):
            if day_of(row.value[6]) < day:
                self._store.delete("certificates", row)

    def _check_holder(self, certificate: Certificate) -> None:
        content = certificate.content
        if not (content.nam.fnt or content.nam.gnt or content.dob):
            return  # The authority made it without a person: it is good for whoever holds it.
        owner = self.owner
        if owner is None:
            raise StateError("the certificate names somebody; tell the phone first whose it is (name, date of birth)")
        check_holder(certificate, owner)

    def _found(self, identity: bytes) -> Row | None:
        return next((row for row in self._store.rows("certificates") if row.value[0] == identity), None)


def signers_of(documents: Documents) -> TrustList:
    """The region's list of signers. Raises StateError without one."""
    trust = documents.signers
    if trust is None:
        raise StateError("the region's list of certificate signers is not known; synchronise first")
    return trust


def text_of(text: str | bytes) -> str:
    """A scanned or pasted text without white space around it. Raises FormatError."""
    try:
        return (text if isinstance(text, str) else text.decode("ascii")).strip()
    except UnicodeDecodeError as error:
        raise FormatError("a certificate is a text of ASCII letters") from error


def _record(fact: CertificateFact, certificate: Certificate, text: str) -> list[Any]:
    told = [fact.id, fact.kind, fact.test_kind, fact.time, fact.complete, fact.learned_at, fact.valid_until]
    return [*told, certificate.revocation_digest, certificate.kid, text]


def _kept(record: list[Any], trust: TrustList | None) -> KeptCertificate:
    identity, kind, test_kind, time, complete, learned_at, valid_until, digest, kid, text = record
    revoked_at = None if trust is None else trust.revoked_at(digest, kid)
    return KeptCertificate(identity.hex(), kind, test_kind, time, complete, learned_at, valid_until, revoked_at, text)
