"""What a publisher checks before it keeps a key. specs/report.md section 5 numbers the steps.

    report, token_key = check_report(data, private_key, token_keys, now)       # steps 1 to 7
    check_secrets(withdrawal, commitments)                                     # (8): only its own keys are taken back

What only storage knows is the caller's: whether a token was spent, and which commitments came with which keys. Both
belong into the transaction that keeps the keys.
"""

from collections.abc import Iterable, Mapping

from nacl.public import PrivateKey

from ownhue.errors import VerificationError
from ownhue.identifiers import interval_number
from ownhue.params import EPOCH_SECONDS, INTERVAL_SECONDS, MATCH_TOLERANCE, RETENTION_DAYS, ReportType
from ownhue.report.content import Report, ReportKey, Withdrawal, commitment_of
from ownhue.report.sealed import open_sealed
from ownhue.report.token import ReportTokenKey, is_accepted_week, verify_token

#: A report may be sent this many seconds after its oldest key left the fourteen days, for phones that wait before they
#: send. specs/report.md section 5
REPORT_GRACE_SECONDS = 86_400


def check_report(
    data: bytes, private_key: PrivateKey, token_keys: Mapping[bytes, ReportTokenKey], now: int
) -> tuple[Report | Withdrawal, ReportTokenKey]:
    """What is sealed in *data* and the token key that allowed it; *token_keys* by id, *now* in unix seconds.

    Raises FormatError, LimitError or VerificationError at the first of the steps 1 to 7 that does not hold.
    """
    opened = open_sealed(data, private_key)  # (1) to (4)
    token_key = find_token_key(opened, token_keys, now)  # (5)
    verify_token(opened.message(), opened.signature, token_key)  # (6): the token allows exactly these keys
    if isinstance(opened, Report):
        check_times(opened.keys, now)  # (7)
    return opened, token_key


def find_token_key(opened: Report | Withdrawal, token_keys: Mapping[bytes, ReportTokenKey], now: int) -> ReportTokenKey:
    """(5): the token key is known, its week is accepted, and it is of type "revoked" exactly for withdrawals."""
    key = token_keys.get(opened.key_id)
    if key is None or not is_accepted_week(key.week, now):
        raise VerificationError("the token key is not known, or its week is not accepted")
    if isinstance(opened, Withdrawal) != (key.report_type == ReportType.REVOKED):
        raise VerificationError("the token key is of another kind than the report")
    return key


def check_times(keys: Iterable[ReportKey], now: int) -> None:
    """(7): no key is of the future, and none has been too old for longer than the grace."""
    latest = (interval_number(now) + 1 + MATCH_TOLERANCE) * INTERVAL_SECONDS
    earliest = now - RETENTION_DAYS * EPOCH_SECONDS - REPORT_GRACE_SECONDS
    ends = [(key.rolling_start + key.rolling_period) * INTERVAL_SECONDS for key in keys]
    if any(not earliest < end <= latest for end in ends):
        raise VerificationError("a key is too old, or of the future")


def check_secrets(withdrawal: Withdrawal, commitments: Mapping[bytes, bytes]) -> None:
    """(8): every key was reported, with the commitment of this secret. *commitments* by key data."""
    for data, secret in withdrawal.keys:
        if commitments.get(data) != commitment_of(secret):
            raise VerificationError("a key was not reported, or not with this secret")
