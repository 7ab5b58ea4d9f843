"""Writing key files, also of more keys than fit in memory. specs/key-file.md section 4

- Deterministic: keys in order of their bytes, fixed ZIP times, RFC 6979 signatures. Equal input gives equal bytes.
- A key whose period is not over at the end of the file is never written: whoever reads it could replay it.
"""

import zipfile
from collections.abc import Iterable, Iterator
from hashlib import sha256
from io import BytesIO
from itertools import islice
from operator import itemgetter
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric import ec

from ownhue.errors import FormatError, LimitError
from ownhue.key_file.container import EXPORT, SIGNATURE
from ownhue.key_file.reader import DEFAULT_LIMITS, HEADER
from ownhue.key_file.schema import ExportMessage, KeyMessage, SignatureInfoMessage
from ownhue.key_file.signature import label_of, signature_list
from ownhue.key_file.values import (
    KEY_REPORT_TYPES,
    REVISED_REPORT_TYPES,
    ExposureKey,
    KeyCount,
    KeyFile,
    KeyFileHead,
    KeyIndex,
    SignatureInfo,
    check_key,
)
from ownhue.params import INTERVAL_SECONDS

_KEYS_AT_ONCE = 1024


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

    Memory: 16 bytes for each key and no more. Raises as :func:`write_key_file` does, and FormatError for keys out of
    order; the stream then holds nothing of use.
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
                for block in content:
                    packed.write(block)


def _export(
    head: KeyFileHead, keys: Iterable[ExposureKey], revised_keys: Iterable[ExposureKey], info: SignatureInfo
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
    gate = _Gate(head.end)
    for block in _blocks(keys):
        yield _encoded(keys=[_key_message(key) for key in gate.passed(block, KEY_REPORT_TYPES)])
    gate.next_group()
    for block in _blocks(revised_keys):
        yield _encoded(revised_keys=[_key_message(key) for key in gate.passed(block, REVISED_REPORT_TYPES)])
    gate.close()


class _Gate:
    """Lets keys through that may be written, in their order."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._count = KeyCount(DEFAULT_LIMITS)
        self._index = KeyIndex()
        self._last = b""

    def passed(self, block: list[ExposureKey], report_types: Iterable[int]) -> list[ExposureKey]:
        self._count.add(len(block))
        for key in block:
            check_key(key, report_types)
            if (key.rolling_start + key.rolling_period) * INTERVAL_SECONDS > self._end:
                raise FormatError("a key's period is not over when the file ends")
            if key.data <= self._last:
                raise FormatError("a key occurs twice, or keys are not in order of their bytes")
            self._last = key.data
        self._index.add(block)
        return block

    def next_group(self) -> None:
        self._last = b""

    def close(self) -> None:
        """No key is in both groups: ours are withdrawn in a later file, or were never published."""
        self._index.check()


def _blocks(keys: Iterable[ExposureKey]) -> Iterator[list[ExposureKey]]:
    rest = iter(keys)
    while block := list(islice(rest, _KEYS_AT_ONCE)):
        yield block


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
