"""doctor: what it says about a deployment that is well, and about each thing that is wrong."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ownhue.cosignature import WitnessKey
from ownhue_server.cli import app
from ownhue_server.config import Config, load_config
from ownhue_server.doctor import Advice, Kind, examine
from tests.server.clinic import Clinic
from tests.server.served import BATCH, MONDAY, deployment, served

NOW = MONDAY + 3 * BATCH + 60


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment that has closed some batches; its server has ended."""
    folder = tmp_path_factory.mktemp("doctor") / "server"
    _config, desk_key = deployment(folder)
    for path in (folder / "keys").rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    (folder / "keys").chmod(0o700)
    with served(folder, desk_key=desk_key) as server:
        clinic = Clinic(server)
        server.move_clock(MONDAY + 3 * BATCH)
        clinic.code()
        assert clinic.report(clinic.patient(4, current=True)) == "ok"
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return shutil.copytree(made, tmp_path / "server")


def lease(folder: Path, until: int) -> None:
    """As a server's that is running."""
    with sqlite3.connect(folder / "publisher.sqlite") as database:
        database.execute("DELETE FROM leader")
        database.execute("INSERT INTO leader VALUES (1, x'00', ?)", (until,))
    database.close()


def to_do(advices: list[Advice]) -> dict[str, str]:
    return {advice.word: advice.sentence for advice in advices if advice.kind is Kind.TO_DO}


def test_a_running_server_that_is_well(folder: Path) -> None:
    lease(folder, NOW + 20)
    advices = examine(folder, NOW)
    assert to_do(advices) == {}
    said = {advice.word: advice.sentence for advice in advices}
    assert said["server"] == "a server is running and closes the batches"
    assert "1 claim codes are handed out and wait or ran out today, 1 were claimed" in said["codes"]
    assert "wait under embargo; the first may go out at 2026-03-02 08:00 UTC" in said["waiting"]


def test_it_works_beside_a_server_that_writes(folder: Path) -> None:
    with served(folder, now=MONDAY + 3 * BATCH):
        assert to_do(examine(folder, MONDAY + 3 * BATCH + 10)) == {}


def test_no_server_runs_and_batches_are_late(folder: Path) -> None:
    later = NOW + 4 * BATCH
    assert to_do(examine(folder, later)).keys() == {"server", "late"}
    lease(folder, later - 500)
    said = to_do(examine(folder, later))
    assert "it was killed, or it hangs" in said["server"]
    assert said["late"] == "4 batches are overdue: phones get no news"
    lease(folder, later + 10)
    assert to_do(examine(folder, later)).keys() == {"late"}
    days = [advice.action for advice in examine(folder, NOW + 20 * 86_400) if advice.word == "late"]
    assert days == ["start the server with --clock-is-right, if this machine's clock is right"]


def _forget(statement: str, database: str = "publisher") -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        connection = sqlite3.connect(folder / f"{database}.sqlite")
        with connection:
            connection.execute(statement)
        connection.close()

    return damage


def _settings(**changes: object) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "settings.json"
        value = json.loads(path.read_text()) | changes
        path.write_text(json.dumps(value, sort_keys=True, separators=(",", ":")))

    return damage


def _newest_key_file(folder: Path) -> Path:
    return max((folder / "published" / "keys").glob("*/*"), key=lambda path: path.parent.name)


DAMAGES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a key that others can read": (
        lambda folder: (folder / "keys/publisher/log.key").chmod(0o644),
        "permissions",
        "1 private",
    ),
    "a database that others can read": (
        lambda folder: (folder / "publisher.sqlite").chmod(0o640),
        "permissions",
        "1 private",
    ),
    "a missing key of the log": (lambda folder: (folder / "keys/publisher/log.key").unlink(), "keys", "log"),
    "a missing epoch key": (
        lambda folder: (folder / f"keys/issuer/epoch-{MONDAY // 86_400}.key").unlink(),
        "epochs",
        "epoch-",
    ),
    "a damaged report key": (
        lambda folder: (folder / f"keys/authority/report-1-{MONDAY // 604_800}.key").write_bytes(b"no key"),
        "report-keys",
        "report-1-",
    ),
    "no list of epochs": (_forget("DELETE FROM files WHERE kind = 'epochs'"), "epochs", "today's epoch"),
    "no list of report keys": (_forget("DELETE FROM files WHERE kind = 'report-keys'"), "report-keys", "this week"),
    "a removed head": (lambda folder: (folder / "published/head").unlink(), "head", "absent"),
    "a key file that was changed": (
        lambda folder: _newest_key_file(folder).write_bytes(b"nothing"),
        "folder",
        "length",
    ),
    "a key file that is gone": (lambda folder: _newest_key_file(folder).unlink(), "folder", "missing"),
    "a folder of another time": (
        _forget("DELETE FROM heads WHERE batch = (SELECT max(batch) FROM heads)"),
        "head",
        "not that of the newest batch",
    ),
    "a damaged database": (lambda folder: (folder / "publisher.sqlite").write_bytes(b"x" * 9000), "batch", "damaged"),
    "a root that cannot be read": (lambda folder: (folder / "root.json").write_bytes(b"{}"), "trust", "unreadable"),
    "a witness that was never asked": (
        _settings(
            witness_threshold=1,
            witnesses=[{"url": "http://127.0.0.1:9", "vkey": WitnessKey("w.example", b"\x11" * 32).vkey}],
        ),
        "witness",
        "never-asked",
    ),
}


@pytest.mark.parametrize(("damage", "word", "part"), DAMAGES.values(), ids=DAMAGES)
def test_each_thing_that_is_wrong(folder: Path, damage: Callable[[Path], object], word: str, part: str) -> None:
    lease(folder, NOW + 20)
    damage(folder)
    said = to_do(examine(folder, NOW))
    assert part in said[word], said


def test_a_clock_that_is_behind(folder: Path) -> None:
    lease(folder, NOW)
    assert "lies ahead of this machine's clock" in to_do(examine(folder, MONDAY - BATCH))["clock"]


def test_trust_metadata_that_ends(folder: Path) -> None:
    later = NOW + 3 * 86_400
    lease(folder, later)
    assert "timestamp (version 1, void from" in to_do(examine(folder, later))["trust"]


def test_a_database_that_somebody_locks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ownhue_server.doctor.reading.WAIT_SECONDS", 0.1)
    connection = sqlite3.connect(folder / "publisher.sqlite")
    connection.execute("BEGIN EXCLUSIVE")
    try:
        assert "a process keeps it locked" in to_do(examine(folder, NOW))["batch"]
    finally:
        connection.close()


def test_what_is_only_for_trying_out(folder: Path) -> None:
    _settings(answer_milliseconds=0)(folder)
    notes = [advice.sentence for advice in examine(folder, NOW) if advice.kind is Kind.NOTE]
    for part in ("without TLS", "answers leave at once", "as few as 20 keys", "root of trust lie on this server"):
        assert any(part in sentence for sentence in notes), part


def test_backups(folder: Path, made: Path, tmp_path: Path) -> None:
    lease(folder, NOW + 20)
    said = {advice.word: advice for advice in examine(folder, NOW, made)}
    assert said["backup"].sentence == "the backup is of 2026-03-02 06:00 UTC"
    old = shutil.copytree(made, tmp_path / "old")
    _forget("UPDATE heads SET batch = batch - 13")(old)
    (old / "keys/publisher/log.key").unlink()
    backup = [advice.sentence for advice in examine(folder, NOW, old) if advice.word == "backup"]
    assert backup == [
        "the backup is of 2026-03-01 04:00 UTC",
        "1 private keys are not in the backup, for example keys/publisher/log.key",
    ]


def test_a_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ownhue_server.doctor.machine.FREE_BYTES", 1 << 60)
    assert "MiB are free" in to_do(examine(folder, NOW))["disk"]


def test_it_changes_nothing_and_tells_no_secret(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    said = str(examine(folder, NOW))
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path, data in before.items():
        if path.suffix == ".key":
            assert data.hex() not in said
            assert str(data) not in said


def test_a_deployment_that_never_started(tmp_path: Path) -> None:
    config: Config = deployment(tmp_path / "new")[0]
    words = {advice.word for advice in examine(config.directory, NOW)}
    assert "roles" in words
    assert load_config(config.directory) == config


def test_the_command(folder: Path) -> None:
    runner = CliRunner()
    lease(folder, NOW + 20)
    good = runner.invoke(app, ["doctor", str(folder), "--now", str(NOW)])
    assert good.exit_code == 0, good.stdout
    assert good.stdout.endswith("Nothing to do.\n")
    bad = runner.invoke(app, ["doctor", str(folder), "--now", str(NOW + 9 * BATCH), "--json"])
    assert bad.exit_code == 1
    assert not json.loads(bad.stdout)["fine"]
