"""Canonical encodings: what is accepted encodes again to the same bytes.

- ``cbor``: deterministic CBOR (RFC 8949 section 4.2.1), no floats, no tags, integers of 64 bits. specs/README.md
- ``json``: UTF-8, sorted keys, no white space, integers only.
- ``base45`` (RFC 9285) and ``base64url`` without padding (RFC 4648 section 5).
- ``frame``: a message in a fixed number of bytes, so that its length tells nothing. specs/http-api.md
"""

import base64
import io
import json
from typing import Any

import base45
import cbor2

from ownhue.errors import FormatError, LimitError
from ownhue.params import FRAME_BYTES

#: Most arrays, maps and objects within one another. specs/README.md
MAX_DEPTH = 32

_LENGTH_BYTES = 4
# Major types of CBOR whose content follows their head as bytes, those of tags and of simple values, the simple values
# false, true and null, and the last head with a stated length.
_STRINGS, _TAG, _SIMPLE, _PLAIN_SIMPLE, _LONGEST_HEAD = (2, 3), 6, 7, (20, 21, 22), 27


def cbor_encode(value: Any) -> bytes:
    """Deterministic CBOR of maps, arrays, integers, byte strings, text, booleans and null."""
    return cbor2.dumps(value, canonical=True)


def cbor_decode(data: bytes) -> Any:
    """The value of *data*. Raises FormatError unless *data* is exactly its deterministic encoding."""
    _check_heads(data)
    try:
        stream = io.BytesIO(data)
        value = cbor2.CBORDecoder(stream).decode()
        canonical = stream.tell() == len(data) and _well_nested(value) and cbor_encode(value) == data
    # Whatever a decoder throws at hostile bytes becomes our one error.
    except Exception as error:
        raise FormatError(f"not CBOR: {type(error).__name__}") from error
    if not canonical:
        raise FormatError("not deterministic CBOR")
    return value


def _step(head: int) -> int:
    """Bytes from a head with this first byte to the next head; 0 when more must be read, -1 when it is refused."""
    kind, short = head >> 5, head & 31
    if kind == _TAG or short > _LONGEST_HEAD or (kind == _SIMPLE and short not in _PLAIN_SIMPLE):
        return -1
    if kind in _STRINGS:
        return 1 + short if short < 24 else 0
    return 1 if short < 24 else 1 + (1 << (short - 24))


_STEPS = tuple(_step(head) for head in range(256))


def _check_heads(data: bytes) -> None:
    """Raises FormatError unless all values are of the plain kinds: no tag, float, bignum, undefined, date.

    Before anything is decoded: tags let few bytes refer to a value twice and again (2^n items) or compile patterns."""
    at, end = 0, len(data)
    while at < end:
        step = _STEPS[data[at]]
        if step > 0:
            at += step
        elif step == 0:
            start = at + 1
            at = start + (1 << ((data[at] & 31) - 24))
            at += int.from_bytes(data[start:at], "big")
        else:
            raise FormatError("not deterministic CBOR: a tag, a float, or a length that is not stated")


def _well_nested(value: Any) -> bool:
    """Whether all maps of *value* have texts as keys, and at most MAX_DEPTH of maps and arrays lie within one another.

    Level by level, as most of a long message lies side by side. What a decoder makes has these types exactly."""
    level, depth = [value], 0
    while containers := [item for item in level if type(item) is list or type(item) is dict]:
        depth += 1
        level = []
        for container in containers:
            if type(container) is list:
                level += container
            elif type(container) is dict and all(type(key) is str for key in container):
                level += container.values()
            else:
                return False
    return depth <= MAX_DEPTH


def canonical_json(value: Any) -> bytes:
    """JSON in its one spelling: UTF-8, sorted keys, no white space. Floats are a programming error (TypeError).

    Raises FormatError for more than ``MAX_DEPTH`` lists and objects within one another, which no reader accepts."""
    _refuse_floats(value, 0)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parse_canonical_json(data: bytes) -> Any:
    """The value of *data*. Raises FormatError unless *data* is exactly its canonical spelling."""
    try:
        value = json.loads(data)
        canonical = canonical_json(value) == data
    except (ValueError, TypeError, RecursionError) as error:
        raise FormatError("not JSON of integers, texts, lists and objects") from error
    if not canonical:
        raise FormatError("not canonical JSON")
    return value


def _refuse_floats(value: Any, depth: int) -> None:
    if isinstance(value, float):
        raise TypeError("canonical JSON has no floats")
    if not isinstance(value, dict | list | tuple):
        return
    # A limit of our own: where an interpreter's stack ends depends on who calls.
    if depth >= MAX_DEPTH:
        raise FormatError(f"more than {MAX_DEPTH} lists and objects within one another")
    for item in value.values() if isinstance(value, dict) else value:
        _refuse_floats(item, depth + 1)


def base45_encode(data: bytes) -> str:
    """Base45 text of *data* (RFC 9285)."""
    return str(base45.b45encode(data), "ascii")


def base45_decode(text: str) -> bytes:
    """The bytes of *text*. Raises FormatError unless *text* is exactly their Base45 spelling."""
    try:
        data = bytes(base45.b45decode(text))
    except (ValueError, TypeError) as error:
        raise FormatError("not Base45") from error
    if base45_encode(data) != text:
        raise FormatError("not canonical Base45")
    return data


def base64url_encode(data: bytes) -> str:
    """URL-safe Base64 without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def base64url_decode(text: str) -> bytes:
    """The bytes of *text*. Raises FormatError unless *text* is exactly their unpadded spelling."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, TypeError) as error:
        raise FormatError("not base64url") from error
    # Decoders skip foreign letters and ignore left-over bits, so the text is compared with its own re-encoding.
    if base64url_encode(data) != text:
        raise FormatError("not canonical base64url")
    return data


def frame(message: bytes, size: int = FRAME_BYTES) -> bytes:
    """*message* behind its length (u32 big-endian), filled with zeros to *size* bytes. Raises LimitError."""
    if len(message) > size - _LENGTH_BYTES:
        raise LimitError(f"message of {len(message)} bytes does not fit a frame of {size}")
    return len(message).to_bytes(_LENGTH_BYTES, "big") + message.ljust(size - _LENGTH_BYTES, b"\0")


def unframe(data: bytes, size: int = FRAME_BYTES) -> bytes:
    """The message of a frame of exactly *size* bytes. Raises FormatError."""
    if len(data) != size:
        raise FormatError(f"a frame has {size} bytes, not {len(data)}")
    length = int.from_bytes(data[:_LENGTH_BYTES], "big")
    message = data[_LENGTH_BYTES : _LENGTH_BYTES + length]
    if len(message) != length or frame(message, size) != data:
        raise FormatError("a frame's length or filling is wrong")
    return message
