"""`ownhue phone regions ...`: the home region, and those that are visited."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from ownhue_client.phone_cli import talk
from ownhue_client.phone_cli.talk import Json, moment
from ownhue_client.phone_cli.wiring import wiring_of

regions = typer.Typer(help="The regions that this phone follows. Without a command: list them.")


@regions.callback(invoke_without_command=True)
def _list_by_default(context: typer.Context) -> None:
    """The regions that this phone follows."""
    if context.invoked_subcommand is None:
        list_(context)


@regions.command(name="list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the home region, those that are visited, and those that could be."""
    with wiring_of(context).asking() as ask:
        value = ask("regions")
    if as_json:
        talk.print_json(value)
        return
    visited = {visit["name"]: visit["until"] for visit in value["visited"]}
    listed = [(entry["name"], _label(entry["labels"])) for entry in value["listed"]] or [(value["home"], "")]
    rows = [(name, label, _role(name, value["home"], visited)) for name, label in listed]
    talk.table(("region", "name", ""), rows)


@regions.command()
def visit(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Short name of the region.")],
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day; two weeks after you left.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare the keys of another region too. Nobody is told."""
    end = None if until is None else int(until.replace(tzinfo=UTC).timestamp()) + 86_400
    with wiring_of(context).asking() as ask:
        value = ask("visit", name=name, until=end)
    talk.answer(value, "its keys are compared from the next synchronisation on", as_json=as_json)


@regions.command()
def leave(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Short name of the region.")],
    as_json: Json = False,
) -> None:
    """Compare the keys of a region no more; what was found in them stays."""
    with wiring_of(context).asking() as ask:
        value = ask("leave", name=name)
    talk.answer(value, "left", as_json=as_json)


def _label(labels: dict[str, str]) -> str:
    return labels.get("en") or next(iter(labels.values()), "")


def _role(name: str, home: str, visited: dict[str, int | None]) -> str:
    if name == home:
        return "home"
    if name not in visited:
        return ""
    return "visited" if visited[name] is None else f"visited until {moment(visited[name])}"
