"""Poster: what hangs at the entrance of a venue, and what a phone checks before it checks in. specs/venue.md

    payload     description "Market hall", address "Station road 1", room "Hall 3", cell, validity, seed, certificate
    poster      payload and the venue key's signature over it: 330 to 752 bytes
    data = sign_poster(poster, owner.venue_key)                           owner
    poster = open_poster(data, "demo", authority_keys, now)               phone
    poster_url(data, "https://ownhue.example/v")                          what the QR code says (poster_link)

- One poster is one place whose visitors are warned together: a venue with rooms hangs one poster in each of them.
- The seed makes every hour of the poster recognisable to those who were there, and to nobody else (ownhue.venue).
- Nothing is asked of a server, neither to make one nor to read one.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from nacl.signing import SigningKey

from ownhue.cells import is_cell
from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.place_tag import PLACE_RESOLUTION
from ownhue.venue import VenueKeys, derive_venue_keys
from ownhue.venue.certificate import VenueCertificate, check_certificate, check_validity, is_signed, parse_certificate
from ownhue.venue.poster_schema import decode_message, encode_message, need_canonical
from ownhue.venue.text import check_text

#: Version of the payload. specs/venue.md section 10
POSTER_VERSION = 1
#: Longest poster in bytes, its payload and signature. specs/venue.md section 10
MAX_POSTER_BYTES = 752
#: Longest texts of a poster in bytes of UTF-8: description, address, room. specs/venue.md section 10
MAX_TEXT_BYTES = (140, 200, 60)
#: Length of the seed in bytes. specs/venue.md section 10
SEED_BYTES = 32
#: Longest validity of a poster in seconds: 400 days. specs/venue.md section 10
MAX_POSTER_SECONDS = 34_560_000

_CATEGORY = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_SIGNATURE_BYTES = 64
_PREFIX = b"OWNHUE-POSTER\0"
_PAYLOAD, _SIGNED = "PosterPayload", "SignedPoster"


@dataclass(frozen=True, slots=True)
class Poster:
    """The content of a poster. Raises FormatError for values that break the rules of specs/venue.md section 2."""

    description: str
    """Name of the place, in the words of its owner."""
    address: str
    """Where it is, in the words of its owner."""
    valid_from: int
    """First unix second at which somebody can check in."""
    valid_until: int
    """Last one."""
    seed: bytes = field(repr=False)
    """32 random bytes, drawn for this poster."""
    certificate: VenueCertificate
    """The authority's, for the key that signs this poster."""
    category: str | None = None
    """Kind of place: small letters, digits and hyphens."""
    room: str | None = None
    """Which part of the place."""
    cell: int | None = None
    """H3 cell of resolution 7 in which it is; None for places that move, and then nothing can contradict a visit."""

    def __post_init__(self) -> None:
        for text, limit in zip((self.description, self.address, self.room), MAX_TEXT_BYTES, strict=True):
            if text is not None:
                check_text(text, limit, "a poster's text")
        if self.category is not None and not _CATEGORY.fullmatch(self.category):
            raise FormatError("a poster's category is small letters, digits and hyphens, at most 32, a letter first")
        if self.cell is not None and not is_cell(self.cell, PLACE_RESOLUTION):
            raise FormatError(f"a poster's cell is no cell of resolution {PLACE_RESOLUTION}")
        if len(self.seed) != SEED_BYTES:
            raise FormatError(f"a poster's seed has {SEED_BYTES} bytes")
        check_validity(self.valid_from, self.valid_until, MAX_POSTER_SECONDS, "a poster")

    @property
    def payload(self) -> bytes:
        """The bytes that are signed and from which everything is derived."""
        names = ("description", "address", "category", "room", "cell", "valid_from", "valid_until", "seed")
        fields = {name: getattr(self, name) for name in names}
        return encode_message(_PAYLOAD, {"version": POSTER_VERSION, **fields, "certificate": self.certificate.encode()})

    @property
    def keys(self) -> VenueKeys:
        """What is derived from the payload; its ``preid`` is the poster's id."""
        return derive_venue_keys(self.payload)

    def is_valid_at(self, time: int) -> bool:
        """Whether somebody could check in at this unix second."""
        return self.valid_from <= time <= self.valid_until


def sign_poster(poster: Poster, venue_key: SigningKey) -> bytes:
    """The poster's bytes, signed. The same input gives the same bytes."""
    return encode_poster(poster, venue_key.sign(_PREFIX + poster.payload).signature)


def open_poster(data: bytes, region: str, authority_keys: Collection[bytes], now: int) -> Poster:
    """The verified poster of *data*, for a check-in at *now* (unix seconds) in *region*.

    Steps as numbered in specs/venue.md section 3. *authority_keys*: Ed25519, 32 bytes each; one of them must have
    certified the venue. Raises LimitError, FormatError, VerificationError.
    """
    poster, signature = parse_poster(data)  # (1)
    check_certificate(poster.certificate, region, authority_keys)  # (2), (3)
    if not is_signed(poster.certificate.venue_key, _PREFIX + poster.payload, signature):  # (4)
        raise VerificationError("the venue did not sign this poster")
    certified = poster.certificate.valid_from, poster.certificate.valid_until
    if not certified[0] <= poster.valid_from <= poster.valid_until <= certified[1]:  # (5)
        raise VerificationError("the poster is valid longer than the venue is certified")
    if now < poster.valid_from:  # (6)
        raise VerificationError("the poster is not valid yet")
    if now > poster.valid_until:  # (7)
        raise VerificationError("the poster has expired")
    return poster


def parse_poster(data: bytes) -> tuple[Poster, bytes]:
    """(content, signature of 64 bytes) of a poster, not verified. Raises LimitError or FormatError."""
    if len(data) > MAX_POSTER_BYTES:
        raise LimitError(f"a poster has at most {MAX_POSTER_BYTES} bytes")
    signed = decode_message(_SIGNED, data)
    if signed["payload"] is None or signed["signature"] is None or len(signed["signature"]) != _SIGNATURE_BYTES:
        raise FormatError("a poster has a payload and a signature of 64 bytes")
    poster = _parse_payload(signed["payload"])
    need_canonical(_PAYLOAD, signed["payload"], poster.payload)
    need_canonical(_SIGNED, data, encode_poster(poster, signed["signature"]))
    return poster, signed["signature"]


def _parse_payload(data: bytes) -> Poster:
    fields = decode_message(_PAYLOAD, data)
    if fields.pop("version") != POSTER_VERSION:
        raise FormatError("a poster of another version")
    if any(value is None for name, value in fields.items() if name not in ("category", "room", "cell")):
        raise FormatError("a poster lacks a field")
    return Poster(**fields | {"certificate": parse_certificate(fields["certificate"])})


def encode_poster(poster: Poster, signature: bytes) -> bytes:
    """The bytes of a poster with its signature (64 bytes), as :func:`parse_poster` reads them."""
    return encode_message(_SIGNED, {"payload": poster.payload, "signature": signature})
