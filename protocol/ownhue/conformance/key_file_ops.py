"""What this library answers to specs/vectors/key-file.json. specs/key-file.md

| operation | input | output |
|---|---|---|
| read | file, public_key (SubjectPublicKeyInfo); limits, if not those of section 5 | digest, signatures, content |
| write | content, label, private_key (scalar, 32 bytes) | export.bin, its digest, signature, export.sig |

The digest is the SHA-256 of export.bin.
The ZIP itself is no output: its bytes depend on the packer.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from io import BytesIO
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ownhue.errors import FormatError
from ownhue.key_file import ExposureKey, KeyFile, Limits, SignatureInfo, read_key_file, write_key_file
from ownhue.key_file.container import Container
from ownhue.key_file.signature import read_signatures


def read(question: Mapping[str, Any]) -> Any:
    """Verify and read a key file."""
    data, limits = bytes.fromhex(question["file"]), Limits(**question.get("limits", {}))
    public_key = load_der_public_key(bytes.fromhex(question["public_key"]))
    if not isinstance(public_key, ec.EllipticCurvePublicKey):
        raise FormatError("key files are verified with a key on an elliptic curve")
    content = read_key_file(data, public_key, limits)
    return {
        "export_sha256": sha256(b"".join(Container(BytesIO(data), limits).export())).hexdigest(),
        "signatures": _signatures(data, limits),
        "start": content.start,
        "end": content.end,
        "region": content.region,
        "keys": [key_to_json(key) for key in content.keys],
        "revised_keys": [key_to_json(key) for key in content.revised_keys],
    }


def write(question: Mapping[str, Any]) -> Any:
    """Write a key file and take it apart."""
    keys, revised = (tuple(key_from_json(key) for key in question[name]) for name in ("keys", "revised_keys"))
    content = KeyFile(question["start"], question["end"], question["region"], keys, revised)
    signing_key = ec.derive_private_key(int(question["private_key"], 16), ec.SECP256R1())
    data = write_key_file(content, signing_key, SignatureInfo(question["key_id"], question["key_version"]))
    container = Container(BytesIO(data), Limits())
    export = b"".join(container.export())
    return {
        "export_bin": export.hex(),
        "export_sha256": sha256(export).hexdigest(),
        "signature": _signatures(data, Limits())[0]["signature"],
        "export_sig": container.signature().hex(),
    }


def key_to_json(key: ExposureKey) -> dict[str, Any]:
    """A key as an object of the vectors."""
    return {**key._asdict(), "data": key.data.hex(), "report_type": int(key.report_type)}


def key_from_json(value: Mapping[str, Any]) -> ExposureKey:
    """The key of such an object."""
    return ExposureKey(**{**value, "data": bytes.fromhex(value["data"])})


def _signatures(data: bytes, limits: Limits) -> list[dict[str, Any]]:
    entries = read_signatures(Container(BytesIO(data), limits).signature(), limits)
    return [
        {
            "label": {field.name: value for field, value in entry.signature_info.ListFields()},
            "batch": [entry.batch_num, entry.batch_size],
            "signature": entry.signature.hex(),
        }
        for entry in entries
    ]


OPERATIONS: dict[str, Callable[[Mapping[str, Any]], Any]] = {"read": read, "write": write}
