"""Reports: a positive's own keys, on their way to the publisher without a name. specs/report.md

The authority blind-signs a token over the hash of the keys without seeing it; the publisher checks that token later and
cannot tell whose claim it came from::

    message = report_message(keys)                                  # phone
    request = request_token(message, token_key, os.urandom)         # phone -> authority: request.blinded_message
    signature = finish_token(request, token_key, blind_signature)   # phone
    data = seal(Report(token_key.key_id, signature, keys), publisher_key)   # phone, or desk -> publisher

- A Report or Withdrawal that breaks a rule of the format cannot be made, neither by a phone nor by a parser.
- Whatever it holds, a sealed report has one length: the desk that relays it does not learn how many keys there are.
- Nothing in a report is an identifier of a person, a phone or an upload. A withdrawal proves itself by one secret per
  key, whose hash went with the report.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from ownhue.encoding import cbor_decode, cbor_encode, frame, unframe
from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.identifiers import TemporaryExposureKey
from ownhue.params import MAX_REPORT_KEYS
from ownhue.report_token import (
    ReportTokenKey,
    TokenRequest,
    finish_token,
    report_keys_body,
    report_keys_from_body,
    request_token,
    verify_token,
    week_of,
)

__all__ = [
    "Report",
    "ReportKey",
    "ReportTokenKey",
    "TokenRequest",
    "Withdrawal",
    "commitment_of",
    "finish_token",
    "open_sealed",
    "report_keys_body",
    "report_keys_from_body",
    "report_message",
    "request_token",
    "seal",
    "verify_token",
    "week_of",
    "withdrawal_message",
    "withdrawal_secret",
]

#: Bytes of a report before it is sealed, filled up; 180 keys with an RSA-4096 token fit. specs/report.md section 5
PLAIN_BYTES = 12_000
#: Bytes of every sealed report: an X25519 key of 32 and a tag of 16 are added. specs/report.md section 5
SEALED_BYTES = PLAIN_BYTES + 48

_HASH_BYTES = 32
_SIGNATURE_BYTES = range(256, 513)
_MAX_DAYS = 14


class ReportKey(NamedTuple):
    """One key of a report, with what the publisher needs to know of it."""

    data: bytes
    """The TEK, 16 bytes."""
    rolling_start: int
    """First interval (ENIN) in which it was used."""
    rolling_period: int
    """Number of intervals in which it was used, 1 to 144."""
    days_since_onset: int | None
    """-14 to 14, or None when the owner does not say."""
    commitment: bytes
    """SHA-256 of the key's withdrawal secret, 32 bytes."""


def withdrawal_secret(phone_secret: bytes, key_data: bytes) -> bytes:
    """The 32-byte secret that later withdraws one key: HKDF-SHA256 of the phone's own secret. section 6"""
    return HKDF(hashes.SHA256(), 32, salt=None, info=b"OWNHUE-WITHDRAW" + key_data).derive(phone_secret)


def commitment_of(secret: bytes) -> bytes:
    """What is reported of a withdrawal secret: its SHA-256, 32 bytes."""
    return sha256(secret).digest()


def report_message(keys: Sequence[ReportKey]) -> bytes:
    """What a report token signs, 32 bytes. Raises FormatError, LimitError for keys that make no report. section 3"""
    _check_report_keys(keys)
    return sha256(b"OWNHUE-REPORT" + cbor_encode([list(key) for key in keys])).digest()


def withdrawal_message(key_datas: Sequence[bytes]) -> bytes:
    """What a withdrawal token signs, 32 bytes. Raises FormatError, LimitError. section 6"""
    _check_key_datas(key_datas)
    return sha256(b"OWNHUE-WITHDRAWAL" + cbor_encode(list(key_datas))).digest()


@dataclass(frozen=True)
class Report:
    """Keys with the token that allows to report them. Raises FormatError, LimitError; the token is not verified."""

    key_id: bytes
    """Which token key signed: 32 bytes."""
    signature: bytes = field(repr=False)
    """The token."""
    keys: tuple[ReportKey, ...] = field(repr=False)
    """1 to 180 keys in order of their start, none overlapping."""

    def __post_init__(self) -> None:
        _check_token(self.key_id, self.signature)
        _check_report_keys(self.keys)

    def message(self) -> bytes:
        """What the token has to sign."""
        return report_message(self.keys)


@dataclass(frozen=True)
class Withdrawal:
    """Keys that are taken back, with their secrets. Raises FormatError, LimitError; nothing is verified."""

    key_id: bytes
    """Which token key signed (report type REVOKED): 32 bytes."""
    signature: bytes = field(repr=False)
    """The token."""
    keys: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    """1 to 180 pairs of key data (16 bytes) and withdrawal secret (32 bytes)."""

    def __post_init__(self) -> None:
        _check_token(self.key_id, self.signature)
        _check_key_datas([data for data, _ in self.keys])
        if any(not _is_bytes(secret, _HASH_BYTES) for _, secret in self.keys):
            raise FormatError(f"a withdrawal secret has {_HASH_BYTES} bytes")

    def message(self) -> bytes:
        """What the token has to sign."""
        return withdrawal_message([data for data, _ in self.keys])


def _is_bytes(value: Any, length: int) -> bool:
    return isinstance(value, bytes) and len(value) == length


def _is_int(*values: Any) -> bool:
    # True and False are integers to Python, but not on the wire.
    return all(type(value) is int for value in values)


def _check_token(key_id: Any, signature: Any) -> None:
    if not _is_bytes(key_id, _HASH_BYTES):
        raise FormatError(f"a token key's id has {_HASH_BYTES} bytes")
    if not isinstance(signature, bytes) or len(signature) not in _SIGNATURE_BYTES:
        raise FormatError("a token has 256 to 512 bytes")


def _check_count(count: int) -> None:
    if count > MAX_REPORT_KEYS:
        raise LimitError(f"{count} keys are more than {MAX_REPORT_KEYS}")
    if count < 1:
        raise FormatError("no key at all")


def _check_key_datas(key_datas: Sequence[Any]) -> None:
    _check_count(len(key_datas))
    if any(not _is_bytes(data, 16) for data in key_datas):
        raise FormatError("a key has 16 bytes")
    if len(set(key_datas)) < len(key_datas):
        raise FormatError("a key occurs twice")


def _check_report_keys(keys: Sequence[ReportKey]) -> None:
    _check_key_datas([key.data for key in keys])
    for key in keys:
        days = key.days_since_onset
        if not _is_int(key.rolling_start, key.rolling_period, 0 if days is None else days):
            raise FormatError("a key's times are integers")
        TemporaryExposureKey(key.data, key.rolling_start, key.rolling_period)
        if days is not None and not -_MAX_DAYS <= days <= _MAX_DAYS:
            raise FormatError(f"{days} days since onset are outside -{_MAX_DAYS} to {_MAX_DAYS}")
        if not _is_bytes(key.commitment, _HASH_BYTES):
            raise FormatError(f"a commitment has {_HASH_BYTES} bytes")
    for before, after in pairwise(keys):
        # A phone uses one key at a time, so keys that overlap are not those of one phone.
        if before.rolling_start + before.rolling_period > after.rolling_start:
            raise FormatError("keys overlap or are not in order of time")


def seal(report: Report | Withdrawal, publisher_key: bytes) -> bytes:
    """The report for the publisher's eyes only (X25519 *publisher_key*, 32 bytes): 12,048 bytes always. section 5

    Raises FormatError when *publisher_key* is no usable key."""
    kind = "report" if isinstance(report, Report) else "withdrawal"
    keys = [list(key) for key in report.keys]
    body = {"kind": kind, "key_id": report.key_id, "signature": report.signature, "keys": keys}
    plain = frame(cbor_encode(body), PLAIN_BYTES)
    try:
        return bytes(SealedBox(PublicKey(publisher_key)).encrypt(plain))
    except (CryptoError, TypeError) as error:
        raise FormatError("the publisher's key is no X25519 key") from error


def open_sealed(data: bytes, private_key: PrivateKey) -> Report | Withdrawal:
    """The report sealed in *data*. Raises VerificationError when it is altered or sealed to another key, FormatError
    and LimitError when its content breaks the format. The token in it is not verified here. section 5"""
    if len(data) != SEALED_BYTES:
        raise FormatError(f"a sealed report has {SEALED_BYTES} bytes, not {len(data)}")
    try:
        plain = SealedBox(private_key).decrypt(data)
    except CryptoError as error:
        raise VerificationError("altered, or not sealed to this publisher") from error
    return _parse(cbor_decode(unframe(plain, PLAIN_BYTES)))


def _parse(body: Any) -> Report | Withdrawal:
    match body:
        case {"kind": "report", "key_id": key_id, "signature": signature, "keys": list(keys), **rest} if not rest:
            return Report(key_id, signature, tuple(ReportKey(*_items(key, 5)) for key in keys))
        case {"kind": "withdrawal", "key_id": key_id, "signature": signature, "keys": list(keys), **rest} if not rest:
            return Withdrawal(key_id, signature, tuple((data, secret) for data, secret in (_items(k, 2) for k in keys)))
    raise FormatError("neither a report nor a withdrawal")


def _items(value: Any, count: int) -> list[Any]:
    if not isinstance(value, list) or len(value) != count:
        raise FormatError(f"a key of this report is a list of {count} items")
    return value
