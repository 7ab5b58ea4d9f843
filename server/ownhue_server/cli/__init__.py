"""``ownhue-server``: every command, and how the process ends.

Exit status 0: done. 1: an error of ours, one line on standard error. 2: the command line is wrong.
"""

import sys

import typer
from sqlalchemy.exc import DatabaseError

from ownhue.errors import OwnhueError
from ownhue_server.cli import audit, deployment, root, rotate, stop, witness

app = typer.Typer(
    help="Authority, publisher and issuer of ownhue.", no_args_is_help=True, pretty_exceptions_enable=False
)
app.command()(deployment.init)
app.command()(deployment.serve)
app.command()(deployment.rehearse)
app.command()(rotate.rotate)
app.command()(stop.stop_device)
app.command()(audit.verify_log)
app.command()(audit.doctor)
app.add_typer(root.app, name="root")
app.add_typer(witness.app, name="witness")


def main() -> None:
    """Run the command line."""
    try:
        app()
    except (OwnhueError, OSError) as error:
        _fail(str(error))
    except DatabaseError as error:
        # A damaged file or a full disk. Only the driver's words: SQLAlchemy adds the statement and the row.
        _fail(f"a database failed: {error.orig}")


def _fail(message: str) -> None:
    print(f"ownhue-server: {message}", file=sys.stderr)  # noqa: T201 - the one line for the user
    sys.exit(1)
