"""deployment.py and ``ownhue-server init``: what a new deployment is made of, and what is said about it."""

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ownhue.errors import FormatError, StateError
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue.trust.metadata import parse_trust_file
from ownhue.trust.roles import trust_roles_bytes
from ownhue.trust.schema import Root
from ownhue.trust.state import trust_root
from ownhue_server.cli import app
from ownhue_server.config import load_config
from ownhue_server.deployment import Plan, create_deployment, resume_rehearsal
from ownhue_server.region_roles import trust_roles_of
from ownhue_server.trust_store import TrustStore
from tests.server.served import MONDAY, URL, deployment

YEAR = 365 * 86_400


def test_init_prints_the_root_of_trust_and_says_what_its_keys_are_good_for(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["init", str(tmp_path / "server"), "--url", "https://health.example/"])
    assert result.exit_code == 0
    hello = json.loads(result.stdout)
    assert set(hello) == {"url", "region", "desk_key", "directory", "trust_root"}
    root = (tmp_path / "server" / "root.json").read_bytes()
    assert hello["trust_root"] == json.loads(root)
    assert root == (tmp_path / "server" / "trust" / "1.root.json").read_bytes()
    assert trust_root(root).root == root
    assert "good for trying out, not for people's phones" in result.stderr
    assert hello["desk_key"] not in result.stderr


def test_a_root_is_made_for_ten_years(tmp_path: Path) -> None:
    config, _desk_key = deployment(tmp_path / "server")
    root = parse_trust_file((config.directory / "root.json").read_bytes(), Root)
    assert root.signed.expires_at == MONDAY + 10 * YEAR
    assert [file.data for file in TrustStore(config.directory).roots()] == [root.data]
    assert config.settings.embedded_trust


def test_every_private_key_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    config, _desk_key = create_deployment(tmp_path / "server", Plan(URL, demonstration_rulebook(), MONDAY))
    keys = list((config.directory / "keys").rglob("*.key"))
    assert len(keys) == 9
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    assert {stat.S_IMODE(key.parent.stat().st_mode) for key in keys} == {0o700}
    assert stat.S_IMODE((config.directory / "settings.json").stat().st_mode) == 0o600


def test_a_deployment_is_not_made_over_another(tmp_path: Path) -> None:
    deployment(tmp_path / "server")
    root = (tmp_path / "server" / "root.json").read_bytes()
    with pytest.raises(StateError, match="already"):
        create_deployment(tmp_path / "server", Plan(URL, demonstration_rulebook(), MONDAY))
    assert (tmp_path / "server" / "root.json").read_bytes() == root


def test_what_was_cut_off_while_it_was_made_is_made_whole(tmp_path: Path) -> None:
    config, _desk_key = deployment(tmp_path / "server")
    first = (config.directory / "root.json").read_bytes()
    (config.directory / "settings.json").unlink()
    again, _desk_key = create_deployment(tmp_path / "server", Plan(URL, demonstration_rulebook(), MONDAY))
    assert again.region == config.region
    assert (config.directory / "root.json").read_bytes() == first


def test_what_was_cut_off_can_be_made_whole_a_second_later(tmp_path: Path) -> None:
    config, _desk_key = deployment(tmp_path / "server")
    (config.directory / "settings.json").unlink()
    create_deployment(tmp_path / "server", Plan(URL, demonstration_rulebook(), MONDAY + 1))
    assert len(TrustStore(config.directory).roots()) == 1


def test_trust_roles_are_those_of_the_region_file(tmp_path: Path) -> None:
    config, _desk_key = deployment(tmp_path / "server")
    roles = trust_roles_of(config)
    region = config.region
    assert (roles.region, roles.origin, roles.publisher_key) == (region.name, region.origin, region.publisher_key)
    assert (roles.log_keys, roles.authority_keys) == ((region.log_key,), (region.authority_key,))
    assert (roles.issuer_keys, roles.key_file_keys[0].key) == ((region.issuer_key,), region.key_file_key)
    assert roles.key_file_keys[0].version == region.key_file_version
    assert (roles.witness_threshold, roles.witnesses) == (0, ())
    assert trust_roles_bytes(roles) == trust_roles_bytes(trust_roles_of(load_config(config.directory)))


def test_a_rehearsal_that_is_taken_up_keeps_its_root(tmp_path: Path) -> None:
    plan = Plan(URL, demonstration_rulebook(), 30 * 86_400, rehearsal=True)
    config, _desk_key = create_deployment(tmp_path / "server", plan)
    root = (config.directory / "root.json").read_bytes()
    resume_rehearsal(config.directory, "http://127.0.0.1:10")
    assert (config.directory / "root.json").read_bytes() == root
    assert parse_trust_file(root, Root).signed.expires_at > 30 * 86_400


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://x:99999"])
def test_a_url_that_cannot_be_makes_no_deployment(tmp_path: Path, url: str) -> None:
    with pytest.raises(FormatError):
        create_deployment(tmp_path / "server", Plan(url, demonstration_rulebook(), MONDAY))
    assert not (tmp_path / "server" / "settings.json").exists()
    with pytest.raises(StateError):
        load_config(tmp_path / "server")
