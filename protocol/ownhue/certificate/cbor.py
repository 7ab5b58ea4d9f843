"""CBOR of foreign signers: any spelling, and nothing that could stand for more than its own bytes.

    read_cbor(bytes.fromhex("bf6373756dfb3ff8000000000000ff"))           # {"sum": 1.5}, of indefinite length
    read_tagged(bytes.fromhex("d83dd2") + array)                         # ((61, 18), [...])

- Integers, byte strings, texts, arrays, maps, floats, true, false, null; keys of maps are integers or texts, each once.
- Lengths may be indefinite and numbers longer than needed: states sign such bytes, and the signature is over them.
- Tags stand only at the beginning (:func:`read_tagged`): tags for shared values let few bytes stand for 2^60 items.
- Every item costs at least one byte and nests at most 16 deep, so that the work is bounded by the length of the input.

Our own formats do not use this; they have one spelling (``ownhue.encoding``). specs/certificate.md section 2
"""

import struct
from typing import Any

from ownhue.errors import FormatError

#: Deepest nesting of arrays and maps. specs/certificate.md section 7
MAX_CBOR_DEPTH = 16

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE_OR_FLOAT = range(8)
_INDEFINITE, _BREAK = 31, 0xFF
_SIMPLE = {20: False, 21: True, 22: None}
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}
_NO_MEANING = "a head of no meaning"


def read_cbor(data: bytes, what: str = "not CBOR that is read here") -> Any:
    """The one value of *data*, without any tag. Raises FormatError that begins with *what*."""
    return read_tagged(data, what, most=0)[1]


def read_tagged(data: bytes, what: str = "not CBOR that is read here", most: int = 2) -> tuple[tuple[int, ...], Any]:
    """At most *most* tags in front (outermost first), and the one value of *data*. Raises FormatError as above."""
    try:
        tags, at = _tags(data, most)
        value, end = _read(data, at, MAX_CBOR_DEPTH)
    except IndexError:
        raise FormatError(f"{what}: it ends too early") from None
    except UnicodeDecodeError:
        raise FormatError(f"{what}: a text is not UTF-8") from None
    except FormatError as error:
        raise FormatError(f"{what}: {error}") from None
    if end != len(data):
        raise FormatError(f"{what}: bytes follow the value")
    return tags, value


def _tags(data: bytes, most: int) -> tuple[tuple[int, ...], int]:
    tags: list[int] = []
    at = 0
    while len(tags) < most and data[at] >> 5 == _TAG:
        tag, at = _head(data, at)
        if tag is None:
            raise FormatError(_NO_MEANING)
        tags.append(tag)
    return tuple(tags), at


def _head(data: bytes, at: int) -> tuple[int | None, int]:
    """The number in the head at *at* (None: of indefinite length), and where the head ends."""
    short = data[at] & 31
    at += 1
    if short < 24:
        return short, at
    if short > 27:
        if short == _INDEFINITE:
            return None, at
        raise FormatError(_NO_MEANING)
    end = at + (1 << (short - 24))
    data[end - 1]  # a head that is cut short
    return int.from_bytes(data[at:end], "big"), end


def _read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """The value at *at*, and where it ends."""
    kind = data[at] >> 5
    if kind == _SIMPLE_OR_FLOAT:
        return _simple(data, at)
    number, at = _head(data, at)
    if kind in (_TEXT, _BYTES):
        content, end = _parts(data, at, kind) if number is None else _string(data, at, number)
        return (content.decode() if kind == _TEXT else content), end
    if kind in (_ARRAY, _MAP):
        if not depth:
            raise FormatError("nested too deep")
        return (_array if kind == _ARRAY else _map)(data, at, number, depth - 1)
    if kind == _TAG:
        raise FormatError("a tag inside")
    if number is None:
        raise FormatError(_NO_MEANING)
    return (number if kind == _UNSIGNED else -1 - number), at


def _string(data: bytes, at: int, length: int) -> tuple[bytes, int]:
    end = at + length
    if end > len(data):
        raise IndexError
    return data[at:end], end


def _parts(data: bytes, at: int, kind: int) -> tuple[bytes, int]:
    parts: list[bytes] = []
    while data[at] != _BREAK:
        length, start = _head(data, at)
        if data[at] >> 5 != kind or length is None:
            raise FormatError("a string of parts that are none")
        part, at = _string(data, start, length)
        # Each part of a text is a text of its own, whole letters.
        parts.append(part if kind == _BYTES else part.decode().encode())
    return b"".join(parts), at + 1


def _array(data: bytes, at: int, count: int | None, depth: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    while len(items) != count:
        if count is None and data[at] == _BREAK:
            return items, at + 1
        item, at = _read(data, at, depth)
        items.append(item)
    return items, at


def _map(data: bytes, at: int, count: int | None, depth: int) -> tuple[dict[int | str, Any], int]:
    items: dict[int | str, Any] = {}
    while len(items) != count:
        if count is None and data[at] == _BREAK:
            return items, at + 1
        key, at = _read(data, at, 0)
        if type(key) is not str and type(key) is not int:
            raise FormatError("a key that is neither integer nor text")
        if key in items:
            raise FormatError("a key twice")
        items[key], at = _read(data, at, depth)
    return items, at


def _simple(data: bytes, at: int) -> tuple[Any, int]:
    short = data[at] & 31
    if short in _SIMPLE:
        return _SIMPLE[short], at + 1
    if short in _FLOATS:
        _, end = _head(data, at)
        return struct.unpack(_FLOATS[short], data[at + 1 : end])[0], end
    raise FormatError("neither true, false, null nor a float")
