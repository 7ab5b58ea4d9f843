"""`ownhue phone places ...`: the owner's own history of places, for the owner alone."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ownhue_client.phone_cli import talk
from ownhue_client.phone_cli.talk import Json, Yes, confirmed, moment, working
from ownhue_client.phone_cli.wiring import wiring_of

places = typer.Typer(help="Own places: never sent anywhere. Without a command: the stays.")

_DAY_SECONDS = 86_400
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="One UTC day (2026-03-02).")]
Latitude = Annotated[float | None, typer.Option(min=-90, max=90, help="Degrees north.")]
Longitude = Annotated[float | None, typer.Option(min=-180, max=180, help="Degrees east.")]
Accuracy = Annotated[int, typer.Option(min=0, max=100_000, help="Radius in metres.")]


@places.callback(invoke_without_command=True)
def _stays_by_default(context: typer.Context) -> None:
    """The owner's own places."""
    if context.invoked_subcommand is None:
        stays(context)


@places.command()
def stays(context: typer.Context, day: Day = None, as_json: Json = False) -> None:
    """List where you stayed, and how long."""
    _list(context, "stays", day, as_json=as_json)


@places.command(name="list")
def fixes(context: typer.Context, day: Day = None, as_json: Json = False) -> None:
    """List every fix that is kept."""
    _list(context, "places", day, as_json=as_json)


@places.command(name="import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Records.json, Timeline.json, OwnTracks, GPX or GeoJSON with times.")],
    keep_partial: Annotated[
        bool, typer.Option("--keep-partial", help="Of a broken file keep what stands before the break.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Import the last 14 days of a history that another program kept."""
    with wiring_of(context).asking() as ask, working(f"reading {file.name}"):
        value = ask("import-places", path=str(file.absolute()), keep_partial=keep_partial)
    if as_json:
        talk.print_json(value)
        return
    talk.tell(f"{value['format']}: {value['read']} points read, {value['kept']} kept")
    for reason, count in sorted(value["dropped"].items()):
        talk.tell(f"  {count} dropped: {reason}")
    if value["kept"]:
        talk.tell(f"  from {moment(value['first'])} to {moment(value['last'])}")
    if value["broken"]:
        talk.tell(f"  broken: {value['broken']}")


@places.command(name="set")
def set_(
    context: typer.Context,
    latitude: Annotated[float, typer.Option(min=-90, max=90, help="Degrees north.")],
    longitude: Annotated[float, typer.Option(min=-180, max=180, help="Degrees east.")],
    accuracy: Accuracy = 100,
    hours: Annotated[float, typer.Option(min=1 / 60, max=24, help="How long it holds.")] = 1,
    as_json: Json = False,
) -> None:
    """Say where this phone is, for the location source "manual"."""
    with wiring_of(context).asking() as ask:
        value = ask(
            "place-by-hand", latitude=latitude, longitude=longitude, accuracy=accuracy, seconds=int(hours * 3600)
        )
    talk.answer(value, f"holds until {moment(value['until'])}", as_json=as_json)
    if value["location"] != "manual":
        talk.say("it is used with: ownhue phone settings location=manual")


@places.command()
def forget(
    context: typer.Context,
    cell: Annotated[str, typer.Option(help="An H3 cell, as `places list` names it.")] = "",
    latitude: Latitude = None,
    longitude: Longitude = None,
    accuracy: Accuracy = 100,
    day: Day = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Forget one place (a cell or a circle) on whatever day, or all places of one day."""
    if [bool(cell), latitude is not None and longitude is not None, day is not None].count(True) != 1:
        raise typer.BadParameter("name one: --cell, --latitude with --longitude, or --day")
    which: dict[str, Any] = {"days": [_day(day)]} if day else {"cell": cell} if cell else {}
    if not which:
        which = {"latitude": latitude, "longitude": longitude, "accuracy": accuracy}
    confirmed("Forget it? It cannot be brought back", yes=yes)
    with wiring_of(context).asking() as ask:
        value = ask("forget-places", **which)
    if as_json:
        talk.print_json(value)
    else:
        talk.say(f"{value['forgotten']} fixes forgotten")


def _list(context: typer.Context, op: str, day: datetime | None, *, as_json: bool) -> None:
    first = 0 if day is None else _day(day) * _DAY_SECONDS
    span = {} if day is None else {"first": first, "last": first + _DAY_SECONDS - 1}
    with wiring_of(context).asking() as ask:
        values = ask(op, **span)
    if as_json:
        talk.print_json(values)
    elif op == "stays":
        talk.table(("from", "to", "place"), [(moment(v["start"]), moment(v["end"]), _where(v)) for v in values])
    else:
        talk.table(("time", "place"), [(moment(v["time"]), _where(v)) for v in values])


def _where(value: dict[str, Any]) -> str:
    if value.get("cell"):
        return f"cell {value['cell']}"
    return f"{value['latitude']:.5f} {value['longitude']:.5f} within {value['accuracy']} m"


def _day(day: datetime) -> int:
    return int(day.replace(tzinfo=UTC).timestamp()) // _DAY_SECONDS
