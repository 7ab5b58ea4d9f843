"""A second reading of export.bin, by other means than the library's: what do these bytes say?

It knows neither limits nor ranges, and holds everything in memory: a few lines that can be checked by eye. Whatever the
library accepts must mean exactly this, and must be spelled as :func:`spelled` spells it.
"""

import struct
from typing import Any

from ownhue.key_file import ExposureKey, KeyFile
from tests.protocol.key_file_bytes import varint

Fields = list[tuple[int, int, Any]]


def fields_of(data: bytes) -> Fields:
    """(number, wire type, value) of each field. Raises ValueError, IndexError, struct.error for what is no message."""
    fields: Fields = []
    at = 0
    while at < len(data):
        tag, at = _number(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _number(data, at)
            fields.append((number, wire, value))
        elif wire in (1, 5):
            width = 8 if wire == 1 else 4
            fields.append((number, wire, struct.unpack_from("<Q" if wire == 1 else "<L", data, at)[0]))
            at += width
        elif wire == 2:
            length, at = _number(data, at)
            fields.append((number, wire, data[at : at + length]))
            at += length
            if at > len(data):
                raise ValueError("cut off")
        else:
            raise ValueError("no such wire type")
    return fields


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while data[at] >= 128:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
    return value | data[at] << shift, at + 1


def spelled(fields: Fields) -> bytes:
    """The one spelling of fields, in the order in which they are given."""
    return b"".join(varint(number << 3 | wire) + _spelled(wire, value) for number, wire, value in fields)


def _spelled(wire: int, value: Any) -> bytes:
    if wire == 0:
        return varint(value)
    if wire == 2:
        return varint(len(value)) + bytes(value)
    return struct.pack("<Q" if wire == 1 else "<L", value)


def content_of(export: bytes) -> KeyFile:
    """The content of an export.bin that was accepted; AssertionError when it is not spelled in the one way."""
    fields = _checked(export[16:], {1, 2, 3, 4, 5}, {1: 1, 2: 1, 3: 2, 4: 0, 5: 0, 6: 2, 7: 2, 8: 2})
    single = {number: value for number, wire, value in fields if (number, wire) in {(1, 1), (2, 1), (3, 2)}}
    groups: dict[int, list[ExposureKey]] = {7: [], 8: []}
    for number, wire, value in fields:
        if number in groups and wire == 2:
            groups[number].append(_key(value))
    start, end, region = single.get(1, 0), single.get(2, 0), single.get(3, b"").decode()
    return KeyFile(start, end, region, tuple(groups[7]), tuple(groups[8]))


def _key(data: bytes) -> ExposureKey:
    wires = {1: 2, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 8: 0}
    said = {number: value for number, wire, value in _checked(data, set(wires), wires) if wires.get(number) == wire}
    plain = {number: _int32(said.get(number, 144 if number == 4 else 0)) for number in (2, 3, 4, 5, 8)}
    zigzag = said.get(6)
    days = None if zigzag is None else (zigzag >> 1) ^ -(zigzag & 1)
    return ExposureKey(said.get(1, b""), plain[3], plain[4], plain[5], days, plain[2], plain[8])


def _int32(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _checked(data: bytes, single: set[int], wires: dict[int, int]) -> Fields:
    """The fields, of which the known ones come in order, the single ones once, and the unknown ones last."""
    fields = fields_of(data)
    assert spelled(fields) == data
    known = [number for number, wire, _ in fields if wires.get(number) == wire]
    assert known == sorted(known)
    assert all(known.count(number) <= 1 for number in single)
    assert all(wires.get(number) == wire for number, wire, _ in fields[: len(known)])
    return fields
