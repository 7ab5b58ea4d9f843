"""A town, somebody at a terminal, and a phone that is settled."""

from pathlib import Path

import pytest

from ownhue_client.phone import Settings
from ownhue_client.phone_cli import first, wiring
from tests.client.phone_cli.shell import NOW, PASSES, Owner
from tests.client.town import Town


@pytest.fixture
def town() -> Town:
    made = Town()
    made.now = NOW
    return made


@pytest.fixture
def owner(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Owner:
    made = Owner(town, tmp_path / "phone")
    monkeypatch.setattr(wiring, "now", lambda: made.now)
    # So many for each of three days: what the tests look at needs no more.
    monkeypatch.setattr(wiring, "settings", lambda *_: Settings(passes_per_day=PASSES))
    for module in (wiring, first):
        monkeypatch.setattr(module, "open_client", lambda *_: town.client())
    return made


@pytest.fixture
def settled(owner: Owner, town: Town) -> Owner:
    """Enrolled, synchronised, with passes."""
    owner.init("--unlock", "key-file", "--ticket", town.ticket())
    owner.does("sync")
    owner.does("passes")
    return owner
