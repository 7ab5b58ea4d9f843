"""Venue notice: one hour of one venue, readable only with its poster, signed by its owner and by the authority.

specs/venue.md section 7. Two signatures, because either could be forced or bought::

    notice = Notice(1767708000, 1767709800, "indoor", (("en", "Somebody with measles was here"),))
    owner = sign_as_owner(notice, "demo", keys, trace_key)                  the venue's owner
    signed = countersign(notice, "demo", keys, owner, 490900, authority_key)   the authority, for one batch
    record = seal_notice(signed, keys)                                      512 bytes, always

    signed = open_notice(record, keys, trace_key_hash, hour, batch)         a phone that was there, or NoticeRefused

- Tag, nonce and sealed part look random to whoever does not hold the poster, and equal those of padding.
- The signatures cover the hour's identity, so that a notice cannot be moved to another hour, venue or region, and the
  authority's the batch, so that an old notice cannot come back.
- Sealing takes no randomness: the nonce is an HMAC over the content, so no two contents ever share one.
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt, crypto_aead_xchacha20poly1305_ietf_encrypt
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey

from ownhue.encoding import cbor_encode, frame, unframe
from ownhue.errors import FormatError, VerificationError
from ownhue.params import RETENTION_DAYS
from ownhue.venue import TAG_BYTES, VenueKeys, hourly_id, notice_tag
from ownhue.venue.certificate import is_signed, trace_hash
from ownhue.venue.notice_content import Notice, OwnerSignature, SignedNotice, parse_signed_notice

#: Length of every notice, real or padding, in bytes. specs/venue.md section 10
NOTICE_BYTES = 512
#: Length in bytes of what is sealed in it, filled up. specs/venue.md section 10
NOTICE_PLAIN_BYTES = 456

_NONCE_BYTES = 24
_DAY_SECONDS = 86_400


class Refusal(StrEnum):
    """Why a notice under one of the phone's own tags does not count. specs/venue.md section 9 numbers them as steps."""

    NOT_SEALED = "not-sealed"
    """Not sealed for this poster and this hour."""
    DAMAGED = "damaged"
    """What was sealed is no notice."""
    OTHER_VENUE = "other-venue"
    """The trace key is not the one that the authority certified."""
    NOT_BY_OWNER = "not-by-owner"
    """The owner did not sign this."""
    NOT_BY_AUTHORITY = "not-by-authority"
    """The authority did not sign this for this batch."""
    OTHER_HOUR = "other-hour"
    """It speaks of another hour than its tag."""
    IN_FUTURE = "in-future"
    """It speaks of a time after its publication."""
    TOO_OLD = "too-old"
    """It speaks of a time that phones have forgotten."""
    POSTER_NOT_VALID = "poster-not-valid"
    """The poster was not valid when this visit began."""
    NO_OVERLAP = "no-overlap"
    """The visit was in the same hour, at other minutes."""


class NoticeRefused(VerificationError):  # noqa: N818 - the name says what happened to the notice
    """A notice does not count. Nothing of its content is in the text."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"the notice does not count: {refusal}")
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class NoticeBatch:
    """Where and when notices are published, and whose signature counts there."""

    region: str
    """Name of the region."""
    number: int
    """Number of the batch in the log."""
    published_at: int
    """Unix second at which the batch closed."""
    authority_keys: Collection[bytes]
    """Ed25519 keys of the authority, 32 bytes each; any of them signs."""


def sign_as_owner(notice: Notice, region: str, keys: VenueKeys, trace_key: SigningKey) -> OwnerSignature:
    """The owner's signature: over region, identity of the hour, and all that the notice says."""
    message = _owner_message(notice, region, hourly_id(keys, notice.hour))
    return OwnerSignature(bytes(trace_key.verify_key), trace_key.sign(message).signature)


def is_signed_by_owner(notice: Notice, region: str, keys: VenueKeys, owner: OwnerSignature) -> bool:
    """Whether the owner's signature holds; whose trace key it is says the certificate."""
    return is_signed(owner.trace_key, _owner_message(notice, region, hourly_id(keys, notice.hour)), owner.signature)


def countersign(
    notice: Notice, region: str, keys: VenueKeys, owner: OwnerSignature, batch: int, authority_key: SigningKey
) -> SignedNotice:
    """The notice with the authority's signature: over all that the owner signed, the owner's signature, the batch.

    The authority checks the owner's signature before (``ownhue.venue.offer``); phones check both.
    """
    message = _authority_message(notice, region, hourly_id(keys, notice.hour), owner, batch)
    return SignedNotice(notice, owner, authority_key.sign(message).signature)


def seal_notice(signed: SignedNotice, keys: VenueKeys) -> bytes:
    """The published notice: tag, nonce, sealed part; 512 bytes. The same input gives the same bytes."""
    identity = hourly_id(keys, signed.notice.hour)
    return _seal(frame(signed.encode(), NOTICE_PLAIN_BYTES), identity, keys)


def open_notice(record: bytes, keys: VenueKeys, trace_key_hash: bytes, hour: int, batch: NoticeBatch) -> SignedNotice:
    """The verified notice of *record*, which stood in *batch* under the tag of *hour* (its first second).

    Steps 1 to 8 of specs/venue.md section 9. *keys*, *trace_key_hash*: of the poster. Raises NoticeRefused.
    """
    identity = hourly_id(keys, hour)
    plain = _unseal(record, identity, keys)  # (1)
    try:
        signed = parse_signed_notice(unframe(plain, NOTICE_PLAIN_BYTES))  # (2)
    except FormatError as error:
        raise NoticeRefused(Refusal.DAMAGED) from error
    notice, owner = signed.notice, signed.owner
    if trace_hash(owner.trace_key) != trace_key_hash:  # (3)
        raise NoticeRefused(Refusal.OTHER_VENUE)
    if not is_signed(owner.trace_key, _owner_message(notice, batch.region, identity), owner.signature):  # (4)
        raise NoticeRefused(Refusal.NOT_BY_OWNER)
    message = _authority_message(notice, batch.region, identity, owner, batch.number)
    if not any(is_signed(key, message, signed.authority_signature) for key in batch.authority_keys):  # (5)
        raise NoticeRefused(Refusal.NOT_BY_AUTHORITY)
    if notice.hour != hour:  # (6): both signed a contradiction
        raise NoticeRefused(Refusal.OTHER_HOUR)
    if notice.end > batch.published_at:  # (7): whoever reads it must be able to know where they were
        raise NoticeRefused(Refusal.IN_FUTURE)
    if notice.start < batch.published_at - RETENTION_DAYS * _DAY_SECONDS:  # (8)
        raise NoticeRefused(Refusal.TOO_OLD)
    return signed


def _seal(plain: bytes, identity: bytes, keys: VenueKeys) -> bytes:
    tag = notice_tag(identity)
    # Keyed with what only the poster tells, so that a nonce says nothing of the content to anybody else.
    nonce = hmac.digest(identity, b"OWNHUE-NOTICE-NONCE" + plain, "sha256")[:_NONCE_BYTES]
    return tag + nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(plain, tag, nonce, keys.notification_key)


def _unseal(record: bytes, identity: bytes, keys: VenueKeys) -> bytes:
    """(1): sealed for this poster, under this tag, in the one way."""
    tag, nonce, sealed = record[:TAG_BYTES], record[TAG_BYTES:][:_NONCE_BYTES], record[TAG_BYTES + _NONCE_BYTES :]
    try:
        plain = crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, tag, nonce, keys.notification_key)
    except (CryptoError, ValueError, TypeError) as error:
        raise NoticeRefused(Refusal.NOT_SEALED) from error
    if len(record) != NOTICE_BYTES or _seal(plain, identity, keys) != record:
        raise NoticeRefused(Refusal.NOT_SEALED)
    return plain


def _owner_message(notice: Notice, region: str, identity: bytes) -> bytes:
    return b"OWNHUE-NOTICE-OWNER\0" + cbor_encode([region, identity, *notice.content()])


def _authority_message(notice: Notice, region: str, identity: bytes, owner: OwnerSignature, batch: int) -> bytes:
    return b"OWNHUE-NOTICE-AUTHORITY\0" + cbor_encode([region, identity, *notice.content(), *owner, batch])
