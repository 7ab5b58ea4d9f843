"""Reporting a positive result, and taking a wrong one back. specs/report.md

    phone.report_periods(now)                                   # look at what would be reported
    phone.claim("4719 0352", tested_on, onset, now)             # which keys is settled here, unseen by the authority
    phone.report(later)                                         # or phone.seal_report(later) -> bytes for the desk

- The token covers the very list of keys, so that list is settled at the claim: the owner looks at it and leaves out
  what should stay private before. Past periods in which nobody was heard are never in it.
- The current key is ended at the claim, with the present interval, so that it can be in the list.
- What is sent lies in the store before, and is sent again byte by byte when an answer was lost, unless the publisher's
  key was replaced in between.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from ownhue.claim_code import parse_claim_code
from ownhue.colour import OwnResult
from ownhue.errors import StateError
from ownhue.identifiers import interval_number
from ownhue.params import MAX_REPORT_KEYS, ReportType
from ownhue.report import Report, ReportKey, commitment_of, report_message, seal
from ownhue_client.phone.door import Door, RefusedError
from ownhue_client.phone.keys import OwnKeys
from ownhue_client.phone.outgoing import REPORT_ITEM, Outgoing
from ownhue_client.phone.periods import Periods
from ownhue_client.phone.records import day_of, result_record
from ownhue_client.phone.store import Store
from ownhue_client.phone.tokens import Tokens, token_key
from ownhue_client.publication import RegionKeys

#: The state under which a claim lies until it is answered: {"claim", "keys"}.
CLAIM = "claim"
#: The state under which the report lies after that: the claim's, and "token", "sealed", "sealed_to", "sending", "desk",
#: "sent", "refused".
REPORT = "report"
#: The state under which a withdrawal lies: {"claim", "keys", "of", "token", "sealed", "sealed_to", "refused"}; "of" is
#: the code of the report that it takes back.
WITHDRAWAL = "withdrawal"
#: Where reports and withdrawals go.
PUBLISHER_PATH = "/publisher/v1/report"
_MESSAGE_BYTES = 32

ReportState = Literal["none", "claiming", "waiting", "given to the desk", "sent", "refused"]
#: What stands in a report, and what that means; the first that is there counts.
_STATES: tuple[tuple[str, ReportState], ...] = (("sent", "sent"), ("refused", "refused"), ("desk", "given to the desk"))


@dataclass(frozen=True)
class Outbox:
    """What reports and withdrawals need of a phone."""

    store: Store
    door: Door
    in_force: Callable[[], RegionKeys]
    """The region's keys in force."""
    keys: OwnKeys
    tokens: Tokens
    random: Callable[[int], bytes]
    outgoing: Outgoing
    """What is to follow each claim, and when."""


class Reports:
    """The report of one phone."""

    def __init__(self, outbox: Outbox, periods: Periods) -> None:
        self._out = outbox
        self._store = outbox.store
        self._periods = periods

    def claim(self, code: str, tested_on: date, onset: date | None, now: int, leave_out: Collection[int]) -> None:
        """Settle the keys and claim a token for them. *leave_out*: starts (unix seconds) of periods to keep private.

        Call it again with the same code when the answer was lost. Raises UnreachableError, RefusedError, FormatError,
        StateError: a code of another purpose, or a report that was claimed and neither sent, refused nor sealed.
        """
        canonical, report_type = parse_claim_code(code)
        if report_type == ReportType.REVOKED:
            raise StateError("this code takes a result back; it does not report one")
        # Made before anything is sent, so that a date that cannot be costs no code.
        result = OwnResult(int(report_type), tested_on, now)
        report = self._store.get(REPORT)
        if report and report["claim"]["code"] == canonical:
            raise StateError("this phone has used this code already")
        if report and not report.keys() & {"sent", "desk", "refused"}:
            raise StateError("a report is waiting to be sent; send it first")
        claimed = self._store.get(CLAIM)
        if not claimed or claimed["claim"]["code"] != canonical:
            self._settle(canonical, tested_on, onset, now, leave_out)
        token = self._token(now)
        with self._store.atomic(durable=True):
            self._store.put(REPORT, self._store.get(CLAIM) | {"token": token})
            self._store.drop(CLAIM)
            self._out.outgoing.plan(REPORT_ITEM, now)
            self._store.add("results", day_of(now), result_record(result))

    def report(self, now: int) -> int:
        """Send the report to the publisher; how many keys it had (0: all were left out, and a decoy was sent).

        Raises StateError when there is nothing to send, it was sent already or is being taken back, UnreachableError
        (call again), RefusedError.
        """
        report = self._waiting()
        taking_back = self._store.get(WITHDRAWAL)
        if taking_back and "token" not in taking_back:
            # What is taken back was settled with its claim: a report that goes out after that would stay published.
            raise StateError("this result is being taken back; finish that first")
        if not report["keys"]:
            # A claim that no message follows would tell that its owner left out every period.
            self._out.door.decoy(PUBLISHER_PATH, now)
            self._settled(report | {"sent": now})
            return 0
        repeated = "sending" in report or "desk" in report
        report = self._sealed(report) | {"sending": now}
        with self._store.atomic(durable=True):
            self._store.put(REPORT, report)
        try:
            deliver(self._out.door, report["sealed"], "report own keys", now, delivered_before=repeated)
        except RefusedError as error:
            # It may be sent again, but must not stand in the way of another claim.
            self._settled(report | {"refused": error.word})
            raise
        self._settled(report | {"sent": now})
        return len(report["keys"])

    @property
    def is_waiting(self) -> bool:
        """Whether a report waits to be sent by this phone itself."""
        report = self._store.get(REPORT)
        return bool(report) and not report.keys() & {"sent", "desk", "refused"}

    def status(self) -> tuple[ReportState, int, int | None, str]:
        """How it stands, how many keys it has, when it left the phone (unix seconds), the publisher's refusal."""
        report = self._store.get(REPORT)
        if self._store.get(CLAIM) or not report:
            return ("claiming" if self._store.get(CLAIM) else "none"), 0, None, ""
        count, left = len(report["keys"]), report.get("sent", report.get("desk"))
        for mark, state in _STATES:
            if mark in report:
                return state, count, left, report.get("refused", "") if state == "refused" else ""
        return "waiting", count, None, ""

    def _token(self, now: int) -> bytes:
        try:
            return self._out.tokens.send(CLAIM, now)
        except RefusedError:
            # A claim that no message follows would tell whoever is on the line that it was refused.
            self._out.outgoing.plan(REPORT_ITEM, now)
            raise

    def _settled(self, report: dict[str, Any]) -> None:
        """Keep the publisher's answer; nothing more is to follow the claim."""
        with self._store.atomic(durable=True):
            self._store.put(REPORT, report)
            self._out.outgoing.done(REPORT_ITEM)

    def seal_report(self, now: int) -> bytes:
        """The report as a file for the desk, which can upload but not read it (12,048 bytes); the same every time
        until the publisher's key changes.

        Raises StateError when there is nothing to report or it was sent already.
        """
        report = self._waiting()
        if not report["keys"]:
            raise StateError("every period was left out, so there is nothing to report")
        report = self._sealed(report) | {"desk": now}
        with self._store.atomic(durable=True):
            self._store.put(REPORT, report)
        return bytes(report["sealed"])

    def _settle(self, code: str, tested_on: date, onset: date | None, now: int, leave_out: Collection[int]) -> None:
        """End the current key, fix the list of keys and store the claim, all at once."""
        with self._store.atomic(durable=True):
            self._out.keys.key_at(interval_number(now))
            self._out.keys.end_current(now)
            chosen = [period for period in self._periods.report_periods(now, onset) if period.included]
            keys = [
                ReportKey(
                    period.key.data,
                    period.key.rolling_start,
                    period.key.rolling_period,
                    period.days_since_onset,
                    commitment_of(self._out.keys.secret_of(period.key.data)),
                )
                for period in chosen
                if period.start not in leave_out
            ][-MAX_REPORT_KEYS:]
            # Without keys the result still counts for its owner; the token then covers nothing that could be sent.
            message = report_message(keys) if keys else self._out.random(_MESSAGE_BYTES)
            claim = self._out.tokens.prepare(code, message, now)
            self._store.put(CLAIM, {"claim": claim, "keys": [list(key) for key in keys]})

    def _waiting(self) -> dict[str, Any]:
        report = self._store.get(REPORT)
        if not report:
            raise StateError("there is no report to send; claim one with a code first")
        if "sent" in report:
            raise StateError("this report was sent already")
        return dict(report)

    def _sealed(self, report: dict[str, Any]) -> dict[str, Any]:
        publisher_key = self._out.in_force().publisher_key
        # Sealed to a key that was replaced since, nobody could open it. The token is spent once whatever the envelope.
        if report.get("sealed_to") == publisher_key:
            return report
        keys = tuple(ReportKey(*key) for key in report["keys"])
        content = Report(token_key(report["claim"]).key_id, report["token"], keys)
        return report | {"sealed": seal(content, publisher_key, self._out.random), "sealed_to": publisher_key}


def deliver(door: Door, sealed: bytes, purpose: str, now: int, *, delivered_before: bool) -> None:
    """Hand *sealed* to the publisher. A spent token is no refusal when an earlier attempt may have arrived."""
    try:
        door.post(PUBLISHER_PATH, {"sealed": sealed}, purpose, now)
    except RefusedError as error:
        if error.word != "token_spent" or not delivered_before:
            raise
