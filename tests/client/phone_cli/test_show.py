"""`ownhue phone show`: the code that a camera reads, for two minutes."""

import io
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console
from rich.text import Text

from ownhue.challenge import encode_challenge
from ownhue.code import decode_code
from ownhue.errors import FormatError, StateError
from ownhue_client.phone_cli import showing, talk, wiring
from ownhue_client.qr import qr_modules, read_qr
from tests.client.phone_cli.shell import PASSES, Owner


def test_the_code_is_printed_once_where_nobody_looks_and_as_a_picture(settled: Owner, tmp_path: Path) -> None:
    text = settled.does("show", "--png", tmp_path / "code.png").stdout.strip()
    assert decode_code(text).statement.colour == 0
    assert read_qr(tmp_path / "code.png") == text
    assert settled.json("show")["passes_left"] == PASSES - 2


def test_a_challenge_is_answered(settled: Owner) -> None:
    challenge = bytes(range(16))
    text = settled.does("show", "--challenge", encode_challenge(challenge)).stdout.strip()
    assert decode_code(text).statement.challenge == challenge
    assert isinstance(settled.fails("show", "--challenge", "OWNC1:"), FormatError)
    assert settled.json("status")["passes_left"] == PASSES - 1, "a challenge that is none uses no pass"


@pytest.mark.parametrize("colours", [True, False])
def test_a_camera_reads_the_code_that_the_terminal_draws(settled: Owner, colours: bool) -> None:
    """On a dark terminal; without colours also on a light one, where it is inverted."""
    text = settled.does("show").stdout.strip()
    lines = showing.drawn(text, colours=colours).plain.split("\n")
    assert len(lines) * 2 - len(qr_modules(text)) in {0, 1}
    for paper in (0, 255):
        ink = 255 - paper
        foreground, background = (0, 255) if colours else (ink, paper)
        assert read_qr(picture(lines, foreground, background)) == text


def picture(lines: list[str], foreground: int, background: int, scale: int = 6) -> bytes:
    """What a camera sees of *lines* of half blocks."""
    halves = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
    image = Image.new("L", (len(lines[0]), 2 * len(lines)), background)
    for row, line in enumerate(lines):
        for column, letter in enumerate(line):
            for half, inked in enumerate(halves[letter]):
                image.putpixel((column, 2 * row + half), foreground if inked else background)
    framed = Image.new("L", (image.width + 8, image.height + 8), background)
    framed.paste(image, (4, 4))
    out = io.BytesIO()
    framed.resize((framed.width * scale, framed.height * scale), Image.Resampling.NEAREST).save(out, "PNG")
    return out.getvalue()


def test_the_screen_turns_for_two_minutes_and_signs_every_15_seconds(
    settled: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    draw = showing.drawn

    def drawn(text: str, *, colours: bool) -> Text:
        seen.append(text)
        return draw(text, colours=colours)

    monkeypatch.setattr(showing, "drawn", drawn)
    monkeypatch.setattr(wiring, "wait", lambda seconds: setattr(settled, "now", settled.now + 5 * int(seconds)))
    with wiring.Wiring(settled.folder).asking() as ask:
        console = Console(file=io.StringIO(), force_terminal=True, width=100)
        monkeypatch.setattr(talk, "out", lambda: console)
        showing._turn(ask, ask("show.open"), "")
    assert len(seen) == 25
    assert len(set(seen)) == 9
    assert {decode_code(text).public_key for text in seen} == {decode_code(seen[0]).public_key}


def test_a_terminal_that_is_too_small_is_told_before_a_pass_is_used() -> None:
    showing.check_room(Console(file=io.StringIO(), width=81, height=43))
    for width, height in ((80, 43), (81, 42)):
        with pytest.raises(StateError, match="81 columns and 43 lines"):
            showing.check_room(Console(file=io.StringIO(), width=width, height=height))


def test_a_ring_empties_and_the_colour_is_a_word() -> None:
    console = Console(file=io.StringIO(), width=120)
    for left, ring in ((120, "●"), (60, "◑"), (0, "○")):
        console.print(showing.screen("OWN1:ABC", "yellow", left, console))
        assert f"{ring} {left} s" in console.file.getvalue()  # type: ignore[attr-defined]
    assert "▲ YELLOW" in console.file.getvalue()  # type: ignore[attr-defined]
