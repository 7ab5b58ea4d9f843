"""Advertisement: a beacon as the radio sends it, at most 31 bytes. specs/identifiers.md section 5

    02 01 1a   03 03 6f fd   17 16 6f fd  a52bd696e7b9f7db7d3eb4b695621704 15a9b6db
    flags      services      service data: UUID, identifier, metadata

- Structures of length, type and content (Bluetooth Core, volume 3 part C section 11), in any order, others between
  them. They end with the data, or with a zero length behind which everything is zero.
- :func:`split_structures` is canonical. :func:`read_advertisement` takes the beacon out and forgets the rest: what
  else a radio says (flags, its power) is not part of this protocol and tells phone models apart.
- Never the sender's address: it is not in here, and nothing of this project keeps it.
"""

from collections.abc import Iterable

from ownhue.errors import FormatError, LimitError
from ownhue.identifiers import Beacon

#: 16-bit UUID of GAEN's service. Configurable, for tests beside phones that run it. specs/identifiers.md section 8
SERVICE_UUID = 0xFD6F
#: Longest data of a legacy advertisement. specs/identifiers.md section 8
ADVERTISEMENT_BYTES = 31
#: Flags as GAEN's phones send them: general discoverable, LE and BR/EDR at once. specs/identifiers.md section 8
FLAGS = 0x1A

# Types of AD structures (Bluetooth Assigned Numbers, section 2.3).
_FLAGS, _SERVICES, _SERVICE_DATA = 0x01, 0x03, 0x16
_UUID_BYTES = 2


def write_advertisement(beacon: Beacon, uuid: int = SERVICE_UUID, flags: int | None = FLAGS) -> bytes:
    """The 31 bytes of *beacon*; 28 without *flags*, which some radios leave out or write themselves.

    Raises FormatError for a UUID or flags that have no spelling.
    """
    name = _uuid_bytes(uuid)
    structures = [(_SERVICES, name), (_SERVICE_DATA, name + beacon.service_data())]
    if flags is not None:
        if not 0 <= flags <= 255:
            raise FormatError("flags are one byte")
        structures.insert(0, (_FLAGS, bytes((flags,))))
    return join_structures(structures)


def read_advertisement(data: bytes, uuid: int = SERVICE_UUID) -> Beacon:
    """The beacon of an advertisement. Steps as numbered in specs/identifiers.md section 5.

    Raises LimitError (more than 31 bytes) or FormatError (not whole, or not exactly one beacon of service *uuid*).
    """
    name = _uuid_bytes(uuid)
    structures = split_structures(data)  # (1) and (2): length and structures
    if _only(structures, _SERVICES, "list of services") != name:  # (3) the list of services names this one alone
        raise FormatError("the advertisement is of other services")
    content = _only(structures, _SERVICE_DATA, "service data")  # (4) service data of this service, once
    if content[:_UUID_BYTES] != name:
        raise FormatError("the service data is of another service")
    return Beacon.from_service_data(content[_UUID_BYTES:])  # (5) of the length of a beacon


def split_structures(data: bytes) -> list[tuple[int, bytes]]:
    """(type, content) of each AD structure, in order. ``join_structures(result, len(data))`` is *data* again.

    Raises LimitError, or FormatError for a structure that is cut off and for filling that is not zero.
    """
    if len(data) > ADVERTISEMENT_BYTES:
        raise LimitError(f"an advertisement has at most {ADVERTISEMENT_BYTES} bytes")
    structures, at = [], 0
    while at < len(data) and data[at]:
        end = at + 1 + data[at]
        if end > len(data):
            raise FormatError("a structure of the advertisement is cut off")
        structures.append((data[at + 1], data[at + 2 : end]))
        at = end
    if any(data[at:]):
        raise FormatError("something stands behind the end of the advertisement")
    return structures


def join_structures(structures: Iterable[tuple[int, bytes]], length: int = 0) -> bytes:
    """The structures one after the other, filled with zeros to *length*. Raises LimitError, FormatError for a type
    that is no byte."""
    data = b""
    for kind, content in structures:
        if not 0 <= kind <= 255:
            raise FormatError("the type of a structure is one byte")
        if len(data) + 2 + len(content) > ADVERTISEMENT_BYTES:
            raise LimitError(f"an advertisement has at most {ADVERTISEMENT_BYTES} bytes")
        data += bytes((len(content) + 1, kind)) + content
    return data.ljust(min(length, ADVERTISEMENT_BYTES), b"\0")


def _only(structures: list[tuple[int, bytes]], kind: int, what: str) -> bytes:
    found = [content for other, content in structures if other == kind]
    if len(found) != 1:
        raise FormatError(f"the advertisement has {len(found)} structures with {what}, not one")
    return found[0]


def _uuid_bytes(uuid: int) -> bytes:
    if not 0 <= uuid < 1 << 16:
        raise FormatError("the UUID of a service has 16 bits")
    return uuid.to_bytes(_UUID_BYTES, "little")
