"""The ZIP around a key file, read strictly and in pieces. specs/key-file.md section 1

- The directory at the end says what there is. It is bounded before it is looked at, nothing in it may contradict the
  members, and no two members share a byte.
- Unpacking goes block by block and stops at the limit, or where the member has more than it states: a ZIP bomb costs
  its limit, and nobody ever holds more than a block.
- ``export.bin`` and ``export.sig`` are read, each present once; a few other members are left alone, unread.

This is not the ZIP library of Python: that one tolerates what this format refuses (bytes in front, overlapping members,
two headers that differ), and not the same things in every version.
"""

import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO, NamedTuple

from ownhue.errors import FormatError, LimitError

EXPORT = "export.bin"
SIGNATURE = "export.sig"
#: Bytes that are unpacked at once.
BLOCK_BYTES = 65_536

_END = struct.Struct("<4s4H2LH")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8
# How hard it was packed (1, 2), sizes follow the data (3), the name is UTF-8 (11). Others change what the bytes mean.
_HARMLESS_FLAGS = 0b1000_0000_1110
_SIZES_FOLLOW = 0b1000


@dataclass(frozen=True, slots=True)
class Limits:
    """Most that a reader accepts. specs/key-file.md section 5"""

    file_bytes: int = 36_000_000
    """Bytes of the whole ZIP."""
    export_bytes: int = 50_000_000
    """Bytes of export.bin, unpacked: 1,250,000 keys of ours have at most 45 million."""
    signature_bytes: int = 16_384
    """Bytes of export.sig, unpacked."""
    field_bytes: int = 1024
    """Bytes of one field of export.bin: of a key, a label, the region. The longest key of our own has 35."""
    keys: int = 1_250_000
    """Keys and revised keys together: a batch of a million, with its padding."""
    signatures: int = 8
    """Signatures, and the infos that announce them."""
    members: int = 8
    """Members of the ZIP."""
    directory_bytes: int = 4096
    """Bytes of the ZIP's directory."""


class _Member(NamedTuple):
    """An entry of the directory, and where the member's packed bytes lie."""

    name: bytes
    flags: int
    method: int
    checksum: int
    packed: int
    size: int
    offset: int
    start: int


class Container:
    """The two members of a key file in a seekable *stream*, which the caller opened and keeps open.

    Raises FormatError, LimitError for what is no such ZIP; errors of the stream itself come through. The stream's
    position is of no account: every read seeks.
    """

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        length = stream.seek(0, io.SEEK_END)
        if length > limits.file_bytes:
            raise LimitError(f"a key file of {length} bytes is larger than {limits.file_bytes}")
        offset, entries = self._end_record(length)
        members = [self._located(entry) for entry in entries]
        _check_layout(members, offset)
        self._members = {member.name: member for member in members}
        if len(self._members) < len(members):
            raise FormatError("a member of the ZIP is there twice")

    def export(self) -> Iterator[bytes]:
        """Blocks of export.bin, one after the other. May be called again."""
        return self._unpack(EXPORT, self._limits.export_bytes)

    def signature(self) -> bytes:
        """export.sig."""
        return b"".join(self._unpack(SIGNATURE, self._limits.signature_bytes))

    def _end_record(self, length: int) -> tuple[int, list[_Member]]:
        """Where the directory begins, and its entries."""
        position = length - _END.size
        if position < 0:
            raise FormatError("not a ZIP: too short")
        mark, disk, first_disk, here, count, directory_bytes, offset, comment = _END.unpack(
            self._read(position, _END.size)
        )
        if mark != b"PK\x05\x06" or comment:
            raise FormatError("not a ZIP without a comment")
        if count > self._limits.members or directory_bytes > self._limits.directory_bytes:
            raise LimitError(f"a ZIP of {count} members with a directory of {directory_bytes} bytes is too large")
        if disk or first_disk or here != count or offset + directory_bytes != position:
            raise FormatError("a ZIP's end record does not describe what lies in front of it")
        entries = list(_entries(self._read(offset, directory_bytes), self._limits.members))
        if len(entries) != count:
            raise FormatError("a ZIP's directory has another number of members than its end record states")
        return offset, entries

    def _located(self, entry: _Member) -> _Member:
        """*entry* with its start. Its own header MUST say the same as the directory."""
        mark, _, flags, method, _, _, checksum, packed, size, name_bytes, extra_bytes = _LOCAL.unpack(
            self._read(entry.offset, _LOCAL.size)
        )
        start = entry.offset + _LOCAL.size + name_bytes + extra_bytes
        name = self._read(entry.offset + _LOCAL.size, name_bytes)
        if mark != b"PK\x03\x04" or (name, flags, method) != (entry.name, entry.flags, entry.method):
            raise FormatError("a ZIP's directory and a member's own header name different things")
        if not flags & _SIZES_FOLLOW and (checksum, packed, size) != (entry.checksum, entry.packed, entry.size):
            raise FormatError("a ZIP's directory and a member's own header state different sizes")
        return entry._replace(start=start)

    def _unpack(self, name: str, limit: int) -> Iterator[bytes]:
        member = self._members.get(name.encode())
        if member is None:
            raise FormatError(f"the ZIP has no {name}")
        if member.flags & ~_HARMLESS_FLAGS or member.method not in (_STORED, _DEFLATED):
            raise FormatError(f"the ZIP has {name} encrypted or packed by an unusual method")
        # The stated size is checked first because it is cheap, the real one because the stated one may lie.
        if member.size > limit:
            raise LimitError(f"the ZIP's {name} of {member.size} bytes is larger than {limit}")
        size = checksum = 0
        packed = self._packed(member)
        for block in packed if member.method == _STORED else _inflated(packed):
            size += len(block)
            if size > member.size:
                break
            checksum = zlib.crc32(block, checksum)
            yield block
        if (size, checksum) != (member.size, member.checksum):
            raise FormatError(f"the ZIP states another size or checksum of {name}")

    def _packed(self, member: _Member) -> Iterator[bytes]:
        for at in range(0, member.packed, BLOCK_BYTES):
            yield self._read(member.start + at, min(BLOCK_BYTES, member.packed - at))

    def _read(self, at: int, length: int) -> bytes:
        """Exactly *length* bytes; a raw stream may need several reads for them."""
        self._stream.seek(at)
        data = self._stream.read(length) or b""  # None where a raw stream does not wait
        while data and len(data) < length:
            more = self._stream.read(length - len(data))
            if not more:
                break
            data += more
        if len(data) != length:
            raise FormatError("a ZIP that is cut off")
        return data


def _entries(directory: bytes, most: int) -> Iterator[_Member]:
    at = number = 0
    while at < len(directory):
        number += 1
        if number > most:
            raise LimitError(f"a ZIP of more than {most} members is too large")
        if at + _ENTRY.size > len(directory):
            raise FormatError("a ZIP's directory is cut off")
        mark, _, _, flags, method, _, _, checksum, packed, size, name, extra, comment, disk, _, _, offset = (
            _ENTRY.unpack_from(directory, at)
        )
        start = at + _ENTRY.size
        at = start + name + extra + comment
        if mark != b"PK\x01\x02" or at > len(directory):
            raise FormatError("a ZIP's directory holds something else than members")
        if disk:
            raise FormatError("a ZIP's directory names more than one disk")
        yield _Member(directory[start : start + name], flags, method, checksum, packed, size, offset, 0)


def _check_layout(members: Iterable[_Member], directory: int) -> None:
    """Nothing in front of the first member, and no byte that belongs to two."""
    spans = sorted((member.offset, member.start + member.packed) for member in members)
    if spans and spans[0][0] != 0:
        raise FormatError("something lies in front of the ZIP's first member")
    if any(end > begin for (_, end), (begin, _) in pairwise([*spans, (directory, directory)])):
        raise FormatError("members of the ZIP overlap")


def _inflated(packed: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks of a raw deflate stream that ends exactly where the packed bytes end."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in packed:
            left = piece
            while left and not inflater.eof:
                yield inflater.decompress(left, BLOCK_BYTES)
                left = inflater.unconsumed_tail
            if inflater.unused_data or (left and inflater.eof):
                raise FormatError("something lies behind a packed stream of the ZIP")
        # All is read, and still a block or more of it may wait to be handed out.
        while not inflater.eof:
            block = inflater.decompress(b"", BLOCK_BYTES)
            if not block:
                raise FormatError("a packed stream of the ZIP is cut off")
            yield block
    except zlib.error as error:
        raise FormatError("a packed stream of the ZIP is broken") from error
