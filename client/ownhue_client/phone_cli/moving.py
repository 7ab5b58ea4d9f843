"""`ownhue phone export | import | erase | repair`: a phone that moves, ends, or is damaged."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ownhue.errors import StateError
from ownhue_client.phone import erase as erasing
from ownhue_client.phone import repair as repairing
from ownhue_client.phone.transfer import check_phone, import_phone, spoken_passphrase
from ownhue_client.phone_cli import talk, wiring
from ownhue_client.phone_cli.talk import Json, Yes, confirmed, date_of, moment, working
from ownhue_client.phone_cli.unlocking import Unlock, chosen_unlock
from ownhue_client.phone_cli.wiring import Wiring, ask_secret, read_passphrase, wiring_of

_DAY_SECONDS = 86_400
SecretFile = Annotated[
    Path | None, typer.Option("--secret-file", help="File with the passphrase of the moved file; default: asked.")
]


def export(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="File to be written; never one that is there.", dir_okay=False)],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Move this phone: write everything into one sealed file. This device then goes silent for good."""
    if out.exists():
        raise StateError(f"{out.name} is there already")
    confirmed("This device will send, listen and show no code any more. Go on?", yes=yes)
    passphrase = spoken_passphrase(wiring.random)
    with wiring_of(context).asking() as ask:
        with working("sealing"):
            made = ask("export", passphrase=passphrase)
            shutil.move(made["path"], out)
            with out.open("rb") as file:
                # Only a file that was read back, where it lies now, takes this device's place.
                moved = check_phone(file, passphrase)
        if as_json:
            talk.print_json({"file": str(out), "records": moved.records, "passphrase": passphrase})
        else:
            _say_passphrase(out, passphrase)
        ask("export.moved")


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="What `ownhue phone export` wrote on the old device.", dir_okay=False)],
    unlock: Unlock = None,
    secret_file: SecretFile = None,
    as_json: Json = False,
) -> None:
    """Go on with a phone that was exported on another device."""
    wired = wiring_of(context)
    secret = read_passphrase(secret_file) if secret_file else ask_secret("Spoken passphrase of the file")
    source = chosen_unlock(unlock, wired)
    with file.open("rb") as stream, working("opening"):
        moved = import_phone(stream, secret, wired.directory, random=wiring.random, unlock=source)
    if as_json:
        talk.print_json({"exported_at": moved.exported_at, "records": moved.records})
    else:
        talk.say(f"{moved.records} records of {moment(moved.exported_at)} are here; go on with: ownhue phone run")


def erase(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--everything", help="The keys first, then all files.")] = False,
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="One UTC day (2026-03-02).")] = None,
    kind: Annotated[str | None, typer.Option(help=f"One of {', '.join(erasing.KINDS)}.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Erase one day, one kind, or everything. With --dry-run nothing is changed."""
    if not dry_run and [everything, day is not None, kind is not None].count(True) != 1:
        raise typer.BadParameter("name one: --everything, --day or --kind; or look first with --dry-run")
    wired = wiring_of(context)
    number = None if day is None else int(day.replace(tzinfo=UTC).timestamp()) // _DAY_SECONDS
    if dry_run:
        _survey(wired, kind, number, as_json=as_json)
        return
    if everything:
        _erase_all(wired, yes=yes)
        return
    confirmed("Erase it? It cannot be brought back", yes=yes)
    with wired.asking() as ask, working("erasing"):
        value = ask("erase.kind", kind=kind) if kind else ask("erase.day", day=number)
    if as_json:
        talk.print_json(value)
    else:
        talk.say(f"{value['erased']} records erased")


def repair(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be lost.")] = False,
    as_json: Json = False,
) -> None:
    """Repair a damaged store: what still opens is kept, what does not is told. Exit status 1: something is lost."""
    wired = wiring_of(context)
    with working("reading every record"):
        report = repairing.repair(wired.directory, random=wiring.random, unlock=wired.unlock(), dry_run=dry_run)
    lost_days = [date_of(day) for day in sorted(report.lost_days)]
    if as_json:
        talk.print_json({"kept": report.kept, "lost": report.lost, "lost_days": lost_days, "dry_run": dry_run})
    else:
        talk.tell(f"{sum(report.kept.values())} records open")
        for table, count in report.lost.items():
            talk.tell(f"lost: {count} of {table}")
        if lost_days:
            talk.tell(f"days of which something is lost: {', '.join(lost_days)}")
    if not report.whole:
        raise typer.Exit(1)


def _survey(wired: Wiring, kind: str | None, day: int | None, *, as_json: bool) -> None:
    with wired.asking() as ask:
        found = ask("erase.survey", kind=kind, day=day)
    if as_json:
        talk.print_json(found)
        return
    rows = [(held["kind"], date_of(held["day"]) if held["day"] else "-", held["records"]) for held in found]
    talk.table(("kind", "day (UTC)", "records"), rows)
    talk.say(f"{sum(held['records'] for held in found)} records would go; nothing was changed")


def _erase_all(wired: Wiring, *, yes: bool) -> None:
    wired.check_there()
    confirmed("Destroy this phone, its keys and its whole history? It cannot be brought back", yes=yes)
    erasing.erase_everything(wired.directory)
    talk.say("everything is erased; passes that the server gave out are of no use to anybody")


def _say_passphrase(out: Path, passphrase: str) -> None:
    talk.tell(f"written and read back: {out}")
    talk.tell("The passphrase, shown this once. Write it down or speak it; never send it with the file:")
    talk.tell(f"  {passphrase}", "bold")
    talk.tell("On the new device: ownhue phone import FILE")
