"""Reports: a positive's own keys, on their way to the publisher without a name. specs/report.md

The authority blind-signs a token over the hash of the keys without seeing it; the publisher checks that token later and
cannot tell whose claim it came from::

    message = report_message(keys)                                  # phone
    request = request_token(message, token_key, os.urandom)         # phone -> authority: request.blinded_message
    signature = finish_token(request, token_key, blind_signature)   # phone
    data = seal(Report(token_key.key_id, signature, keys), publisher_key, os.urandom)   # phone, or desk -> publisher
    report, token_key = check_report(data, private_key, token_keys, now)                # publisher

Everything is here under one name; the modules are ``content``, ``token``, ``sealed``, ``parts`` and ``check``.
"""

from ownhue.report.check import check_report, check_secrets, check_times, find_token_key
from ownhue.report.content import (
    Report,
    ReportKey,
    Withdrawal,
    commitment_of,
    report_message,
    withdrawal_message,
    withdrawal_secret,
    withdrawal_secrets,
)
from ownhue.report.parts import REPORT_PARTS, ReportScan, split_report
from ownhue.report.sealed import PLAIN_BYTES, SEALED_BYTES, open_sealed, read_report_file, report_file, seal
from ownhue.report.token import (
    ReportTokenKey,
    TokenRequest,
    finish_token,
    is_accepted_week,
    report_keys_body,
    report_keys_from_body,
    request_token,
    verify_token,
    week_of,
)

__all__ = [
    "PLAIN_BYTES",
    "REPORT_PARTS",
    "SEALED_BYTES",
    "Report",
    "ReportKey",
    "ReportScan",
    "ReportTokenKey",
    "TokenRequest",
    "Withdrawal",
    "check_report",
    "check_secrets",
    "check_times",
    "commitment_of",
    "find_token_key",
    "finish_token",
    "is_accepted_week",
    "open_sealed",
    "read_report_file",
    "report_file",
    "report_keys_body",
    "report_keys_from_body",
    "report_message",
    "request_token",
    "seal",
    "split_report",
    "verify_token",
    "week_of",
    "withdrawal_message",
    "withdrawal_secret",
    "withdrawal_secrets",
]
