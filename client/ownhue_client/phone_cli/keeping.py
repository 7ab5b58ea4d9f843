"""`ownhue phone sync | enrol | device | passes | settings`: keeping a phone going."""

from pathlib import Path
from typing import Annotated

import typer

from ownhue.errors import FormatError
from ownhue_client.phone_cli import talk
from ownhue_client.phone_cli.talk import Json, working
from ownhue_client.phone_cli.wiring import wiring_of


def sync(
    context: typer.Context,
    folder: Annotated[str, typer.Option(help="A copy of the published folder; nothing leaves the phone then.")] = "",
    as_json: Json = False,
) -> None:
    """Fetch what was published, check it, and compare it with what was heard."""
    where = {"folder": str(Path(folder).absolute())} if folder else {}
    with wiring_of(context).asking() as ask:
        with working("synchronising"):
            value = ask("sync", **where)
        status = ask("status")
    if as_json:
        talk.print_json(value)
        return
    talk.tell(f"{value['files']} key files, {value['keys']} keys, {value['windows']} encounters found")
    for region in value["regions"]:
        talk.tell(f"{region['name']}: {region['error'] or str(region['files']) + ' key files'}")
    talk.headline(status)


def enrol(
    context: typer.Context,
    ticket: Annotated[str | None, typer.Option(help="The desk's one-time ticket; without it, it is asked for.")] = None,
    as_json: Json = False,
) -> None:
    """Enrol this phone with a one-time ticket of the desk, and fetch passes."""
    typed = ticket or typer.prompt("Ticket", err=True)
    with wiring_of(context).asking() as ask, working("enrolling"):
        value = ask("enrol", ticket=typed)
        passes = ask("passes")
    if as_json:
        talk.print_json(value | {"passes": passes})
        return
    talk.tell(f"enrolled; {passes['left']} passes for today")
    loss_card(value["number"])


def loss_card(number: str) -> None:
    """Print what the owner keeps on paper."""
    talk.tell("")
    talk.tell("Keep this on paper, apart from the phone:")
    talk.tell(f"  device number  {number}", "bold")
    talk.tell(
        "If the phone is lost, tell it to the desk: the phone gets no more passes, and a new one takes its place."
    )
    talk.tell("The number opens nothing and says nothing of you. Codes that it has passes for end within three days.")


def device(context: typer.Context, as_json: Json = False) -> None:
    """Tell the device number: what the desk needs to stop this phone when it is lost."""
    with wiring_of(context).asking() as ask:
        value = ask("device")
    if as_json:
        talk.print_json(value)
    elif value["number"] is None:
        talk.say("this phone is not enrolled; get a ticket at a desk: ownhue phone enrol")
    else:
        loss_card(value["number"])


def passes(
    context: typer.Context,
    days: Annotated[int | None, typer.Option(min=0, max=7, help="Days ahead, today not counted.")] = None,
    as_json: Json = False,
) -> None:
    """Fetch passes for today and the next days, long before a code is shown."""
    with wiring_of(context).asking() as ask, working("fetching passes"):
        value = ask("passes", days_ahead=days)
    if as_json:
        talk.print_json(value)
    else:
        talk.tell(f"{value['fetched']} passes fetched, {value['left']} left for today")


def settings(
    context: typer.Context,
    choices: Annotated[list[str] | None, typer.Argument(help="name=value, for example location=gpsd.")] = None,
    as_json: Json = False,
) -> None:
    """List what can be chosen, or choose: ownhue phone settings coarse=no travelling=yes."""
    with wiring_of(context).asking() as ask:
        value = ask("settings", choices=dict(map(_choice, choices or ())))
    if as_json:
        talk.print_json(value)
    else:
        talk.table(("setting", "value"), [(name, _said(chosen)) for name, chosen in value.items()])


def _choice(text: str) -> tuple[str, bool | int | str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise FormatError("a choice is written as name=value")
    name = name.strip().replace("-", "_")
    words = {"yes": True, "no": False, "true": True, "false": False}
    if name == "service_uuid":
        return name, _number(value)
    return name, words.get(value, value)


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError as error:
        raise FormatError("the UUID of a service is a number, for example 0xFD6F") from error


def _said(value: object) -> object:
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
