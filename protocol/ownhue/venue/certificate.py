"""Venue certificate: the authority says which keys belong to a venue of its region. specs/venue.md section 2

    certificate = certify_venue(unsigned_certificate, authority_key)      authority, after meeting the owner
    check_certificate(certificate, "demo", authority_keys)                phone, before anything else of a poster counts

- It names two keys: the venue key signs posters; of the trace key, which signs notices, there is only the SHA-256.
- It vouches for keys, not for what a poster says about the place.
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from ownhue.errors import FormatError, VerificationError
from ownhue.venue import END_OF_TIME
from ownhue.venue.poster_schema import decode_message, encode_message, need_canonical

#: Longest validity of a venue certificate in seconds: 800 days. specs/venue.md section 10
MAX_CERTIFICATE_SECONDS = 69_120_000

_REGION = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_KEY_BYTES, _SIGNATURE_BYTES = 32, 64
_PREFIX = b"OWNHUE-VENUE\0"
_NAME = "VenueCertificate"


@dataclass(frozen=True, slots=True)
class VenueCertificate:
    """Keys of a venue. Raises FormatError for values that break the rules of specs/venue.md section 2."""

    region: str
    """Region whose authority signed it."""
    venue_key: bytes
    """Ed25519, 32 bytes: signs the venue's posters."""
    trace_key_hash: bytes
    """SHA-256 of the Ed25519 key (32 bytes) that signs the venue's notices."""
    valid_from: int
    """First unix second."""
    valid_until: int
    """Last unix second."""
    signature: bytes = bytes(_SIGNATURE_BYTES)
    """The authority's, 64 bytes; zeros before it has signed."""

    def __post_init__(self) -> None:
        if not _REGION.fullmatch(self.region):
            raise FormatError("a venue certificate's region is no name of a region")
        lengths = len(self.venue_key), len(self.trace_key_hash), len(self.signature)
        if lengths != (_KEY_BYTES, _KEY_BYTES, _SIGNATURE_BYTES):
            raise FormatError("a venue certificate's key, hash or signature has a wrong length")
        check_validity(self.valid_from, self.valid_until, MAX_CERTIFICATE_SECONDS, "a venue certificate")

    def encode(self) -> bytes:
        """The certificate's bytes."""
        return encode_message(_NAME, self._fields() | {"signature": self.signature})

    def signed_message(self) -> bytes:
        """What the authority's signature covers: everything before it."""
        return _PREFIX + encode_message(_NAME, self._fields())

    def _fields(self) -> dict[str, Any]:
        names = ("region", "venue_key", "trace_key_hash", "valid_from", "valid_until")
        return {name: getattr(self, name) for name in names}


def parse_certificate(data: bytes) -> VenueCertificate:
    """The certificate of *data*, not verified. Raises FormatError."""
    fields = decode_message(_NAME, data)
    if None in fields.values():
        raise FormatError("a venue certificate lacks a field")
    certificate = VenueCertificate(**fields)
    need_canonical(_NAME, data, certificate.encode())
    return certificate


def certify_venue(certificate: VenueCertificate, authority_key: SigningKey) -> VenueCertificate:
    """*certificate* with the authority's signature. The same input gives the same bytes."""
    return replace(certificate, signature=authority_key.sign(certificate.signed_message()).signature)


def check_certificate(certificate: VenueCertificate, region: str, authority_keys: Collection[bytes]) -> None:
    """Raises VerificationError unless it is of *region* and one of *authority_keys* (Ed25519, 32 bytes) signed it.

    Steps 2 and 3 of specs/venue.md section 3. Times are the caller's business.
    """
    if certificate.region != region:  # (2)
        raise VerificationError("the venue is certified for another region")
    message = certificate.signed_message()
    if not any(is_signed(key, message, certificate.signature) for key in authority_keys):  # (3)
        raise VerificationError("the authority did not certify this venue")


def trace_hash(trace_key: bytes) -> bytes:
    """SHA-256 of a trace key (Ed25519, 32 bytes), as it stands in certificates."""
    return hashlib.sha256(trace_key).digest()


def is_signed(verify_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the Ed25519 *signature* of *message* holds. For callers that raise errors of their own.

    Raises FormatError for a key or signature of another length than 32 and 64 bytes.
    """
    if (len(verify_key), len(signature)) != (_KEY_BYTES, _SIGNATURE_BYTES):
        raise FormatError("an Ed25519 key has 32 bytes, its signature 64")
    try:
        VerifyKey(verify_key).verify(message, signature)
    except BadSignatureError:
        return False
    return True


def check_validity(valid_from: int, valid_until: int, longest: int, what: str) -> None:
    """Raises FormatError unless the two unix seconds are a span of at most *longest* seconds."""
    if not 0 <= valid_from <= valid_until < END_OF_TIME or valid_until - valid_from > longest:
        raise FormatError(f"{what} is not valid for a span of at most {longest} seconds")
