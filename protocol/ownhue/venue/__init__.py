"""Venue: from a poster's payload to the identifiers of its hours. specs/venue.md section 4

The derivations are those of CrowdNotifier v3 (basic)::

    keys = derive_venue_keys(poster.payload)           whoever holds the poster
    hour = hour_of(1_767_708_000)                      1767706800, its first second
    identity = hourly_id(keys, hour)                   32 bytes; says nothing to whoever does not hold the poster
    notice_tag(identity)                               16 bytes: under these a notice about the hour is found
    withdrawal_mark(identity)                          16 bytes: under these it is taken back

- Everything follows from the payload: whoever has seen the poster can derive all of it, for every hour.
- Without the poster, two hours of one venue have nothing in common that anybody could see.
- CrowdNotifier's names are kept: noncePreId, nonceTimekey, notificationKey, preid, timekey, identity.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ownhue.errors import FormatError

#: Length of the intervals that have an identity of their own, in seconds. specs/venue.md section 10
HOUR_SECONDS = 3600
#: Length of a notice's tag in bytes. specs/venue.md section 10
TAG_BYTES = 16
#: Times are unix seconds below this. specs/venue.md section 10
END_OF_TIME = 2**32

_HKDF_INFO = b"CrowdNotifier_v3"
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class VenueKeys:
    """What follows from one payload, 32 bytes each."""

    nonce_preid: bytes = field(repr=False)
    nonce_timekey: bytes = field(repr=False)
    notification_key: bytes = field(repr=False)
    """Notices about this poster's hours are sealed with it."""
    preid: bytes = field(repr=False)
    """Stands for the payload: the poster's id."""


def derive_venue_keys(payload: bytes) -> VenueKeys:
    """The keys of a payload, which may be of any length: posters of CrowdNotifier v3 have payloads of their own."""
    okm = HKDF(SHA256(), 3 * _KEY_BYTES, salt=b"", info=_HKDF_INFO).derive(payload)
    nonce_preid, nonce_timekey, notification_key = (okm[at : at + _KEY_BYTES] for at in range(0, 96, _KEY_BYTES))
    return VenueKeys(nonce_preid, nonce_timekey, notification_key, _sha256(b"CN-PREID", payload, nonce_preid))


def hourly_id(keys: VenueKeys, start: int) -> bytes:
    """The identity (32 bytes) of the hour that begins at unix second *start*.

    CrowdNotifier takes any second as the start of an interval; posters of this project only take full hours
    (:func:`hour_of`). Raises FormatError for a second below 0 or not below 2^63.
    """
    if not 0 <= start < 2**63:
        raise FormatError("an hour begins at a unix second")
    interval = HOUR_SECONDS.to_bytes(4, "big") + start.to_bytes(8, "big")
    time_key = _sha256(b"CN-TIMEKEY", interval, keys.nonce_timekey)
    return _sha256(b"CN-ID", keys.preid, interval, time_key)


def hour_of(time: int) -> int:
    """The first unix second of the hour in which *time* lies."""
    return time - time % HOUR_SECONDS


def hours_between(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The span from *start* up to, but not including, *end* (unix seconds) cut at full hours: (start, end) of each."""
    while start < end:
        until = min(hour_of(start) + HOUR_SECONDS, end)
        yield start, until
        start = until


def notice_tag(identity: bytes) -> bytes:
    """The tag (16 bytes) under which a notice about the hour of *identity* is published."""
    return _sha256(b"OWNHUE-NOTICE", identity)[:TAG_BYTES]


def withdrawal_mark(identity: bytes) -> bytes:
    """The mark (16 bytes) by which the notice about the hour of *identity* is withdrawn.

    It is not the tag, so that without the poster nobody can tell which notice it takes back.
    """
    return _sha256(b"OWNHUE-NOTICE-WITHDRAWN", identity)[:TAG_BYTES]


def _sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()
