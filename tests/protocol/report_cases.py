"""Reports for tests: keys, token keys and tokens. Nothing is random: the same call always gives the same bytes."""

from hashlib import blake2b
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from nacl.bindings import crypto_box, crypto_scalarmult_base
from nacl.public import PrivateKey

from ownhue.blind_rsa import blind_sign
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
    withdrawal_secrets,
)
from tests.conformance.scripted import Stream, rsa_key

WEEK = 2921
START = 2_944_800
#: An hour after the last of three keys has ended; in the week before WEEK's end.
NOW = (START + 36) * 600 + 3600
PHONE_SECRET = bytes(range(32))
PUBLISHER = PrivateKey(bytes(range(1, 33)))
PUBLISHER_KEY = bytes(PUBLISHER.public_key)


class Signer(NamedTuple):
    """Both halves of a report-token key."""

    private: RSAPrivateKey
    public: ReportTokenKey


def signer(report_type: ReportType = ReportType.CONFIRMED_TEST, week: int = WEEK, bits: int = 2048) -> Signer:
    """The authority's key for a report type and week."""
    private = rsa_key(f"report {int(report_type)} {week}", bits)
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
    request = request_token(message, by.public, Stream(f"token {message.hex()}"))
    return finish_token(request, by.public, blind_sign(by.private, request.blinded_message, Stream("signer")))


def report(count: int = 3, by: Signer | None = None) -> Report:
    """A report of *count* keys with its token."""
    by = by or signer()
    return Report(by.public.key_id, token(report_message(keys(count)), by), keys(count))


def withdrawal(count: int = 3) -> Withdrawal:
    """The withdrawal of the same keys."""
    return withdrawal_of([key.data for key in keys(count)])


def withdrawal_of(datas: list[bytes]) -> Withdrawal:
    """The withdrawal of some keys, with a token for exactly these."""
    by = signer(ReportType.REVOKED)
    message = withdrawal_message(datas)
    return Withdrawal(by.public.key_id, token(message, by), withdrawal_secrets(PHONE_SECRET, datas))


def seal_plain(plain: bytes, ephemeral: bytes = Stream("ephemeral")(32)) -> bytes:
    """Any bytes, sealed correctly: anybody can do that. libsodium's crypto_box_seal, written a second time."""
    sender = crypto_scalarmult_base(ephemeral)
    nonce = blake2b(sender + PUBLISHER_KEY, digest_size=24).digest()
    return sender + crypto_box(plain, nonce, PUBLISHER_KEY, ephemeral)
