"""Operations of specs/report.md on vectors: messages, token keys, sealed reports, their files and QR codes, checks.

A key of a report is [key, rolling_start, rolling_period, days_since_onset, commitment] as in its CBOR, bytes in
hexadecimal; one of a withdrawal is [key, secret].
"""

from collections.abc import Callable, Mapping
from typing import Any

from nacl.public import PrivateKey

from ownhue.conformance.given import Given
from ownhue.errors import FormatError
from ownhue.report import (
    Report,
    ReportKey,
    ReportScan,
    Withdrawal,
    check_secrets,
    check_times,
    commitment_of,
    find_token_key,
    is_accepted_week,
    open_sealed,
    read_report_file,
    report_file,
    report_keys_from_body,
    report_message,
    seal,
    split_report,
    verify_token,
    week_of,
    withdrawal_message,
    withdrawal_secret,
)
from ownhue.report.parts import parse_part

Question = Mapping[str, Any]


def _keys(lists: Any) -> tuple[ReportKey, ...]:
    return tuple(
        ReportKey(bytes.fromhex(data), start, period, days, bytes.fromhex(commitment))
        for data, start, period, days, commitment in lists
    )


def _content(question: Question) -> Report | Withdrawal:
    key_id, signature = bytes.fromhex(question["key_id"]), bytes.fromhex(question["signature"])
    if question["kind"] == "report":
        return Report(key_id, signature, _keys(question["keys"]))
    if question["kind"] == "withdrawal":
        pairs = tuple((bytes.fromhex(data), bytes.fromhex(secret)) for data, secret in question["keys"])
        return Withdrawal(key_id, signature, pairs)
    raise FormatError("a report or a withdrawal")


def _told(content: Report | Withdrawal) -> dict[str, Any]:
    return {
        "kind": "report" if isinstance(content, Report) else "withdrawal",
        "key_id": content.key_id.hex(),
        "signature": content.signature.hex(),
        "keys": [[part.hex() if isinstance(part, bytes) else part for part in key] for key in content.keys],
        "message": content.message().hex(),
    }


def _report_message(question: Question) -> Any:
    return {"message": report_message(_keys(question["keys"])).hex()}


def _withdrawal_message(question: Question) -> Any:
    return {"message": withdrawal_message([bytes.fromhex(data) for data in question["keys"]]).hex()}


def _withdrawal_secret(question: Question) -> Any:
    secret = withdrawal_secret(bytes.fromhex(question["phone_secret"]), bytes.fromhex(question["key"]))
    return {"secret": secret.hex(), "commitment": commitment_of(secret).hex()}


def _report_keys(question: Question) -> Any:
    keys = report_keys_from_body(question["body"])
    return [{"report_type": int(key.report_type), "week": key.week, "key_id": key.key_id.hex()} for key in keys]


def _accepted_week(question: Question) -> Any:
    return {"week_of_now": week_of(question["now"]), "accepted": is_accepted_week(question["week"], question["now"])}


def _seal(question: Question) -> Any:
    sealed = seal(_content(question["content"]), bytes.fromhex(question["publisher_key"]), Given(question["ephemeral"]))
    return {"sealed": sealed.hex()}


def _private(question: Question) -> PrivateKey:
    return PrivateKey(bytes.fromhex(question["private_key"]))


def _open_sealed(question: Question) -> Any:
    return _told(open_sealed(bytes.fromhex(question["sealed"]), _private(question)))


def _check_report(question: Question) -> Any:
    """Steps 5 to 7 of section 5, on a content that was opened."""
    keys = {key.key_id: key for key in report_keys_from_body(question["report_keys"])}
    content = _content(question["content"])
    key = find_token_key(content, keys, question["now"])
    verify_token(content.message(), content.signature, key)
    if isinstance(content, Report):
        check_times(content.keys, question["now"])
    return {"report_type": int(key.report_type), "week": key.week}


def _check_secrets(question: Question) -> Any:
    content = _content(question["content"])
    if not isinstance(content, Withdrawal):
        raise FormatError("a report has no secrets")
    commitments = {bytes.fromhex(key): bytes.fromhex(value) for key, value in question["commitments"].items()}
    check_secrets(content, commitments)
    return {}


def _report_file(question: Question) -> Any:
    return {"file": report_file(bytes.fromhex(question["sealed"])).hex()}


def _read_report_file(question: Question) -> Any:
    return {"sealed": read_report_file(bytes.fromhex(question["file"])).hex()}


def _split_report(question: Question) -> Any:
    return {"texts": list(split_report(bytes.fromhex(question["sealed"])))}


def _parse_part(question: Question) -> Any:
    part = parse_part(question["text"])
    return {"number": part.number, "digest": part.digest.hex(), "chunk": part.chunk.hex()}


def _scan(question: Question) -> Any:
    """The report of texts as a camera read them, in that order."""
    scan = ReportScan()
    for text in question["texts"]:
        scan = scan.add(text)
    return {"missing": list(scan.missing), "sealed": None if scan.missing else scan.sealed().hex()}


OPERATIONS: dict[str, Callable[[Question], Any]] = {
    "report_message": _report_message,
    "withdrawal_message": _withdrawal_message,
    "withdrawal_secret": _withdrawal_secret,
    "report_keys": _report_keys,
    "accepted_week": _accepted_week,
    "seal": _seal,
    "open_sealed": _open_sealed,
    "check_report": _check_report,
    "check_secrets": _check_secrets,
    "report_file": _report_file,
    "read_report_file": _read_report_file,
    "split_report": _split_report,
    "parse_part": _parse_part,
    "scan": _scan,
}
