"""A phone's side of reporting, by hand from the protocol library: keys, claim, report, withdrawal."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ownhue.documents import open_document
from ownhue.params import INTERVAL_SECONDS, KEY_PERIOD, ReportType
from ownhue.region import Region
from ownhue.report import (
    Report,
    ReportKey,
    ReportTokenKey,
    Withdrawal,
    commitment_of,
    finish_token,
    report_keys_from_body,
    report_message,
    request_token,
    seal,
    withdrawal_message,
    withdrawal_secret,
)

#: Sends a map to a phone endpoint and gives the answer's map.
Ask = Callable[[str, dict[str, Any]], dict[str, Any]]

CLAIM, REPORT = "/authority/v1/claim", "/publisher/v1/report"


def token_keys(document: bytes, region: Region) -> list[ReportTokenKey]:
    """The keys of a signed list."""
    return list(report_keys_from_body(open_document(document, "report-keys", [region.authority_key_bytes])))


def token_key(document: bytes, region: Region, report_type: ReportType, week: int) -> ReportTokenKey:
    """The key for a report type and a week."""
    (key,) = (key for key in token_keys(document, region) if (key.report_type, key.week) == (report_type, week))
    return key


@dataclass
class Patient:
    """Somebody with keys."""

    keys: list[ReportKey]
    secret: bytes = field(default_factory=lambda: os.urandom(32))
    signature: bytes = b""

    @classmethod
    def with_keys(cls, now: int, count: int = 14, *, current: bool = False) -> "Patient":
        """Somebody whose phone was on for the last *count* key periods; *current*: also in the one of now, cut."""
        secret = os.urandom(32)
        this_period = now // INTERVAL_SECONDS // KEY_PERIOD * KEY_PERIOD
        spans = [(this_period - number * KEY_PERIOD, KEY_PERIOD) for number in range(count, 0, -1)]
        if current:
            spans.append((this_period, now // INTERVAL_SECONDS + 1 - this_period))
        return cls([make_key(secret, start, period) for start, period in spans], secret)

    @property
    def datas(self) -> list[bytes]:
        """The keys themselves."""
        return [key.data for key in self.keys]

    def claim(self, ask: Ask, code: str, key: ReportTokenKey) -> None:
        """Claim *code* for a token over this patient's keys."""
        self.signature = claim_token(ask, code, report_message(self.keys), key)

    def sealed(self, key: ReportTokenKey, region: Region) -> bytes:
        """The sealed report."""
        return seal(Report(key.key_id, self.signature, tuple(self.keys)), region.publisher_key_bytes, os.urandom)

    def withdrawal(self, signature: bytes, key: ReportTokenKey, region: Region) -> bytes:
        """The sealed withdrawal of all keys."""
        pairs = tuple((data, withdrawal_secret(self.secret, data)) for data in self.datas)
        return seal(Withdrawal(key.key_id, signature, pairs), region.publisher_key_bytes, os.urandom)


def make_key(secret: bytes, start: int, period: int = KEY_PERIOD, onset: int | None = 1) -> ReportKey:
    """A new key."""
    data = os.urandom(16)
    return ReportKey(data, start, period, onset, commitment_of(withdrawal_secret(secret, data)))


def claim_token(ask: Ask, code: str, message: bytes, key: ReportTokenKey) -> bytes:
    """The token (signature) over *message* for *code*."""
    request = request_token(message, key, os.urandom)
    answer = ask(CLAIM, {"code": code, "blinded": request.blinded_message, "key_id": key.key_id})
    assert answer["ok"], answer
    return finish_token(request, key, answer["signature"])


def revoke_message(datas: Sequence[bytes]) -> bytes:
    """The message of a withdrawal of *datas*."""
    return withdrawal_message(datas)
