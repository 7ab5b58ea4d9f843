"""Reports for tests: keys, token keys and tokens, made once."""

import os
from functools import cache
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from nacl.public import PrivateKey

from ownhue.blind_rsa import blind_sign, generate_key
from ownhue.params import ReportType
from ownhue.report import (
    Report,
    ReportKey,
    ReportTokenKey,
    Withdrawal,
    commitment_of,
    finish_token,
    report_message,
    request_token,
    withdrawal_message,
    withdrawal_secret,
)

WEEK = 2921
START = 2_944_800
PHONE_SECRET = bytes(range(32))
PUBLISHER = PrivateKey(bytes(range(1, 33)))
PUBLISHER_KEY = bytes(PUBLISHER.public_key)


class Signer(NamedTuple):
    """Both halves of a report-token key."""

    private: RSAPrivateKey
    public: ReportTokenKey


@cache
def signer(report_type: ReportType = ReportType.CONFIRMED_TEST, week: int = WEEK, bits: int = 2048) -> Signer:
    """The authority's key for a report type and week."""
    private = generate_key(bits)
    return Signer(private, ReportTokenKey(report_type, week, private.public_key()))


def keys(count: int) -> tuple[ReportKey, ...]:
    """*count* keys of two hours, one after the other."""
    datas = [number.to_bytes(16, "big") for number in range(count)]
    return tuple(
        ReportKey(
            data,
            START + 12 * number,
            12,
            (-1, 0, None)[number % 3],
            commitment_of(withdrawal_secret(PHONE_SECRET, data)),
        )
        for number, data in enumerate(datas)
    )


def token(message: bytes, by: Signer) -> bytes:
    """A token over *message*, by the steps of phone and authority."""
    request = request_token(message, by.public, os.urandom)
    return finish_token(request, by.public, blind_sign(by.private, request.blinded_message, os.urandom))


def report(count: int = 3, by: Signer | None = None) -> Report:
    """A report of *count* keys with its token."""
    by = by or signer()
    return Report(by.public.key_id, token(report_message(keys(count)), by), keys(count))


def withdrawal(count: int = 3) -> Withdrawal:
    """The withdrawal of the same keys."""
    by = signer(ReportType.REVOKED)
    pairs = tuple((key.data, withdrawal_secret(PHONE_SECRET, key.data)) for key in keys(count))
    return Withdrawal(by.public.key_id, token(withdrawal_message([data for data, _ in pairs]), by), pairs)
