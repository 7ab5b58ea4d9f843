"""`ownhue phone result ...`"""

from pathlib import Path

import pytest

from ownhue.errors import FormatError, OwnhueError
from ownhue_client import exit_codes
from ownhue_client.errors import PictureError
from ownhue_client.phone_cli.papers import text_of
from ownhue_client.qr import write_qr
from tests.client.phone_cli.shell import Owner, opened
from tests.client.publisher import START
from tests.client.test_phone_certificates import OWNER, SAMPLED, listened, negative, yellow
from tests.client.town import Town


def test_a_certificate_is_read_from_a_picture_or_a_text(settled: Owner, tmp_path: Path) -> None:
    picture_file, text_file = tmp_path / "a.png", tmp_path / "a.txt"
    write_qr("HC1:ABC", picture_file)
    text_file.write_text("HC1:ABC\n")
    assert text_of(picture_file) == text_of(text_file) == "HC1:ABC"
    text_file.write_bytes(b"\xff" * 10)
    with pytest.raises(PictureError):
        text_of(text_file)
    text_file.write_bytes(b"A" * 50_000)
    assert isinstance(settled.fails("result", "add", text_file), FormatError | OwnhueError)
    assert "signers" in str(settled.fails("result", "add", picture_file))
    settled.does("result", "owner", "--family", "Muster", "--given", "Probe", "--born", "1990-01-02")
    assert "not told" not in settled.does("result").stderr
    settled.does("result", "owner", "--forget")


def test_a_certificate_from_a_picture_ends_a_stay_and_comes_back_when_it_is_removed(
    owner: Owner, town: Town, tmp_path: Path
) -> None:
    owner.now = START
    owner.init()
    with opened(owner) as phone:
        owner.now = town.now = yellow(town, phone, tmp_path)
        listened(phone, owner.now)
    assert owner.types("status").exit_code == exit_codes.YELLOW
    write_qr(negative(SAMPLED), tmp_path / "test.png")
    assert "whose it is" in str(owner.fails("result", "add", tmp_path / "test.png"))
    owner.does("result", "owner", "--family", OWNER.family, "--given", OWNER.given, "--born", OWNER.born)
    assert "GREEN" in owner.does("result", "add", tmp_path / "test.png").stdout
    listed = owner.does("result").stdout
    assert "negative_test" in listed
    assert OWNER.family not in listed
    identity = owner.json("result", "list")["certificates"][0]["id"]
    assert owner.json("result", "remove", identity[:8]) == {"removed": identity[:8]}
    assert owner.types("status").exit_code == exit_codes.YELLOW
