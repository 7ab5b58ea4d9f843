"""Sending what follows a claim, when its time has come, and telling the owner how it stands. specs/report.md section 11

Whatever became of a claim in the meantime, one message follows it: the report, the withdrawal, or a decoy in their
place. So nobody on the line can tell a report from a withdrawal, nor from one that its owner gave up.
"""

from dataclasses import dataclass

from ownhue_client.phone.decoy import Decoys
from ownhue_client.phone.door import RefusedError
from ownhue_client.phone.outgoing import REPORT_ITEM, Outgoing
from ownhue_client.phone.report import Reports, ReportState
from ownhue_client.phone.withdrawal import Withdrawals


@dataclass(frozen=True)
class ReportStatus:
    """How report and withdrawal stand. Times in unix seconds."""

    report: ReportState
    """none: nothing was claimed. claiming: the claim's answer is missing. waiting: it goes out at ``due``."""
    keys: int
    """Keys in the report; 0: every period was left out, or there is none."""
    sent_at: int | None
    """When it was sent, or written for the desk."""
    withdrawal: ReportState
    """Likewise. What was withdrawn whole is "none" again."""
    due: int | None
    """When the next message goes out; None: none waits."""
    why: str
    """The publisher's refusal in plain words; empty without one."""


class Posting:
    """Sends what *outgoing* has planned."""

    def __init__(self, outgoing: Outgoing, reports: Reports, withdrawals: Withdrawals, decoys: Decoys) -> None:
        self._outgoing = outgoing
        self._reports = reports
        self._withdrawals = withdrawals
        self._decoys = decoys

    def send_due(self, now: int) -> str | None:
        """Send the next planned message, due or not; what it was. None when nothing can be sent now.

        Raises UnreachableError, after which it is still planned, and RefusedError, after which it is not.
        """
        item = self._outgoing.next_item()
        if item is None:
            return None
        taking_back = self._withdrawals.status()[0] == "claiming"
        if item.what == REPORT_ITEM and self._reports.is_waiting and taking_back:
            # Whether it is sent at all shows when the withdrawal's claim is answered.
            self._outgoing.postpone(item, now)
            return None
        return self._send(item.what, now)

    def status(self, now: int) -> ReportStatus:
        """How everything stands at *now*."""
        report, keys, sent_at, refused = self._reports.status()
        withdrawal, why_not = self._withdrawals.status()
        words = [word for word in (refused, why_not) if word]
        why = str(RefusedError(words[-1])) if words else ""
        return ReportStatus(report, keys, sent_at, withdrawal, self._outgoing.due(now), why)

    def _send(self, what: str, now: int) -> str:
        waiting = self._reports.is_waiting if what == REPORT_ITEM else self._withdrawals.is_waiting
        if not waiting:
            self._decoys.cover(now)
            self._outgoing.done(what)
            return "decoy"
        # Both take their item off the plan in the transaction that keeps the answer.
        keys = self._reports.report(now) if what == REPORT_ITEM else self._withdrawals.send(now)
        return what if keys else "decoy"
