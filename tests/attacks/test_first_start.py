"""Killed in the middle of the first start, or met there by a second process: the clock is not to blame."""

from pathlib import Path

import pytest

from ownhue_server.authority.service import Authority
from ownhue_server.clock import RehearsalClock
from ownhue_server.config import Role
from ownhue_server.issuer.service import Issuer
from ownhue_server.storage.key_folder import KeyFolder
from tests.server.served import MONDAY, deployment

#: In the middle of a week of report-token keys, and of a day.
NOON = MONDAY + 43_200


@pytest.mark.parametrize(("role", "kind"), [(Role.AUTHORITY, "report-"), (Role.ISSUER, "epoch-")])
def test_killed_while_the_first_keys_were_made_a_server_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: Role, kind: str
) -> None:
    """It asked for --clock-is-right all the week: the oldest key was made first, and looked like the newest.

    So did one of two processes that were started at once.
    """
    config, _desk_key = deployment(tmp_path / "server")
    service = (Authority if role == Role.AUTHORITY else Issuer)(config, RehearsalClock(NOON))
    made: list[str] = []
    load = KeyFolder.load_or_create

    def noted(folder: KeyFolder, name: str, *rest: object) -> bytes:
        made.append(name)
        return load(folder, name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(KeyFolder, "load_or_create", noted)
    service.documents(NOON)
    folder = config.directory / "keys" / role
    made = [name for name in dict.fromkeys(made) if name.startswith(kind) and (folder / f"{name}.key").exists()]
    assert len(made) >= 3
    service.check_clock(NOON)
    for name in reversed(made[1:]):  # What was made last is missing first.
        (folder / f"{name}.key").unlink()
        service.check_clock(NOON)
    service.check_clock(NOON)
