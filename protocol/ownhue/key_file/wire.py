"""Protobuf's wire form, read from a stream of blocks. specs/key-file.md section 2

    for number, encoded in runs(blocks, Limits()):  # (1, b"\\x09..."), (2, b"\\x11..."), ... (7, b"\\x3a...\\x3a...")
        message = parse(ExportMessage, encoded, "export.bin")

- export.bin may hold 1,250,000 keys and is never held as one message: neighbouring keys come together, as many as lie
  in a block. Their content is left to the protobuf library.
- There is one spelling: fields in order, every number as short as it can be. Unknown fields come last in their message;
  they are passed over, and bound to the same rule.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from ownhue.errors import FormatError, LimitError
from ownhue.key_file.container import Limits

#: Numbers of the fields of TemporaryExposureKeyExport that repeat.
INFOS, KEYS, REVISED_KEYS = 6, 7, 8

#: Tag (number << 3 | wire type) of each field of TemporaryExposureKeyExport -> its number.
_EXPORT_TAGS = {0x09: 1, 0x11: 2, 0x1A: 3, 0x20: 4, 0x28: 5, 0x32: INFOS, 0x3A: KEYS, 0x42: REVISED_KEYS}
_UNKNOWN = REVISED_KEYS + 1
_VARINT_BYTES = 10
_MAX_NUMBER = 2**29 - 1


def runs(blocks: Iterable[bytes], limits: Limits) -> Iterator[tuple[int, bytes]]:
    """(field number, encoded fields of that number) of a TemporaryExposureKeyExport, in the order of the message.

    Numbers 1 to 6 come one field at a time. Raises FormatError, LimitError (a field that is too long, too many infos,
    too long a tail of unknown fields) once everything in front of the fault was given out.
    """
    guard, buffer = _Guard(limits), b""
    for block in blocks:
        buffer += block
        begin = at = 0
        while True:
            last = guard.last
            at = _behind_keys(buffer, at, last, limits.field_bytes) if last in (KEYS, REVISED_KEYS) else at
            try:
                end = guard.end_of_next(buffer, at)
            except FormatError:
                yield from _run(last, buffer[begin:at])
                raise
            if end is None:
                break
            if guard.last != last or last <= INFOS:
                yield from _run(last, buffer[begin:at])
                begin = at
            at = end
        yield from _run(guard.last, buffer[begin:at])
        buffer = buffer[at:]
    if buffer:
        raise FormatError("export.bin is no such protobuf message: it ends in the middle of a field")


def _run(number: int, encoded: bytes) -> Iterator[tuple[int, bytes]]:
    if encoded and number != _UNKNOWN:
        yield number, encoded


def _behind_keys(buffer: bytes, at: int, group: int, limit: int) -> int:
    """The position behind the keys that begin at *at* and have less than 128 bytes: nearly all, so it is quick."""
    tag, longest = group << 3 | 2, min(limit, 127)
    while at + 1 < len(buffer) and buffer[at] == tag and buffer[at + 1] <= longest:
        end = at + 2 + buffer[at + 1]
        if end > len(buffer):
            break
        at = end
    return at


class _Guard:
    """Watches the order of the fields, and how many there are of those that cost more than their bytes."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._infos = 0
        self._unknown_bytes = 0
        #: Number of the newest field.
        self.last = 0

    def end_of_next(self, buffer: bytes, at: int) -> int | None:
        """End of the field at *at*; None where the buffer does not hold all of it."""
        found = field_at(buffer, at, self._limits.field_bytes)
        if found is None:
            return None
        tag, _, end = found
        number = _EXPORT_TAGS.get(tag, _UNKNOWN)
        if number < self.last or (number == self.last and number < INFOS):
            raise FormatError("export.bin is not in protobuf's one canonical encoding: a field twice or out of order")
        self._infos += number == INFOS
        self._unknown_bytes += end - at if number == _UNKNOWN else 0
        if self._infos > self._limits.signatures:
            raise LimitError(f"export.bin announces more than {self._limits.signatures} signatures")
        if self._unknown_bytes > self._limits.field_bytes:
            raise LimitError(f"export.bin has more than {self._limits.field_bytes} bytes of unknown fields")
        self.last = number
        return end


def field_at(data: bytes, at: int, limit: int) -> tuple[int, int, int] | None:
    """(tag, begin, end) of the field at *at*: its content is ``data[begin:end]``. None where *data* ends in it.

    Raises FormatError for what is no field or not the shortest spelling of one, LimitError for content over *limit*.
    """
    head = _varint(data, at)
    if head is None:
        return None
    tag, begin = head
    if not 1 <= tag >> 3 <= _MAX_NUMBER:
        raise FormatError("a protobuf field has no such number")
    end: int | None
    match tag & 7:
        case 0:  # a number
            value = _varint(data, begin)
            end = None if value is None else value[1]
        case 1:  # eight bytes
            end = begin + 8
        case 2:  # bytes behind their length
            length = _varint(data, begin)
            if length is not None and length[0] > limit:
                raise LimitError(f"a protobuf field of {length[0]} bytes is longer than {limit}")
            begin, end = (begin, None) if length is None else (length[1], sum(length))
        case 5:  # four bytes
            end = begin + 4
        case _:  # groups, which no message of this format has; and types that do not exist
            raise FormatError("a protobuf field is of no wire type that is in use")
    return None if end is None or end > len(data) else (tag, begin, end)


def _varint(data: bytes, at: int) -> tuple[int, int] | None:
    """(value, position behind it) of the varint at *at*; None where *data* ends in it."""
    value = 0
    for count, byte in enumerate(data[at : at + _VARINT_BYTES]):
        value |= (byte & 127) << 7 * count
        if byte < 128:
            if value >= 2**64 or (count and not byte):
                raise FormatError("a protobuf number is padded or too large")
            return value, at + count + 1
    if len(data) - at >= _VARINT_BYTES:
        raise FormatError("a protobuf number does not end")
    return None


def parse(kind: Any, data: bytes, name: str) -> Any:
    """The message in *data*, without what is unknown. Raises FormatError unless it encodes again to *data*: no field
    twice, none out of order, no padded number."""
    try:
        message = kind.FromString(data)
        message.DiscardUnknownFields()
        canonical = message.SerializeToString() == data
        if not canonical:
            # The library keeps unknown fields as they are and writes them last, so that only their form is left to see.
            canonical = kind.FromString(data).SerializeToString() == data
            _check_fields(data, kind.DESCRIPTOR)
    except FormatError as error:
        raise FormatError(f"{name} is not in protobuf's one canonical encoding: {error}") from error
    except Exception as error:
        raise FormatError(f"{name} is no such protobuf message") from error
    if not canonical:
        raise FormatError(f"{name} is not in protobuf's one canonical encoding")
    return message


def _check_fields(data: bytes, descriptor: Any) -> None:
    at = 0
    while at < len(data):
        found = field_at(data, at, len(data))
        if found is None:
            raise FormatError("a protobuf message ends in the middle of a field")
        tag, begin, at = found
        field = descriptor.fields_by_number.get(tag >> 3)
        if field is not None and field.message_type is not None and tag & 7 == 2:
            _check_fields(data[begin:at], field.message_type)
