"""Mistakes and accidents with trust metadata: wrong command, wrong order, cut off, damaged. specs/trust.md section 11

A phone follows all along: it must never be locked out, and what would do so is refused where it is installed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pytest
from nacl.signing import SigningKey

from ownhue.cosignature import WitnessKey
from ownhue.documents import sign_document
from ownhue.encoding import parse_canonical_json
from ownhue.errors import StateError
from ownhue.rulebook import rulebook_bytes
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue.trust import metadata
from ownhue.trust.metadata import TrustFile
from ownhue.trust.roles import TrustRoles, parse_trust_roles
from ownhue.trust.schema import Root
from ownhue_client.publication import RegionKeys
from ownhue_server import rotation, trust_install
from ownhue_server.cli import root as root_cli
from ownhue_server.cli import rotate as rotate_cli
from ownhue_server.config import Config, Role, load_config
from ownhue_server.online_keys import public_keys
from ownhue_server.publisher import trust_files
from ownhue_server.region_roles import listed_keys
from ownhue_server.storage.key_folder import KeyFolder
from ownhue_server.trust_status import trust_status
from tests.server.offline import People, run
from tests.server.reader import Reader, ServedRegion, versions
from tests.server.served import BATCH, MONDAY, deployment, served
from tests.server.test_trust_files import Ledger

DAY = 86_400
#: What the clocks of all machines say.
CLOCK = [MONDAY]


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    CLOCK[0] = MONDAY
    monkeypatch.setattr(rotate_cli, "_now", lambda: CLOCK[0])
    monkeypatch.setattr(root_cli, "_now", lambda: CLOCK[0])


def _cut_off(*_given: object) -> NoReturn:
    """The operator presses Ctrl-C, or the power fails, here."""
    raise KeyboardInterrupt


@dataclass
class Region:
    """A region with a phone, and what its people signed last."""

    config: Config
    people: People
    reader: Reader
    root: Path
    targets: Path
    version: int = 2
    signed: list[Path] = field(default_factory=list)

    @property
    def directory(self) -> Path:
        """The deployment."""
        return self.config.directory

    def go_on(self) -> RegionKeys:
        """Start the server again, close a batch, and let the phone follow."""
        with served(self.directory, now=CLOCK[0]) as server:
            CLOCK[0] += BATCH
            server.move_clock(CLOCK[0])
        return self.reader.sync(CLOCK[0])

    def roles(self, name: str) -> Path:
        """The folder in which the server wrote what is to be signed."""
        run("root", "roles", self.directory, self.people.folder / name)
        return self.people.folder / name

    def sign(self, *named: str) -> Path:
        """Targets that follow, signed by two people."""
        self.version += 1
        self.targets = self.people.targets(str(self.version), self.root, *named, before=self.targets)
        return self.targets

    def published(self) -> dict[str, int]:
        """Newest version of each role that is out."""
        return versions(self.config.published / "trust")


@pytest.fixture
def moving(tmp_path: Path) -> Region:
    """A region with phones and embedded trust, and the files by which its people take over, not yet adopted."""
    directory, people = tmp_path / "server", People(tmp_path / "people")
    with served(directory) as server:
        reader = Reader(server.config)
        reader.sync(MONDAY)
        config = server.config
    keys, first = directory / "keys" / "trust", directory / "trust" / "1.root.json"
    gone = ["--remove", f"root={keys / 'root.key'}", "--remove", f"targets={keys / 'targets.key'}"]
    root = people.sign(people.rotate(first, 2, *people.listed(), *gone), keys / "root.key", more=["--before", first])
    targets = people.targets("2", root, before=config.published / "trust" / "1.targets.json")
    return Region(config, people, reader, root, targets)


@pytest.fixture
def offline(moving: Region) -> Region:
    """The same after the adoption."""
    run("root", "adopt", moving.directory, moving.root, moving.targets)
    moving.go_on()
    return moving


@pytest.mark.parametrize(("where", "name"), [(trust_install, "replace_settings"), (KeyFolder, "delete")])
def test_an_adoption_that_was_cut_off_locks_nobody_out_and_is_done_again(
    moving: Region, monkeypatch: pytest.MonkeyPatch, where: object, name: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(where, name, _cut_off)
        with pytest.raises(AssertionError):
            run("root", "adopt", moving.directory, moving.root, moving.targets)
    moving.go_on()
    run("root", "adopt", moving.directory, moving.root, moving.targets)
    assert not list((moving.directory / "keys/trust").glob("*.key"))
    assert not load_config(moving.directory).settings.embedded_trust
    moving.go_on()
    assert moving.published()["root"] == moving.published()["targets"] == 2


def test_install_in_the_place_of_adopt_is_refused(moving: Region) -> None:
    for files in ([moving.root, moving.targets], [moving.root], [moving.targets]):
        with pytest.raises(StateError, match="use ownhue-server root adopt"):
            run("root", "install", moving.directory, *files)
    moving.go_on()


def test_an_adoption_while_the_server_runs_counts_from_its_next_start_on(moving: Region) -> None:
    with served(moving.directory, now=MONDAY) as server:
        run("root", "adopt", moving.directory, moving.root, moving.targets)
        server.move_clock(MONDAY + BATCH)
        moving.reader.sync(MONDAY + BATCH)
    CLOCK[0] = MONDAY + BATCH
    moving.go_on()
    assert moving.published()["root"] == 2


def test_a_first_root_is_not_exchanged_in_a_region_whose_published_folder_was_lost(tmp_path: Path) -> None:
    directory, people = tmp_path / "server", People(tmp_path / "people")
    with served(directory) as server:
        config = server.config
    config.published.rename(tmp_path / "lost")
    run("root", "roles", directory, people.folder / "s")
    made = people.folder / "1.root.json"
    run("root", "create", "--online", directory / "root.json", "--out", made, *people.listed())
    root = people.sign(made, people.key("a"), people.key("b"))
    targets = people.targets("1", root, f"trust-roles={people.folder / 's/trust-roles.json'}")
    with pytest.raises(StateError, match="another root of version 1"):
        run("root", "adopt", directory, root, targets, people.folder / "s/trust-roles.json")


def test_a_root_waits_for_the_targets_that_fit_it(moving: Region) -> None:
    """Two new rulebooks take two batches; a root without its targets would lock everybody out for one of them."""
    later = []
    for version in (2, 3):
        body = parse_canonical_json(rulebook_bytes(demonstration_rulebook().model_copy(update={"version": version})))
        key = SigningKey(moving.config.keys(Role.AUTHORITY).load("signing"))
        later.append(moving.people.folder / f"rulebook-{version}.json")
        later[-1].write_bytes(sign_document("rulebook", body, key))
    names = [f"rulebook={path}@{MONDAY + day * DAY}" for day, path in enumerate(later, 1)]
    before = moving.config.published / "trust" / "1.targets.json"
    targets = moving.people.targets("2-later", moving.root, *names, before=before)
    run("root", "adopt", moving.directory, moving.root, targets, *later)
    moving.go_on()
    assert (moving.published()["root"], moving.published()["targets"]) == (1, 1)
    waiting = [fact for fact in trust_status(moving.config, CLOCK[0]) if fact.problem == "waits"]
    assert [(fact.file, fact.version) for fact in waiting] == [("root", 2), ("targets", 2)]
    moving.go_on()
    assert (moving.published()["root"], moving.published()["targets"]) == (2, 2)
    assert len(moving.reader.named("rulebook", CLOCK[0])) == 3


def test_trust_roles_from_before_a_rotation_are_not_installed(offline: Region) -> None:
    stale = offline.roles("stale") / "trust-roles.json"
    run("rotate", "log", offline.directory)
    both = offline.roles("both") / "trust-roles.json"
    run("root", "install", offline.directory, offline.sign(f"trust-roles={both}"), both)
    offline.go_on()
    run("rotate", "log", offline.directory, "--switch")
    offline.go_on()
    before = offline.targets
    for when in ("", f"@{CLOCK[0] + DAY}"):
        offline.targets = before
        with pytest.raises(StateError, match="do not list the log key that this server uses"):
            run("root", "install", offline.directory, offline.sign(f"trust-roles={stale}{when}"), stale)
    offline.go_on()


def test_a_rulebook_by_a_key_that_the_trust_roles_drop_is_not_installed(offline: Region) -> None:
    run("rotate", "authority", offline.directory)
    both = offline.roles("both") / "trust-roles.json"
    run("root", "install", offline.directory, offline.sign(f"trust-roles={both}"), both)
    offline.go_on()
    run("rotate", "authority", offline.directory, "--switch")
    offline.go_on()
    run("rotate", "authority", offline.directory, "--drop")
    folder, before = offline.roles("new"), offline.targets
    files = [folder / "trust-roles.json", folder / "rulebook.json"]
    names = [f"trust-roles={files[0]}", f"rulebook={files[1]}"]
    with pytest.raises(StateError, match="phones would refuse the rulebook"):
        run("root", "install", offline.directory, offline.sign(names[0]), files[0])
    offline.targets = before
    run("root", "install", offline.directory, offline.sign(*names), *files)
    assert len(offline.go_on().authority_keys) == 1
    offline.reader.keys.open_document(offline.reader.named("rulebook", CLOCK[0])[0].data, "rulebook")


def test_a_new_document_made_on_a_machine_whose_clock_is_behind_is_not_installed(offline: Region) -> None:
    run("rotate", "issuer", offline.directory)
    both = offline.roles("both") / "trust-roles.json"
    run("root", "install", offline.directory, offline.sign(f"trust-roles={both}"), both)
    offline.go_on()
    run("rotate", "issuer", offline.directory, "--switch")
    run("rotate", "issuer", offline.directory, "--drop")
    new = offline.roles("new") / "trust-roles.json"
    CLOCK[0] = MONDAY - DAY
    targets = offline.sign(f"trust-roles={new}")
    CLOCK[0] = MONDAY + 3 * BATCH
    with pytest.raises(StateError, match="would never be in force"):
        run("root", "install", offline.directory, targets, new)


def test_trust_roles_that_ask_for_more_witnesses_than_the_server_does_are_not_installed(offline: Region) -> None:
    vkey = WitnessKey("witness.example/w1", bytes(SigningKey(bytes([51]) * 32).verify_key)).vkey
    run("witness", "ask", offline.directory, "--vkey", vkey, "--url", "http://127.0.0.1:9", "--threshold", "1")
    roles = offline.roles("new") / "trust-roles.json"
    run("witness", "dismiss", offline.directory, "--name", "witness.example/w1", "--threshold", "0")
    with pytest.raises(StateError, match="more witnesses"):
        run("root", "install", offline.directory, offline.sign(f"trust-roles={roles}"), roles)


def _link(path: Path) -> None:
    path.symlink_to("nowhere")


def _damaged(path: Path) -> None:
    path.write_bytes(b"{}")


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("9.targets.json", _damaged),
        ("x.targets.json", _link),
        (f"rulebook/{'0' * 64}.json", _huge),
        ("A B/x.json", _damaged),
    ],
)
def test_a_file_that_somebody_left_in_the_trust_folder_stops_nothing(
    offline: Region, name: str, make: Callable[[Path], None]
) -> None:
    path = offline.directory / "trust" / name
    path.parent.mkdir(exist_ok=True)
    make(path)
    before = offline.published()["timestamp"]
    with served(offline.directory, now=CLOCK[0]) as server:
        CLOCK[0] += DAY
        server.move_clock(CLOCK[0])
    offline.reader.sync(CLOCK[0])
    assert offline.published()["timestamp"] > before


@pytest.mark.parametrize("step", [(), ("--drop",)])
def test_a_rotation_of_an_embedded_root_that_was_cut_off_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: tuple[str, ...]
) -> None:
    region = ServedRegion(tmp_path / "server")
    if step:
        for before in ((), ("--switch",)):
            run("rotate", "timestamp", region.directory, *before)
            region.go_on()
    with monkeypatch.context() as patch:
        patch.setattr(rotation, "sign_trust_file", _cut_off)
        with pytest.raises(AssertionError):
            run("rotate", "timestamp", region.directory, *step)
    region.go_on()
    run("rotate", "timestamp", region.directory, *step)
    region.go_on()
    assert versions(region.config.published / "trust")["root"] == (3 if step else 2)


@pytest.mark.parametrize("key", ["authority", "issuer", "key-files", "reports"])
def test_a_server_that_was_not_started_again_after_a_drop_goes_on_with_the_trust_roles_of_before(
    tmp_path: Path, key: str
) -> None:
    region = ServedRegion(tmp_path / "server")
    run("rotate", key, region.directory)
    region.go_on()
    CLOCK[0] = region.now
    with served(region.directory, now=region.now) as server:
        run("rotate", key, region.directory, "--switch")
        run("rotate", key, region.directory, "--drop")
        for _ in range(2):
            region.now += BATCH
            server.move_clock(region.now)
            keys = region.reader.sync(region.now)
            newest = max((region.config.published / "keys").iterdir(), key=lambda path: int(path.name))
            keys.read_key_file(next(newest.iterdir()).read_bytes())
        if key != "reports":
            assert len(listed_keys(_roles(region))[key]) == 2
    region.go_on()
    assert listed_keys(_roles(region))[key] == public_keys(region.config, key)


def _roles(region: ServedRegion) -> TrustRoles:
    return parse_trust_roles(region.reader.named("trust-roles", region.now)[0].data, "demo")


def test_targets_with_a_reports_key_that_the_process_cannot_open_yet_wait_for_its_start(offline: Region) -> None:
    with served(offline.directory, now=CLOCK[0]) as server:
        run("rotate", "reports", offline.directory)
        new = offline.roles("new") / "trust-roles.json"
        run("root", "install", offline.directory, offline.sign(f"trust-roles={new}"), new)
        before = offline.reader.keys.publisher_key
        CLOCK[0] += BATCH
        server.move_clock(CLOCK[0])
        assert offline.reader.sync(CLOCK[0]).publisher_key == before
    assert offline.go_on().publisher_key != before


def test_closing_reads_no_more_trust_files_than_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, _desk_key = deployment(tmp_path / "server")
    ledger, parsed, original = Ledger(config), 0, metadata.parse_trust_file

    def counted(data: bytes, model: type[Root]) -> TrustFile[Root]:
        nonlocal parsed
        parsed += 1
        return original(data, model)

    monkeypatch.setattr(trust_files, "parse_trust_file", counted)
    counts = []
    for day in range(120):
        parsed = 0
        ledger.trust.documents(ledger.connection, [], MONDAY + day * DAY)
        counts.append(parsed)
        ledger.close(MONDAY + day * DAY)
    assert max(counts) <= 10
