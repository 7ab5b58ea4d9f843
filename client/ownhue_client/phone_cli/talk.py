"""How commands speak: data on stdout, talk on stderr; as JSON with `--json`, without colours where NO_COLOR is set."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

#: Symbol and style of a colour: shape and word say it too, so that nobody needs to see colours.
SIGNS = {"green": ("✔", "bold green"), "yellow": ("▲", "bold yellow"), "red": ("⬣", "bold red"), "grey": ("◌", "bold")}

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def out() -> Console:
    """Where data go. Made when it is needed: the environment decides on colours and width."""
    return Console(highlight=False, soft_wrap=True)


def err() -> Console:
    """Where talk goes."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print *value* as one JSON document."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True))


def answer(value: Any, sentence: str, *, as_json: bool) -> None:
    """What a command did: *value* as data, or *sentence* as talk."""
    if as_json:
        print_json(value)
    else:
        say(sentence)


def say(line: str) -> None:
    """Print a line of talk."""
    err().print(Text(clean(line)))


def tell(line: str, style: str = "") -> None:
    """Print a line of data."""
    out().print(Text(clean(line), style=style))


def clean(text: object) -> str:
    """*text* without orders to the terminal: names of regions and texts of servers come from others."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))


def table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print *rows* under *titles*."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        made.add_column(title, overflow="fold")
    for row in rows:
        made.add_row(*(Text(clean("" if cell is None else cell)) for cell in row))
    out().print(made)


def headline(status: Mapping[str, Any]) -> None:
    """Print a colour with its symbol and word."""
    symbol, style = SIGNS[status["colour"]]
    tell(f"{symbol} {status['headline']}", style)


def moment(unix: int | None, zone: str | None = None) -> str:
    """A time in *zone*, default the device's own; "never" for None."""
    if unix is None:
        return "never"
    try:
        local = datetime.fromtimestamp(unix, ZoneInfo(zone)) if zone else datetime.fromtimestamp(unix, UTC).astimezone()
    except (ZoneInfoNotFoundError, ValueError):
        local = datetime.fromtimestamp(unix, UTC)
    return f"{local:%Y-%m-%d %H:%M}"


def date_of(day: int) -> str:
    """A UTC day (unix // 86400)."""
    return f"{datetime.fromtimestamp(day * 86400, UTC):%Y-%m-%d}"


def span(seconds: int) -> str:
    """A length of time in words, rounded down."""
    for unit, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * unit or (seconds >= unit and unit == 60):
            count = seconds // unit
            return f"{count} {word}{'' if count == 1 else 's'}"
    return f"{max(seconds, 0)} seconds"


@contextmanager
def working(what: str) -> Iterator[None]:
    """While open, a terminal shows that something is being done; anything else shows nothing."""
    console = err()
    if not console.is_terminal:
        yield
        return
    with console.status(clean(what)):
        yield


def confirmed(question: str, *, yes: bool) -> None:
    """Ask; ends the command with status 1 when the answer is no."""
    if not yes:
        typer.confirm(question, abort=True, err=True)
