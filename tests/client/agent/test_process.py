"""The end of an agent's process after the sunset: everything of the phone goes."""

import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from ownhue_client.agent.agent import Agent, Ending
from ownhue_client.agent.backends import Choice
from ownhue_client.agent.process import Job, run_process
from ownhue_client.agent.sunset import Stage, Sunset
from ownhue_client.phone import Phone
from tests.client.town import Town


def job(town: Town, folder: Path, started: list[dict[str, Any]]) -> Job:
    """A process of a phone of *town*, with a clock that stands still."""

    def open_phone(client: httpx.Client, wait: Any) -> Phone:
        return Phone.open(folder, random=os.urandom, http_client=town.client(), now=town.now)

    return Job(
        open_phone=open_phone,
        answer=lambda agent, op, args: None,
        is_long=lambda op: True,
        changes=lambda op: True,
        now=lambda: town.now,
        random=os.urandom,
        started=lambda agent: started.append(agent.state()),
    )


def test_after_the_sunset_everything_of_the_phone_is_erased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    town, folder, started = Town(), tmp_path / "phone", list[dict[str, Any]]()
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    town.phone(folder, town.now).close()
    (folder / "holiday.gpx").write_text("not the phone's")
    monkeypatch.setattr(Sunset, "look", lambda self, rulebook, decision: Stage.WIPE)
    assert run_process(folder, Choice("off"), job(town, folder, started)) is Ending.SUNSET
    assert started[0]["radio"] is False
    # The agent's socket and all that held anything; what is not the phone's stays.
    assert [path.name for path in folder.iterdir()] == ["holiday.gpx"]
    assert "This phone wipes itself now" in capsys.readouterr().err


def test_an_agent_that_fails_for_an_unknown_reason_leaves_a_store_that_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town, folder, started = Town(), tmp_path / "phone", list[dict[str, Any]]()
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    town.phone(folder, town.now).close()

    def broken(self: Agent) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Agent, "recompute", broken)
    with pytest.raises(ExceptionGroup):
        run_process(folder, Choice("off"), job(town, folder, started))
    assert not (folder / "agent.sock").exists()
    Phone.open(folder, random=os.urandom, http_client=town.client(), now=town.now).close()
