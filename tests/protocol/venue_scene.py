"""One venue, its owner and its authority, for the tests of venues; bytes are made by venue_second_opinion.

The market hall is open on 6 January 2026; somebody infected was there from 14:10 to 14:50 (UTC).
"""

import hashlib
from typing import Any

from nacl.signing import SigningKey

from ownhue.venue import VenueKeys
from ownhue.venue.notice import NoticeBatch
from ownhue.venue.owner import OwnerKeys
from ownhue.venue.poster import Poster, parse_poster
from tests.protocol import venue_second_opinion as second

AUTHORITY, VENUE, TRACE, STRANGER, SEED = (
    hashlib.sha256(f"ownhue vector: {name}".encode()).digest()
    for name in ("authority", "venue", "trace", "stranger", "seed")
)
AUTHORITY_KEY = SigningKey(AUTHORITY)
AUTHORITY_KEYS = [bytes(AUTHORITY_KEY.verify_key)]
OWNER = OwnerKeys(VENUE, TRACE)
TRACE_KEY = second.public(TRACE)

REGION = "demo"
NEW_YEAR, YEARS_END = 1_767_225_600, 1_798_761_599
HOUR = 1_767_708_000
"""14:00 UTC on 6 January 2026."""
BATCH = 245_519
PUBLISHED = (BATCH + 1) * 7200
"""0:00 UTC on 7 January."""
DAY = 86_400

CERTIFICATE: dict[str, Any] = {
    "region": REGION,
    "venue_key": second.public(VENUE),
    "trace_key_hash": hashlib.sha256(TRACE_KEY).digest(),
    "valid_from": NEW_YEAR,
    "valid_until": YEARS_END,
}
CELL = 0x871F8342CFFFFFF
"""Of resolution 7; FAR_CELL is not next to it."""
FAR_CELL = 0x871F83405FFFFFF
NEAR_CELL = 0x871F83421FFFFFF
FIELDS: dict[str, Any] = {
    "version": 1,
    "description": "Market hall",
    "address": "Station road 1, Old Town",
    "category": "market",
    "room": "Hall 3",
    "cell": CELL,
    "valid_from": NEW_YEAR,
    "valid_until": YEARS_END,
    "seed": SEED,
    "certificate": second.certificate(CERTIFICATE, AUTHORITY),
}
PAYLOAD = second.payload(FIELDS)
POSTER = second.poster(PAYLOAD, VENUE)
PREFIX = "https://ownhue.example/v"

REASON = [["de", "Masern"], ["en", "Measles"]]
SAID: dict[str, Any] = {"start": HOUR + 600, "end": HOUR + 3000, "rule": "indoor", "reason": REASON}
RECORD_NAMES = ("start", "end", "rule", "reason", "trace_key", "owner", "authority")


def poster_with(certified: dict[str, Any] | None = None, **changes: Any) -> bytes:
    """A poster signed by authority and venue, with changed fields of its own or of its certificate."""
    fields = FIELDS | {"certificate": second.certificate(CERTIFICATE | (certified or {}), AUTHORITY)}
    return second.poster(second.payload(fields | changes), VENUE)


def poster_of(data: bytes = POSTER) -> Poster:
    """The content of a poster."""
    return parse_poster(data)[0]


def keys_of(data: bytes = POSTER) -> VenueKeys:
    """The keys of a poster."""
    return poster_of(data).keys


def batch(number: int = BATCH, region: str = REGION, published_at: int = PUBLISHED) -> NoticeBatch:
    """The batch in which notices are published."""
    return NoticeBatch(region, number, published_at, AUTHORITY_KEYS)


def content(
    payload: bytes = PAYLOAD,
    hour: int = HOUR,
    region: str = REGION,
    number: int = BATCH,
    trace: bytes = TRACE,
    authority: bytes = AUTHORITY,
    **changes: Any,
) -> dict[str, Any]:
    """What is sealed in a notice: what it says, signed by these seeds; *changes* of signatures come last."""
    said = SAID | {name: value for name, value in changes.items() if name in SAID}
    trace_key = second.public(trace)
    owner = changes.get("owner") or second.owner_signature(trace, payload, hour, region, **said)
    signed = {
        "trace_key": changes.get("trace_key", trace_key),
        "owner": owner,
    }
    authority_signature = changes.get("authority_signature") or second.authority_signature(
        authority, payload, hour, region, **said, **signed, batch=number
    )
    return said | signed | {"authority": authority_signature}


def record(payload: bytes = PAYLOAD, hour: int = HOUR, **changes: Any) -> bytes:
    """The sealed notice (512 bytes) of an hour, with the arguments of :func:`content`."""
    return second.seal(payload, hour, second.cbor(list(content(payload, hour, **changes).values())))


def filler(count: int, length: int) -> list[bytes]:
    """Records that differ, for padding: what is behind the tag is zeros."""
    return [
        hashlib.sha256(f"{length}: {number}".encode()).digest()[:16].ljust(length, b"\0") for number in range(count)
    ]


def notice_file(*records: bytes, marks: tuple[bytes, ...] = (), number: int = BATCH, region: str = REGION) -> bytes:
    """A file with *records* and *marks* among as many others as are needed for the least numbers."""
    notices = sorted([*records, *filler(64 - len(records), 512)])
    withdrawn = sorted([*marks, *filler(16 - len(marks), 16)])
    return second.notice_file(region, number, notices, withdrawn, AUTHORITY)
