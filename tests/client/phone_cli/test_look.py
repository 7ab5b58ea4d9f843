"""`ownhue phone status | why | ... | doctor`: what is said, where, and how it ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ownhue_client import exit_codes
from ownhue_client.cli import app
from ownhue_client.phone_cli import talk
from tests.client.phone_cli.shell import NOW, Owner, opened
from tests.client.publisher import START
from tests.client.test_phone_sync import own_key
from tests.client.town import HOUR, meet


def test_the_status_has_a_word_a_symbol_and_an_exit_status(owner: Owner) -> None:
    owner.init()
    assert owner.types("status").exit_code == exit_codes.GREY
    assert owner.types("status").stdout.startswith("◌ GREY")
    owner.does("sync")
    done = owner.does("status")
    assert done.stdout.startswith("✔ GREEN")
    assert "not running" in done.stdout
    assert owner.json("status")["colour"] == "green"


@pytest.mark.parametrize(("report_type", "colour", "status"), [("red", "red", exit_codes.RED)])
def test_a_result_makes_the_status_red(settled: Owner, report_type: str, colour: str, status: int) -> None:
    del report_type
    settled.does("report", "claim", "--tested", "2026-03-02", "--code", settled.town.code(), "--yes")
    done = settled.types("status")
    assert done.exit_code == status
    assert colour.upper() in done.stdout
    assert "waiting, goes out" in done.stdout


def test_an_encounter_makes_the_status_yellow(settled: Owner, tmp_path: Path) -> None:
    with settled.town.phone(tmp_path / "other") as other, opened(settled) as phone:
        meet(phone, other, START + 3 * HOUR)
        settled.town.publisher.close_keys(keys=[own_key(other, START + 3 * HOUR)])
        settled.now = settled.town.now = max(NOW, settled.town.publisher.time)
    settled.does("sync")
    assert settled.types("status").exit_code == exit_codes.YELLOW
    assert "because: on 2 March 2026" in settled.does("why").stdout
    assert [entry["after"] for entry in settled.json("journal")] == ["green", "yellow"]


def test_without_a_phone_every_command_says_how_to_make_one(owner: Owner) -> None:
    for words in (["status"], ["sync"], ["show"], ["run"], ["erase", "--everything", "--yes"], ["unlock", "key-file"]):
        assert "ownhue phone init" in str(owner.fails(*words))
    assert not owner.folder.exists()


def test_data_go_to_standard_output_and_talk_to_standard_error(settled: Owner) -> None:
    for words in (["status"], ["why"], ["journal"], ["ledger"], ["regions"], ["settings"], ["report"], ["device"]):
        done = settled.types(*words, *(() if words in (["regions"], ["report"]) else ("--json",)))
        assert done.stdout
        if "--json" in words:
            json.loads(done.stdout)
    ledger = settled.does("ledger")
    assert "fetch passes" in ledger.stdout
    assert "bytes sent" in ledger.stderr


def test_nothing_is_coloured_where_no_color_is_set_and_orders_to_the_terminal_are_not_obeyed() -> None:
    assert talk.clean("coast\x1b[2J\n") == "coast?[2J?"


def test_doctor_says_what_to_do_and_ends_with_status_1_when_something_is_bad(owner: Owner) -> None:
    owner.init()
    done = owner.types("doctor", "--radio", "off")
    assert done.exit_code == exit_codes.MISSED
    assert "ownhue phone sync" in done.stdout
    assert {found["what"] for found in owner.json("doctor", "--radio", "off")} >= {"agent", "clock", "disk", "unlock"}


def test_what_a_command_asks_is_in_the_help() -> None:
    said = CliRunner().invoke(app, ["phone", "--help"], env={"COLUMNS": "200"}).stdout
    wanted = "init run status why show sync report result places journal ledger export import erase doctor"
    for name in [*wanted.split(), "regions", "settings", "unit"]:
        assert f" {name} " in said
