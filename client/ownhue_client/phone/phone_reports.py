"""What a phone does about its owner's own result: look, claim, send when it is time, take back; and decoys. report.py

Part of :class:`ownhue_client.phone.device.Phone`, which makes what is used here.
"""

from collections.abc import Collection
from datetime import date

from ownhue_client.phone.decoy import Decoys
from ownhue_client.phone.moved import refuse_moved
from ownhue_client.phone.outgoing import Outgoing
from ownhue_client.phone.periods import Periods, ReportPeriod
from ownhue_client.phone.posting import Posting, ReportStatus
from ownhue_client.phone.report import Reports
from ownhue_client.phone.store import Store
from ownhue_client.phone.withdrawal import Withdrawals


class PhoneReports:
    """The part of a phone that reports."""

    _store: Store
    _periods: Periods
    _reports: Reports
    _withdrawals: Withdrawals
    _outgoing: Outgoing
    _posting: Posting
    _decoys: Decoys

    def report_periods(self, now: int, onset: date | None = None) -> list[ReportPeriod]:
        """Own key periods and which of them a claim made at *now* would report."""
        return self._periods.report_periods(now, onset)

    def claim(self, code: str, tested_on: date, onset: date | None, now: int, leave_out: Collection[int] = ()) -> None:
        """Turn a claim code into a token for the own keys; the owner's result counts from here on.

        *leave_out*: starts (unix seconds) of periods that stay private. Call it again when the answer was lost.
        """
        refuse_moved(self._store)
        self._reports.claim(code, tested_on, onset, now, leave_out)

    def report(self, now: int) -> int:
        """Send what was claimed to the publisher at once; how many keys. To wait as drawn: report_due, send_due."""
        refuse_moved(self._store)
        return self._reports.report(now)

    def report_due(self, now: int) -> int | None:
        """When to call :meth:`send_due` next (unix seconds), at random after each claim; None: nothing waits."""
        return self._outgoing.due(now)

    def send_due(self, now: int) -> str | None:
        """Send the next message that follows a claim: "report", "withdrawal", or "decoy" where nothing is to be told
        (every period left out, or the desk has the file). None: nothing waits.

        Raises UnreachableError (call again later), RefusedError (do not: the next call is for the next one).
        """
        refuse_moved(self._store)
        return self._posting.send_due(now)

    def report_status(self, now: int) -> ReportStatus:
        """What became of the claimed report, and of a withdrawal."""
        return self._posting.status(now)

    def seal_report(self, now: int) -> bytes:
        """What was claimed as a file for the desk, readable by the publisher only."""
        refuse_moved(self._store)
        return self._reports.seal_report(now)

    def withdraw(self, code: str, now: int) -> int:
        """:meth:`claim_withdrawal` and :meth:`send_withdrawal` at once; how many published keys."""
        self.claim_withdrawal(code, now)
        return self.send_withdrawal(now)

    def claim_withdrawal(self, code: str, now: int) -> int:
        """Take the newest own result back with a code of type "revoked"; how many published keys are to be withdrawn.

        The result counts no more from here on; the keys go out with :meth:`send_due`.
        """
        refuse_moved(self._store)
        return self._withdrawals.claim(code, now)

    def send_withdrawal(self, now: int) -> int:
        """Send the claimed withdrawal to the publisher at once; how many published keys."""
        refuse_moved(self._store)
        return self._withdrawals.send(now)

    def decoy_due(self, now: int) -> int:
        """When :meth:`send_decoy` is to be called next (unix seconds): drawn once and kept, also over restarts."""
        return self._outgoing.decoy_due(now, under_way=self._decoys.under_way)

    def send_decoy(self, now: int) -> bool:
        """Send the next request of a pretended report; True when it is whole. See decoy.py."""
        refuse_moved(self._store)
        whole = self._decoys.send(now)
        self._outgoing.decoy_sent(now, under_way=not whole)
        return whole
