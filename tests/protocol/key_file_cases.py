"""Key files for tests: a valid one, and the means to build broken ones that are still correctly signed."""

import io
import zipfile
from collections.abc import Callable, Iterable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from ownhue.key_file import HEADER, ExposureKey, KeyFile, SignatureInfo
from ownhue.key_file_schema import ExportMessage, SignatureListMessage
from ownhue.params import ReportType

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
