"""Taking a wrong result back: the authority's word for the owner, the secrets of the keys for everybody else.

specs/report.md section 6. Two steps, each whole or not at all; the same call again goes on where it stopped:

1. a code of type "revoked" becomes a token: from here on the own result no longer counts;
2. keys that went out are withdrawn at the publisher with their secrets; a report not sent yet is dropped.
"""

from typing import Any

from ownhue.claim_code import parse_claim_code
from ownhue.errors import StateError
from ownhue.params import ReportType
from ownhue.report import Withdrawal, seal, withdrawal_message
from ownhue_client.phone.door import RefusedError
from ownhue_client.phone.records import result_of, result_record
from ownhue_client.phone.report import REPORT, Outbox, deliver
from ownhue_client.phone.store import Row
from ownhue_client.phone.tokens import token_key

#: The state under which a withdrawal lies: {"claim", "keys", "token", "sealed", "sealed_to", "refused"}.
WITHDRAWAL = "withdrawal"
_MESSAGE_BYTES = 32


class Withdrawals:
    """Withdrawals of one phone."""

    def __init__(self, outbox: Outbox) -> None:
        self._out = outbox
        self._store = outbox.store

    def withdraw(self, code: str, now: int) -> int:
        """Take back the newest own result; how many published keys were withdrawn with it.

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
        return self._send(now)

    def _settle(self, code: str, now: int) -> None:
        self._standing_result()
        keys = [[data, self._out.keys.secret_of(data)] for data in self._published()]
        message = withdrawal_message([data for data, _ in keys]) if keys else self._out.random(_MESSAGE_BYTES)
        claim = self._out.tokens.prepare(code, message, now)
        with self._store.atomic(durable=True):
            self._store.put(WITHDRAWAL, {"claim": claim, "keys": keys})

    def _claim(self, now: int) -> None:
        token = self._out.tokens.send(WITHDRAWAL, now)
        row = self._standing_result()
        pending = self._store.get(WITHDRAWAL) | {"token": token}
        report_type, tested_on, learned_at, _ = row.value
        withdrawn = result_record(result_of([report_type, tested_on, learned_at, now]))
        with self._store.atomic(durable=True):
            self._store.put(WITHDRAWAL, pending)
            self._store.replace("results", row, withdrawn)

    def _send(self, now: int) -> int:
        pending = self._sealed(self._store.get(WITHDRAWAL))
        count = len(pending["keys"])
        if count:
            with self._store.atomic(durable=True):
                self._store.put(WITHDRAWAL, pending)
            try:
                # The first attempt is not told from a repeated one: nobody else holds this token.
                deliver(self._out.door, pending["sealed"], "withdraw own keys", now, delivered_before=True)
            except RefusedError as error:
                # A report that was only handed to the desk may never have been uploaded.
                if error.word != "unknown_report" or "sent" in self._report():
                    # It may be sent again, but must not stand in the way of another withdrawal.
                    self._store.put(WITHDRAWAL, pending | {"refused": error.word})
                    raise
                count = 0
        with self._store.atomic(durable=True):
            self._store.drop(WITHDRAWAL)
            self._store.drop(REPORT)
        return count

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
