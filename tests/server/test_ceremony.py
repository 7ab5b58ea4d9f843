"""ceremony.py, trust_install.py and ``ownhue-server root``: offline keys, step by step. specs/trust.md section 11"""

import os
import re
import shlex
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from nacl.signing import SigningKey
from typer.testing import CliRunner

from ownhue.documents import sign_document
from ownhue.encoding import base64url_encode, parse_canonical_json
from ownhue.errors import FormatError, OwnhueError, StateError, VerificationError
from ownhue.rulebook import rulebook_bytes
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue_server import ceremony, trust_install
from ownhue_server.cli import app
from ownhue_server.cli import root as root_cli
from ownhue_server.config import Config, Role, load_config, settings_bytes
from ownhue_server.trust_status import trust_status
from tests.server.offline import People, run
from tests.server.reader import Reader, versions
from tests.server.served import BATCH, MONDAY, deployment, served

SPEC = Path(__file__).parents[2] / "specs" / "trust.md"
DAY = 86_400


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machines of the ceremony have the clock of the rehearsal."""
    monkeypatch.setattr(root_cli, "_now", lambda: MONDAY)


@pytest.fixture
def region(tmp_path: Path) -> tuple[Path, People, Path, Path]:
    """A deployment whose root is offline: its folder, the people, root and targets as they were signed."""
    server, people = tmp_path / "server", People(tmp_path / "people")
    deployment(server)
    signing = people.folder / "to-sign"
    run("root", "roles", server, signing)
    made = people.folder / "1.root.json"
    run("root", "create", "--online", server / "root.json", "--out", made, *people.listed())
    root = people.sign(made, people.key("a"), people.key("b"))
    names = [f"{kind}={signing / kind}.json" for kind in ("trust-roles", "rulebook")]
    targets = people.targets("1", root, *names)
    run("root", "adopt", server, root, targets, signing / "trust-roles.json", signing / "rulebook.json")
    return server, people, root, targets


def test_the_commands_of_the_spec_run_as_they_stand_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what people type is said by options. The server's own commands run as real processes."""
    monkeypatch.setattr(root_cli, "_now", lambda: int(time.time()))
    monkeypatch.chdir(tmp_path)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    run("init", "SERVER", "--url", "http://127.0.0.1:9")
    for line in spec_commands():
        command, _, output = line.partition(" > ")
        words = shlex.split(command)
        words += ["--no-passphrase"] if words[1:3] == ["root", "key"] else []
        words += ["--yes"] if words[1:3] == ["root", "sign"] else []
        if words[0] == "ownhue-server" and words[2] not in {"adopt", "install"}:
            said = run(*words[1:])
            if output:
                (tmp_path / output).write_text(said)
        else:
            subprocess.run(words, env=environment, capture_output=True, timeout=60, check=True)
    assert not (tmp_path / "SERVER/keys/trust/root.key").exists()
    assert not load_config(tmp_path / "SERVER").settings.embedded_trust
    assert versions(tmp_path / "SERVER/trust") == {"root": 2, "targets": 2}


def spec_commands() -> list[str]:
    """The command lines in the blocks of the spec."""
    blocks = re.findall(r"```sh\n(.*?)```", SPEC.read_text(encoding="utf-8"), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def test_a_region_with_offline_keys_is_followed_from_its_first_batch(region: tuple[Path, People, Path, Path]) -> None:
    directory, people, root, targets = region
    with served(directory) as server:
        reader = Reader(server.config)
        assert reader.root == root.read_bytes()
        reader.sync(MONDAY)
        assert reader.named("rulebook", MONDAY)[0].data == (people.folder / "to-sign/rulebook.json").read_bytes()
        assert {fact.problem for fact in trust_status(server.config, MONDAY)} == {""}
        run("root", "install", directory, people.targets("2", root, before=targets))
        server.move_clock(MONDAY + BATCH)
        reader.sync(MONDAY + BATCH)
        assert versions(server.config.published / "trust")["targets"] == 2


def test_phones_of_an_embedded_root_follow_to_the_offline_one(tmp_path: Path) -> None:
    directory, people = tmp_path / "server", People(tmp_path / "people")
    with served(directory) as server:
        reader = Reader(server.config)
        reader.sync(MONDAY)
        config = server.config
    keys, first = directory / "keys" / "trust", directory / "trust" / "1.root.json"
    gone = ["--remove", f"root={keys / 'root.key'}", "--remove", f"targets={keys / 'targets.key'}"]
    root = people.sign(people.rotate(first, 2, *people.listed(), *gone), keys / "root.key", more=["--before", first])
    published = config.published / "trust" / "1.targets.json"
    with pytest.raises(StateError, match="install one together"):
        run("root", "adopt", directory, root)
    run("root", "adopt", directory, root, people.targets("2", root, before=published))
    with served(directory, now=MONDAY + BATCH) as server:
        reader.sync(MONDAY + BATCH)
        assert reader.named("rulebook", MONDAY + BATCH)
        newcomer = Reader(server.config)
        newcomer.sync(MONDAY + BATCH)
        assert newcomer.root == reader.root


def test_an_offline_region_whose_targets_are_void_publishes_on_and_says_so(
    region: tuple[Path, People, Path, Path],
) -> None:
    directory, _people, _root, targets = region
    (directory / "trust/1.targets.json").unlink()
    with served(directory) as server:
        problems = {fact.file: fact.problem for fact in trust_status(server.config, MONDAY)}
        assert problems == {"root": "", "timestamp": "missing", "snapshot": "missing", "targets": "missing"}
        run("root", "install", directory, targets)
        server.move_clock(MONDAY + BATCH)
        Reader(server.config).sync(MONDAY + BATCH)
        assert [fact.problem for fact in trust_status(server.config, MONDAY + 80 * DAY)][3] == "ends soon"
        assert [fact.problem for fact in trust_status(server.config, MONDAY + 90 * DAY)][3] == "void"


def test_targets_wait_until_what_they_name_is_published(
    region: tuple[Path, People, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    directory, people, root, targets = region
    with served(directory) as server:
        ahead = people.folder / "ahead.json"
        ahead.write_bytes(_signed_rulebook(server.config, 2))
        second = people.targets("2", root, f"rulebook={ahead}@{MONDAY + DAY}", before=targets)
        with pytest.raises(StateError, match="give the file along"):
            run("root", "install", directory, second)
        (directory / "trust" / "2.targets.json").write_bytes(second.read_bytes())  # as a copy by hand would
        server.move_clock(MONDAY + BATCH)
        assert "they wait" in capsys.readouterr().err
        assert versions(server.config.published / "trust")["targets"] == 1
        assert "waits" in [fact.problem for fact in trust_status(server.config, MONDAY + BATCH)]
        run("root", "install", directory, second, ahead)
        server.move_clock(MONDAY + 2 * BATCH)
        reader = Reader(server.config)
        reader.sync(MONDAY + 2 * BATCH)
        now, later = reader.named("rulebook", MONDAY + 2 * BATCH)
        assert (later.since, later.data) == (MONDAY + DAY, ahead.read_bytes())
        assert now.data != later.data


def _signed_rulebook(config: Config, version: int) -> bytes:
    """A rulebook of another version, as the authority signs it."""
    body = parse_canonical_json(rulebook_bytes(demonstration_rulebook().model_copy(update={"version": version})))
    return sign_document("rulebook", body, SigningKey(config.keys(Role.AUTHORITY).load("signing")))


def _unfinished(people: People, root: Path, targets: Path) -> Path:
    run("root", "rotate", root, "--out", people.folder / "2.root.json", "--days", "400")
    return people.sign(people.folder / "2.root.json", people.key("a"), more=["--before", root])


def _skipping(people: People, root: Path, targets: Path) -> Path:
    return people.rotate(people.rotate(root, 2), 3)


def _going_back(people: People, root: Path, targets: Path) -> Path:
    return people.targets("1-again", root, f"trust-roles={people.folder / 'to-sign/trust-roles.json'}")


def _by_one(people: People, root: Path, targets: Path) -> Path:
    run("root", "targets", "--before", targets, "--out", people.folder / "2.targets.json")
    return people.sign(people.folder / "2.targets.json", people.key("a"), more=["--root", root])


def _without_roles(people: People, root: Path, targets: Path) -> Path:
    path = re.findall(rb'"(trust-roles/[^"]*)"', targets.read_bytes())[0].decode()
    return people.targets("2", root, before=targets, drop=[path])


def _foreign_timestamp(people: People, root: Path, targets: Path) -> Path:
    online = re.findall(r"timestamp.*\n  (\S+)", run("root", "show", root))[0]
    return people.rotate(root, 2, "--add", f"timestamp={people.key('c')}", "--remove", f"timestamp={online}")


def _another_first_root(people: People, root: Path, targets: Path) -> Path:
    out = people.folder / "other.root.json"
    run("root", "create", "--online", root, "--out", out, "--days", "30", *people.listed())
    return people.sign(out, people.key("a"), people.key("b"))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (_unfinished, "unfinished"),
        (_skipping, "version 2 is missing"),
        (_going_back, "go back"),
        (_by_one, "lacks 1 signatures"),
        (_without_roles, "no trust roles"),
        (_foreign_timestamp, "keys of timestamp that this server does not have"),
        (_another_first_root, "another root of version 1"),
    ],
)
def test_files_after_which_phones_could_not_go_on_are_not_installed(
    region: tuple[Path, People, Path, Path], make: object, why: str
) -> None:
    directory, people, root, targets = region
    before = sorted(path.name for path in (directory / "trust").rglob("*"))
    assert callable(make)
    with pytest.raises(StateError, match=why):
        run("root", "install", directory, make(people, root, targets))
    assert sorted(path.name for path in (directory / "trust").rglob("*")) == before


def test_an_offline_root_that_lists_a_key_of_the_server_is_not_adopted(tmp_path: Path) -> None:
    directory, people = tmp_path / "server", People(tmp_path / "people")
    deployment(directory)
    first = directory / "trust" / "1.root.json"
    key = directory / "keys/trust/root.key"
    root = people.sign(people.rotate(first, 2, *people.listed()), key, more=["--before", first])
    with pytest.raises(StateError, match="lies on this server"):
        run("root", "adopt", directory, root)
    assert key.exists()
    assert load_config(directory).settings.embedded_trust


def test_a_sealed_key_file_opens_with_its_passphrase_only(tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text("correct horse\n")
    said = run("root", "key", tmp_path / "a.key", "--passphrase-file", words)
    file = ceremony.read_key_file(tmp_path / "a.key")
    assert said.strip() == base64url_encode(file.public)
    assert bytes(file.open("correct horse").verify_key) == file.public
    with pytest.raises(VerificationError, match="passphrase"):
        file.open("wrong")
    mode = stat.S_IMODE((tmp_path / "a.key").stat().st_mode)
    assert mode == 0o600


def test_a_power_cut_brings_back_no_settings_that_name_deleted_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``adopt`` deletes keys after it: its settings have to be on the disk, under their name, before."""
    config, _desk_key = deployment(tmp_path / "server")
    synced: list[tuple[Path, bytes]] = []

    def watched(folder: Path) -> None:
        synced.append((folder, (config.directory / "settings.json").read_bytes()))

    monkeypatch.setattr(trust_install, "sync_folder", watched)
    changed = replace(config, settings=config.settings.model_copy(update={"embedded_trust": False}))
    trust_install.replace_settings(changed)
    assert synced == [(config.directory, settings_bytes(changed.settings))]


def test_a_key_without_a_passphrase_is_in_no_text_about_its_file(tmp_path: Path) -> None:
    run("root", "key", tmp_path / "a.key", "--no-passphrase")
    file = ceremony.read_key_file(tmp_path / "a.key")
    assert file.seed is not None
    assert repr(file.seed) not in repr(file)


@pytest.mark.parametrize("data", [b"", b"{}", b"x" * 31, b'{"format":"ownhue-root-key-1","public":"AA","seed":"AA"}'])
def test_what_is_no_key_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(data)
    with pytest.raises(OwnhueError):
        ceremony.read_key_file(path).open()


def test_nothing_is_written_over_a_file(tmp_path: Path) -> None:
    people = People(tmp_path / "people")
    before = people.key("a").read_bytes()
    with pytest.raises(StateError, match="nothing is written over it"):
        run("root", "key", people.key("a"), "--no-passphrase")
    assert people.key("a").read_bytes() == before
    deployment(tmp_path / "server")
    with pytest.raises(StateError, match="nothing is written over it"):
        run("root", "rotate", tmp_path / "server/root.json", "--out", people.key("a"))


def test_signing_shows_what_it_is_and_asks(region: tuple[Path, People, Path, Path]) -> None:
    _directory, people, root, _targets = region
    out = people.folder / "2.root.json"
    gone = base64url_encode(ceremony.public_key(str(people.key("c"))))
    run("root", "rotate", root, "--out", out, "--remove", f"root={gone}", "--threshold", "root=1")
    command = ["root", "sign", str(out), "--key", str(people.key("a")), "--before", str(root)]
    result = None
    for typed, signed in (("no\n", False), ("\n\n", False), ("sign\n", True)):
        result = CliRunner().invoke(app, command, input=typed)
        assert (result.exit_code == 0) == signed
        assert f"{gone}  REMOVED" in result.output
        assert "CHANGED: 2 signatures were needed before" in result.output
        assert (people.folder / "2.root.signed-1.json").exists() == signed
    assert result is not None
    assert "of the keys of the root before: 1 missing" in result.output
    assert "of its own root keys: complete" in result.output


@pytest.mark.parametrize(
    "options",
    [
        ["--add", "root"],
        ["--add", "nobody=x"],
        ["--threshold", "root=x"],
        ["--threshold", "root=9"],
        ["--add", "root=AAAA"],
        ["--remove", f"root={'A' * 43}"],
    ],
)
def test_a_root_that_makes_no_sense_is_not_made(tmp_path: Path, options: list[str]) -> None:
    deployment(tmp_path / "server")
    with pytest.raises(FormatError):
        run("root", "rotate", tmp_path / "server/root.json", "--out", tmp_path / "2.root.json", *options)
    assert not (tmp_path / "2.root.json").exists()
