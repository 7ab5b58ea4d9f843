"""Writing key files, also of more keys than fit in memory. specs/key-file.md section 4

- Deterministic: keys in order of their bytes, fixed ZIP times, RFC 6979 signatures, packed in pieces of one length and
  in their order. Equal input gives equal bytes.
- Quick: what surrounds a key's data is encoded once for all keys with the same metadata, keys are put into it by the
  thousand, and a thread packs them while the next ones are encoded.
- A key whose period is not over at the end of the file is never written: whoever reads it could replay it.
"""

import zipfile
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from io import BytesIO
from itertools import islice
from operator import itemgetter
from typing import IO, Any, BinaryIO

import numpy as np
from cryptography.hazmat.primitives.asymmetric import ec

from ownhue.errors import FormatError, LimitError
from ownhue.identifiers import KEY_BYTES
from ownhue.key_file.container import EXPORT, SIGNATURE
from ownhue.key_file.reader import DEFAULT_LIMITS, HEADER
from ownhue.key_file.schema import ExportMessage, KeyMessage, SignatureInfoMessage
from ownhue.key_file.signature import label_of, signature_list
from ownhue.key_file.values import (
    KEY_REPORT_TYPES,
    REVISED_REPORT_TYPES,
    ExposureKey,
    KeyBlock,
    KeyCount,
    KeyFile,
    KeyFileHead,
    SignatureInfo,
    check_key,
)
from ownhue.params import INTERVAL_SECONDS

_KEYS_AT_ONCE = 1024
#: Bytes that are packed at once: so many that handing them to another thread costs little.
_PIECE_BYTES = 131_072
#: Different metadata whose encoding is remembered; a batch has some hundred.
_REMEMBERED = 65_536
_KEY_FIELD, _REVISED_KEY_FIELD = b"\x3a", b"\x42"
#: Tag and length in front of a key's data, which come first in its message.
_DATA_HEAD = b"\x0a\x10"
#: Where in its field a key's data lie: behind tag and length of the field, which has less than 128 bytes, and of them.
_DATA = slice(2 + len(_DATA_HEAD), 2 + len(_DATA_HEAD) + KEY_BYTES)


def write_key_file(content: KeyFile, signing_key: ec.EllipticCurvePrivateKey, info: SignatureInfo) -> bytes:
    """The ZIP of *content*, the same bytes for the same input, in whatever order its keys come.

    Raises FormatError, LimitError on values outside the format, on a key that occurs twice, on keys whose period is not
    over at ``content.end``, and on a signing key of another curve. specs/key-file.md section 4
    """
    stream = BytesIO()
    head = KeyFileHead(content.start, content.end, content.region)
    keys, revised = (sorted(group, key=itemgetter(0)) for group in (content.keys, content.revised_keys))
    stream_key_file(stream, head, keys, revised, signing_key, info)
    return stream.getvalue()


def stream_key_file(
    stream: BinaryIO,
    head: KeyFileHead,
    keys: Iterable[ExposureKey],
    revised_keys: Iterable[ExposureKey],
    signing_key: ec.EllipticCurvePrivateKey,
    info: SignatureInfo,
) -> None:
    """Write the same file to an empty seekable *stream*, taking keys one by one: both iterables in order of the data.

    Memory: 16 bytes for each key, and some blocks. Raises as :func:`write_key_file` does, and FormatError for keys out
    of order; the stream then holds nothing of use.
    """
    stream_key_blocks(stream, head, _blocks(keys), _blocks(revised_keys), signing_key, info)


def stream_key_blocks(
    stream: BinaryIO,
    head: KeyFileHead,
    keys: Iterable[KeyBlock],
    revised_keys: Iterable[KeyBlock],
    signing_key: ec.EllipticCurvePrivateKey,
    info: SignatureInfo,
) -> None:
    """Write the same file of keys that come in blocks of some thousand: no object is made for a key.

    Blocks are taken in the caller's thread; the stream is written in one of its own, which has ended on return. Raises
    as :func:`stream_key_file` does.
    """
    if not isinstance(signing_key.curve, ec.SECP256R1):
        raise FormatError("key files are signed with a P-256 key")
    digest = sha256()

    def export() -> Iterator[bytes]:
        for block in _export(head, keys, revised_keys, info):
            digest.update(block)
            yield block

    def signature() -> Iterator[bytes]:
        yield signature_list(digest.digest(), signing_key, info)

    _pack(stream, export(), signature())


def _pack(stream: BinaryIO, export: Iterable[bytes], signature: Iterable[bytes]) -> None:
    """The ZIP of both members; *signature* is asked for after *export*'s end. Fixed times and attributes."""
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in ((EXPORT, export), (SIGNATURE, signature)):
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED  # at the level 6, zlib's own default
            member.create_system = 0  # else it would name the writer's operating system
            with archive.open(member, "w") as packed:
                _write_behind(packed, _pieces(content))


def _pieces(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of one length: a zlib that got them in others might pack them otherwise."""
    left = b""
    for block in blocks:
        left += block
        whole = len(left) - len(left) % _PIECE_BYTES
        yield from (left[at : at + _PIECE_BYTES] for at in range(0, whole, _PIECE_BYTES))
        left = left[whole:]
    yield left


def _write_behind(packed: IO[bytes], content: Iterable[bytes]) -> None:
    """Write the pieces of *content* in their order, each while the next one is made."""
    with ThreadPoolExecutor(1) as thread:
        written: Future[int] | None = None
        for piece in content:
            if written is not None:
                written.result()  # Two pieces are held at most, and an error of the stream is met soon.
            written = thread.submit(packed.write, piece)
        if written is not None:
            written.result()


def _export(
    head: KeyFileHead, keys: Iterable[KeyBlock], revised_keys: Iterable[KeyBlock], info: SignatureInfo
) -> Iterator[bytes]:
    try:
        label = SignatureInfoMessage(**label_of(info))
    except ValueError as error:
        raise FormatError("the label of the signature is no text") from error
    if label.ByteSize() > DEFAULT_LIMITS.field_bytes:
        raise LimitError("the label of the signature is longer than a reader accepts")
    yield HEADER
    yield _encoded(
        start_timestamp=head.start,
        end_timestamp=head.end,
        region=head.region,
        batch_num=1,
        batch_size=1,
        signature_infos=[label],
    )
    groups = _Group(head.end, KEY_REPORT_TYPES, _KEY_FIELD), _Group(head.end, REVISED_REPORT_TYPES, _REVISED_KEY_FIELD)
    count = KeyCount(DEFAULT_LIMITS)
    for group, source in zip(groups, (keys, revised_keys), strict=True):
        for block in source:
            count.add(len(block.kinds))
            yield group.encoded(block)
    _check_apart(*groups)


class _Group:
    """Encodes the keys of one group that may be written, in their order.

    Keys of a batch share their metadata with many others, so the field of a key is checked, encoded by the protobuf
    library, and remembered; for each key only its 16 bytes are put into a copy.
    """

    def __init__(self, end: int, report_types: Collection[int], tag: bytes) -> None:
        self._end = end
        self._report_types = report_types
        self._tag = tag
        self._fields: dict[tuple[Any, ...], bytes] = {}
        self._last = b""
        #: Every key so far, 16 bytes each, in order.
        self.datas = bytearray()

    def encoded(self, block: KeyBlock) -> bytes:
        """The fields of *block*. Raises FormatError for a key that may not be written, or not here."""
        fields = [self._fields.get(metadata) or self._learn(metadata) for metadata in block.metadata]
        self._check_order(block.datas)
        lengths = np.array([len(field) for field in fields])
        longest = int(lengths.max())
        padded = np.frombuffer(b"".join(field.ljust(longest, b"\0") for field in fields), np.uint8)
        rows = padded.reshape(-1, longest)[block.kinds]
        rows[:, _DATA] = np.frombuffer(block.datas, np.uint8).reshape(-1, KEY_BYTES)
        encoded: bytes = rows[(np.arange(longest) < lengths[:, np.newaxis])[block.kinds]].tobytes()
        self.datas += block.datas
        return encoded

    def _check_order(self, datas: bytes) -> None:
        # Texts of bytes compare without the zeros at their end, which orders any two of the same length all the same.
        rows = np.frombuffer(datas, dtype=f"S{KEY_BYTES}")
        if datas[:KEY_BYTES] <= self._last or not bool((rows[1:] > rows[:-1]).all()):
            raise FormatError("a key occurs twice, or keys are not in order of their bytes")
        self._last = datas[-KEY_BYTES:]

    def _learn(self, metadata: tuple[Any, ...]) -> bytes:
        """The field of a key with *metadata*, whose data are zeros. Raises FormatError for what may not be."""
        key = ExposureKey(bytes(KEY_BYTES), *metadata)
        check_key(key, self._report_types)
        if (key.rolling_start + key.rolling_period) * INTERVAL_SECONDS > self._end:
            raise FormatError("a key's period is not over when the file ends")
        message: bytes = _key_message(key).SerializeToString(deterministic=True)
        if len(self._fields) >= _REMEMBERED:
            self._fields.clear()
        field = self._tag + bytes((len(message),)) + message
        self._fields[metadata] = field
        return field


def _check_apart(keys: _Group, revised: _Group) -> None:
    """No key is in both groups: ours are withdrawn in a later file, or were never published."""
    new, old = (np.frombuffer(group.datas, dtype=f"S{KEY_BYTES}") for group in (keys, revised))
    at = np.searchsorted(new, old)
    found = at < len(new)
    if bool((new[at[found]] == old[found]).any()):
        raise FormatError("a key occurs twice")


def _blocks(keys: Iterable[ExposureKey]) -> Iterator[KeyBlock]:
    rest = iter(keys)
    while block := list(islice(rest, _KEYS_AT_ONCE)):
        datas = [key[0] for key in block]
        if set(map(len, datas)) != {KEY_BYTES}:
            raise FormatError(f"every key has {KEY_BYTES} bytes")
        numbers: dict[tuple[Any, ...], int] = {}
        kinds = [numbers.setdefault(key[1:], len(numbers)) for key in block]
        yield KeyBlock(b"".join(datas), np.array(kinds), list(numbers))


def _key_message(key: ExposureKey) -> Any:
    return KeyMessage(
        key_data=key.data,
        transmission_risk_level=key.transmission_risk_level,
        rolling_start_interval_number=key.rolling_start,
        rolling_period=key.rolling_period,
        report_type=int(key.report_type),
        days_since_onset_of_symptoms=key.days_since_onset,
        # GAEN had no such field at first; a file that needs none looks as it did then.
        variant_of_concern=key.variant_of_concern or None,
    )


def _encoded(**fields: Any) -> bytes:
    encoded: bytes = ExportMessage(**fields).SerializeToString(deterministic=True)
    return encoded
