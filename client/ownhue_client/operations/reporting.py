"""Reporting a positive result, and taking one back. specs/report.md"""

from datetime import date
from typing import Any

from ownhue_client.operations.operation import Args, Context, NoArgs, Operation
from ownhue_client.phone.periods import ReportPeriod


class PeriodsArgs(Args):
    """Which periods a report would hold."""

    onset: date | None = None
    """First day of symptoms."""


class ClaimArgs(Args):
    """A code of the desk, and what goes with it."""

    code: str
    tested_on: date
    onset: date | None = None
    leave_out: tuple[int, ...] = ()
    """Starts (unix seconds) of key periods that stay private."""


class CodeArgs(Args):
    """A code that takes a result back."""

    code: str


def _periods(context: Context, args: PeriodsArgs, now: int) -> list[dict[str, Any]]:
    return [_without_key(period) for period in context.phone.report_periods(now, args.onset)]


def _claim(context: Context, args: ClaimArgs, now: int) -> dict[str, Any]:
    context.phone.claim(args.code, args.tested_on, args.onset, now, args.leave_out)
    return _status(context, NoArgs(), now)


def _withdraw(context: Context, args: CodeArgs, now: int) -> dict[str, Any]:
    keys = context.phone.claim_withdrawal(args.code, now)
    return {"keys": keys, **_status(context, NoArgs(), now)}


def _send(context: Context, _args: NoArgs, now: int) -> dict[str, Any]:
    """What is due by now and nothing else: to send earlier would undo the wait that hides a report."""
    due = context.phone.report_due(now)
    sent = context.phone.send_due(now) if due is not None and due <= now else None
    return {"sent": sent, **_status(context, NoArgs(), now)}


def _seal(context: Context, _args: NoArgs, now: int) -> dict[str, Any]:
    return {"sealed": context.phone.seal_report(now)}


def _status(context: Context, _args: NoArgs, now: int) -> dict[str, Any]:
    return {"status": context.phone.report_status(now), "by_agent": context.by_agent}


def _without_key(period: ReportPeriod) -> dict[str, Any]:
    return {name: value for name, value in vars(period).items() if name != "key"}


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation("report.periods", PeriodsArgs, _periods),
    Operation("report.claim", ClaimArgs, _claim, long=True, changes=True),
    Operation("report.withdraw", CodeArgs, _withdraw, long=True, changes=True),
    Operation("report.send", NoArgs, _send, long=True, changes=True),
    Operation("report.seal", NoArgs, _seal, changes=True),
    Operation("report.status", NoArgs, _status),
)
