"""Venue offer: what the owner gives the authority that asked for notices about some hours. specs/venue.md section 6

    data = make_offer(poster_data, owner, Span(1767708000, 1767715200), "indoor", reason)     owner, with both keys
    offer = open_offer(data, "demo", authority_keys, now)                                     authority: all is checked
    records = seal_offer(offer, batch, authority_key)                                         for the file of one batch
    marks = offer.marks()                                                                     to take all of it back

- The authority says which times, which rule and why; the owner's tool cuts the time at full hours and signs each.
- An offer alone warns nobody. It holds the poster, which is public where it hangs, and no key of the owner.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nacl.signing import SigningKey

from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.venue import HOUR_SECONDS, hourly_id, hours_between, withdrawal_mark
from ownhue.venue.certificate import trace_hash
from ownhue.venue.notice import countersign, is_signed_by_owner, seal_notice, sign_as_owner
from ownhue.venue.notice_content import Notice, OwnerSignature, parse_reason
from ownhue.venue.owner import OwnerKeys
from ownhue.venue.poster import Poster, open_poster, parse_poster

#: Most notices of one offer: two days of hours. specs/venue.md section 10
MAX_OFFER_NOTICES = 48
#: Longest offer in bytes. specs/venue.md section 10
MAX_OFFER_BYTES = 8192

_FORMAT = "ownhue-offer-1"
_KEY_BYTES, _SIGNATURE_BYTES = 32, 64

Reason = tuple[tuple[str, str], ...]


class Span(NamedTuple):
    """A time about which the authority asks."""

    start: int
    """First unix second."""
    end: int
    """Unix second at which it is over."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Notices with the owner's signatures. Raises FormatError and LimitError for values that break the rules."""

    poster_data: bytes = field(repr=False)
    """The signed poster, which has the seed."""
    trace_key: bytes
    """Ed25519, 32 bytes."""
    notices: tuple[Notice, ...]
    """One for each hour, ascending; all of one rule and one reason."""
    signatures: tuple[bytes, ...]
    """The owner's, one for each of them, 64 bytes."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.notices) <= MAX_OFFER_NOTICES:
            raise LimitError(f"an offer has 1 to {MAX_OFFER_NOTICES} notices")
        hours = [notice.hour for notice in self.notices]
        if hours != sorted(set(hours)) or len({(notice.rule, notice.reason) for notice in self.notices}) != 1:
            raise FormatError("the notices of an offer are not of one kind, ascending, each of another hour")
        if len(self.trace_key) != _KEY_BYTES or len(self.signatures) != len(self.notices):
            raise FormatError("an offer has one trace key and a signature for each notice")
        if any(len(signature) != _SIGNATURE_BYTES for signature in self.signatures):
            raise FormatError("a signature of an offer has a wrong length")

    @property
    def poster(self) -> Poster:
        """The poster's content."""
        return parse_poster(self.poster_data)[0]

    def encode(self) -> bytes:
        """The offer's bytes."""
        first = self.notices[0]
        times = [
            [notice.start, notice.end, signature]
            for notice, signature in zip(self.notices, self.signatures, strict=True)
        ]
        reason = [list(pair) for pair in first.reason]
        return cbor_encode([_FORMAT, self.poster_data, self.trace_key, first.rule, reason, times])

    def marks(self) -> list[bytes]:
        """The marks (16 bytes) that withdraw its notices, wherever they were published."""
        keys = self.poster.keys
        return [withdrawal_mark(hourly_id(keys, notice.hour)) for notice in self.notices]


def make_offer(poster_data: bytes, owner: OwnerKeys, span: Span, rule: str, reason: Reason) -> bytes:
    """The owner's answer to an authority that asks about *span*. The same input gives the same bytes.

    Raises FormatError and LimitError for values that notices cannot have, VerificationError when the poster names the
    trace key of another owner.
    """
    poster, _ = parse_poster(poster_data)
    if owner.trace_key_hash != poster.certificate.trace_key_hash:
        raise VerificationError("the poster is of another owner")
    region, keys = poster.certificate.region, poster.keys
    if not 0 < span.end - span.start <= MAX_OFFER_NOTICES * HOUR_SECONDS:
        raise LimitError(f"an offer has 1 to {MAX_OFFER_NOTICES} notices")
    notices = tuple(Notice(start, end, rule, reason) for start, end in hours_between(*span))
    signatures = tuple(sign_as_owner(notice, region, keys, owner.trace_key).signature for notice in notices)
    return Offer(poster_data, bytes(owner.trace_key.verify_key), notices, signatures).encode()


def open_offer(data: bytes, region: str, authority_keys: Collection[bytes], now: int) -> Offer:
    """The verified offer of *data* at *now* (unix seconds).

    Steps as numbered in specs/venue.md section 6. Raises LimitError, FormatError, VerificationError.
    """
    offer = parse_offer(data)  # (1)
    # (2): the poster was valid when the notices begin and when they end
    open_poster(offer.poster_data, region, authority_keys, offer.notices[0].start)
    poster = open_poster(offer.poster_data, region, authority_keys, offer.notices[-1].end - 1)
    if trace_hash(offer.trace_key) != poster.certificate.trace_key_hash:  # (3)
        raise VerificationError("the offer's trace key is not the certified one")
    keys = poster.keys
    for notice, signature in zip(offer.notices, offer.signatures, strict=True):  # (4)
        if not is_signed_by_owner(notice, region, keys, OwnerSignature(offer.trace_key, signature)):
            raise VerificationError("the owner did not sign a notice of this offer")
    if offer.notices[-1].end > now:  # (5)
        raise VerificationError("the offer speaks of the future")
    return offer


def parse_offer(data: bytes) -> Offer:
    """The offer of *data*, not verified. Raises LimitError or FormatError."""
    if len(data) > MAX_OFFER_BYTES:
        raise LimitError(f"an offer has at most {MAX_OFFER_BYTES} bytes")
    match cbor_decode(data):
        case ["ownhue-offer-1", bytes(poster_data), bytes(trace_key), str(rule), list(reason), list(times)]:
            parse_poster(poster_data)
            parts = [_parse_time(item) for item in times]
            pairs = parse_reason(reason)
            notices = tuple(Notice(start, end, rule, pairs) for start, end, _ in parts)
            return Offer(poster_data, trace_key, notices, tuple(signature for *_, signature in parts))
    raise FormatError("not an offer")


def _parse_time(item: Any) -> tuple[int, int, bytes]:
    # bool is an int in Python and true has its own spelling in CBOR, so the types are compared exactly.
    if not isinstance(item, list) or [type(value) for value in item] != [int, int, bytes]:
        raise FormatError("a notice of an offer is [start, end, signature]")
    start, end, signature = item
    return start, end, signature


def seal_offer(offer: Offer, batch: int, authority_key: SigningKey) -> list[bytes]:
    """The notices (512 bytes each) of a verified *offer*, signed by the authority for one *batch*, to be published."""
    poster = offer.poster
    region, keys = poster.certificate.region, poster.keys
    records = []
    for notice, signature in zip(offer.notices, offer.signatures, strict=True):
        owner = OwnerSignature(offer.trace_key, signature)
        records.append(seal_notice(countersign(notice, region, keys, owner, batch, authority_key), keys))
    return records
