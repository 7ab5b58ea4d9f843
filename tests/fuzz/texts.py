"""Targets: encodings, and the short texts that people type, hand over and scan."""

from typing import Any

from ownhue import challenge, claim_code, code, encoding
from ownhue.device import open_request
from ownhue.passes import EpochList
from ownhue.past_keys import PastKeys
from ownhue.report import PLAIN_BYTES, Report, Withdrawal
from ownhue.report import parts as report_parts
from ownhue.report import sealed as sealed_report
from ownhue.report.token import report_keys_body, report_keys_from_body
from ownhue.spoken import heard
from ownhue.ticket import open_ticket
from tests.fuzz import seeds
from tests.fuzz.target import Target, text
from tests.protocol.report_cases import PUBLISHER, report, seal_plain, withdrawal


def _frame(data: bytes) -> bytes:
    return encoding.unframe(data, len(data))


def _device(data: bytes) -> Any:
    body = encoding.cbor_decode(data)
    return open_request(b"OWNHUE-PASSES", body, 0, 2**62) if isinstance(body, dict) else None


def _body(data: bytes) -> dict[str, Any]:
    body = encoding.parse_canonical_json(data)
    return body if isinstance(body, dict) else {}


def _first_ticket() -> Any:
    return seeds.cases("ticket", "open_ticket")[0]["input"]


def _report(data: bytes) -> Any:
    """A sealed report that holds *data*."""
    return sealed_report.open_sealed(seal_plain(encoding.frame(data, PLAIN_BYTES)), PUBLISHER)


def _report_content(value: Report | Withdrawal) -> bytes:
    kind = "report" if isinstance(value, Report) else "withdrawal"
    keys = [list(key) for key in value.keys]
    return encoding.cbor_encode({"kind": kind, "key_id": value.key_id, "signature": value.signature, "keys": keys})


TARGETS = {
    "cbor": Target(encoding.cbor_decode, encoding.cbor_encode, seeds.data("encoding", "cbor_decode")),
    "json": Target(encoding.parse_canonical_json, encoding.canonical_json, seeds.data("encoding", "json_decode")),
    "base45": Target(
        text(encoding.base45_decode),
        lambda value: encoding.base45_encode(value).encode(),
        seeds.texts("encoding", "base45_decode"),
    ),
    "base64url": Target(
        text(encoding.base64url_decode),
        lambda value: encoding.base64url_encode(value).encode(),
        seeds.texts("encoding", "base64url_decode"),
    ),
    "frame": Target(_frame, None, seeds.data("encoding", "unframe")),
    "claim-code": Target(text(claim_code.parse_claim_code), None, seeds.texts("claim-code", "parse_claim_code")),
    "ticket": Target(
        text(lambda value: open_ticket(value, bytes.fromhex(_first_ticket()["verify_key"]), 0)),
        None,
        seeds.texts("ticket", "open_ticket"),
    ),
    "spoken": Target(text(heard), None, seeds.texts("device", "heard")),
    "device-request": Target(_device, None, seeds.data("device", "open_request", "request")),
    "code": Target(
        text(code.decode_code), lambda value: code.encode_code(value).encode(), seeds.texts("code", "decode_code")
    ),
    "challenge": Target(
        text(challenge.parse_challenge),
        lambda value: challenge.encode_challenge(value).encode(),
        seeds.texts("code", "parse_challenge"),
    ),
    "epoch-list": Target(
        lambda data: EpochList.from_body(_body(data)),
        lambda value: encoding.canonical_json(value.to_body()),
        seeds.these(b'{"epochs":[],"issuer":"issuer.example"}'),
    ),
    "past-epochs": Target(
        lambda data: PastKeys.from_body(_body(data)),
        lambda value: encoding.canonical_json(value.to_body()),
        seeds.these(b'{"issuer":"issuer.example","keys":[]}'),
    ),
    "report-keys": Target(
        lambda data: report_keys_from_body(_body(data)),
        lambda value: encoding.canonical_json(report_keys_body(value)),
        seeds.these(b'{"keys":[]}'),
    ),
    "report-part": Target(
        text(report_parts.parse_part),
        lambda value: report_parts.encode_part(value).encode(),
        seeds.texts("report", "parse_part"),
    ),
    "report-file": Target(
        sealed_report.read_report_file, sealed_report.report_file, seeds.data("report", "read_report_file", "file")
    ),
    "report-content": Target(
        _report, _report_content, lambda: [_report_content(report()), _report_content(withdrawal())]
    ),
}
