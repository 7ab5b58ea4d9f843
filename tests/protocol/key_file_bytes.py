"""Key files byte by byte, without the library, its protobuf and its ZIP: right ones and every kind of wrong one.

    export_bin({"header": b"EK Export v1    ", "start_timestamp": 0, ..., "keys": [{"key_data": b"..."}]})
    zip_bytes(zip_parts([Member("export.bin", b"..."), Member("export.sig", b"...")]))

Both go through plain dictionaries, which a test can change field by field before they become bytes.
"""

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: message -> field -> (number, kind); kinds: int, zigzag, fixed64, bytes, or the name of a message.
SCHEMA: dict[str, dict[str, tuple[int, str]]] = {
    "export": {
        "start_timestamp": (1, "fixed64"),
        "end_timestamp": (2, "fixed64"),
        "region": (3, "bytes"),
        "batch_num": (4, "int"),
        "batch_size": (5, "int"),
        "signature_infos": (6, "info"),
        "keys": (7, "key"),
        "revised_keys": (8, "key"),
    },
    "key": {
        "key_data": (1, "bytes"),
        "transmission_risk_level": (2, "int"),
        "rolling_start_interval_number": (3, "int"),
        "rolling_period": (4, "int"),
        "report_type": (5, "int"),
        "days_since_onset_of_symptoms": (6, "zigzag"),
        "variant_of_concern": (8, "int"),
    },
    "info": {
        "app_bundle_id": (1, "bytes"),
        "android_package": (2, "bytes"),
        "verification_key_version": (3, "bytes"),
        "verification_key_id": (4, "bytes"),
        "signature_algorithm": (5, "bytes"),
    },
    "list": {"signatures": (1, "signature")},
    "signature": {
        "signature_info": (1, "info"),
        "batch_num": (2, "int"),
        "batch_size": (3, "int"),
        "signature": (4, "bytes"),
    },
}
#: Number that unknown names get.
UNKNOWN = 15


def varint(value: int) -> bytes:
    """A number in groups of seven bits, negative ones as 64 bits."""
    value %= 2**64
    groups = []
    while True:
        groups.append(value & 127)
        value >>= 7
        if not value:
            return bytes(group | 128 for group in groups[:-1]) + bytes(groups[-1:])


def field(number: int, value: Any, kind: str = "int") -> bytes:
    """One field; several for a list. A value of another type than its kind's goes out in the wire type of its own."""
    if value is None:
        return b""
    if isinstance(value, list | tuple):
        return b"".join(field(number, item, kind) for item in value)
    if isinstance(value, dict):
        value = message(kind, value)
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if kind == "fixed64":
        return varint(number << 3 | 1) + struct.pack("<Q", value % 2**64)
    if kind == "zigzag":
        value = 2 * value if value >= 0 else -2 * value - 1
    return varint(number << 3) + varint(int(value))


def message(kind: str, fields: Mapping[str, Any]) -> bytes:
    """A message with its fields in order of their numbers, whatever order the mapping has."""
    schema = SCHEMA[kind]
    known = sorted(fields, key=lambda name: schema.get(name, (UNKNOWN, ""))[0])
    return b"".join(field(*_place(schema, name, fields[name])) for name in known)


def _place(schema: Mapping[str, tuple[int, str]], name: str, value: Any) -> tuple[int, Any, str]:
    number, kind = schema.get(name, (UNKNOWN, "int"))
    return number, value, kind


def export_bin(fields: Mapping[str, Any]) -> bytes:
    """export.bin of *fields*; "header" is what stands in front of the message."""
    header = fields.get("header", b"")
    return (header if isinstance(header, bytes) else str(header).encode()) + message(
        "export", {name: value for name, value in fields.items() if name != "header"}
    )


@dataclass(frozen=True)
class Member:
    """A member of a ZIP, stored unless *packed* gives its content in deflated form."""

    name: str
    content: bytes
    packed: bytes | None = None
    flags: int = 0


_LOCAL = (
    "mark",
    "version",
    "flags",
    "method",
    "time",
    "date",
    "checksum",
    "packed",
    "size",
    "name_bytes",
    "extra_bytes",
)
_ENTRY = (
    "mark",
    "made_by",
    *_LOCAL[1:],
    "comment_bytes",
    "disk",
    "internal",
    "external",
    "offset",
)
_END = ("mark", "disk", "first_disk", "here", "count", "directory_bytes", "offset", "comment_bytes")
_FORMATS = {"local": ("<4s5H3L2H", _LOCAL), "entry": ("<4s6H3L5H2L", _ENTRY), "end": ("<4s4H2LH", _END)}


def zip_parts(members: Sequence[Member]) -> dict[str, Any]:
    """A ZIP as dictionaries: "locals" (with "name", "data"), "entries" (with "name"), "end". All of it is right."""
    locals_: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    offset = 0
    for member in members:
        data = member.content if member.packed is None else member.packed
        common: dict[str, Any] = {
            "version": 20,
            "flags": member.flags,
            "method": 0 if member.packed is None else 8,
            "time": 0,
            "date": 33,
            "checksum": zlib.crc32(member.content),
            "packed": len(data),
            "size": len(member.content),
            "name_bytes": len(member.name.encode()),
            "extra_bytes": 0,
        }
        name = member.name.encode()
        locals_.append({"mark": b"PK\x03\x04", **common, "name": name, "data": data})
        entry = {"mark": b"PK\x01\x02", "made_by": 20, **common, "comment_bytes": 0, "disk": 0, "internal": 0}
        entries.append(entry | {"external": 0, "offset": offset, "name": name})
        offset += 30 + len(name) + len(data)
    directory_bytes = sum(46 + len(entry["name"]) for entry in entries)
    count = len(entries)
    end = {"mark": b"PK\x05\x06", "disk": 0, "first_disk": 0, "here": count, "count": count}
    return {
        "locals": locals_,
        "entries": entries,
        "end": end | {"directory_bytes": directory_bytes, "offset": offset, "comment_bytes": 0},
    }


def zip_bytes(parts: Mapping[str, Any]) -> bytes:
    """The bytes of such parts; nothing is made to fit, numbers are cut to their width."""
    return b"".join(
        [
            *(_record("local", part) + _bytes(part.get("name")) + _bytes(part.get("data")) for part in parts["locals"]),
            *(_record("entry", part) + _bytes(part.get("name")) for part in parts["entries"]),
            _record("end", parts["end"]),
        ]
    )


def _record(kind: str, part: Mapping[str, Any]) -> bytes:
    layout, names = _FORMATS[kind]
    values: list[bytes | int] = []
    for name, code in zip(names, ["4s", *_codes(layout)], strict=True):
        value = part.get(name, b"" if code == "4s" else 0)
        if code == "4s":
            values.append(_bytes(value)[:4])
        else:
            number = value if isinstance(value, int) else len(str(value))
            values.append(number % 2 ** (16 if code == "H" else 32))
    return struct.pack(layout, *values)


def _codes(layout: str) -> Iterable[str]:
    count = ""
    for letter in layout[3:]:
        if letter.isdigit():
            count += letter
        else:
            yield from letter * int(count or 1)
            count = ""


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value or "").encode()


def stored_zip(members: Iterable[tuple[str, bytes]]) -> bytes:
    """A right ZIP of stored *members*."""
    return zip_bytes(zip_parts([Member(name, content) for name, content in members]))
