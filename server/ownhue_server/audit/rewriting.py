"""Writing a key file again from what was read: a publisher that follows the spec makes the same bytes. key-file.md"""

import zipfile
from collections.abc import Iterable
from enum import Enum, auto
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from cryptography.hazmat.primitives.asymmetric import ec

from ownhue.key_file import DEFAULT_LIMITS, ExposureKey, KeyFileHead, SignatureInfo, stream_key_file
from ownhue.key_file.container import Container
from ownhue.key_file.signature import read_signatures

_SPOOLED_BYTES = 4 << 20
_PIECE_BYTES = 1 << 16
_MEMBER_FIELDS = (
    "filename",
    "date_time",
    "create_system",
    "compress_type",
    "flag_bits",
    "external_attr",
    "extra",
    "comment",
    "file_size",
    "CRC",
)


class Likeness(Enum):
    """How like a file is to what was written again."""

    SAME = auto()
    """Byte for byte."""
    PACKED_OTHERWISE = auto()
    """Members, their times and attributes and their content are the same, packed by another zlib."""
    OTHER = auto()


def write_again(
    file: BinaryIO, head: KeyFileHead, keys: Iterable[ExposureKey], revised: Iterable[ExposureKey]
) -> Likeness:
    """Write a file of these keys with the signature that *file* bears, and compare. Raises FormatError for keys that no
    publisher writes so."""
    signer, info = _recorded(file)
    with cast("BinaryIO", SpooledTemporaryFile(_SPOOLED_BYTES)) as again:
        stream_key_file(again, head, keys, revised, signer, info)
        if _same(file, again):
            return Likeness.SAME
        members = _members(file)
        return Likeness.PACKED_OTHERWISE if members and members == _members(again) else Likeness.OTHER


class _RecordedSignature:
    """Gives the signature that a file has, in the place of the key that made it and that nobody else has."""

    curve = ec.SECP256R1()

    def __init__(self, signature: bytes) -> None:
        self._signature = signature

    def sign(self, _digest: bytes, _algorithm: object) -> bytes:
        """The recorded signature."""
        return self._signature


def _recorded(file: BinaryIO) -> tuple[ec.EllipticCurvePrivateKey, SignatureInfo]:
    """What is needed to write *file* again."""
    first = read_signatures(Container(file, DEFAULT_LIMITS).signature(), DEFAULT_LIMITS)[0]
    label = first.signature_info
    info = SignatureInfo(label.verification_key_id, label.verification_key_version)
    return cast("ec.EllipticCurvePrivateKey", _RecordedSignature(first.signature)), info


def _members(file: BinaryIO) -> list[tuple[object, ...]] | None:
    """What a ZIP says of its members, and their checksums, but not how they are packed; None if it cannot be read."""
    try:
        with zipfile.ZipFile(file) as archive:
            return [tuple(getattr(one, name) for name in _MEMBER_FIELDS) for one in archive.infolist()]
    except (zipfile.BadZipFile, ValueError, OSError):
        return None


def _same(first: BinaryIO, second: BinaryIO) -> bool:
    """Whether both have the same bytes."""
    for file in (first, second):
        file.seek(0)
    while True:
        pieces = [file.read(_PIECE_BYTES) for file in (first, second)]
        if pieces[0] != pieces[1]:
            return False
        if not pieces[0]:
            return True
