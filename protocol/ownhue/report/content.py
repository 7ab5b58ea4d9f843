"""What a report and a withdrawal hold, and what their tokens sign. specs/report.md sections 3, 4 and 6

- A Report or Withdrawal that breaks a rule of the format cannot be made, neither by a phone nor by a parser.
- Nothing in it is an identifier of a person, a phone or an upload. A withdrawal proves itself by one secret per key,
  whose hash went with the report.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ownhue.encoding import cbor_encode
from ownhue.errors import FormatError, LimitError
from ownhue.identifiers import check_validity
from ownhue.params import MAX_REPORT_KEYS

#: Bytes of a withdrawal secret and of its commitment. specs/report.md section 6
SECRET_BYTES = 32
#: Bytes of a token, least and most: an RSA modulus of 2048 to 4096 bits. specs/report.md section 4
TOKEN_BYTES = range(256, 513)
#: Most days before and after the onset of symptoms. specs/report.md section 4
MAX_ONSET_DAYS = 14


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
    return HKDF(hashes.SHA256(), SECRET_BYTES, salt=None, info=b"OWNHUE-WITHDRAW" + key_data).derive(phone_secret)


def withdrawal_secrets(phone_secret: bytes, key_datas: Sequence[bytes]) -> tuple[tuple[bytes, bytes], ...]:
    """The keys of a withdrawal: each with its secret. All keys of a report, or those that its owner takes back."""
    return tuple((data, withdrawal_secret(phone_secret, data)) for data in key_datas)


def commitment_of(secret: bytes) -> bytes:
    """What is reported of a withdrawal secret: its SHA-256, 32 bytes."""
    return sha256(secret).digest()


def report_message(keys: Sequence[ReportKey]) -> bytes:
    """What a report token signs, 32 bytes. Raises FormatError, LimitError for keys that make no report. section 3"""
    _check_report_keys(keys)
    return _message_of(keys)


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
        return _message_of(self.keys)


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
        if any(not _is_bytes(secret, SECRET_BYTES) for _, secret in self.keys):
            raise FormatError(f"a withdrawal secret has {SECRET_BYTES} bytes")

    def message(self) -> bytes:
        """What the token has to sign."""
        return withdrawal_message([data for data, _ in self.keys])


def _message_of(keys: Sequence[ReportKey]) -> bytes:
    """The message of keys that were checked."""
    return sha256(b"OWNHUE-REPORT" + cbor_encode([list(key) for key in keys])).digest()


def _is_bytes(value: Any, length: int) -> bool:
    return isinstance(value, bytes) and len(value) == length


def _check_token(key_id: Any, signature: Any) -> None:
    if not _is_bytes(key_id, SECRET_BYTES):
        raise FormatError(f"a token key's id has {SECRET_BYTES} bytes")
    if not isinstance(signature, bytes) or len(signature) not in TOKEN_BYTES:
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
    used_until = 0
    for _data, start, period, days, commitment in keys:
        # True and False are integers to Python, but not on the wire.
        if not (type(start) is type(period) is int and (days is None or type(days) is int)):
            raise FormatError("a key's times are integers")
        check_validity(start, period)
        if days is not None and not -MAX_ONSET_DAYS <= days <= MAX_ONSET_DAYS:
            raise FormatError(f"{days} days since onset are outside -{MAX_ONSET_DAYS} to {MAX_ONSET_DAYS}")
        if not _is_bytes(commitment, SECRET_BYTES):
            raise FormatError(f"a commitment has {SECRET_BYTES} bytes")
        # A phone uses one key at a time, so keys that overlap are not those of one phone.
        if start < used_until:
            raise FormatError("keys overlap or are not in order of time")
        used_until = start + period
