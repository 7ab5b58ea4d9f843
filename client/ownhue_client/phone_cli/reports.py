"""`ownhue phone report ...`: reporting a positive result, and taking one back."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ownhue.encoding import base64url_decode
from ownhue_client.phone_cli import talk
from ownhue_client.phone_cli.talk import Json, Yes, confirmed, moment, working
from ownhue_client.phone_cli.wiring import wiring_of

report = typer.Typer(help="Report a positive result, or take one back. Without a command: how it stands.")

_DAY = ("%Y-%m-%d",)
Onset = Annotated[datetime | None, typer.Option(formats=list(_DAY), help="First day of symptoms (2026-03-02).")]
Code = Annotated[
    str | None, typer.Option(help="The desk's code; without it, it is asked for and not shown in the shell's history.")
]


@report.callback(invoke_without_command=True)
def _status_by_default(context: typer.Context) -> None:
    """How the report stands."""
    if context.invoked_subcommand is None:
        status(context)


@report.command()
def status(context: typer.Context, as_json: Json = False) -> None:
    """Tell what became of the report, and of a withdrawal."""
    with wiring_of(context).asking() as ask:
        _tell(ask("report.status"), as_json=as_json)


@report.command()
def periods(context: typer.Context, onset: Onset = None, as_json: Json = False) -> None:
    """List the own key periods and which of them a report made now would hold."""
    with wiring_of(context).asking() as ask:
        _periods(ask("report.periods", onset=_date(onset)), as_json=as_json)


@report.command()
def claim(
    context: typer.Context,
    tested: Annotated[datetime, typer.Option(formats=list(_DAY), help="Day of the test (2026-03-02).")],
    code: Code = None,
    onset: Onset = None,
    leave_out: Annotated[
        list[int] | None, typer.Option(help="Number of a period (see: report periods) that stays private.")
    ] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Turn a code of the desk into a report. It is sent some minutes to two hours later, at a random time."""
    with wiring_of(context).asking() as ask:
        listed = ask("report.periods", onset=_date(onset))
        if not as_json:
            _periods(listed, as_json=False)
        private = [_start_of(listed, number) for number in leave_out or ()]
        kept = [item for item in listed if item["included"] and item["start"] not in private]
        confirmed(f"Report {len(kept)} periods? What was heard is never reported", yes=yes)
        typed = code or typer.prompt("Code", err=True)
        with working("asking the authority"):
            value = ask(
                "report.claim",
                code=typed,
                tested_on=f"{tested:%Y-%m-%d}",
                onset=_date(onset),
                leave_out=private,
            )
    _tell(value, as_json=as_json)


@report.command()
def send(context: typer.Context, as_json: Json = False) -> None:
    """Send what is due. An agent does it by itself; without one, call this when the time has come."""
    with wiring_of(context).asking() as ask, working("sending"):
        _tell(ask("report.send"), as_json=as_json)


@report.command()
def seal(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="File to be written, for the desk to upload.", dir_okay=False)],
    as_json: Json = False,
) -> None:
    """Write the claimed report as a file for the desk, which can hand it on and not read it."""
    with wiring_of(context).asking() as ask:
        data = base64url_decode(ask("report.seal")["sealed"])
    with out.open("xb") as file:
        file.write(data)
    talk.answer({"file": str(out), "bytes": len(data)}, f"{len(data)} bytes for the desk, in {out}", as_json=as_json)


@report.command()
def withdraw(context: typer.Context, code: Code = None, as_json: Json = False) -> None:
    """Take the newest own result back, with a code of the desk."""
    with wiring_of(context).asking() as ask:
        typed = code or typer.prompt("Code", err=True)
        with working("asking the authority"):
            value = ask("report.withdraw", code=typed)
    _tell(value, as_json=as_json)


def _tell(value: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        talk.print_json(value)
        return
    state = value["status"]
    talk.tell(f"report: {state['report']}" + (f", {state['keys']} keys" if state["keys"] else ""))
    talk.tell(f"withdrawal: {state['withdrawal']}")
    if state["why"]:
        talk.tell(f"refused: {state['why']}")
    if state["due"] is not None:
        who = "by the agent" if value["by_agent"] else "when you call: ownhue phone report send"
        talk.tell(f"the next message goes out {moment(state['due'])}, {who}")


def _periods(listed: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        talk.print_json(listed)
        return
    rows = [
        (n, moment(p["start"]), moment(p["end"]), p["heard"], "yes" if p["included"] else f"no: {p['why_not']}")
        for n, p in enumerate(listed, 1)
    ]
    talk.table(("no", "from", "to", "beacons heard", "would be reported"), rows)


def _start_of(listed: list[dict[str, Any]], number: int) -> int:
    if not 1 <= number <= len(listed):
        raise typer.BadParameter(f"there is no period {number}", param_hint="--leave-out")
    return int(listed[number - 1]["start"])


def _date(day: datetime | None) -> str | None:
    return None if day is None else f"{day:%Y-%m-%d}"
