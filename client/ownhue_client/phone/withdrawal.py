"""Taking a wrong result back: the authority's word for the owner, the secrets of the keys for everybody else.

specs/report.md section 6. Two steps, each whole or not at all; the same call again goes on where it stopped:

1. a code of type "revoked" becomes a token: from here on the own result no longer counts, and a report that was not
   sent yet never will be;
2. as much later as a report would follow (outgoing.py), keys that went out are withdrawn at the publisher with their
   secrets; where none did, a decoy goes in their place.
"""

from typing import Any

from ownhue.claim_code import parse_claim_code
from ownhue.errors import StateError
from ownhue.params import ReportType
from ownhue.report import Withdrawal, seal, withdrawal_message
from ownhue_client.phone.door import RefusedError
from ownhue_client.phone.outgoing import WITHDRAWAL_ITEM
from ownhue_client.phone.records import result_of, result_record
from ownhue_client.phone.report import PUBLISHER_PATH, REPORT, WITHDRAWAL, Outbox, ReportState, deliver
from ownhue_client.phone.store import Row
from ownhue_client.phone.tokens import token_key

_MESSAGE_BYTES = 32


class Withdrawals:
    """Withdrawals of one phone."""

    def __init__(self, outbox: Outbox) -> None:
        self._out = outbox
        self._store = outbox.store

    def claim(self, code: str, now: int) -> int:
        """Take back the newest own result; how many published keys are to be withdrawn with it.

        Raises StateError (no result, or a code of another purpose), UnreachableError (call again), RefusedError.
        """
        canonical, report_type = parse_claim_code(code)
        if report_type != ReportType.REVOKED:
            raise StateError("this code reports a result; it takes none back")
        pending = self._store.get(WITHDRAWAL)
        running = pending and "token" in pending and "refused" not in pending
        if not running and not (pending and pending["claim"]["code"] == canonical):
            self._settle(canonical, now)
        if "token" not in self._store.get(WITHDRAWAL):
            self._claim(now)
        return len(self._store.get(WITHDRAWAL)["keys"])

    def send(self, now: int) -> int:
        """Withdraw the keys at the publisher; how many (0: none were published, and a decoy was sent).

        Raises StateError when nothing was claimed, UnreachableError (call again), RefusedError.
        """
        pending = self._store.get(WITHDRAWAL)
        if not pending or "token" not in pending:
            raise StateError("there is nothing to take back; claim it with a code first")
        pending = self._sealed(pending)
        count = self._deliver(pending, now) if pending["keys"] else self._cover(now)
        with self._store.atomic(durable=True):
            self._store.drop(WITHDRAWAL)
            if self._is_of(pending):
                self._store.drop(REPORT)
            self._out.outgoing.done(WITHDRAWAL_ITEM)
        return count

    @property
    def is_waiting(self) -> bool:
        """Whether keys wait to be withdrawn."""
        pending = self._store.get(WITHDRAWAL)
        return bool(pending) and "token" in pending and "refused" not in pending

    def status(self) -> tuple[ReportState, str]:
        """How it stands, and the publisher's refusal."""
        pending = self._store.get(WITHDRAWAL)
        if not pending:
            return "none", ""
        if "refused" in pending:
            return "refused", str(pending["refused"])
        return ("waiting" if "token" in pending else "claiming"), ""

    def _settle(self, code: str, now: int) -> None:
        self._standing_result()
        keys = [[data, self._out.keys.secret_of(data)] for data in self._published()]
        message = withdrawal_message([data for data, _ in keys]) if keys else self._out.random(_MESSAGE_BYTES)
        claim = self._out.tokens.prepare(code, message, now)
        of = self._report()["claim"]["code"] if self._report() else ""
        with self._store.atomic(durable=True):
            self._store.put(WITHDRAWAL, {"claim": claim, "keys": keys, "of": of})

    def _claim(self, now: int) -> None:
        try:
            token = self._out.tokens.send(WITHDRAWAL, now)
        except RefusedError:
            # A claim that no message follows would tell whoever is on the line that it was refused.
            self._out.outgoing.plan(WITHDRAWAL_ITEM, now)
            raise
        row = self._standing_result()
        pending = self._store.get(WITHDRAWAL) | {"token": token}
        report_type, tested_on, learned_at, _ = row.value
        withdrawn = result_record(result_of([report_type, tested_on, learned_at, now]))
        with self._store.atomic(durable=True):
            self._store.put(WITHDRAWAL, pending)
            self._store.replace("results", row, withdrawn)
            if not pending["keys"]:
                self._store.drop(REPORT)
            self._out.outgoing.plan(WITHDRAWAL_ITEM, now)

    def _deliver(self, pending: dict[str, Any], now: int) -> int:
        with self._store.atomic(durable=True):
            self._store.put(WITHDRAWAL, pending)
        try:
            # The first attempt is not told from a repeated one: nobody else holds this token.
            deliver(self._out.door, pending["sealed"], "withdraw own keys", now, delivered_before=True)
        except RefusedError as error:
            # A report that was only handed to the desk may never have been uploaded.
            if error.word != "unknown_report" or (self._is_of(pending) and "sent" in self._report()):
                # It may be sent again, but must not stand in the way of another withdrawal.
                with self._store.atomic(durable=True):
                    self._store.put(WITHDRAWAL, pending | {"refused": error.word})
                    self._out.outgoing.done(WITHDRAWAL_ITEM)
                raise
            return 0
        return len(pending["keys"])

    def _cover(self, now: int) -> int:
        self._out.door.decoy(PUBLISHER_PATH, now)
        return 0

    def _is_of(self, pending: dict[str, Any]) -> bool:
        """Whether the kept report is the one taken back: another may have been claimed since."""
        report = self._report()
        return bool(report) and report["claim"]["code"] == pending["of"]

    def _sealed(self, pending: dict[str, Any]) -> dict[str, Any]:
        """*pending* with its message sealed to the publisher's key in force, as it was if that has not changed."""
        publisher_key = self._out.in_force().publisher_key
        if not pending["keys"] or pending.get("sealed_to") == publisher_key:
            return pending
        keys = tuple((data, secret) for data, secret in pending["keys"])
        content = Withdrawal(token_key(pending["claim"]).key_id, pending["token"], keys)
        return pending | {"sealed": seal(content, publisher_key, self._out.random), "sealed_to": publisher_key}

    def _report(self) -> dict[str, Any]:
        return dict(self._store.get(REPORT, {}))

    def _published(self) -> list[bytes]:
        """Keys of the report that went out, or may have."""
        report = self._report()
        return [bytes(key[0]) for key in report["keys"]] if report.keys() & {"sent", "sending", "desk"} else []

    def _standing_result(self) -> Row:
        standing = [row for row in self._store.rows("results") if row.value[3] is None]
        if not standing:
            raise StateError("there is no result to take back")
        return max(standing, key=lambda row: int(row.value[2]))
