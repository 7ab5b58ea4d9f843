"""`ownhue phone result ...`: own results, health certificates and corrections."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ownhue.errors import LimitError
from ownhue_client.errors import PictureError
from ownhue_client.phone_cli import talk
from ownhue_client.phone_cli.talk import Json, moment
from ownhue_client.phone_cli.wiring import wiring_of
from ownhue_client.qr import read_qr

result = typer.Typer(help="Own results, health certificates and corrections. Without a command: all of them.")

#: Longest text of a certificate that is read, in bytes: ten times what a QR code holds.
MAX_TEXT_BYTES = 40_000
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff")

File = Annotated[
    Path, typer.Argument(help="Picture (PNG, JPEG) or text file with the code; - reads a text from standard input.")
]


@result.callback(invoke_without_command=True)
def _list_by_default(context: typer.Context) -> None:
    """Own results, health certificates and corrections."""
    if context.invoked_subcommand is None:
        show_all(context)


@result.command(name="list")
def show_all(context: typer.Context, as_json: Json = False) -> None:
    """List them, with what became of each."""
    with wiring_of(context).asking() as ask:
        value = ask("results")
    if as_json:
        talk.print_json(value)
        return
    talk.table(("what", "of", "learned", "state"), [*_results(value), *_certificates(value), *_clearances(value)])
    if not value["owner_named"]:
        talk.say("whose certificates these are is not told yet: ownhue phone result owner")


@result.command()
def add(context: typer.Context, file: File, as_json: Json = False) -> None:
    """Add a health certificate from FILE; it is verified, kept sealed, and counts from now on."""
    _add(context, "certificate.add", file, as_json=as_json)


@result.command(name="add-correction")
def add_correction(context: typer.Context, file: File, as_json: Json = False) -> None:
    """Add the authority's correction of one finding from FILE."""
    _add(context, "clearance.add", file, as_json=as_json)


@result.command()
def remove(
    context: typer.Context,
    identity: Annotated[str, typer.Argument(help="Beginning of the certificate's id.")],
    as_json: Json = False,
) -> None:
    """Remove a certificate; what it ended counts again."""
    with wiring_of(context).asking() as ask:
        ask("certificate.remove", id=identity)
    talk.answer({"removed": identity}, "removed", as_json=as_json)


@result.command()
def owner(
    context: typer.Context,
    forget: Annotated[bool, typer.Option("--forget", help="Forget whose they are.")] = False,
    family: Annotated[str | None, typer.Option(help="Family name, as on the certificate.")] = None,
    given: Annotated[str | None, typer.Option(help="Given names, as on the certificate.")] = None,
    born: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Date of birth.")] = None,
    as_json: Json = False,
) -> None:
    """Tell the phone whose certificates it keeps, so that nobody else's are taken. It stays sealed on this phone."""
    told: dict[str, str] = {}
    if not forget:
        told = {
            "family": typer.prompt("Family name", err=True) if family is None else family,
            "given": typer.prompt("Given names", err=True) if given is None else given,
            "born": typer.prompt("Date of birth (2026-03-02)", err=True) if born is None else f"{born:%Y-%m-%d}",
        }
    with wiring_of(context).asking() as ask:
        value = ask("owner", **told)
    talk.answer(value, "forgotten" if forget else "kept, sealed, on this phone alone", as_json=as_json)


def text_of(file: Path) -> str:
    """The code's text in *file*: read from a picture, or as it is. Raises PictureError, LimitError, OSError."""
    if str(file) == "-":
        data = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1)
    else:
        with file.open("rb") as stream:
            data = stream.read(MAX_TEXT_BYTES + 1)
    if data.startswith(_PICTURES) and str(file) != "-":
        return read_qr(file)
    if len(data) > MAX_TEXT_BYTES:
        raise LimitError(f"the text of a certificate has at most {MAX_TEXT_BYTES} bytes")
    try:
        return data.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise PictureError("neither a PNG or JPEG picture nor the text of a code") from error


def _add(context: typer.Context, op: str, file: Path, *, as_json: bool) -> None:
    text = text_of(file)
    with wiring_of(context).asking() as ask:
        value = ask(op, text=text)
        status = ask("status")
    if as_json:
        talk.print_json(value)
    else:
        talk.say("verified and kept")
        talk.headline(status)


def _results(value: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        ("own result", r["tested_on"], moment(r["learned_at"]), "withdrawn" if r["withdrawn_at"] else "counts")
        for r in value["results"]
    ]


def _certificates(value: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            f"{c['kind']} {c['id'][:8]}",
            moment(c["time"]),
            moment(c["learned_at"]),
            f"revoked {moment(c['revoked_at'])}" if c["revoked_at"] else f"valid until {moment(c['valid_until'])}",
        )
        for c in value["certificates"]
    ]


def _clearances(value: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (f"correction of {c['finding']}", moment(c["issued_at"]), moment(c["learned_at"]), "counts")
        for c in value["clearances"]
    ]
