"""trust_words.py, document_words.py, ``root sign``: nobody signs what was not shown. specs/trust.md section 11"""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ownhue.encoding import base64url_encode
from ownhue.errors import FormatError, LimitError, StateError
from ownhue.trust.ceremony import new_targets
from ownhue.trust.targets import Target
from ownhue_server import ceremony
from ownhue_server.cli import app
from ownhue_server.cli import root as root_cli
from ownhue_server.trust_words import words
from tests.server.offline import People, run
from tests.server.served import MONDAY, deployment

DAY = 86_400


@pytest.fixture
def signed(tmp_path: Path) -> tuple[Path, People, Path]:
    """A deployment's trust roles, people, and their root."""
    people = People(tmp_path / "people")
    deployment(tmp_path / "server")
    run("root", "roles", tmp_path / "server", people.folder / "to-sign")
    made = people.folder / "1.root.json"
    run("root", "create", "--online", tmp_path / "server/root.json", "--out", made, *people.listed())
    return people.folder / "to-sign/trust-roles.json", people, people.sign(made, people.key("a"), people.key("b"))


def _targets(digests: Sequence[str], since: int = 0, version: int = 1) -> bytes:
    named = [
        Target(f"rulebook/{digest}.json", bytes.fromhex(digest), 1, since + at) for at, digest in enumerate(digests)
    ]
    return new_targets(named, MONDAY, version)


def test_targets_are_shown_with_the_keys_that_their_trust_roles_list(signed: tuple[Path, People, Path]) -> None:
    roles, people, root = signed
    out = people.folder / "1.targets.json"
    run("root", "targets", "--out", out, "--name", f"trust-roles={roles}")
    assert "no more than the digest" in run("root", "show", out)
    said = run("root", "sign", out, "--root", root, "--key", people.key("a"), "--document", roles, "--yes")
    (log_key,) = re.findall(r'"log_keys":\["([^"]*)"', roles.read_text())
    assert f"  log key {log_key}" in said
    assert "no more than the digest" not in said


def test_another_document_than_the_named_one_is_not_shown_in_its_place(signed: tuple[Path, People, Path]) -> None:
    roles, people, root = signed
    out = people.folder / "1.targets.json"
    run("root", "targets", "--out", out, "--name", f"trust-roles={roles}")
    roles.write_bytes(roles.read_bytes() + b"\n")
    with pytest.raises(StateError, match="not the one that the targets name"):
        run("root", "sign", out, "--root", root, "--key", people.key("a"), "--document", roles, "--yes")


def test_a_change_hidden_in_a_long_list_is_shown_last() -> None:
    digests = [f"{number:064x}" for number in range(300)]
    before = _targets(digests)
    after = _targets([*digests[:150], "f" * 64, *digests[151:]], version=2)
    lines = words(after, before=before)
    shown = [line for line in lines if "NEW" in line or "REMOVED" in line]
    assert len(shown) == 2
    at = lines.index("300 files are named; 2 lines above say what changes")
    assert lines[at - 2 : at] == sorted(shown)


def test_a_target_of_a_far_future_is_shown() -> None:
    assert any("after the year 9999" in line for line in words(_targets(["a" * 64], 2**40 - 2)))


def test_letters_that_move_a_terminals_cursor_are_not_shown_as_they_are(tmp_path: Path) -> None:
    trick = tmp_path / "trick.json"
    trick.write_bytes('{"signed":{"region":"\x9b2J","version":7}}'.encode())
    run("root", "targets", "--out", tmp_path / "t.json", "--name", f"rulebook={trick}")
    said = run("root", "show", tmp_path / "t.json", "--document", trick)
    assert "\x9b" not in said
    assert "version 7" in said


def test_a_root_that_is_not_the_one_before_is_no_measure(signed: tuple[Path, People, Path]) -> None:
    _roles, people, root = signed
    third = people.rotate(people.rotate(root, 2), 3)
    with pytest.raises(StateError, match="of version 2"):
        run("root", "show", third, "--before", root)


def test_a_signature_that_does_not_count_is_not_made(signed: tuple[Path, People, Path]) -> None:
    roles, people, root = signed
    run("root", "key", people.folder / "stranger.key", "--no-passphrase")
    out = people.folder / "1.targets.json"
    run("root", "targets", "--out", out, "--name", f"trust-roles={roles}")
    cases: list[tuple[Path, list[str | Path]]] = [(root, []), (out, ["--root", root])]
    for file, options in cases:
        with pytest.raises(StateError, match="does not count"):
            run("root", "sign", file, "--key", people.folder / "stranger.key", "--yes", *options)


def test_one_person_named_twice_makes_no_root(signed: tuple[Path, People, Path], tmp_path: Path) -> None:
    _roles, people, root = signed
    keys = [f"{role}={people.key(name)}" for role in ("root", "targets") for name in "aab"]
    options = [option for key in keys for option in ("--add", key)]
    with pytest.raises(FormatError, match="named twice"):
        run("root", "create", "--online", root, "--out", tmp_path / "x", *options, "--threshold", "root=2")


def test_an_empty_passphrase_file_makes_no_open_key(tmp_path: Path) -> None:
    for data in (b"", b"\n", b"\xff\xfe"):
        (tmp_path / "words").write_bytes(data)
        with pytest.raises(FormatError):
            run("root", "key", tmp_path / "a.key", "--passphrase-file", tmp_path / "words")
        assert not (tmp_path / "a.key").exists()


def test_only_the_public_half_goes_to_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceremony, "OPERATIONS", 1)
    monkeypatch.setattr(ceremony, "MEMORY_BYTES", 8192)
    said = CliRunner().invoke(app, ["root", "key", str(tmp_path / "a.key")], input="horse\nhorse\n")
    (tmp_path / "a.pub").write_text(said.stdout)
    assert ceremony.public_key(str(tmp_path / "a.pub")) == ceremony.public_key(str(tmp_path / "a.key"))
    seed = ceremony.read_key_file(tmp_path / "a.key").open("horse")
    assert base64url_encode(bytes(seed)) not in (tmp_path / "a.key").read_text() + said.output


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LimitError):
        run("root", "show", "/dev/zero")
    with pytest.raises(LimitError):
        ceremony.read_key_file(Path("/dev/zero"))


def test_a_file_with_an_at_sign_in_its_path_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root_cli, "_now", lambda: MONDAY)
    path = tmp_path / "me@home" / "r.json"
    path.parent.mkdir()
    path.write_bytes(b"{}")
    for number, when in enumerate(("", f"@{MONDAY + DAY}", "@2026-03-02T00:00:00Z")):
        said = run("root", "targets", "--out", tmp_path / f"{number}", "--name", f"rulebook={path}{when}")
        assert "2026-03-0" in said
