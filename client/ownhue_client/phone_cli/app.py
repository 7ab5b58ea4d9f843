"""The table of commands of `ownhue phone`."""

from pathlib import Path
from typing import Annotated

import typer

from ownhue_client.phone_cli import first, keeping, look, moving, running, showing, unlocking
from ownhue_client.phone_cli.papers import result
from ownhue_client.phone_cli.places import places
from ownhue_client.phone_cli.regions import regions
from ownhue_client.phone_cli.reports import report
from ownhue_client.phone_cli.wiring import FOLDER_VARIABLE, PASSPHRASE_VARIABLE, Wiring, default_folder

phone = typer.Typer(help="Your own phone: its history stays here.", no_args_is_help=True)


@phone.callback()
def _root(
    context: typer.Context,
    directory: Annotated[
        Path | None, typer.Option("--phone", envvar=FOLDER_VARIABLE, help="The phone's folder.", file_okay=False)
    ] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option(envvar=PASSPHRASE_VARIABLE, help="File with the phone's passphrase, first line.")
    ] = None,
) -> None:
    """Your own phone: its history stays here."""
    context.obj = Wiring(directory or default_folder(), passphrase_file)


phone.command(name="init")(first.init)
phone.command(name="run")(running.run)
phone.command(name="status")(look.status)
phone.command(name="why")(look.why)
phone.command(name="show")(showing.show)
phone.command(name="sync")(keeping.sync)
phone.add_typer(report, name="report")
phone.add_typer(result, name="result")
phone.add_typer(places, name="places")
phone.command(name="journal")(look.journal)
phone.command(name="ledger")(look.ledger)
phone.command(name="export")(moving.export)
phone.command(name="import")(moving.import_)
phone.command(name="erase")(moving.erase)
phone.command(name="repair")(moving.repair)
phone.command(name="unlock")(unlocking.unlock)
phone.command(name="doctor")(look.doctor)
phone.command(name="enrol")(keeping.enrol)
phone.command(name="device")(keeping.device)
phone.command(name="passes")(keeping.passes)
phone.add_typer(regions, name="regions")
phone.command(name="settings")(keeping.settings)
phone.command(name="unit")(running.unit)
phone.command(name="evidence")(look.evidence)
