"""Venues once more, without the library: protobuf and CBOR by hand, `cryptography` and the standard library.

Vectors and tests compare the two. XChaCha20-Poly1305 is HChaCha20 (written out here) in front of ChaCha20-Poly1305.
"""

import hashlib
import hmac
import struct
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Reason = list[list[str]]


def varint(number: int) -> bytes:
    """Protobuf's shortest spelling of a number."""
    spelled = bytearray()
    while number > 127:
        spelled.append(number & 127 | 128)
        number >>= 7
    return bytes([*spelled, number])


def message(fields: list[tuple[int, Any]]) -> bytes:
    """A protobuf message of (number, value): ints, texts, bytes; None is left out."""
    spelled = b""
    for number, value in fields:
        if isinstance(value, int):
            spelled += varint(number << 3) + varint(value % 2**64)
        elif value is not None:
            content = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
            spelled += varint(number << 3 | 2) + varint(len(content)) + content
    return spelled


def cbor(value: Any) -> bytes:
    """Deterministic CBOR of null, truth values, ints, bytes, texts and lists."""
    if isinstance(value, bool) or value is None:
        return b"\xf6" if value is None else b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        encoded = value.encode("utf-8", "surrogatepass")
        return _head(3, len(encoded)) + encoded
    return _head(4, len(value)) + b"".join(map(cbor, value))


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    for code, length in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 256**length:
            return bytes([kind << 5 | code]) + number.to_bytes(length, "big")
    raise AssertionError(number)


def public(seed: bytes) -> bytes:
    """The Ed25519 key of a seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def sign(seed: bytes, data: bytes) -> bytes:
    """An Ed25519 signature."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(data)


def certificate(fields: dict[str, Any], authority_seed: bytes) -> bytes:
    """A signed VenueCertificate of fields that need not be right ones."""
    numbered = list(enumerate(fields.values(), 1))
    body = message(numbered)
    return message([*numbered, (6, sign(authority_seed, b"OWNHUE-VENUE\0" + body))])


def payload(fields: dict[str, Any]) -> bytes:
    """A PosterPayload of fields in the order of their numbers."""
    return message(list(enumerate(fields.values(), 1)))


def poster(body: bytes, venue_seed: bytes) -> bytes:
    """A SignedPoster."""
    return message([(1, body), (2, sign(venue_seed, b"OWNHUE-POSTER\0" + body))])


def keys(body: bytes) -> dict[str, bytes]:
    """The keys that follow from a payload."""
    pseudorandom = hmac.digest(bytes(32), body, "sha256")
    output, block = b"", b""
    for count in (1, 2, 3):
        block = hmac.digest(pseudorandom, block + b"CrowdNotifier_v3" + bytes([count]), "sha256")
        output += block
    nonce_preid, nonce_timekey, notification_key = output[:32], output[32:64], output[64:]
    return {
        "nonce_preid": nonce_preid,
        "nonce_timekey": nonce_timekey,
        "notification_key": notification_key,
        "preid": hashlib.sha256(b"CN-PREID" + body + nonce_preid).digest(),
    }


def identity(body: bytes, start: int) -> bytes:
    """The identity of an hour."""
    derived, interval = keys(body), struct.pack(">IQ", 3600, start)
    time_key = hashlib.sha256(b"CN-TIMEKEY" + interval + derived["nonce_timekey"]).digest()
    return hashlib.sha256(b"CN-ID" + derived["preid"] + interval + time_key).digest()


def tag(body: bytes, start: int) -> bytes:
    """The tag of an hour."""
    return hashlib.sha256(b"OWNHUE-NOTICE" + identity(body, start)).digest()[:16]


def mark(body: bytes, start: int) -> bytes:
    """The mark that withdraws an hour."""
    return hashlib.sha256(b"OWNHUE-NOTICE-WITHDRAWN" + identity(body, start)).digest()[:16]


def owner_signature(
    trace_seed: bytes, body: bytes, hour: int, region: str, start: int, end: int, rule: str, reason: Reason
) -> bytes:
    """The owner's signature of a notice."""
    said = cbor([region, identity(body, hour), start, end, rule, reason])
    return sign(trace_seed, b"OWNHUE-NOTICE-OWNER\0" + said)


def authority_signature(
    authority_seed: bytes,
    body: bytes,
    hour: int,
    region: str,
    start: int,
    end: int,
    rule: str,
    reason: Reason,
    trace_key: bytes,
    owner: bytes,
    batch: int,
) -> bytes:
    """The authority's signature of a notice."""
    said = cbor([region, identity(body, hour), start, end, rule, reason, trace_key, owner, batch])
    return sign(authority_seed, b"OWNHUE-NOTICE-AUTHORITY\0" + said)


def seal(body: bytes, hour: int, content: bytes) -> bytes:
    """The notice of 512 bytes with *content*, whatever it is."""
    return seal_plain(body, hour, (len(content).to_bytes(4, "big") + content).ljust(456, b"\0"))


def seal_plain(body: bytes, hour: int, plain: bytes, nonce: bytes | None = None) -> bytes:
    """The notice with *plain* in it as it is."""
    said = hmac.digest(identity(body, hour), b"OWNHUE-NOTICE-NONCE" + plain, "sha256")[:24]
    nonce = said if nonce is None else nonce
    subkey = _hchacha20(keys(body)["notification_key"], nonce[:16])
    sealed = ChaCha20Poly1305(subkey).encrypt(bytes(4) + nonce[16:], plain, tag(body, hour))
    return tag(body, hour) + nonce + sealed


def notice_file(region: str, batch: int, notices: list[bytes], marks: list[bytes], authority_seed: bytes) -> bytes:
    """A signed file with these records, padded or not."""
    head = (
        b"OWNHUE-NOTICE-1\n" + region.encode().ljust(32, b"\0") + struct.pack(">III", batch, len(notices), len(marks))
    )
    body = head + b"".join(notices) + b"".join(marks)
    return body + sign(authority_seed, b"OWNHUE-NOTICES\0" + hashlib.sha256(body).digest())


def _hchacha20(key: bytes, nonce: bytes) -> bytes:
    """draft-irtf-cfrg-xchacha section 2.2"""
    state = [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key), *struct.unpack("<4I", nonce)]
    for _ in range(10):
        for a, b, c, d in (*_COLUMNS, *_DIAGONALS):
            _quarter_round(state, a, b, c, d)
    return struct.pack("<8I", *state[:4], *state[12:])


_COLUMNS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15))
_DIAGONALS = ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


def _quarter_round(state: list[int], a: int, b: int, c: int, d: int) -> None:
    for one, two, three, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        state[one] = (state[one] + state[two]) % 2**32
        mixed = state[three] ^ state[one]
        state[three] = (mixed << bits | mixed >> 32 - bits) % 2**32
