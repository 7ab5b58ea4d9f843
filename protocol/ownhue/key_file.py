"""Key files: the export of Google/Apple Exposure Notification, written, signed, read and verified. specs/key-file.md

A ZIP of ``export.bin`` ("EK Export v1" padded to 16 bytes, then a protobuf message) and ``export.sig`` (ECDSA P-256
over all of export.bin)::

    data = write_key_file(KeyFile(start, end, "demo", keys), signing_key, SignatureInfo("demo", "v1"))
    content = read_key_file(data, signing_key.public_key())

- There is no reading without verifying, and nothing of export.bin is parsed before its signature holds.
- The signature's algorithm is never taken from the file.
- Writing is deterministic: keys sorted, fixed ZIP times, RFC 6979 signatures.
- A key whose period is not over at the end of the file is never written: whoever reads it could replay it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.identifiers import KEY_BYTES
from ownhue.key_file_container import Limits, pack, unpack
from ownhue.key_file_schema import ExportMessage, KeyMessage, SignatureListMessage
from ownhue.params import INTERVAL_SECONDS, MAX_KEY_PERIOD, ReportType

__all__ = ["DEFAULT_LIMITS", "ExposureKey", "KeyFile", "Limits", "SignatureInfo", "read_key_file", "write_key_file"]

#: First 16 bytes of export.bin.
HEADER = b"EK Export v1    "
#: ecdsa-with-SHA256 (RFC 5758), as the signature info states it.
ALGORITHM = "1.2.840.10045.4.3.2"
#: Spellings that the reader accepts; the second is that of Google's first sample file. Both mean the same.
_ALGORITHMS = (ALGORITHM, "ECDSA p-256 SHA-256")
#: Limits of a reader that asks for no others.
DEFAULT_LIMITS = Limits()
_REPORT_TYPES: dict[int, ReportType] = {int(kind): kind for kind in ReportType}
_REGION = re.compile(r"[A-Za-z0-9._-]{1,32}", re.ASCII)
_MAX_DAYS = 14
_MAX_RISK = 8
_MAX_TIME = 2**40
_LAST_INTERVAL = 2**31 - 1


class ExposureKey(NamedTuple):
    """A published key. specs/key-file.md section 3"""

    data: bytes
    """The TEK, 16 bytes."""
    rolling_start: int
    """First interval (ENIN) in which it was used."""
    rolling_period: int
    """Number of intervals in which it was used, 1 to 144."""
    report_type: ReportType | int
    """Kind of diagnosis; REVOKED takes an earlier publication of the key back."""
    days_since_onset: int | None
    """Days from the onset of symptoms to the key's day, -14 to 14; None when not known."""
    transmission_risk_level: int = 0
    """GAEN v1's 0 to 8, read for foreign files; ours say 0."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The content of a key file."""

    start: int
    """Start of the batch, unix seconds."""
    end: int
    """End of the batch, unix seconds; also the time at which its keys became known."""
    region: str
    """1 to 32 letters, digits, dots, hyphens, underscores."""
    keys: tuple[ExposureKey, ...]
    """Keys published for the first time."""
    revised_keys: tuple[ExposureKey, ...] = ()
    """Keys published before whose report type changed, most often to REVOKED."""


@dataclass(frozen=True, slots=True)
class SignatureInfo:
    """Which key signed; a label for people and apps, never a choice of algorithm."""

    key_id: str
    """For nations the mobile country code."""
    key_version: str
    """For example "v1"."""


def write_key_file(content: KeyFile, signing_key: ec.EllipticCurvePrivateKey, info: SignatureInfo) -> bytes:
    """The ZIP of *content*, the same bytes for the same input. Raises FormatError, LimitError on values outside the
    format and on keys whose period is not over at ``content.end``. specs/key-file.md section 4"""
    _check_content(content, DEFAULT_LIMITS)
    for key in content.keys + content.revised_keys:
        if (key.rolling_start + key.rolling_period) * INTERVAL_SECONDS > content.end:
            raise FormatError("a key's period is not over when the file ends")
    label = {
        "verification_key_version": info.key_version,
        "verification_key_id": info.key_id,
        "signature_algorithm": ALGORITHM,
    }
    message = ExportMessage(
        start_timestamp=content.start,
        end_timestamp=content.end,
        region=content.region,
        batch_num=1,
        batch_size=1,
        signature_infos=[label],
        keys=_key_messages(content.keys),
        revised_keys=_key_messages(content.revised_keys),
    )
    export = HEADER + message.SerializeToString(deterministic=True)
    signature = signing_key.sign(export, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    entry = {"signature_info": label, "batch_num": 1, "batch_size": 1, "signature": signature}
    return pack(export, SignatureListMessage(signatures=[entry]).SerializeToString(deterministic=True))


def _key_messages(keys: Iterable[ExposureKey]) -> list[Any]:
    """Sorted by key data, which is random: the order tells nothing about which keys came together."""
    return [
        KeyMessage(
            key_data=key.data,
            transmission_risk_level=key.transmission_risk_level,
            rolling_start_interval_number=key.rolling_start,
            rolling_period=key.rolling_period,
            report_type=int(key.report_type),
            days_since_onset_of_symptoms=key.days_since_onset,
        )
        for key in sorted(keys, key=itemgetter(0))
    ]


def read_key_file(data: bytes, public_key: ec.EllipticCurvePublicKey, limits: Limits = DEFAULT_LIMITS) -> KeyFile:
    """The content of a key file signed by *public_key* (P-256). Raises FormatError, LimitError, VerificationError.

    The numbered steps are those of specs/key-file.md section 6.
    """
    # (1) the container, within its limits
    export, signature_list = unpack(data, limits)
    # (2) the list of signatures, and the header of what they sign
    signatures = _read_signatures(signature_list, limits)
    if not export.startswith(HEADER):
        raise FormatError("export.bin does not start with the header of version 1")
    # (3) a signature of the expected key over the whole of export.bin
    _verify(export, signatures, public_key)
    # (4) the message in its one encoding
    message = _parse(ExportMessage, export[len(HEADER) :], "export.bin")
    # (5) what the signatures say about themselves agrees with what was signed
    _check_labels(message, signatures, limits)
    # (6) ranges, number and uniqueness of the keys
    _check_count(len(message.keys) + len(message.revised_keys), limits)
    keys, revised = (tuple(map(_read_key, group)) for group in (message.keys, message.revised_keys))
    content = KeyFile(message.start_timestamp, message.end_timestamp, _text(message.region), keys, revised)
    _check_content(content, limits)
    return content


def _parse(kind: Any, data: bytes, name: str) -> Any:
    """A protobuf message that encodes again to *data*: no field twice, none out of order, no padded number."""
    try:
        message = kind.FromString(data)
        canonical = message.SerializeToString() == data
    except Exception as error:
        raise FormatError(f"{name} is no such protobuf message") from error
    if not canonical:
        raise FormatError(f"{name} is not in protobuf's one canonical encoding")
    return message


def _read_signatures(data: bytes, limits: Limits) -> list[Any]:
    signatures = list(_parse(SignatureListMessage, data, "export.sig").signatures)
    if not signatures:
        raise FormatError("export.sig holds no signature")
    if len(signatures) > limits.signatures:
        raise LimitError(f"{len(signatures)} signatures are more than {limits.signatures}")
    for entry in signatures:
        if entry.signature_info.signature_algorithm not in _ALGORITHMS:
            raise FormatError("a signature states another algorithm than ECDSA P-256 with SHA-256")
        try:
            decode_dss_signature(entry.signature)
        except ValueError as error:
            raise FormatError("a signature is not DER") from error
    return signatures


def _verify(export: bytes, signatures: Iterable[Any], public_key: ec.EllipticCurvePublicKey) -> None:
    if not isinstance(public_key.curve, ec.SECP256R1):
        raise VerificationError("key files are verified with a P-256 key")
    for entry in signatures:
        try:
            public_key.verify(entry.signature, export, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            continue
        return
    raise VerificationError("no signature of the expected key holds over export.bin")


def _check_labels(message: Any, signatures: list[Any], limits: Limits) -> None:
    announced = [_label(info) for info in message.signature_infos]
    if not 1 <= len(announced) <= limits.signatures:
        raise FormatError("export.bin does not announce who signs it")
    if not 1 <= message.batch_num <= message.batch_size:
        raise FormatError(f"batch {message.batch_num} of {message.batch_size} does not exist")
    labels = [_label(entry.signature_info) for entry in signatures]
    if any(label in labels[:position] for position, label in enumerate(labels)):
        raise FormatError("two signatures bear one label")
    for entry, label in zip(signatures, labels, strict=True):
        if (entry.batch_num, entry.batch_size) != (message.batch_num, message.batch_size):
            raise VerificationError("a signature is for another batch")
        # Every field that the signed label sets must agree; what it leaves open (Google's sample) proves nothing.
        if not any(info.items() <= label.items() for info in announced):
            raise VerificationError("a signature bears a label that the signed file does not announce")


def _label(info: Any) -> dict[str, str]:
    return {field.name: _text(value) for field, value in info.ListFields()}


def _text(value: str | bytes) -> str:
    """proto2's decoder hands out bytes where a text is not UTF-8."""
    if isinstance(value, bytes):
        raise FormatError("a text is not UTF-8")
    return value


def _read_key(key: Any) -> ExposureKey:
    days = key.days_since_onset_of_symptoms if key.HasField("days_since_onset_of_symptoms") else None
    return ExposureKey(
        key.key_data,
        key.rolling_start_interval_number,
        key.rolling_period,
        _REPORT_TYPES.get(key.report_type, key.report_type),
        days,
        key.transmission_risk_level,
    )


def _check_content(content: KeyFile, limits: Limits) -> None:
    if not 0 <= content.start < content.end < _MAX_TIME:
        raise FormatError(f"a batch from {content.start} to {content.end} is no span of time")
    if not _REGION.fullmatch(content.region):
        raise FormatError("a region has 1 to 32 letters, digits, dots, hyphens or underscores")
    everything = content.keys + content.revised_keys
    _check_count(len(everything), limits)
    for key in everything:
        _check_key(key)
    # Keys and revised keys together: a file with one key in both would not say which of the two holds.
    if len({key.data for key in everything}) < len(everything):
        raise FormatError("a key occurs twice")


def _check_count(keys: int, limits: Limits) -> None:
    if keys > limits.keys:
        raise LimitError(f"{keys} keys are more than {limits.keys}")


def _check_key(key: ExposureKey) -> None:
    if len(key.data) != KEY_BYTES:
        raise FormatError(f"a key has {KEY_BYTES} bytes, not {len(key.data)}")
    if not 1 <= key.rolling_period <= MAX_KEY_PERIOD:
        raise FormatError(f"a rolling period of {key.rolling_period} is outside 1 to {MAX_KEY_PERIOD}")
    if not 0 <= key.rolling_start <= _LAST_INTERVAL - key.rolling_period:
        raise FormatError(f"a rolling start of {key.rolling_start} is no interval number")
    if not ReportType.UNKNOWN <= key.report_type <= ReportType.REVOKED:
        raise FormatError(f"report type {key.report_type} is not known")
    if not (key.days_since_onset is None or -_MAX_DAYS <= key.days_since_onset <= _MAX_DAYS):
        raise FormatError(f"{key.days_since_onset} days since onset are outside -14 to 14")
    if not 0 <= key.transmission_risk_level <= _MAX_RISK:
        raise FormatError(f"a transmission risk level of {key.transmission_risk_level} is outside 0 to {_MAX_RISK}")
