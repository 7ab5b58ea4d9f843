"""The command `ownhue`. Data goes to stdout, talk to stderr; errors of our own kind end with one line, no traceback."""

import sys

import httpx
import typer

from ownhue.errors import FormatError, OwnhueError
from ownhue_client import exit_codes
from ownhue_client.city.cli import city
from ownhue_client.errors import UnreachableError
from ownhue_client.evidence_cli import evidence
from ownhue_client.phone_cli.app import phone

app = typer.Typer(
    name="ownhue",
    help="A health code that belongs to its owner.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(city, name="city")
app.add_typer(evidence, name="evidence")
app.add_typer(phone, name="phone")


@app.callback()
def _root() -> None:
    """A health code that belongs to its owner."""


def status_of(error: OwnhueError) -> int:
    """The exit status that stands for *error*."""
    if isinstance(error, FormatError):
        return exit_codes.UNREADABLE
    if isinstance(error, UnreachableError):
        return exit_codes.UNREACHABLE
    return exit_codes.FAILED


def main() -> None:
    """Run the command line; the process ends with a status of exit_codes."""
    try:
        app()
    except OwnhueError as error:
        # A hostile file's names of fields must not become lines, or orders to the terminal.
        line = "".join(letter if letter.isprintable() else "?" for letter in str(error))
        print(f"ownhue: {line}", file=sys.stderr)  # noqa: T201 - the one line that a user gets to read
        sys.exit(status_of(error))
    except httpx.HTTPError as error:
        print(f"ownhue: the server could not be reached: {type(error).__name__}", file=sys.stderr)  # noqa: T201
        sys.exit(exit_codes.UNREACHABLE)
    except OSError as error:
        print(f"ownhue: {error.strerror or error}: {error.filename or ''}".rstrip(": "), file=sys.stderr)  # noqa: T201
        sys.exit(exit_codes.UNREACHABLE)
