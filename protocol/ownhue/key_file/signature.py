"""The signatures of a key file: steps 2, 3 and 5 of specs/key-file.md section 6"""

from collections.abc import Iterable, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.key_file.container import Limits
from ownhue.key_file.schema import SignatureListMessage
from ownhue.key_file.values import SignatureInfo
from ownhue.key_file.wire import parse

#: ecdsa-with-SHA256 (RFC 5758), as the signature info states it. specs/key-file.md section 4
ALGORITHM = "1.2.840.10045.4.3.2"
#: Spellings that the reader accepts; the second is that of Google's first sample file. Both mean the same.
_ALGORITHMS = (ALGORITHM, "ECDSA p-256 SHA-256")
_ECDSA = ec.ECDSA(Prehashed(hashes.SHA256()))
_ECDSA_RFC6979 = ec.ECDSA(Prehashed(hashes.SHA256()), deterministic_signing=True)


def label_of(info: SignatureInfo) -> dict[str, str]:
    """The fields of a SignatureInfo message, as written into both members."""
    return {
        "verification_key_version": info.key_version,
        "verification_key_id": info.key_id,
        "signature_algorithm": ALGORITHM,
    }


def signature_list(digest: bytes, signing_key: ec.EllipticCurvePrivateKey, info: SignatureInfo) -> bytes:
    """export.sig for an export.bin whose SHA-256 is *digest*: one signature, with the nonce of RFC 6979."""
    signature = signing_key.sign(digest, _ECDSA_RFC6979)
    entry = {"signature_info": label_of(info), "batch_num": 1, "batch_size": 1, "signature": signature}
    encoded: bytes = SignatureListMessage(signatures=[entry]).SerializeToString(deterministic=True)
    return encoded


def read_signatures(data: bytes, limits: Limits) -> list[Any]:
    """(2) The entries of export.sig. Raises FormatError, LimitError."""
    signatures = list(parse(SignatureListMessage, data, "export.sig").signatures)
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


def verify(digest: bytes, signatures: Iterable[Any], public_key: ec.EllipticCurvePublicKey) -> None:
    """(3) One of *signatures* is by *public_key*, over the export.bin whose SHA-256 is *digest*.

    Raises VerificationError.
    """
    if not isinstance(public_key.curve, ec.SECP256R1):
        raise VerificationError("key files are verified with a P-256 key")
    for entry in signatures:
        try:
            public_key.verify(entry.signature, digest, _ECDSA)
        except InvalidSignature:
            continue
        return
    raise VerificationError("no signature of the expected key holds over export.bin")


def check_labels(header: Any, signatures: Sequence[Any]) -> None:
    """(5) What the signatures say about themselves agrees with what was signed: *header*, an export without its keys.

    Raises FormatError, VerificationError.
    """
    announced = [_label(info) for info in header.signature_infos]
    if not announced:
        raise FormatError("export.bin does not announce who signs it")
    if not 1 <= header.batch_num <= header.batch_size:
        raise FormatError(f"batch {header.batch_num} of {header.batch_size} does not exist")
    labels = [_label(entry.signature_info) for entry in signatures]
    if any(label in labels[:position] for position, label in enumerate(labels)):
        raise FormatError("two signatures bear one label")
    for entry, label in zip(signatures, labels, strict=True):
        if (entry.batch_num, entry.batch_size) != (header.batch_num, header.batch_size):
            raise VerificationError("a signature is for another batch")
        # Every field that the signed label sets must agree; what it leaves open (Google's sample) proves nothing.
        if not any(info.items() <= label.items() for info in announced):
            raise VerificationError("a signature bears a label that the signed file does not announce")


def _label(info: Any) -> dict[str, str]:
    return {field.name: text_of(value, "a label") for field, value in info.ListFields()}


def text_of(value: str | bytes, what: str) -> str:
    """A text of a message. Raises FormatError for bytes, which proto2's decoder hands out for what is no UTF-8."""
    if isinstance(value, bytes):
        raise FormatError(f"{what} is not UTF-8")
    return value
