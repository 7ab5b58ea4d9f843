"""Records in frames, as they lie in the plain bytes of a phone's file: length (4 bytes, big-endian) and CBOR array."""

from collections.abc import Iterable, Iterator
from typing import Any

from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import FormatError, LimitError

#: Kinds of records. specs/phone.md section 3
PHONE, STATE, ROW, END = "phone", "state", "row", "end"
#: Longest record, in bytes. specs/phone.md section 3
RECORD_BYTES = 64 * 2**20
#: Most records and most plain bytes of a file. specs/phone.md section 3
MOST_RECORDS, MOST_BYTES = 2**21, 2**28

_LENGTH_BYTES = 4


def frame(record: list[Any]) -> bytes:
    """*record* with its length before it."""
    data = cbor_encode(record)
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


def frames(chunks: Iterable[bytes]) -> Iterator[list[Any]]:
    """The records of *chunks*, which end with the last record. Raises FormatError, LimitError."""
    waiting, total, count = bytearray(), 0, 0
    for chunk in chunks:
        total += len(chunk)
        if total > MOST_BYTES:
            raise LimitError("the file of a phone is larger than any phone")
        waiting += chunk
        for record in _whole(waiting):
            count += 1
            if count > MOST_RECORDS:
                raise LimitError("the file of a phone has more records than any phone")
            yield record
    if waiting:
        raise FormatError("the file of a phone ends within a record")


def _whole(waiting: bytearray) -> Iterator[list[Any]]:
    """Take the whole records from the beginning of *waiting*."""
    begin = 0
    while len(waiting) - begin >= _LENGTH_BYTES:
        start = begin + _LENGTH_BYTES
        length = int.from_bytes(waiting[begin:start], "big")
        if length > RECORD_BYTES:
            raise LimitError("a record of a phone's file is too long")
        if len(waiting) - start < length:
            break
        record = cbor_decode(bytes(waiting[start : start + length]))
        if not isinstance(record, list) or not record:
            raise FormatError("the file of a phone holds a record of no known kind")
        begin = start + length
        yield record
    del waiting[:begin]
