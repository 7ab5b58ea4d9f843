"""`ownhue phone init`: a new phone. Each permission is explained before it is asked for, and can be refused."""

import time
from pathlib import Path
from typing import Annotated, NamedTuple

import httpx
import typer

from ownhue.errors import OwnhueError, StateError
from ownhue_client.agent import service
from ownhue_client.fetching import open_client
from ownhue_client.first_run import Chosen, FirstLedger, chosen_region, directory_of, read_region
from ownhue_client.operations.operation import Context
from ownhue_client.operations.route import Ask, local
from ownhue_client.phone.device import Phone
from ownhue_client.phone.door import Door
from ownhue_client.phone.preferences import LOCATION_SOURCES
from ownhue_client.phone.sources import ServerSource
from ownhue_client.phone_cli import keeping, talk, wiring
from ownhue_client.phone_cli.talk import Json, working
from ownhue_client.phone_cli.unlocking import Unlock, chosen_unlock
from ownhue_client.phone_cli.wiring import Wiring, wiring_of

#: What is explained before it is asked for, by the name of its option.
EXPLAINED = {
    "bluetooth": (
        "Bluetooth: the phone sends a random number that changes every 10 to 20 minutes, together with its address, "
        "and listens 4 seconds every few minutes. What it hears stays here. Without it nobody near you can be found."
    ),
    "location": (
        "Location: where you were stays sealed on this phone and is sent to nobody. It tells relayed numbers from real "
        "ones, and answers warnings of places. Off by default; gpsd asks a receiver, geoclue the desktop, manual you."
    ),
    "notifications": "Notifications: a change of your colour is told on the desktop, without place, person or reason.",
    "autostart": "Autostart: a service of systemd runs the agent at every login. It may write into this folder only.",
}

RegionFile = Annotated[Path, typer.Option(help="Region file (region.json), from where you trust it.", dir_okay=False)]
RootFile = Annotated[
    Path | None, typer.Option(help="The region's first root file (root.json): its keys can then be replaced.")
]


class Permissions(NamedTuple):
    """What the owner allows."""

    radio: str
    location: str
    notifications: bool
    autostart: bool


def init(
    context: typer.Context,
    region: RegionFile,
    root: RootFile = None,
    choose: Annotated[
        str | None, typer.Option(help="Another region, by its short name in that region's directory; ? lists them.")
    ] = None,
    ticket: Annotated[str | None, typer.Option(help="The desk's one-time ticket; can be given later: enrol.")] = None,
    unlock: Unlock = None,
    bluetooth: Annotated[bool | None, typer.Option(help="Send and listen.")] = None,
    radio: Annotated[str, typer.Option(help='Adapter (hci0), or "usb:0" for a dongle.')] = "hci0",
    location: Annotated[str | None, typer.Option(help=f"One of {', '.join(LOCATION_SOURCES)}.")] = None,
    notifications: Annotated[bool | None, typer.Option(help="Tell changes on the desktop.")] = None,
    autostart: Annotated[bool | None, typer.Option(help="Write the systemd user unit.")] = None,
    as_json: Json = False,
) -> None:
    """Make a new phone: choose the region, allow what you want, enrol with a ticket."""
    wired = wiring_of(context)
    if wired.is_there():
        raise StateError(f"there is a phone in {wired.directory} already")
    first, now = FirstLedger(), wiring.now()
    with open_client(time.monotonic) as client:
        chosen = _region(read_region(region, root), choose, client, first, now)
        _say_region(chosen)
        allowed = Permissions(
            radio if _yes("bluetooth", bluetooth) else "off",
            _location(location),
            _yes("notifications", notifications),
            _yes("autostart", autostart),
        )
        phone = Phone.create(
            wired.directory,
            chosen.region,
            random=wiring.random,
            http_client=client,
            now=now,
            root=chosen.root,
            settings=wiring.settings(),
            unlock=chosen_unlock(unlock, wired),
        )
        with phone:
            first.hand_over(phone.store)
            number = _set_up(local(Context(phone, wired.directory, wiring.random), wiring.now), allowed, ticket)
    if as_json:
        talk.print_json({"folder": str(wired.directory), "region": chosen.region.name, "number": number})
    elif number is not None:
        keeping.loss_card(number)
    if allowed.autostart:
        _write_unit(wired, allowed.radio)
    talk.say("next: ownhue phone sync, then ownhue phone run")


def _set_up(ask: Ask, allowed: Permissions, ticket: str | None) -> str | None:
    """Keep the choices, and enrol; the device number. What fails here can be done again: the phone is there."""
    ask(
        "settings",
        choices={"radio": allowed.radio, "location": allowed.location, "notifications": allowed.notifications},
    )
    if ticket is None:
        talk.say("not enrolled yet: get a ticket at a desk, then: ownhue phone enrol")
        return None
    try:
        with working("enrolling"):
            return str(ask("enrol", ticket=ticket)["number"])
    except OwnhueError:
        talk.say("the phone is made, and not enrolled; try again with: ownhue phone enrol")
        raise


def _region(start: Chosen, choose: str | None, client: httpx.Client, ledger: FirstLedger, now: int) -> Chosen:
    if choose is None:
        return start
    settings = wiring.settings()
    source = ServerSource(lambda url: Door(client, url, ledger, settings), start.region.name, settings.retries)
    with working("reading the directory of regions"):
        directory = directory_of(start, source, now)
    if choose == "?":
        talk.table(("region", "name"), [(e.name, e.labels.get("en", "")) for e in directory.regions])
        choose = str(typer.prompt("Region", err=True))
    if choose == start.region.name:
        return start
    with working("fetching the region's file and root"):
        return chosen_region(directory, choose, source, now)


def _say_region(chosen: Chosen) -> None:
    talk.say(f"region {chosen.region.name}, at {chosen.region.url}")
    if chosen.root is None:
        talk.say("no root of trust was given: the keys in the region file count for ever, and nobody can replace them")


def _location(given: str | None) -> str:
    if given is None:
        talk.say(EXPLAINED["location"])
        given = str(typer.prompt("Where do places come from", default="off", err=True))
    if given not in LOCATION_SOURCES:
        raise typer.BadParameter(f"one of {', '.join(LOCATION_SOURCES)}", param_hint="--location")
    return given


def _yes(name: str, given: bool | None) -> bool:
    if given is not None:
        return given
    talk.say(EXPLAINED[name])
    return bool(typer.confirm(f"Allow it ({name})?", default=name != "autostart", err=True))


def _write_unit(wired: Wiring, radio: str) -> None:
    path = service.write_unit(service.unit_text(service.program_path(), wired.directory, radio))
    talk.say(f"written: {path}; start it with: systemctl --user enable --now {service.UNIT_NAME}")
