"""What a phone does with its owner's health certificates and corrections. certificates.py, clearances.py

Part of :class:`ownhue_client.phone.device.Phone`, which makes what is used here.
"""

from ownhue.certificate.holder import Owner
from ownhue_client.phone.anchor import Anchor
from ownhue_client.phone.certificates import Certificates, KeptCertificate
from ownhue_client.phone.clearances import Clearances, KeptClearance


class PhonePapers:
    """The part of a phone that keeps papers."""

    _anchor: Anchor
    _certificates: Certificates
    _clearances: Clearances

    def owner(self) -> Owner | None:
        """Name and date of birth as the owner typed them in, for comparing with certificates; None: not told."""
        return self._certificates.owner

    def name_owner(self, owner: Owner | None) -> None:
        """Keep (None: forget) whose phone this is. Certificates that name somebody are kept for this person alone."""
        self._certificates.name_owner(owner)

    def add_certificate(self, text: str | bytes, now: int) -> KeptCertificate:
        """Verify a health certificate ("HC1:...") and keep it; it counts from now on. The same once more is no other.

        Raises FormatError, LimitError, VerificationError (does not hold, or is another person's), StateError (no list
        of signers, no rulebook, or nobody named yet: see :meth:`name_owner`).
        """
        return self._certificates.add(text, self._anchor.now(now))

    def certificates(self) -> list[KeptCertificate]:
        """The certificates in the wallet, with what became of them."""
        return self._certificates.all()

    def remove_certificate(self, identity: str) -> None:
        """Remove the certificate whose id begins with *identity*; what it ended counts again. Raises StateError."""
        self._certificates.remove(identity)

    def add_clearance(self, text: str | bytes, now: int) -> KeptClearance:
        """Verify the authority's correction of one finding ("HC1:...") and keep it. Raises as add_certificate."""
        return self._clearances.add(text, self._anchor.now(now))

    def clearances(self) -> list[KeptClearance]:
        """The corrections that are kept."""
        return self._clearances.all()
