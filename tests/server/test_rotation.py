"""rotation.py, ``ownhue-server rotate``: every online key is changed while phones go on. specs/trust.md section 11"""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.signing import SigningKey

from ownhue.device import ENROL, sign_request
from ownhue.encoding import base64url_decode, base64url_encode
from ownhue.errors import FormatError, StateError
from ownhue.ticket import sign_ticket
from ownhue.trust.ceremony import role_keys
from ownhue.trust.metadata import parse_trust_file
from ownhue.trust.schema import RoleName, Root
from ownhue_client.publication import RegionKeys
from ownhue_server import rotation
from ownhue_server.cli import root as root_cli
from ownhue_server.cli import rotate as rotate_cli
from ownhue_server.config import Role
from ownhue_server.online_keys import NEXT, OLD, ONLINE_KEYS, public_half, public_keys
from ownhue_server.trust_store import TrustStore
from tests.server.clinic import Clinic
from tests.server.offline import People, run
from tests.server.reader import Reader, ServedRegion
from tests.server.served import MONDAY, deployment, device_key, served

LISTED: dict[str, Callable[[RegionKeys], list[bytes]]] = {
    "log": lambda keys: list(keys.log_keys),
    "authority": lambda keys: list(keys.authority_keys),
    "issuer": lambda keys: list(keys.issuer_keys),
    "reports": lambda keys: [keys.publisher_key],
    "key-files": lambda keys: [
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for key in keys.key_file_keys
    ],
}


DAY = 86_400
#: What the clocks of all machines say.
CLOCK = [MONDAY]


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    CLOCK[0] = MONDAY
    monkeypatch.setattr(rotate_cli, "_now", lambda: CLOCK[0])
    monkeypatch.setattr(root_cli, "_now", lambda: CLOCK[0])


class Region(ServedRegion):
    """A region whose operator and phones have the time of the commands."""

    def go_on(self) -> RegionKeys:
        """As in the class above; the clocks follow."""
        keys = super().go_on()
        CLOCK[0] = self.now
        return keys

    def listed(self, key: str, keys: RegionKeys) -> list[bytes]:
        """The keys of *key* that count for a phone."""
        if key in LISTED:
            return LISTED[key](keys)
        role: RoleName = "timestamp" if key == "timestamp" else "snapshot"
        return list(role_keys(parse_trust_file(TrustStore(self.directory).roots()[-1].data, Root).signed, role).keys)


@pytest.mark.parametrize("key", list(ONLINE_KEYS))
def test_an_online_key_is_changed_while_phones_go_on(tmp_path: Path, key: str) -> None:
    region = Region(tmp_path / "server")
    (first,) = public_keys(region.config, key)
    if key not in rotation.IN_ROOT:
        text = run("rotate", key, region.directory).strip()
        with pytest.raises(StateError, match="phones do not know"):
            run("rotate", key, region.directory, "--switch")
    else:
        text = run("rotate", key, region.directory).strip()
    second = base64url_decode(text)
    with pytest.raises(StateError, match="under way"):
        run("rotate", key, region.directory)
    both = region.listed(key, region.go_on())
    assert sorted(both) == ([second] if key == "reports" else sorted([first, second]))
    run("rotate", key, region.directory, "--switch")
    if key == "log":
        with pytest.raises(StateError, match="newest head is signed by the old key"):
            run("rotate", key, region.directory, "--drop")
    assert sorted(region.listed(key, region.go_on())) == sorted(both)
    run("rotate", key, region.directory, "--drop")
    assert region.listed(key, region.go_on()) == [second]
    assert public_keys(region.config, key) == [second]
    newcomer = Reader(region.config)
    newcomer.sync(region.now)


def test_reports_that_are_sealed_to_either_key_are_taken_while_they_change(tmp_path: Path) -> None:
    region = Region(tmp_path / "server")
    run("rotate", "reports", region.directory)
    first = region.config.region
    second = first.model_copy(update={"publisher_key": base64url_encode(region.go_on().publisher_key)})
    assert first != second
    desk_key = region.new_desk_key()
    for step in ("", "--switch"):
        if step:
            run("rotate", "reports", region.directory, step)
        with served(region.directory, now=region.now, desk_key=desk_key) as server:
            clinic = Clinic(server)
            for place in (first, second):
                assert clinic.send(clinic.patient(3).sealed(clinic.key(), place)) == "ok"


def test_tickets_by_either_key_are_taken_while_they_change(tmp_path: Path) -> None:
    region = Region(tmp_path / "server")
    keys = region.config.keys(Role.AUTHORITY)
    early = sign_ticket(SigningKey(keys.load("signing")), bytes(16), MONDAY + DAY)
    run("rotate", "authority", region.directory)
    region.go_on()
    run("rotate", "authority", region.directory, "--switch")
    late = sign_ticket(SigningKey(keys.load("signing")), bytes([1]) * 16, MONDAY + DAY)
    with served(region.directory, now=region.now) as server:
        for number, ticket in enumerate((early, late)):
            request = sign_request(ENROL, {"ticket": ticket, "time": server.now()}, device_key(number))
            assert server.ask("/issuer/v1/enrol", request) == {"ok": True}


def test_a_step_that_was_cut_off_is_taken_again(tmp_path: Path) -> None:
    region = Region(tmp_path / "server")
    run("rotate", "log", region.directory)
    region.go_on()
    folder = region.config.keys(Role.PUBLISHER).path
    (folder / "log-old.key").hardlink_to(folder / "log.key")  # the crash came after this
    run("rotate", "log", region.directory, "--switch")
    assert not (folder / "log-next.key").exists()
    assert (folder / "log-old.key").read_bytes() != (folder / "log.key").read_bytes()
    region.go_on()
    run("rotate", "log", region.directory, "--drop")


@pytest.mark.parametrize("step", ["--switch", "--drop"])
def test_a_step_without_the_one_before_is_refused(tmp_path: Path, step: str) -> None:
    deployment(tmp_path / "server")
    with pytest.raises(StateError, match="there is no"):
        run("rotate", "issuer", tmp_path / "server", step)


def test_the_key_of_a_role_on_another_machine_is_announced_by_its_public_half(tmp_path: Path) -> None:
    config, _desk_key = deployment(tmp_path / "server")
    for file in (tmp_path / "server/keys/authority").iterdir():
        file.unlink()
    new = bytes(device_key(7).verify_key)
    with pytest.raises(StateError, match="has no authority key"):
        rotation.make_next(config, "authority", MONDAY)
    with pytest.raises(FormatError):
        rotation.make_next(config, "authority", MONDAY, b"short")
    run("rotate", "authority", config.directory, "--public", base64url_encode(new))
    assert public_keys(config, "authority") == [config.region.authority_key_bytes, new]
    with served(config.directory, roles={Role.PUBLISHER, Role.ISSUER}) as server:
        Reader(server.config).sync(MONDAY)
    run("rotate", "authority", config.directory, "--switch")
    assert public_keys(config, "authority") == [new, config.region.authority_key_bytes]
    assert public_half(config, "authority", NEXT) is None
    run("rotate", "authority", config.directory, "--drop")
    assert public_keys(config, "authority") == [new]
    assert public_half(config, "authority", OLD) is None


def test_with_an_offline_root_people_sign_between_the_steps(tmp_path: Path) -> None:
    directory, people = tmp_path / "server", People(tmp_path / "people")
    deployment(directory)
    made = people.folder / "1.root.json"
    run("root", "create", "--online", directory / "root.json", "--out", made, *people.listed())
    root = people.sign(made, people.key("a"), people.key("b"))

    def sign_roles(version: int, before: Path | None) -> Path:
        folder = people.folder / f"signing-{version}"
        run("root", "roles", directory, folder)
        names = [f"{kind}={folder / kind}.json" for kind in ("trust-roles", "rulebook")]
        targets = people.targets(str(version), root, *names, before=before)
        command = "install" if before else "adopt"
        files = [root, targets, folder / "trust-roles.json", folder / "rulebook.json"]
        run("root", command, directory, *files)
        return targets

    first = sign_roles(1, None)
    region = Region(directory)
    run("rotate", "log", directory)
    region.go_on()
    with pytest.raises(StateError, match="phones do not know"):
        run("rotate", "log", directory, "--switch")
    sign_roles(2, first)
    assert len(region.go_on().log_keys) == 2
    run("rotate", "log", directory, "--switch")
    region.go_on()
    # The same for a key that stands in the root.
    text = run("rotate", "timestamp", directory).strip()
    with pytest.raises(StateError, match="phones do not know"):
        run("rotate", "timestamp", directory, "--switch")
    run("root", "install", directory, people.rotate(root, 2, "--add", f"timestamp={text}"))
    region.go_on()
    run("rotate", "timestamp", directory, "--switch")
    region.go_on()
