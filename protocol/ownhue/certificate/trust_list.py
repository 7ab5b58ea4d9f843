"""Trust list: whose signatures of health certificates count, and what was revoked. specs/certificate.md section 4

    {"region":"demo","revoked":{"5e0a...32 digits":1767744000},
     "signers":[{"canonical":true,"country":"XX","kid":"9211db660d80c43a","not_after":1798761600,"not_before":1767225600,
                 "revoked_at":null,"spki":"MFkw...","usages":["clearance","recovery","test"]}]}

It is the body of the signed document "certificate-trust"; ``certificate_x509`` makes entries from states' X.509 files,
so that phones and checkpoints need not read those.

- Several signers may share a key id, which is only 8 bytes of a digest: each of them is tried.
- Who may sign a clearance must use the one spelling of section 3. So a clearance is never a foreign signer's.
- A revocation names the first 16 bytes of the SHA-256 of a certificate's id, as the EU's lists do, and when it was
  published. It says nothing to who does not know the certificate; who knows its id can look it up.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Self

from nacl.signing import SigningKey
from pydantic import Field, ValidationError, model_validator

from ownhue.certificate.content import Usage
from ownhue.certificate.cose import ES256, KID_BYTES, PublicKey, algorithm_of, load_key
from ownhue.certificate.parts import Country
from ownhue.documents import open_document, sign_document
from ownhue.encoding import base64url_decode, canonical_json
from ownhue.errors import FormatError, LimitError
from ownhue.records import Record, explanation

#: Kind of the signed document. specs/certificate.md section 4
DOCUMENT_KIND = "certificate-trust"
#: Most signers of a list. specs/certificate.md section 7
MAX_SIGNERS = 2000
#: Most revoked certificates of a list. specs/certificate.md section 7
MAX_REVOKED = 10_000
#: Bytes of a digest in the list of revoked certificates. specs/certificate.md section 4
REVOKED_BYTES = 16

Second = Annotated[int, Field(ge=0, lt=2**32)]
Kid = Annotated[str, Field(pattern=rf"^[0-9a-f]{{{2 * KID_BYTES}}}\z")]
RevokedDigest = Annotated[str, Field(pattern=rf"^[0-9a-f]{{{2 * REVOKED_BYTES}}}\z")]


class Signer(Record):
    """One key that signs health certificates. Raises FormatError for a key that is none."""

    canonical: bool
    """Whether its certificates have one spelling; others are refused then."""
    country: Country
    """Whose signer it is."""
    kid: Kid
    """Key id in hexadecimal digits."""
    not_after: Second
    """Last second at which its certificates count."""
    not_before: Second
    """First second at which its certificates count."""
    revoked_at: Second | None
    """When its revocation was published; from then on none of its certificates counts."""
    spki: Annotated[str, Field(max_length=1000)]
    """SubjectPublicKeyInfo of its key, base64url."""
    usages: Annotated[tuple[Usage, ...], Field(min_length=1)]
    """What it may sign, sorted."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if list(self.usages) != sorted(set(self.usages)):
            raise ValueError("the usages are not sorted, each once")
        if "clearance" in self.usages and not self.canonical:
            raise ValueError("who signs clearances has to use the one spelling")
        if self.not_before > self.not_after:
            raise ValueError("it ends before it begins")
        return self

    @cached_property
    def key(self) -> PublicKey:
        """Its public key. Raises FormatError."""
        return load_key(base64url_decode(self.spki))

    @cached_property
    def algorithm(self) -> int:
        """The one algorithm of its key, as COSE numbers it."""
        return algorithm_of(self.key)


def make_signer(**fields: Any) -> Signer:
    """A signer of these fields. Raises FormatError naming each wrong one."""
    try:
        return Signer(**fields)
    except ValidationError as error:
        raise FormatError(f"not a signer: {explanation(error)}") from None


class TrustList(Record):
    """The signers and revocations that count in a region."""

    region: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}\z")]
    """Region whose authority published it."""
    revoked: dict[RevokedDigest, Second]
    """Digest of a certificate's id -> when its revocation was published."""
    signers: tuple[Signer, ...]
    """Sorted by key id and key."""

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if len(self.signers) > MAX_SIGNERS or len(self.revoked) > MAX_REVOKED:
            raise LimitError(f"more than {MAX_SIGNERS} signers or {MAX_REVOKED} revoked certificates")
        order = [(signer.kid, signer.spki) for signer in self.signers]
        if order != sorted(set(order)):
            raise ValueError("the signers are not sorted by key id and key, each once")
        for signer in self.signers:
            # A list with a key that cannot be used is refused as a whole. RSASSA-PSS has no one spelling: it is salted.
            if signer.algorithm != ES256 and signer.canonical:
                raise ValueError("a signer who has to use the one spelling has a key of P-256")
        return self

    @cached_property
    def by_kid(self) -> Mapping[str, tuple[Signer, ...]]:
        """The signers of each key id."""
        found: dict[str, tuple[Signer, ...]] = {}
        for signer in self.signers:
            found[signer.kid] = (*found.get(signer.kid, ()), signer)
        return found

    def signers_of(self, kid: bytes) -> tuple[Signer, ...]:
        """The signers with a key id; none is an empty tuple."""
        return self.by_kid.get(kid.hex(), ())

    def revoked_at(self, digest: bytes, kid: bytes) -> int | None:
        """When a certificate was revoked: by itself (*digest*, 16 bytes), or with all signers of its key id."""
        signers = [signer.revoked_at for signer in self.signers_of(kid)]
        with_all = max(time for time in signers if time is not None) if signers and None not in signers else None
        times = [time for time in (self.revoked.get(digest.hex()), with_all) if time is not None]
        return min(times, default=None)


def trust_body(trust: TrustList) -> dict[str, Any]:
    """The body of the signed document."""
    return trust.model_dump(mode="json")


def trust_from_body(body: Mapping[str, Any]) -> TrustList:
    """The list of a document's body. Raises FormatError naming each wrong field, LimitError."""
    try:
        return TrustList.model_validate_json(canonical_json(body))
    except ValidationError as error:
        raise FormatError(f"not a trust list: {explanation(error)}") from None


def sign_trust_list(trust: TrustList, *signing_keys: SigningKey) -> bytes:
    """The signed document of a list. Raises LimitError when it grows longer than documents may be."""
    return sign_document(DOCUMENT_KIND, trust_body(trust), *signing_keys)


def open_trust_list(data: bytes, verify_keys: list[bytes], threshold: int = 1) -> TrustList:
    """The list of a document that enough of *verify_keys* signed. Raises as ``documents.open_document``."""
    return trust_from_body(open_document(data, DOCUMENT_KIND, verify_keys, threshold))
