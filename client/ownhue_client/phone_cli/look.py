"""`ownhue phone status | why | result | journal | ledger | evidence | doctor`: looking, without changing anything."""

from typing import Annotated, Any

import typer

from ownhue_client import exit_codes
from ownhue_client.phone_cli import talk
from ownhue_client.phone_cli.talk import Json, moment
from ownhue_client.phone_cli.wiring import now, wiring_of

#: Exit status of `status`, by colour.
STATUS = {
    "green": exit_codes.GREEN,
    "yellow": exit_codes.YELLOW,
    "red": exit_codes.RED,
    "grey": exit_codes.GREY,
}
#: Sign and style of a finding.
_FOUND = {"ok": ("ok  ", ""), "warn": ("warn", "yellow"), "bad": ("BAD ", "bold red")}


def status(context: typer.Context, as_json: Json = False) -> None:
    """Tell the colour and how the phone stands. Exit status 0 green, 10 yellow, 20 red, 30 grey."""
    with wiring_of(context).asking() as ask:
        value = ask("status")
    if as_json:
        talk.print_json(value)
    else:
        _say_status(value)
    raise typer.Exit(STATUS[value["colour"]])


def why(context: typer.Context, as_json: Json = False) -> None:
    """Tell why the colour is what it is, what ends it, and whom this phone trusts."""
    with wiring_of(context).asking() as ask:
        value = ask("why")
    if as_json:
        talk.print_json(value)
        return
    for line in value["lines"]:
        talk.tell(line)
    for reason, count in value["discarded"].items():
        if not count:
            continue
        talk.tell(f"discarded: {count} sightings of published identifiers: {reason.replace('_', ' ')}")
    for line in value["trust"]:
        talk.tell(f"trust: {line}")


def journal(context: typer.Context, as_json: Json = False) -> None:
    """List every change of colour with its reasons, a chain of hashes."""
    entries = _asked(context, "journal")
    if as_json:
        talk.print_json(entries)
        return
    rows = [(moment(e["time"]), e["before"] or "-", e["after"], "; ".join(e["why"])) for e in entries]
    talk.table(("time", "before", "after", "why"), rows)


def ledger(context: typer.Context, as_json: Json = False) -> None:
    """List every request that left this phone: when, to whom, why, how many bytes each way."""
    lines = _asked(context, "ledger")
    if as_json:
        talk.print_json(lines)
        return
    talk.table(("time", "host", "purpose", "sent", "received"), [_line(e) for e in lines])
    received = sum(e["bytes_in"] or 0 for e in lines)
    talk.say(f"{len(lines)} requests, {sum(e['bytes_out'] for e in lines)} bytes sent, {received} received")


def _line(entry: dict[str, Any]) -> tuple[object, ...]:
    received = "no answer" if entry["bytes_in"] is None else entry["bytes_in"]
    return moment(entry["time"]), entry["host"], entry["purpose"], entry["bytes_out"], received


def evidence(context: typer.Context, as_json: Json = False) -> None:
    """Write the proofs that two histories were shown into the phone's folder. Exit status 1: there are some."""
    value = _asked(context, "evidence")
    if as_json:
        talk.print_json(value)
    for path in () if as_json else value["written"]:
        talk.tell(path)
    if value["written"]:
        talk.say("check one with: ownhue evidence verify FILE --region REGION")
        raise typer.Exit(exit_codes.MISSED)


def doctor(
    context: typer.Context,
    radio: Annotated[str, typer.Option(help="Adapter to look at; default: as the settings say.")] = "",
    as_json: Json = False,
) -> None:
    """Look at everything that can be wrong with this phone. Exit status 1: something is bad."""
    with wiring_of(context).asking() as ask, talk.working("looking"):
        findings = ask("doctor", radio=radio)
    if as_json:
        talk.print_json(findings)
    for found in () if as_json else findings:
        sign, style = _FOUND[found["state"]]
        talk.tell(f"{sign} {found['what']}: {found['sentence']}", style)
        if found["todo"]:
            talk.tell(f"    {found['todo']}")
    if any(found["state"] == "bad" for found in findings):
        raise typer.Exit(exit_codes.MISSED)


def _asked(context: typer.Context, op: str, **values: Any) -> Any:
    with wiring_of(context).asking() as ask:
        return ask(op, **values)


def _say_status(value: dict[str, Any]) -> None:
    talk.headline(value)
    zone, agent = value["zone"], value["agent"]
    published = value["published_until"]
    age = "nothing published was seen yet" if published is None else f"{talk.span(now() - published)} old"
    talk.tell(f"  published data   {age}")
    talk.tell(f"  listening since  {moment(value['observed_since'], zone)}{_share(value)}")
    talk.tell(f"  passes left      {value['passes_left']} for today")
    talk.tell(f"  agent            {_agent(agent)}")
    talk.tell(f"  region           {value['region']}")
    if value["moved_at"] is not None:
        talk.tell(f"  moved            to another device, {moment(value['moved_at'])}; this one is silent", "bold")
    if value["report"]["report"] != "none":
        due = value["report"]["due"]
        talk.tell(f"  report           {value['report']['report']}{f', goes out {moment(due)}' if due else ''}")
    for trouble in [*value["trouble"], *(agent["trouble"].values() if agent else ())]:
        talk.tell(f"  trouble          {trouble}", "bold")


def _share(value: dict[str, Any]) -> str:
    share = value["radio_share_percent"]
    return "" if share is None else f", {share} % of the last 24 hours"


def _agent(agent: dict[str, Any] | None) -> str:
    if agent is None:
        return "not running; nothing is sent or heard"
    if agent["silent"]:
        return f"running, silent: {agent['silent']}"
    return "running, " + ("on the air" if agent["on_air_since"] else "not on the air")
