"""`ownhue phone export | import | erase | repair | unlock`"""

import json
from pathlib import Path

from ownhue.code import decode_code
from ownhue.region import region_bytes
from ownhue_client import exit_codes
from ownhue_client.phone_cli import wiring
from tests.client.phone_cli.shell import NOW, PASSES, PASSPHRASE, Owner
from tests.client.test_phone_repair import overwrite, pages_of


def test_a_phone_moves_with_a_spoken_passphrase_shown_once(settled: Owner, tmp_path: Path) -> None:
    number = settled.json("device")["number"]
    moving = tmp_path / "moving"
    told = settled.json("export", moving, "--yes")
    assert moving.stat().st_mode & 0o777 == 0o600
    assert "moved" in str(settled.fails("show"))
    assert "moved" in settled.types("status").stdout
    secret = tmp_path / "secret"
    secret.write_text("babab-babab-babab-babab-babab-babab\n")
    other = Owner(settled.town, tmp_path / "new")
    importing = ("import", moving, "--unlock", "key-file", "--secret-file", secret)
    assert "wrong passphrase" in str(other.fails(*importing))
    assert not other.folder.exists() or not wiring.Wiring(other.folder).is_there()
    secret.write_text(told["passphrase"].upper().replace("-", " ") + "\n")
    other.does(*importing)
    assert other.json("device")["number"] == number
    assert other.json("status")["passes_left"] == PASSES
    assert decode_code(other.does("show").stdout.strip()).statement.time == NOW


def test_an_export_that_cannot_be_written_leaves_the_phone_as_it_was(settled: Owner, tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"mine")
    assert "there already" in str(settled.fails("export", tmp_path / "there", "--yes"))
    assert isinstance(settled.types("export", tmp_path / "no" / "such", "--yes").exception, OSError)
    assert settled.types("export", tmp_path / "out", keys="n\n").exit_code == 1
    settled.does("show")
    assert (tmp_path / "there").read_bytes() == b"mine"


def test_a_dry_run_counts_and_changes_nothing(settled: Owner) -> None:
    before = settled.json("erase", "--dry-run")
    assert {held["kind"] for held in before} == {"journal", "ledger", "passes"}
    assert settled.json("erase", "--dry-run") == before
    settled.does("erase", "--kind", "ledger", "--yes")
    assert settled.json("ledger") == []
    assert settled.types("erase", "--kind", "passes", "--day", "2026-03-02").exit_code == exit_codes.USAGE
    assert settled.types("erase").exit_code == exit_codes.USAGE
    assert settled.types("erase", "--everything", keys="n\n").exit_code == 1
    settled.does("erase", "--everything", "--yes")
    assert not any(settled.folder.iterdir())


def test_a_passphrase_is_taken_from_a_file_and_can_be_changed(owner: Owner, tmp_path: Path) -> None:
    secret, new = tmp_path / "secret", tmp_path / "new"
    secret.write_text(PASSPHRASE + "\n")
    new.write_text("another passphrase of ours\n")
    region = tmp_path / "region.json"
    region.write_bytes(region_bytes(owner.town.region))
    plain = ("--no-bluetooth", "--location", "off", "--no-notifications", "--no-autostart", "--unlock", "passphrase")
    owner.does("--passphrase-file", secret, "init", "--region", region, *plain)
    assert "nobody can be asked" in str(owner.fails("status"))
    owner.does("--passphrase-file", secret, "unlock", "passphrase", "--secret-file", new)
    assert "wrong passphrase" in str(owner.fails("--passphrase-file", secret, "device"))
    owner.does("--passphrase-file", new, "device")
    owner.does("--passphrase-file", new, "unlock", "key-file")
    owner.does("device")


def test_a_damaged_store_is_told_and_repaired(settled: Owner) -> None:
    assert settled.json("repair", "--dry-run")["lost"] == {}
    overwrite(settled.folder, pages_of(settled.folder, "passes")[1])
    done = settled.types("repair", "--json")
    assert done.exit_code == exit_codes.MISSED
    assert set(json.loads(done.stdout)["lost"]) == {"passes"}
    assert settled.json("repair", "--dry-run")["lost"] == {}
    assert settled.json("status")["colour"] == "green"
