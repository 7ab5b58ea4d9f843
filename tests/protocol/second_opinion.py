"""The identifiers and place tags of specs/identifiers.md computed a second time, sharing no code with ownhue: the
formulas of RFC 5869 and FIPS 197 written out, hashes by the standard library. Slow, and only for tests."""

import hmac


def hkdf16(key: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 without a salt, 16 bytes."""
    return hmac.new(hmac.new(bytes(32), key, "sha256").digest(), info + b"\x01", "sha256").digest()[:16]


def _times(a: int, b: int) -> int:
    """Product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1."""
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a = a << 1 ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def _substitute(byte: int) -> int:
    inverse = next((other for other in range(256) if _times(byte, other) == 1), 0)
    rotations = (inverse << shift | inverse >> 8 - shift for shift in range(1, 5))
    result = inverse ^ 0x63
    for rotated in rotations:
        result ^= rotated & 0xFF
    return result


_SBOX = [_substitute(byte) for byte in range(256)]


def _round_keys(key: bytes) -> list[bytes]:
    words, constant = [key[i : i + 4] for i in range(0, 16, 4)], 1
    for i in range(4, 44):
        word = words[-1]
        if i % 4 == 0:
            word = bytes(_SBOX[byte] for byte in word[1:] + word[:1])
            word = bytes((word[0] ^ constant,)) + word[1:]
            constant = _times(constant, 2)
        words.append(bytes(a ^ b for a, b in zip(words[i - 4], word, strict=True)))
    return [b"".join(words[i : i + 4]) for i in range(0, 44, 4)]


def _mix(column: bytes) -> bytes:
    return bytes(
        _times(column[i], 2) ^ _times(column[(i + 1) % 4], 3) ^ column[(i + 2) % 4] ^ column[(i + 3) % 4]
        for i in range(4)
    )


def aes128(key: bytes, block: bytes) -> bytes:
    """One block of AES-128 (FIPS 197)."""
    first, *middle, last = _round_keys(key)
    state = bytes(a ^ b for a, b in zip(block, first, strict=True))
    for round_key in (*middle, last):
        state = bytes(_SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16))
        if round_key is not last:
            state = b"".join(_mix(state[i : i + 4]) for i in range(0, 16, 4))
        state = bytes(a ^ b for a, b in zip(state, round_key, strict=True))
    return state


def beacon(tek: bytes, interval: int, metadata: bytes) -> tuple[bytes, bytes]:
    """(RPI, AEM) of a key in an interval."""
    rpi = aes128(hkdf16(tek, b"EN-RPIK"), b"EN-RPI" + bytes(6) + interval.to_bytes(4, "little"))
    stream = aes128(hkdf16(tek, b"EN-AEMK"), rpi)
    return rpi, bytes(a ^ b for a, b in zip(metadata, stream, strict=False))


def place_tag(tek: bytes, rpi: bytes, head: bytes, cell: str) -> bytes:
    """The tag of a beacon made in a cell, which is given as H3 spells it: 15 hexadecimal digits."""
    return hmac.new(hkdf16(tek, b"OWNHUE-PLACE"), rpi + head + bytes.fromhex("0" + cell), "sha256").digest()[:2]


def advertisement(rpi: bytes, aem: bytes) -> bytes:
    """The 31 bytes that carry a beacon."""
    return bytes.fromhex("02011a" + "03036ffd" + "17166ffd") + rpi + aem
