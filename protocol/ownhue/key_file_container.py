"""The ZIP around a key file: exactly what the reader needs of it, and nothing it does not. specs/key-file.md section 1

- Sizes are checked before anything is unpacked, and unpacking stops at the limit: a ZIP bomb costs its limit.
- The directory is bounded before the ZIP library sees it; no comment, no ZIP64, nothing in front of the first member.
- ``export.bin`` and ``export.sig`` are read, each present once; a few other members are left alone, unread.
"""

import io
import struct
import zipfile
from dataclasses import dataclass

from ownhue.errors import FormatError, LimitError

EXPORT = "export.bin"
SIGNATURE = "export.sig"
_END = struct.Struct("<4s4H2LH")
_ZIP64_LOCATOR_BYTES = 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class Limits:
    """Most that a reader accepts. specs/key-file.md section 5"""

    file_bytes: int = 24_000_000
    """Bytes of the whole ZIP."""
    export_bytes: int = 24_000_000
    """Bytes of export.bin, unpacked: 500,000 keys have at most 20 million."""
    signature_bytes: int = 16_384
    """Bytes of export.sig, unpacked."""
    keys: int = 500_000
    """Keys and revised keys together; the reference publishes no more in a file."""
    signatures: int = 8
    """Signatures, and the infos that announce them."""
    members: int = 8
    """Members of the ZIP."""
    directory_bytes: int = 4096
    """Bytes of the ZIP's directory."""


def pack(export: bytes, signature: bytes) -> bytes:
    """The ZIP of both members: fixed times, fixed attributes, so that equal input gives equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in ((EXPORT, export), (SIGNATURE, signature)):
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 0  # else it would name the writer's operating system
            archive.writestr(member, content)
    return buffer.getvalue()


def unpack(data: bytes, limits: Limits) -> tuple[bytes, bytes]:
    """(export.bin, export.sig) of a ZIP. Raises FormatError, LimitError when anything is larger than *limits*."""
    if len(data) > limits.file_bytes:
        raise LimitError(f"a key file of {len(data)} bytes is larger than {limits.file_bytes}")
    _check_end(data, limits)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = _directory(archive, limits)
            export = _read(archive, members, EXPORT, limits.export_bytes)
            return export, _read(archive, members, SIGNATURE, limits.signature_bytes)
    except FormatError:
        raise
    except Exception as error:
        raise FormatError(f"not a readable ZIP: {type(error).__name__}") from error


def _check_end(data: bytes, limits: Limits) -> None:
    """Look at the end record alone: the library would build an object per directory entry, however many."""
    tail = data[-_END.size :]
    if len(tail) < _END.size or tail[:4] != b"PK\x05\x06":
        raise FormatError("not a ZIP without a comment")
    _, _, _, _, members, directory_bytes, _, comment_bytes = _END.unpack(tail)
    if comment_bytes or data[-_END.size - _ZIP64_LOCATOR_BYTES :].startswith(b"PK\x06\x07"):
        raise FormatError("a key file's ZIP has no comment and no ZIP64 records")
    if members > limits.members or directory_bytes > limits.directory_bytes:
        raise LimitError(f"a ZIP of {members} members with a directory of {directory_bytes} bytes is too large")


def _directory(archive: zipfile.ZipFile, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    members = {member.filename: member for member in archive.infolist()}
    # The library counts for itself, whatever number the end record states.
    if len(archive.infolist()) > limits.members:
        raise LimitError(f"a ZIP of {len(archive.infolist())} members is too large")
    if len(members) != len(archive.infolist()):
        raise FormatError("a ZIP member occurs twice")
    if min((member.header_offset for member in members.values()), default=0) != 0:
        raise FormatError("something lies in front of the ZIP's first member")
    return members


def _read(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str, limit: int) -> bytes:
    member = members.get(name)
    if member is None:
        raise FormatError(f"the ZIP has no {name}")
    if member.flag_bits & 1 or member.compress_type not in _METHODS:
        raise FormatError(f"{name} is encrypted or packed by an unusual method")
    # The stated size is checked first because it is cheap, the real one because the stated one may lie.
    if member.file_size > limit:
        raise LimitError(f"{name} of {member.file_size} bytes is larger than {limit}")
    with archive.open(member) as stream:
        content = stream.read(limit + 1)
        if len(content) > limit or stream.read(1):
            raise LimitError(f"{name} is larger than {limit} bytes")
    return content
