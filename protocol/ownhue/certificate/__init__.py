"""Health certificates: read and verified, of every state and of our own authority. specs/certificate.md

    trust = open_trust_list(document, [authority_key])                       # ownhue.certificate.trust_list
    match open_certificate(scanned_text, trust, now):                        # raises FormatError, VerificationError
        case Certificate() as certificate:
            fact = certificate_fact(certificate, trust, rulebook.zone, now)  # ownhue.certificate.facts
        case Clearance() as clearance:
            fact = clearance_fact(clearance, now)

Invariants:

- Every step of specs/certificate.md section 5 has its own error. What :func:`open_certificate` returns passed them all.
- What a certificate says is looked at only after its signature held.
- A certificate is named by its UVCI, never by its bytes: the same statement encoded or signed again is the same one.
- Names, dates and ids do not show in a repr or in an error.
"""

from dataclasses import dataclass, field
from hashlib import sha256

from ownhue.certificate.content import (
    ClearanceBody,
    Content,
    Entry,
    Usage,
    content_body,
    parse_clearance,
    parse_content,
)
from ownhue.certificate.cose import (
    ES256,
    Sign1,
    parse_sign1,
    protected_header,
    sign1_bytes,
    verify_sign1,
    with_lower_half,
)
from ownhue.certificate.hcert import Claims, claims_bytes, decode_text, decompress, parse_claims, stored, unpack
from ownhue.certificate.trust_list import REVOKED_BYTES, Signer, TrustList
from ownhue.errors import FormatError, VerificationError

#: How UVCIs begin, which some states leave out. specs/certificate.md section 6
UVCI_PREFIX = "URN:UVCI:"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A test, a recovery or a vaccination."""

    kid: bytes
    """Key id of its signer."""
    issuer: str | None
    """Who says that it issued it: a country, mostly."""
    issued_at: int
    """First unix second at which it counts."""
    expires_at: int
    """Last unix second at which it counts."""
    content: Content = field(repr=False)
    """Person and entry."""

    @property
    def usage(self) -> Usage:
        """What its signer must be allowed to sign."""
        return self.content.usage

    @property
    def entry(self) -> Entry:
        """The one entry."""
        return self.content.entry

    @property
    def id(self) -> bytes:
        """Its name on the phone, 32 bytes, whoever encoded or signed it again. section 6"""
        normal = self.entry.ci.upper().removeprefix(UVCI_PREFIX)
        return sha256(b"OWNHUE-CERTIFICATE" + normal.encode()).digest()

    @property
    def revocation_digest(self) -> bytes:
        """Its name in lists of revoked certificates, 16 bytes: the EU's hash of type "UCI". section 4"""
        return sha256(self.entry.ci.encode()).digest()[:REVOKED_BYTES]


@dataclass(frozen=True, slots=True)
class Clearance:
    """The authority's correction of one finding after an appeal. It names no person."""

    kid: bytes
    """Key id of its signer."""
    issuer: str | None
    """Who says that it issued it."""
    issued_at: int
    """Unix second of its making."""
    expires_at: int
    """Last unix second at which a phone takes it."""
    body: ClearanceBody = field(repr=False)
    """Finding and region."""

    @property
    def usage(self) -> Usage:
        """What its signer must be allowed to sign."""
        return "clearance"

    @property
    def revocation_digest(self) -> bytes:
        """Its name in lists of revoked certificates, 16 bytes. section 4"""
        return sha256(self.body.finding.encode()).digest()[:REVOKED_BYTES]


def read_unverified(text: str) -> Certificate | Clearance:
    """What *text* claims, without asking who signed it: for showing it to its owner. Raises FormatError."""
    return _read(parse_sign1(unpack(text)))


def open_certificate(text: str, trust: TrustList, now: int) -> Certificate | Clearance:
    """The certificate or clearance of *text*, verified at *now*. Steps of specs/certificate.md section 5.

    *now*: unix seconds. Raises FormatError, LimitError (not such a text), VerificationError (it does not hold now).
    """
    compressed = decode_text(text)  # (1), (2)
    sign1 = parse_sign1(decompress(compressed))  # (3), (4), (5)
    signer = _signer(sign1, trust)  # (6), (7), (8)
    opened = _read(sign1)  # (9), (10)
    _check_usage(opened, signer, trust)  # (11)
    _check_times(opened, signer, now)  # (12), (13)
    # (14): signers with one spelling use it.
    if signer.canonical and compressed != _one_spelling(sign1, opened):
        raise FormatError("the certificate is not in its signer's one spelling")
    # (15): nobody took it back.
    revoked_at = trust.revoked.get(opened.revocation_digest.hex())
    if revoked_at is not None and now >= revoked_at:
        raise VerificationError("the certificate was revoked")
    return opened


def _signer(sign1: Sign1, trust: TrustList) -> Signer:
    """(6): the key id is known. (7): the algorithm is the key's. (8): the signature holds."""
    signers = trust.signers_of(sign1.kid)
    if not signers:
        raise VerificationError("the certificate's signer is not in the trust list")
    fitting = [signer for signer in signers if signer.algorithm == sign1.algorithm]
    if not fitting:
        raise VerificationError("the certificate's algorithm is not its signer's")
    # Key ids are short, so two signers may share one.
    for signer in fitting[:-1]:
        try:
            verify_sign1(sign1, signer.key)
        except VerificationError:
            continue
        return signer
    verify_sign1(sign1, fitting[-1].key)
    return fitting[-1]


def _read(sign1: Sign1) -> Certificate | Clearance:
    """(9): the claims are those of a token. (10): its content is of the schema."""
    claims = parse_claims(sign1.payload)
    times = claims.issued_at, claims.expires_at
    if claims.certificate is not None:
        return Certificate(sign1.kid, claims.issuer, *times, parse_content(claims.certificate))
    body = parse_clearance(claims.clearance or {})
    if body.issued_at != claims.issued_at:
        raise FormatError("not the content of a clearance: its time is not that of the token")
    return Clearance(sign1.kid, claims.issuer, *times, body)


def _check_usage(opened: Certificate | Clearance, signer: Signer, trust: TrustList) -> None:
    """(11): the signer may sign this, and a clearance for this region."""
    if opened.usage not in signer.usages:
        raise VerificationError(f"the certificate's signer may not sign a {opened.usage}")
    if isinstance(opened, Clearance) and opened.body.region != trust.region:
        raise VerificationError("the clearance is of another region")


def _check_times(opened: Certificate | Clearance, signer: Signer, now: int) -> None:
    """(12): it has begun and not ended, both inclusive. (13): so has its signer, and nobody revoked the signer."""
    if now < opened.issued_at:
        raise VerificationError("the certificate does not count yet")
    if now > opened.expires_at:
        raise VerificationError("the certificate has expired")
    if not signer.not_before <= now <= signer.not_after:
        raise VerificationError("the certificate's signer does not count at this time")
    if signer.revoked_at is not None and now >= signer.revoked_at:
        raise VerificationError("the certificate's signer was revoked")


def _one_spelling(sign1: Sign1, opened: Certificate | Clearance) -> bytes | None:
    """What our own writer would compress of what was read; Base45 has one spelling anyhow. section 3

    None where it writes no such thing: not by RSA, whose signatures are salted, and never without its issuer.
    """
    if sign1.algorithm != ES256 or opened.issuer is None:
        return None
    certificate = content_body(opened.content) if isinstance(opened, Certificate) else None
    clearance = content_body(opened.body) if isinstance(opened, Clearance) else None
    claims = Claims(opened.issuer, opened.issued_at, opened.expires_at, certificate, clearance)
    signed = protected_header(ES256, sign1.kid), claims_bytes(claims), with_lower_half(sign1.signature)
    return stored(sign1_bytes(*signed))
