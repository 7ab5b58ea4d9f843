"""An advertisement as bluetoothd 5.66 reads it from the bus, and the bytes that it makes of it.

The order of the properties, what is refused, and the order of the structures are those of its src/advertising.c and
src/shared/ad.c: service UUIDs, then service data; flags only where "Discoverable" asks for them, which a broadcast
must not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dbus_fast import Variant

_BASE = "-0000-1000-8000-00805f9b34fb"
_MOST = 31
_SLOT = 0.625


class ParseError(Exception):
    """bluetoothd answers org.bluez.Error.Failed, "Failed to parse advertisement."."""


@dataclass
class Read:
    """What bluetoothd keeps of an advertisement."""

    kind: str = ""
    uuids: list[bytes] = field(default_factory=list)
    data: list[tuple[bytes, bytes]] = field(default_factory=list)
    intervals: list[int] = field(default_factory=list)

    def payload(self) -> bytes:
        """The advertising data."""
        made = b""
        if self.uuids:
            content = b"".join(self.uuids)
            made += bytes((len(content) + 1, 0x03)) + content
        for uuid, content in self.data:
            made += bytes((len(uuid + content) + 1, 0x16)) + uuid + content
        if len(made) > _MOST:
            raise ParseError("Advertising data too long or couldn't be generated.")
        return made


def read_advertisement1(properties: Mapping[str, Variant], *, experimental: bool) -> Read:
    """Raises ParseError. Properties that are not known are passed over, as there."""
    read = Read()
    for name, parse in _PARSERS.items():
        if name in properties:
            parse(read, properties[name], experimental)
    if read.kind not in ("broadcast", "peripheral"):
        raise ParseError("Type")
    return read


def _type(read: Read, value: Variant, _experimental: bool) -> None:
    _require(value, "s")
    read.kind = value.value


def _service_uuids(read: Read, value: Variant, _experimental: bool) -> None:
    _require(value, "as")
    read.uuids = [_short(uuid) for uuid in value.value]


def _service_data(read: Read, value: Variant, _experimental: bool) -> None:
    _require(value, "a{sv}")
    for uuid, content in value.value.items():
        _require(content, "ay")
        read.data.append((_short(uuid), bytes(content.value)))


def _interval(read: Read, value: Variant, experimental: bool) -> None:
    if not experimental:
        return
    _require(value, "u")
    slots = int(value.value / _SLOT)
    if not 0x20 <= slots <= 0xFFFFFF:
        raise ParseError("interval")
    if read.intervals and slots < read.intervals[0]:
        raise ParseError("MinInterval must be less than MaxInterval")
    read.intervals.append(slots)


def _not_for_us(_read: Read, _value: Variant, _experimental: bool) -> None:
    raise ParseError("a beacon has nothing of this kind: names, powers and flags tell phones apart")


def _require(value: Any, signature: str) -> None:
    if value.signature != signature:
        raise ParseError(f"{value.signature} instead of {signature}")


def _short(uuid: str) -> bytes:
    if len(uuid) != 36 or not uuid.startswith("0000") or not uuid.endswith(_BASE):
        raise ParseError("the UUID has no 16-bit form")
    return int(uuid[4:8], 16).to_bytes(2, "little")


_FOREIGN = (
    "SolicitUUIDs",
    "ManufacturerData",
    "Includes",
    "LocalName",
    "Appearance",
    "Data",
    "Discoverable",
    "TxPower",
)
_PARSERS: dict[str, Callable[[Read, Variant, bool], None]] = {
    "Type": _type,
    "ServiceUUIDs": _service_uuids,
    "ServiceData": _service_data,
    **dict.fromkeys((*_FOREIGN, "Duration", "Timeout", "SecondaryChannel"), _not_for_us),
    "MinInterval": _interval,
    "MaxInterval": _interval,
}
