"""Report tokens: the authority allows a report without seeing it. specs/report.md section 3

A token is a blind signature (RFC 9474, RSABSSA-SHA384-PSS-Deterministic) over the hash of a report's keys, under a key
that stands for one report type in one week::

    request = request_token(message, token_key, os.urandom)         # phone -> authority: request.blinded_message only
    signature = finish_token(request, token_key, blind_signature)   # phone: verified before it is kept
    verify_token(message, signature, token_key)                     # publisher, later

- A token says what kind of result there was and in which week, nothing else.
- One key per report type and week: a second one would tell apart whom it was shown to.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from ownhue.blind_rsa import (
    RSABSSA_SHA384_PSS_DETERMINISTIC,
    blind,
    finalize,
    load_pss_spki,
    prepare,
    pss_spki,
    verify,
)
from ownhue.encoding import base64url_decode, base64url_encode
from ownhue.errors import FormatError, LimitError
from ownhue.params import ReportType

#: Length in seconds of the week for which one token key signs. specs/report.md section 3
WEEK_SECONDS = 604_800
#: Most keys in one list of token keys: a few weeks of five report types. specs/report.md section 3
MAX_TOKEN_KEYS = 64
#: Weeks before the present one whose tokens are accepted: a phone waits before it sends. specs/report.md section 3
TOKEN_WEEKS_BACK = 2

_VARIANT = RSABSSA_SHA384_PSS_DETERMINISTIC
_MAX_WEEK = 2**32


@dataclass(frozen=True)
class ReportTokenKey:
    """The authority's public key for tokens of one report type in one week."""

    report_type: ReportType
    """What a token of this key makes of the keys it comes with."""
    week: int
    """unix // 604800."""
    public_key: RSAPublicKey = field(repr=False)
    """RSA, 2048 to 4096 bits, used for nothing else."""

    @cached_property
    def key_id(self) -> bytes:
        """SHA-256 of the key's SubjectPublicKeyInfo, 32 bytes."""
        return sha256(pss_spki(self.public_key)).digest()


def week_of(unix: int) -> int:
    """The week of a time in unix seconds; weeks begin on Thursdays, as the unix epoch did."""
    return unix // WEEK_SECONDS


def is_accepted_week(week: int, now: int) -> bool:
    """Whether a publisher takes tokens of *week* at *now* (unix seconds): this week's and the two before."""
    return week_of(now) - TOKEN_WEEKS_BACK <= week <= week_of(now)


def report_keys_body(keys: Sequence[ReportTokenKey]) -> dict[str, Any]:
    """The body of the signed document "report-keys". specs/report.md section 3"""
    return {
        "keys": [
            {"report_type": int(key.report_type), "week": key.week, "spki": base64url_encode(pss_spki(key.public_key))}
            for key in sorted(keys, key=lambda key: (key.week, key.report_type))
        ]
    }


def report_keys_from_body(body: Mapping[str, Any]) -> tuple[ReportTokenKey, ...]:
    """The keys of a document's body, by week and report type. Raises FormatError, also for two keys of one report type
    and week, and for one key in two places: either would tell phones or reports apart. specs/report.md section 3"""
    match body:
        case {"keys": list(entries), **rest} if not rest:
            if len(entries) > MAX_TOKEN_KEYS:
                raise LimitError(f"more than {MAX_TOKEN_KEYS} report token keys")
            keys = tuple(_token_key(entry) for entry in entries)
        case _:
            raise FormatError("not a list of report token keys")
    places = [(key.week, key.report_type) for key in keys]
    if any(before >= after for before, after in pairwise(places)):
        raise FormatError("report token keys are not in order, or two serve one report type and week")
    if len({key.key_id for key in keys}) < len(keys):
        raise FormatError("one report token key serves two report types or weeks")
    return keys


def _token_key(entry: Any) -> ReportTokenKey:
    match entry:
        case {"report_type": kind, "week": week, "spki": str(spki), **rest} if (
            not rest and type(kind) is type(week) is int
        ):
            if ReportType.CONFIRMED_TEST <= kind <= ReportType.REVOKED and 0 <= week < _MAX_WEEK:
                return ReportTokenKey(ReportType(kind), week, load_pss_spki(base64url_decode(spki)))
    raise FormatError("not a report token key")


@dataclass(frozen=True)
class TokenRequest:
    """A token in the making, on the phone. Only ``blinded_message`` is for the authority's eyes."""

    blinded_message: bytes
    """As many bytes as the token key's modulus."""
    inverse: int = field(repr=False)
    """Takes the blinding off again; whoever learns it can link claim and report."""
    message: bytes = field(repr=False)
    """report_message or withdrawal_message of the keys, 32 bytes."""


def request_token(message: bytes, token_key: ReportTokenKey, random: Callable[[int], bytes]) -> TokenRequest:
    """Blind *message* (32 bytes) for the authority. specs/report.md section 3"""
    blinded = blind(token_key.public_key, prepare(_VARIANT, message, random), _VARIANT, random)
    return TokenRequest(blinded.message, blinded.inverse, message)


def finish_token(request: TokenRequest, token_key: ReportTokenKey, blind_signature: bytes) -> bytes:
    """The token of the authority's answer. Raises FormatError, VerificationError for an answer that gives none."""
    return finalize(token_key.public_key, request.message, blind_signature, request.inverse, _VARIANT)


def verify_token(message: bytes, signature: bytes, token_key: ReportTokenKey) -> None:
    """Raises VerificationError unless *signature* is a token of *token_key* for *message* (32 bytes)."""
    verify(token_key.public_key, message, signature, _VARIANT)
