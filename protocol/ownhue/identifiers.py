"""Rotating identifiers: Google/Apple Exposure Notification cryptography v1.2. specs/identifiers.md

A temporary exposure key (TEK) is 16 random bytes that are valid for 1 to 144 intervals of ten minutes; ownhue uses
12 (two hours), national apps used 144 (a day). From it come one identifier (RPI) per interval and the key that
encrypts four bytes of metadata beside it::

    key = TemporaryExposureKey(os.urandom(16), period_start(interval_number(now)))
    beacon_at(key, interval_number(now), Metadata(transmit_power=-20)).service_data()   # 20 bytes for the air

- Same key, same interval: same identifier. Without the key identifiers look independent and random.
- The metadata has no MAC (GAEN has none): whoever relays a beacon can flip its bits. A place tag (ownhue.place_tag)
  makes that show once the key is published.
- Key bytes are kept out of ``repr``, so that no log or traceback shows them.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256 as _sha256
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ownhue.errors import FormatError, StateError
from ownhue.params import INTERVAL_SECONDS, KEY_PERIOD, MAX_KEY_PERIOD

#: Length in bytes of a TEK, of an RPI and of every key derived from a TEK. specs/identifiers.md section 8
KEY_BYTES = 16
#: Length in bytes of the encrypted metadata beside an RPI. specs/identifiers.md section 8
METADATA_BYTES = 4
#: Length in bytes of a place tag, part of the metadata. specs/identifiers.md section 8
PLACE_TAG_BYTES = 2
#: Lowest and highest transmit power in dBm that metadata may carry; the reference rejects others.
#: specs/identifiers.md section 8
TRANSMIT_POWER_RANGE = (-50, 20)
#: Intervals are counted in 32 unsigned bits inside the RPI block, in 31 in the key file.
_LAST_INTERVAL = 2**31 - 1

_RPI_PREFIX = b"EN-RPI" + bytes(6)
_INNER_PAD = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD = bytes(byte ^ 0x5C for byte in range(256))
# HKDF-Extract without a salt is HMAC under a zero key, whose two first blocks never change: hash them only once.
_EXTRACT_INNER = _sha256(b"\x36" * 64)
_EXTRACT_OUTER = _sha256(b"\x5c" * 64)
# HMAC pads its 32-byte key to a block of 64; behind the pad come HKDF's info and the number of its first block.
_RPIK_TAIL = b"\x36" * 32 + b"EN-RPIK" + b"\x01"
_AEMK_TAIL = b"\x36" * 32 + b"EN-AEMK" + b"\x01"
_PLACE_TAIL = b"\x36" * 32 + b"OWNHUE-PLACE" + b"\x01"
_OUTER_TAIL = b"\x5c" * 32
_ECB = modes.ECB()  # noqa: S305 - single blocks of distinct counters: ECB is the AES permutation itself here


def interval_number(unix: int) -> int:
    """ENIN of a time in unix seconds. specs/identifiers.md section 1"""
    return unix // INTERVAL_SECONDS


def period_start(interval: int, period: int = KEY_PERIOD) -> int:
    """First interval of the key period (of *period* intervals, aligned to a multiple of it) that holds *interval*."""
    return interval - interval % period


def check_validity(rolling_start: int, rolling_period: int) -> None:
    """Raises FormatError unless a key can begin at *rolling_start* and be used for *rolling_period* intervals."""
    if not 1 <= rolling_period <= MAX_KEY_PERIOD:
        raise FormatError(f"a rolling period of {rolling_period} is outside 1 to {MAX_KEY_PERIOD}")
    if not 0 <= rolling_start <= _LAST_INTERVAL - rolling_period:
        raise FormatError(f"a rolling start of {rolling_start} is no interval number")


@dataclass(frozen=True, slots=True)
class TemporaryExposureKey:
    """A TEK with its validity. Raises FormatError on a wrong length or a validity outside the format."""

    data: bytes = field(repr=False)
    """16 random bytes."""
    rolling_start: int
    """First interval (ENIN) in which the key is used."""
    rolling_period: int = KEY_PERIOD
    """Number of intervals in which it is used, 1 to 144."""

    def __post_init__(self) -> None:
        if len(self.data) != KEY_BYTES:
            raise FormatError(f"a key has {KEY_BYTES} bytes, not {len(self.data)}")
        check_validity(self.rolling_start, self.rolling_period)

    @property
    def end(self) -> int:
        """First interval in which the key is no longer used."""
        return self.rolling_start + self.rolling_period

    def covers(self, interval: int) -> bool:
        """Whether the key is used in *interval*."""
        return self.rolling_start <= interval < self.end


def _derive(tek: bytes, tail: bytes) -> bytes:
    """HKDF-SHA256 (RFC 5869) of *tek*, no salt, 16 bytes, with one of the tails above."""
    inner, outer = _EXTRACT_INNER.copy(), _EXTRACT_OUTER.copy()
    inner.update(tek)
    outer.update(inner.digest())
    prk = outer.digest()
    expanded = _sha256(prk.translate(_INNER_PAD) + tail).digest()
    return _sha256(prk.translate(_OUTER_PAD) + _OUTER_TAIL + expanded).digest()[:KEY_BYTES]


def derive_rpik(tek: bytes) -> bytes:
    """The 16-byte key of a TEK's identifiers. specs/identifiers.md section 2"""
    return _derive(tek, _RPIK_TAIL)


def derive_aemk(tek: bytes) -> bytes:
    """The 16-byte key of a TEK's metadata. specs/identifiers.md section 3"""
    return _derive(tek, _AEMK_TAIL)


def derive_place_key(tek: bytes) -> bytes:
    """The 16-byte key of a TEK's place tags. specs/identifiers.md section 4"""
    return _derive(tek, _PLACE_TAIL)


@lru_cache(maxsize=512)
def rpi_blocks(start: int, period: int) -> bytes:
    """The plain AES blocks (16 bytes each) of *period* intervals from *start* on; the same for every key."""
    return b"".join(_RPI_PREFIX + struct.pack("<I", interval) for interval in range(start, start + period))


def expand(keys: Iterable[tuple[Any, ...]]) -> bytes:
    """The identifiers of many keys, one after the other; each key starts with (data, rolling start, rolling period).

    Nothing is checked: for matching, whose keys come from a verified file.
    """
    identifiers = []
    for key in keys:
        encryptor = Cipher(algorithms.AES(_derive(key[0], _RPIK_TAIL)), _ECB).encryptor()
        identifiers.append(encryptor.update(rpi_blocks(key[1], key[2])))
    return b"".join(identifiers)


def rolling_proximity_identifiers(key: TemporaryExposureKey) -> bytes:
    """All RPIs of a key, one after the other: 16 * rolling_period bytes. specs/identifiers.md section 2"""
    return expand([(key.data, key.rolling_start, key.rolling_period)])


def rpi_at(key: TemporaryExposureKey, interval: int) -> bytes:
    """The 16-byte RPI of *key* in *interval*. Raises StateError when the key is not used then."""
    if not key.covers(interval):
        raise StateError(f"the key is used from interval {key.rolling_start} to before {key.end}, not in {interval}")
    return expand([(key.data, interval, 1)])


def encrypt_metadata(tek: bytes, rpi: bytes, metadata: bytes) -> bytes:
    """AES-128-CTR of 4 bytes under the key's AEMK with the RPI as counter block. specs/identifiers.md section 3"""
    if len(rpi) != KEY_BYTES or len(metadata) != METADATA_BYTES:
        raise FormatError("an identifier has 16 bytes and its metadata 4")
    return Cipher(algorithms.AES(derive_aemk(tek)), modes.CTR(rpi)).encryptor().update(metadata)


#: Decryption in counter mode is the same operation.
decrypt_metadata = encrypt_metadata


@dataclass(frozen=True, slots=True)
class Metadata:
    """The four bytes that travel encrypted beside an RPI. Raises FormatError on values outside the format."""

    transmit_power: int
    """Transmit power in dBm, -50 to 20."""
    major: int = 1
    """Version of the layout; only 1 is known."""
    minor: int = 0
    """0 (v1.0) or 1 (v1.1, with calibration confidence)."""
    place_tag: bytes | None = None
    """Bytes 2 and 3 where bit 0 of byte 0 is set (ownhue.place_tag); None: the sender said nothing of its place."""
    calibration_confidence: int = 0
    """0 (lowest) to 3 (high), how well the phone model's radio is known; only with minor = 1."""

    def __post_init__(self) -> None:
        low, high = TRANSMIT_POWER_RANGE
        if self.major != 1 or self.minor not in (0, 1):
            raise FormatError(f"metadata of version {self.major}.{self.minor} is not known")
        if not low <= self.transmit_power <= high:
            raise FormatError(f"a transmit power of {self.transmit_power} dBm is outside {low} to {high}")
        if self.place_tag is not None and len(self.place_tag) != PLACE_TAG_BYTES:
            raise FormatError(f"a place tag has {PLACE_TAG_BYTES} bytes")
        if not 0 <= self.calibration_confidence <= (3 if self.minor else 0):
            raise FormatError("a calibration confidence is 0 to 3, and 0 in v1.0")

    def to_bytes(self) -> bytes:
        """The 4 plain bytes. specs/identifiers.md section 3"""
        first = self.major << 6 | self.minor << 4 | self.calibration_confidence << 2 | (self.place_tag is not None)
        return struct.pack("<Bb", first, self.transmit_power) + (self.place_tag or bytes(PLACE_TAG_BYTES))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Metadata":
        """Read 4 plain bytes. Raises FormatError, also where reserved bits are set: specs/identifiers.md section 3."""
        if len(data) != METADATA_BYTES:
            raise FormatError(f"metadata has {METADATA_BYTES} bytes, not {len(data)}")
        first, power = struct.unpack("<Bb", data[:2])
        metadata = cls(power, first >> 6, first >> 4 & 3, data[2:] if first & 1 else None, first >> 2 & 3)
        # Whoever clears the flag of a tag in the air does not know the tag, so cannot clear it: it still stands here.
        if metadata.to_bytes() != data:
            raise FormatError("reserved bits of the metadata are set")
        return metadata


@dataclass(frozen=True, slots=True)
class Beacon:
    """What is on the air in one interval. Raises FormatError on wrong lengths."""

    rpi: bytes
    """Rolling proximity identifier, 16 bytes."""
    aem: bytes
    """Associated encrypted metadata, 4 bytes."""

    def __post_init__(self) -> None:
        if len(self.rpi) != KEY_BYTES or len(self.aem) != METADATA_BYTES:
            raise FormatError("a beacon has an identifier of 16 bytes and metadata of 4")

    def service_data(self) -> bytes:
        """The 20 bytes of BLE service data under UUID 0xFD6F. specs/identifiers.md section 5"""
        return self.rpi + self.aem

    @classmethod
    def from_service_data(cls, data: bytes) -> "Beacon":
        """Read 20 bytes of BLE service data. Raises FormatError."""
        return cls(data[:KEY_BYTES], data[KEY_BYTES:])


def beacon_at(key: TemporaryExposureKey, interval: int, metadata: Metadata) -> Beacon:
    """The beacon of *key* in *interval*. Raises StateError when the key is not used then."""
    rpi = rpi_at(key, interval)
    return Beacon(rpi, encrypt_metadata(key.data, rpi, metadata.to_bytes()))
