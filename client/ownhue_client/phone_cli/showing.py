"""`ownhue phone show`: the code at the door, drawn in the terminal, signed anew every 15 seconds for two minutes."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ownhue.challenge import parse_challenge
from ownhue.code import MAX_CHARACTERS
from ownhue.encoding import base64url_encode
from ownhue.errors import StateError
from ownhue.params import CODE_RESIGN_SECONDS
from ownhue_client.operations.route import Ask
from ownhue_client.phone_cli import talk, wiring
from ownhue_client.phone_cli.talk import Json
from ownhue_client.phone_cli.wiring import wiring_of
from ownhue_client.qr import qr_modules, write_qr

#: What a door learns, said before anything is shown. specs/code.md section 6
LEARNS = (
    "The door learns: your colour, that it was signed just now by a phone with a pass for today, and the age of your "
    "data. It learns neither your name nor a number that comes again: each opening uses another pass."
)
_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
#: Colour and ring.
_LINES_BELOW = 2
_RING = "○◔◑◕●"


def show(
    context: typer.Context,
    challenge: Annotated[str, typer.Option(help='A checkpoint\'s challenge ("OWNC1:..."), answered at once.')] = "",
    once: Annotated[bool, typer.Option("--once", help="Print the code's text once, and draw nothing.")] = False,
    png: Annotated[Path | None, typer.Option(help="Write the code as a picture, once.")] = None,
    as_json: Json = False,
) -> None:
    """Show the code for at most two minutes. Each opening uses one pass."""
    answered = base64url_encode(parse_challenge(challenge)) if challenge else ""
    if sys.stdout.isatty() and not (once or png or as_json):
        check_room(talk.out())
    with wiring_of(context).asking() as ask:
        opened = ask("show.open")
        try:
            if answered:
                opened |= ask("show.text", challenge=answered)
            _show(ask, opened, answered, png, as_json=as_json, once=once)
        finally:
            ask("show.close")


def check_room(console: Console) -> None:
    """Raises StateError when the longest code would not fit the terminal: asked before a pass is used up."""
    modules = len(qr_modules("A" * MAX_CHARACTERS))
    lines = (modules + 1) // 2 + _LINES_BELOW
    if console.width < modules or console.height < lines:
        raise StateError(
            f"the code takes {modules} columns and {lines} lines, and this terminal has {console.width} and "
            f"{console.height}: make its letters smaller, or use --png"
        )


def _show(ask: Ask, opened: dict[str, Any], challenge: str, png: Path | None, *, as_json: bool, once: bool) -> None:
    if png is not None:
        write_qr(opened["text"], png)
    if as_json:
        talk.print_json(opened)
    elif once or not sys.stdout.isatty():
        typer.echo(opened["text"])
    elif png is None:
        talk.say(LEARNS)
        try:
            _turn(ask, opened, challenge)
        except KeyboardInterrupt:
            talk.say("closed")


def _turn(ask: Ask, opened: dict[str, Any], challenge: str) -> None:
    """Draw and sign anew until the two minutes are over. An answer to a challenge stays: it is of one moment."""
    text, signed = opened["text"], opened["opened_at"]
    console = talk.out()
    with Live(console=console, transient=True, auto_refresh=False) as live:
        while (time := wiring.now()) <= opened["until"]:
            if not challenge and time - signed >= CODE_RESIGN_SECONDS:
                text, signed = ask("show.text")["text"], time
            live.update(screen(text, opened["colour"], opened["until"] - time, console), refresh=True)
            wiring.wait(1)
    talk.say("the two minutes are over; the pass is used up")


def screen(text: str, colour: str, left: int, console: Console) -> Group:
    """The code of *text* with its colour as symbol and word, and *left* seconds as a ring that empties."""
    symbol, style = talk.SIGNS[colour]
    ring = _RING[min(max(left, 0) * len(_RING) // 121, len(_RING) - 1)]
    return Group(
        drawn(text, colours=not console.no_color and console.color_system is not None),
        Text(f"{symbol} {colour.upper()}", style=style),
        Text(f"{ring} {left} s"),
    )


def drawn(text: str, *, colours: bool) -> Text:
    """The QR code of *text*, two rows of modules in one line of letters.

    Without *colours* the light modules are the blocks: right on a dark terminal, inverted on a light one, and
    checkpoints read both.
    """
    rows = qr_modules(text)
    rows += [[False] * len(rows[0])] * (len(rows) % 2)
    lines = (
        "".join(_HALVES[upper == colours, lower == colours] for upper, lower in zip(first, second, strict=True))
        for first, second in zip(rows[::2], rows[1::2], strict=True)
    )
    return Text("\n".join(lines), style="#000000 on #ffffff" if colours else "", no_wrap=True)
