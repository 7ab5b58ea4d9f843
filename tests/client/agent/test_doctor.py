"""The doctor: each thing that can be wrong is found, said in a sentence, and comes with what to do."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ownhue_client.agent import doctor
from ownhue_client.agent.backends import Choice
from ownhue_client.agent.doctor import Finding, examine
from ownhue_client.errors import RadioError
from ownhue_client.phone import Phone
from tests.client.town import DAY, HOUR, Town

GOOD = {
    "permission": True,
    "present": True,
    "powered": True,
    "discoverable": False,
    "silent_because": "",
    "bluez_version": "5.77",
    "advertising": True,
    "intervals": True,
    "passive_monitor": True,
}


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def phone(town: Town, tmp_path: Path) -> Phone:
    return town.phone(tmp_path / "phone", town.now, passes_per_day=2)


def look(
    phone: Phone, folder: Path, now: int, facts: Mapping[str, Any] | None = None, **more: Any
) -> dict[str, Finding]:
    """What is found, by name."""
    choice = more.pop("choice", Choice("hci0"))
    found = examine(phone, folder / "phone", choice, now, facts=lambda adapter: GOOD | dict(facts or {}), **more)
    # Every finding that is not good says what to do, and every sentence is one.
    assert all(finding.sentence.endswith(".") for finding in found)
    return {finding.what: finding for finding in found}


def test_a_phone_that_is_well(town: Town, phone: Phone, tmp_path: Path) -> None:
    phone.enrol(town.ticket(), town.now)
    phone.sync(town.now)
    phone.fetch_passes(town.now)
    phone.note_scan(town.now)
    found = look(phone, tmp_path, town.now, agent={"silent": "", "trouble": {}})
    assert {name for name, finding in found.items() if finding.state != "ok"} == {"unlock"}
    assert {"agent", "adapter", "bluez", "clock", "published data", "passes", "disk", "places"} <= set(found)


@pytest.mark.parametrize(
    ("facts", "what", "state", "word"),
    [
        ({"present": False}, "adapter", "bad", "There is no adapter"),
        ({"powered": False}, "adapter", "bad", "switched off"),
        ({"discoverable": True}, "adapter", "bad", "discoverable"),
        ({"silent_because": "BlueZ keeps one address"}, "adapter", "bad", "keeps one address"),
        ({"permission": False}, "permission", "bad", "may not use Bluetooth"),
        ({"bluez_version": None}, "bluez", "warn", "unknown version"),
        ({"advertising": False}, "broadcast", "bad", "cannot broadcast"),
        ({"intervals": False}, "intervals", "warn", "how often"),
        ({"passive_monitor": False}, "passive scan", "warn", "one sample"),
    ],
)
def test_what_is_wrong_with_the_radio(
    town: Town, phone: Phone, tmp_path: Path, facts: dict[str, Any], what: str, state: str, word: str
) -> None:
    finding = look(phone, tmp_path, town.now, facts)[what]
    assert finding.state == state
    assert word in finding.sentence


def test_a_radio_that_cannot_be_asked_hides_nothing_else(town: Town, phone: Phone, tmp_path: Path) -> None:
    def nobody(adapter: str) -> Mapping[str, Any]:
        raise RadioError("there is no system bus here")

    found = examine(phone, tmp_path / "phone", Choice("hci0"), town.now, facts=nobody)
    names = {finding.what: finding for finding in found}
    assert names["adapter"] == Finding("adapter", "bad", "This cannot be looked at: there is no system bus here.")
    assert "disk" in names


@pytest.mark.parametrize(("radio", "state"), [("off", "warn"), ("usb:0", "ok")])
def test_other_radios(town: Town, phone: Phone, tmp_path: Path, radio: str, state: str) -> None:
    assert look(phone, tmp_path, town.now, choice=Choice(radio))["adapter"].state == state


def test_published_data_that_are_missing_or_old(town: Town, phone: Phone, tmp_path: Path) -> None:
    assert look(phone, tmp_path, town.now)["published data"].state == "bad"
    phone.sync(town.now)
    assert look(phone, tmp_path, town.now + HOUR)["published data"].state == "ok"
    assert look(phone, tmp_path, town.now + 13 * HOUR)["published data"].state == "warn"
    assert look(phone, tmp_path, town.now + 25 * HOUR)["published data"].state == "bad"


def test_a_clock_that_was_set_back(town: Town, phone: Phone, tmp_path: Path) -> None:
    phone.sync(town.now)
    assert look(phone, tmp_path, town.now)["clock"].state == "ok"
    assert look(phone, tmp_path, town.now - DAY)["clock"].state == "bad"


def test_passes_for_today_and_tomorrow(town: Town, phone: Phone, tmp_path: Path) -> None:
    assert look(phone, tmp_path, town.now)["passes"].state == "bad"
    phone.enrol(town.ticket(), town.now)
    phone.sync(town.now)
    phone.fetch_passes(town.now, 0)
    assert look(phone, tmp_path, town.now)["passes"].state == "warn"
    phone.fetch_passes(town.now, 2)
    assert look(phone, tmp_path, town.now)["passes"].state == "ok"


def test_a_radio_that_was_off_too_much(town: Town, phone: Phone, tmp_path: Path) -> None:
    phone.sync(town.now)
    assert look(phone, tmp_path, town.now)["listening"].state == "warn"
    phone.note_scan(town.now)
    later = town.now + 20 * HOUR
    finding = look(phone, tmp_path, later)["listening"]
    assert finding.state == "bad"
    assert "0 %" in finding.sentence


def test_a_disk_that_is_almost_full(town: Town, phone: Phone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    for free, state in ((doctor.FREE_BYTES, "ok"), (doctor.FREE_BYTES - 1, "warn"), (1_000_000, "bad")):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: Usage(free))
        assert look(phone, tmp_path, town.now)["disk"].state == state


def test_a_folder_that_others_may_enter(town: Town, phone: Phone, tmp_path: Path) -> None:
    assert "folder" not in look(phone, tmp_path, town.now)
    (tmp_path / "phone").chmod(0o755)
    assert look(phone, tmp_path, town.now)["folder"].state == "bad"


def test_what_the_agent_tells_of_itself(town: Town, phone: Phone, tmp_path: Path) -> None:
    assert look(phone, tmp_path, town.now)["agent"].state == "warn"
    silent = {"silent": "this phone has moved to another device", "trouble": {}}
    assert look(phone, tmp_path, town.now, agent=silent)["agent"].state == "bad"
    phone.prefer(location="gpsd")
    troubled = {"silent": "", "trouble": {"place": "no gpsd answers", "sync": "the server cannot be reached"}}
    found = look(phone, tmp_path, town.now, agent=troubled)
    assert found["places"].state == "bad"
    assert "cannot be reached" in found["agent: sync"].sentence
    assert look(phone, tmp_path, town.now)["places"].state == "ok"
