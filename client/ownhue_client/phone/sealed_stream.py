"""Bytes sealed under a passphrase, in chunks that cannot be changed, moved or left out. specs/phone.md section 3

    header   44 bytes: "ownhue-phone-v1\\n", salt (16), argon2id's passes (4) and bytes of memory (8), big-endian
    chunk    XChaCha20-Poly1305 of up to 65,536 bytes, with the header as associated data and as its nonce
             the chunk's number (23 bytes, big-endian) and 1 for the last chunk, else 0 (1 byte)

- The key is argon2id's of passphrase and salt. A salt is never used twice, so no nonce is either.
- Only the last chunk is shorter than 65,536 bytes; it has one byte or more.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from nacl import bindings
from nacl.exceptions import CryptoError

from ownhue.errors import FormatError, StateError, VerificationError
from ownhue_client.phone.passphrase import SALT_BYTES, Stretch
from ownhue_client.phone.spoken import normal_passphrase

#: First bytes of the file. specs/phone.md section 3
MAGIC = b"ownhue-phone-v1\n"
#: Plain bytes of a chunk. specs/phone.md section 3
CHUNK_BYTES = 65_536

_HEADER = struct.Struct(f">16s{SALT_BYTES}sIQ")
_TAG_BYTES = int(bindings.crypto_aead_xchacha20poly1305_ietf_ABYTES)
_COUNTER_BYTES = int(bindings.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES) - 1


def seal_stream(parts: Iterable[bytes], passphrase: str, stretch: Stretch) -> Iterator[bytes]:
    """*parts* as a file, piece by piece. Raises StateError for a passphrase that is too short."""
    header = _HEADER.pack(MAGIC, stretch.salt, stretch.passes, stretch.memory)
    return _sealed(parts, header, stretch.key(normal_passphrase(passphrase)))


def _sealed(parts: Iterable[bytes], header: bytes, key: bytes) -> Iterator[bytes]:
    yield header
    number, waiting = 0, bytearray()
    for part in parts:
        waiting += part
        # A whole chunk stays back until more comes: it may be the last one.
        while len(waiting) > CHUNK_BYTES:
            yield _seal(bytes(waiting[:CHUNK_BYTES]), header, number, key, last=False)
            del waiting[:CHUNK_BYTES]
            number += 1
    yield _seal(bytes(waiting), header, number, key, last=True)


def open_stream(file: BinaryIO, passphrase: str) -> Iterator[bytes]:
    """The plain bytes, chunk by chunk; nothing counts before the last one came.

    Raises FormatError (no such file), StateError (wrong passphrase), VerificationError (changed, or cut off).
    """
    header = file.read(_HEADER.size)
    stretch = _stretch(header)
    key = stretch.key(normal_passphrase(passphrase))
    number, chunk = 0, file.read(CHUNK_BYTES + _TAG_BYTES)
    while True:
        after = file.read(CHUNK_BYTES + _TAG_BYTES)
        yield _open(chunk, header, number, key, last=not after)
        if not after:
            return
        number, chunk = number + 1, after


def _stretch(header: bytes) -> Stretch:
    if len(header) != _HEADER.size or not header.startswith(MAGIC[:-2]):
        raise FormatError("this is no file of a phone that moves")
    magic, salt, passes, memory = _HEADER.unpack(header)
    if magic != MAGIC:
        raise FormatError("this file of a phone that moves is of another version")
    return Stretch(salt, passes, memory)


def _seal(plain: bytes, header: bytes, number: int, key: bytes, *, last: bool) -> bytes:
    nonce = _nonce(number, last=last)
    return bytes(bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, header, nonce, key))


def _open(sealed: bytes, header: bytes, number: int, key: bytes, *, last: bool) -> bytes:
    nonce = _nonce(number, last=last)
    try:
        plain = bytes(bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, header, nonce, key))
    except (CryptoError, ValueError, TypeError) as error:
        if number == 0:
            raise StateError("wrong passphrase, or the file was changed or cut off at its beginning") from error
        raise VerificationError("the file was changed or cut off on its way; make it again") from error
    if not plain:
        raise FormatError("the file's last part is empty")
    return plain


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(_COUNTER_BYTES, "big") + bytes([last])
