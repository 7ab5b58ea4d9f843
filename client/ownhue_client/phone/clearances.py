"""Clearances: the authority's corrections of single findings, after an appeal. specs/certificate.md section 3

    clearances.add("HC1:...", now)                   # raises FormatError, VerificationError, StateError, LimitError
    clearances.facts()

A clearance names a finding of this phone by its salted id and no person. It takes evidence away and never adds any, so
one for another phone's finding does nothing here.
"""

from dataclasses import dataclass, field

from ownhue.certificate import Clearance, open_certificate
from ownhue.certificate.facts import clearance_fact
from ownhue.colour import ClearanceFact
from ownhue.colour.facts_records import MAX_CLEARANCES
from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue_client.phone.certificates import signers_of, text_of
from ownhue_client.phone.documents import Documents
from ownhue_client.phone.records import day_of
from ownhue_client.phone.store import Store


@dataclass(frozen=True)
class KeptClearance:
    """A clearance. Times in unix seconds."""

    finding: str
    """Id of the finding that it takes back, 16 hexadecimal digits."""
    issued_at: int
    """When the authority made it: what was published or learned later still counts."""
    learned_at: int
    """When the phone verified it."""
    text: str = field(repr=False)
    """The clearance itself."""


class Clearances:
    """The clearances in *store*."""

    def __init__(self, store: Store, documents: Documents) -> None:
        self._store = store
        self._documents = documents

    def add(self, text: str | bytes, now: int) -> KeptClearance:
        """Verify the clearance of *text* at *now* (unix seconds) and keep it. The same once more changes nothing.

        Raises FormatError, LimitError, VerificationError (it does not hold, or was revoked), StateError (no list of
        signers is known).
        """
        plain = text_of(text)
        trust = signers_of(self._documents)
        clearance = open_certificate(plain, trust, now)
        if not isinstance(clearance, Clearance):
            raise FormatError("this is a certificate, not a clearance")
        if trust.revoked_at(clearance.revocation_digest, clearance.kid) is not None:
            raise VerificationError("the authority took this clearance back")
        fact = clearance_fact(clearance, now)
        for kept in self.all():
            if (kept.finding, kept.issued_at) == (fact.finding, fact.issued_at):
                return kept
        if len(self.all()) >= MAX_CLEARANCES:
            raise LimitError(f"a phone keeps at most {MAX_CLEARANCES} clearances")
        self._store.add("clearances", day_of(now), [fact.finding, fact.issued_at, fact.learned_at, plain])
        return self.all()[-1]

    def all(self) -> list[KeptClearance]:
        """Every clearance, in the order in which they came."""
        return [KeptClearance(*row.value) for row in self._store.rows("clearances")]

    def facts(self) -> tuple[ClearanceFact, ...]:
        """What they mean for a decision."""
        return tuple(ClearanceFact(item.finding, item.issued_at, item.learned_at) for item in self.all())

    def forget_before(self, day: int) -> None:
        """Forget those that were made before the UTC day *day*: what they cleared would be over by itself."""
        for row in list(self._store.rows("clearances")):
            if day_of(row.value[1]) < day:
                self._store.delete("clearances", row)
