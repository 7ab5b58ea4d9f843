"""Key files for tests: a valid one, and the means to build broken ones that are still correctly signed."""

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, BinaryIO

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from ownhue.errors import OwnhueError
from ownhue.key_file import (
    ALGORITHM,
    DEFAULT_LIMITS,
    HEADER,
    ExposureKey,
    KeyFile,
    Limits,
    SignatureInfo,
    open_key_file,
    read_key_file,
)
from ownhue.key_file.schema import ExportMessage, SignatureListMessage
from ownhue.params import ReportType
from tests.protocol.key_file_bytes import export_bin, message, stored_zip

SIGNING_KEY = ec.derive_private_key(0x0123456789ABCDEF, ec.SECP256R1())
OTHER_KEY = ec.derive_private_key(0xFEDCBA9876543210, ec.SECP256R1())
INFO = SignatureInfo("demo", "v1")
START = 2_944_812 * 600
KEYS = (
    ExposureKey(bytes(range(16, 32)), 2_944_788, 12, ReportType.CONFIRMED_TEST, -14, 8),
    ExposureKey(bytes(range(16)), 2_944_800, 12, ReportType.SELF_REPORT, None),
    ExposureKey(bytes(range(32, 48)), 2_944_811, 1, ReportType.CONFIRMED_CLINICAL, 14),
)
REVISED = (ExposureKey(bytes(range(48, 64)), 2_944_668, 144, ReportType.REVOKED, 0, 1),)
CONTENT = KeyFile(START, START + 7200, "demo", KEYS, REVISED)
#: What the reader gives back: each group sorted by key data.
READ = KeyFile(START, START + 7200, "demo", (KEYS[1], KEYS[0], KEYS[2]), REVISED)


def key_fields(key: ExposureKey) -> dict[str, Any]:
    """The fields of a key as our writer writes them."""
    return {
        "key_data": key.data,
        "transmission_risk_level": key.transmission_risk_level,
        "rolling_start_interval_number": key.rolling_start,
        "rolling_period": key.rolling_period,
        "report_type": int(key.report_type),
        "days_since_onset_of_symptoms": key.days_since_onset,
        "variant_of_concern": key.variant_of_concern or None,
    }


#: The label of INFO, and the fields of CONTENT's export.bin, for tests/protocol/key_file_bytes.py.
LABEL = {"verification_key_version": "v1", "verification_key_id": "demo", "signature_algorithm": ALGORITHM}
FIELDS: dict[str, Any] = {
    "header": HEADER,
    "start_timestamp": CONTENT.start,
    "end_timestamp": CONTENT.end,
    "region": "demo",
    "batch_num": 1,
    "batch_size": 1,
    "signature_infos": [LABEL],
    "keys": [key_fields(key) for key in READ.keys],
    "revised_keys": [key_fields(key) for key in REVISED],
}


def signature_entry(export: bytes, **changes: Any) -> dict[str, Any]:
    """The fields of the entry that signs *export*, some of them changed."""
    return {"signature_info": LABEL, "batch_num": 1, "batch_size": 1, "signature": sign(export)} | changes


def file_of(
    fields: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]] | None = None,
    more: Iterable[tuple[str, bytes]] = (),
) -> bytes:
    """A stored file of *fields*, signed by SIGNING_KEY unless *entries* are the signatures; *more* members behind."""
    export = export_bin(fields)
    signatures = message("list", {"signatures": [signature_entry(export)] if entries is None else list(entries)})
    return stored_zip([("export.bin", export), ("export.sig", signatures), *more])


class ShortReads(io.BytesIO):
    """A stream that gives a few bytes at a time, as a raw stream may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(7 if size is None or size < 0 else min(7, size))


def read_streamed(stream: BinaryIO, public_key: ec.EllipticCurvePublicKey, limits: Limits = DEFAULT_LIMITS) -> KeyFile:
    """What the streaming reader makes of a file, all of it kept."""
    with open_key_file(stream, public_key, limits) as opened:
        keys, head = tuple(opened.keys), opened.head
        return KeyFile(head.start, head.end, head.region, keys, tuple(opened.revised_keys))


def read_both(data: bytes, public_key: ec.EllipticCurvePublicKey, limits: Limits = DEFAULT_LIMITS) -> KeyFile:
    """What both readers make of a file; AssertionError where they differ in content, kind of error or words."""
    try:
        content = read_key_file(data, public_key, limits)
    except OwnhueError as error:
        with pytest.raises(type(error), match=f"^{re.escape(str(error))}$"):
            read_streamed(io.BytesIO(data), public_key, limits)
        raise
    assert read_streamed(io.BytesIO(data), public_key, limits) == content
    return content


def members(data: bytes) -> dict[str, bytes]:
    """The members of a ZIP by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(entries: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of *entries* in their order; names may occur twice."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def export_message(data: bytes) -> Any:
    """The protobuf message of a key file's export.bin."""
    return ExportMessage.FromString(members(data)["export.bin"][len(HEADER) :])


def sign(export: bytes, key: ec.EllipticCurvePrivateKey = SIGNING_KEY) -> bytes:
    """A DER signature over *export*."""
    return key.sign(export, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


def signature_list(export: bytes, info: Any, key: ec.EllipticCurvePrivateKey = SIGNING_KEY) -> Any:
    """A list of one correct signature over *export* under the label *info*."""
    entry = {"signature_info": info, "batch_num": 1, "batch_size": 1, "signature": sign(export, key)}
    return SignatureListMessage(signatures=[entry])


def signed_anew(export: bytes, info: Any) -> bytes:
    """The key file of any bytes, correctly signed by SIGNING_KEY."""
    return zipped([("export.bin", export), ("export.sig", signature_list(export, info).SerializeToString())])


def edited(data: bytes, edit: Callable[[Any], object]) -> bytes:
    """*data* with its message changed by *edit* and signed again."""
    message = export_message(data)
    info = type(message.signature_infos[0]).FromString(message.signature_infos[0].SerializeToString())
    edit(message)
    return signed_anew(HEADER + message.SerializeToString(), info)


def resigned(data: bytes, edit: Callable[[Any], object]) -> bytes:
    """*data* with its list of signatures changed by *edit*; export.bin stays."""
    parts = members(data)
    signatures = SignatureListMessage.FromString(parts["export.sig"])
    edit(signatures)
    return zipped([("export.bin", parts["export.bin"]), ("export.sig", signatures.SerializeToString())])
