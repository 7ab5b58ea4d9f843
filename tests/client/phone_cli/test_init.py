"""`ownhue phone init`: without questions, with questions, and when it fails."""

from pathlib import Path

import pytest

from ownhue.errors import FormatError, StateError
from ownhue.region import region_bytes
from ownhue_client import exit_codes
from ownhue_client.errors import UnreachableError
from ownhue_client.phone import RefusedError
from ownhue_client.phone_cli import first, wiring
from tests.client.phone_cli.shell import Owner
from tests.client.town import Town
from tests.client.trusted_town import TrustedTown


def test_a_phone_is_made_without_a_question_and_says_what_to_keep_on_paper(owner: Owner, town: Town) -> None:
    done = owner.init("--unlock", "key-file", "--ticket", town.ticket())
    number = owner.json("device")["number"]
    assert number in done.stdout
    assert len(number.split("-")) == 5
    assert "no root of trust" in done.stderr
    assert owner.json("settings")["radio"] == "off"
    assert isinstance(owner.fails("init", "--region", owner.folder.parent / "region.json"), StateError)


def test_every_permission_is_explained_before_it_is_asked_for(owner: Owner, town: Town) -> None:
    region = owner.folder.parent / "region.json"
    region.write_bytes(region_bytes(town.region))
    done = owner.does("init", "--region", region, keys="n\nmanual\nn\nn\nkey-file\n")
    said = done.stderr
    for name, sentences in first.EXPLAINED.items():
        asked = "Where do places come from" if name == "location" else f"({name})"
        assert said.index(sentences[:40]) < said.index(asked)
    assert said.index("keyring: the desktop's") < said.index("Where is the key kept")
    chosen = owner.json("settings")
    assert (chosen["radio"], chosen["location"], chosen["notifications"]) == ("off", "manual", False)


def test_what_is_typed_in_as_a_refusal_leaves_no_phone(owner: Owner, town: Town) -> None:
    region = owner.folder.parent / "region.json"
    region.write_bytes(region_bytes(town.region)[:-1])
    assert isinstance(owner.fails("init", "--region", region, "--unlock", "key-file"), FormatError)
    region.write_bytes(region_bytes(town.region))
    assert owner.types("init", "--region", region, "--location", "mars", "--bluetooth").exit_code == exit_codes.USAGE
    assert not owner.folder.exists()


def test_an_enrolment_that_fails_leaves_a_phone_that_can_enrol_later(owner: Owner, town: Town) -> None:
    town.unreachable.add("/issuer/v1/enrol")
    region = owner.folder.parent / "region.json"
    region.write_bytes(region_bytes(town.region))
    chosen = ("--no-bluetooth", "--location", "off", "--notifications", "--no-autostart", "--unlock", "key-file")
    done = owner.types("init", "--region", region, *chosen, "--ticket", town.ticket())
    assert isinstance(done.exception, UnreachableError)
    assert "the phone is made, and not enrolled" in done.stderr
    town.unreachable.clear()
    assert len(owner.json("enrol", "--ticket", town.ticket())["number"].split("-")) == 5


def test_the_desk_stops_a_phone_and_its_owner_is_told_so_in_words() -> None:
    assert "reported as lost" in str(RefusedError("stopped_device"))


def test_a_region_is_chosen_from_the_directory_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town = TrustedTown()
    coast = town.add_region("coast")
    now = town.publisher.close_keys(town.directory())
    coast.publisher.close_keys()
    owner = Owner(town, tmp_path / "phone")
    monkeypatch.setattr(wiring, "now", lambda: now)
    for module in (wiring, first):
        monkeypatch.setattr(module, "open_client", lambda *_: town.client())
    root = tmp_path / "root.json"
    root.write_bytes(town.publisher.first_root)
    region = tmp_path / "region.json"
    region.write_bytes(region_bytes(town.region))
    chosen = ("--no-bluetooth", "--location", "off", "--notifications", "--no-autostart", "--unlock", "key-file")
    done = owner.does("init", "--region", region, "--root", root, "--choose", "?", *chosen, keys="coast\n")
    assert "Coast" in done.stdout
    assert "region coast" in done.stderr
    assert "no root of trust" not in done.stderr
    assert owner.json("status")["region"] == "coast"
    assert {line["host"] for line in owner.json("ledger")} == {"demo.ownhue.example", "coast.example"}
    owner.does("sync")
    other = Owner(town, tmp_path / "other")
    assert "does not know" in str(other.fails("init", "--region", region, "--choose", "mars", *chosen))
    assert not other.folder.exists()
