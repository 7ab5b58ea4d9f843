"""Closing batches: what goes out, when, and that a crash at any point changes nothing."""

import shutil
import sqlite3
from itertools import pairwise
from pathlib import Path

import pytest

from ownhue.documents import open_document
from ownhue.encoding import canonical_json
from ownhue.errors import StateError
from ownhue.params import EMBARGO_SECONDS, INTERVAL_SECONDS, ReportType
from ownhue.passes import EpochList
from ownhue.rulebook import parse_rulebook
from ownhue_server.clock import RehearsalClock
from ownhue_server.publisher.folder import PublishedFolder
from tests.server.clinic import Clinic
from tests.server.patient import token_keys
from tests.server.press import snapshot
from tests.server.served import BATCH, MONDAY, Served, deployment, served


def test_a_new_server_has_published_everything_a_phone_needs(server: Served) -> None:
    published = Clinic(server).published()
    assert published.head.time == MONDAY
    kinds = [entry.kind for entry in published.entries]
    assert kinds == ["epochs", "report-keys", "rulebook", *["trust"] * 4, "trust-roles", "keys"]
    region = server.config.region
    (epochs,), (rulebook,) = published.of_kind("epochs"), published.of_kind("rulebook")
    body = open_document(published.file(epochs), "epochs", [region.issuer_key_bytes])
    assert [key.epoch - MONDAY // 86400 for key in EpochList.from_body(body).keys] == [0, 1, 2]
    body = open_document(published.file(rulebook), "rulebook", [region.authority_key_bytes])
    assert parse_rulebook(canonical_json(body)).region == "demo"


def test_an_empty_batch_is_a_full_padded_file(server: Served) -> None:
    server.move_clock(MONDAY + 3 * BATCH)
    contents = Clinic(server).published().key_files()
    assert [(content.start, content.end) for content in contents] == [
        (MONDAY + number * BATCH, MONDAY + (number + 1) * BATCH) for number in range(-1, 3)
    ]
    assert all(20 <= len(content.keys) <= 30 for content in contents)
    assert len({key.data for content in contents for key in content.keys}) == sum(len(file.keys) for file in contents)


def test_keys_go_out_once_and_as_reported(server: Served) -> None:
    clinic = Clinic(server)
    patient = clinic.patient(30)
    assert clinic.report(patient) == "ok"
    server.move_clock(MONDAY + 2 * BATCH)
    first, *later = clinic.published().key_files()[1:]
    published = {key.data: key for key in first.keys}
    for key in patient.keys:
        assert published[key.data][1:5] == (
            key.rolling_start,
            key.rolling_period,
            ReportType.CONFIRMED_TEST,
            key.days_since_onset,
        )
    assert not any(key.data in set(patient.datas) for content in later for key in content.keys)


@pytest.mark.parametrize(("minutes", "batches"), [(10, 1), (90, 1), (100, 2), (119, 2)])
def test_the_current_key_waits_until_twenty_minutes_after_its_end(server: Served, minutes: int, batches: int) -> None:
    clinic = Clinic(server)
    server.move_clock(MONDAY + minutes * 60)
    patient = clinic.patient(3, current=True)
    assert clinic.report(patient) == "ok"
    server.move_clock(MONDAY + 4 * BATCH)
    (current,) = (key for key in patient.keys if key.rolling_period != 12 or key.rolling_start * 600 == MONDAY)
    out = [file.end for file in clinic.published().key_files() if current.data in {key.data for key in file.keys}]
    assert out == [MONDAY + batches * BATCH]
    assert out[0] >= (current.rolling_start + current.rolling_period) * INTERVAL_SECONDS + EMBARGO_SECONDS


def test_no_published_key_is_ever_younger_than_its_embargo(server: Served) -> None:
    clinic = Clinic(server)
    for hour in range(1, 40):
        server.move_clock(MONDAY + hour * 3600)
        clinic.report(clinic.patient(2, current=True))
    for content in clinic.published().key_files():
        assert all((key.rolling_start + key.rolling_period) * 600 + 1200 <= content.end for key in content.keys)


def test_a_batch_is_closed_neither_early_nor_twice_nor_out_of_turn(tmp_path: Path) -> None:
    with served(tmp_path / "server") as server:
        publisher = server.publisher
        for batch in (MONDAY // BATCH, MONDAY // BATCH - 1, MONDAY // BATCH + 1):
            with pytest.raises(StateError):
                server.run(publisher.close_batch(batch))
        server.move_clock(MONDAY + BATCH)
        with pytest.raises(StateError):
            server.run(publisher.close_batch(MONDAY // BATCH))
        assert len(Clinic(server).published().of_kind("keys")) == 2


def test_closing_again_after_losing_the_folder_is_byte_identical(tmp_path: Path) -> None:
    with served(tmp_path / "server") as server:
        clinic = Clinic(server)
        clinic.report(clinic.patient(20))
        server.move_clock(MONDAY + 4 * BATCH)
        patient = clinic.patient(5)
        clinic.report(patient)
        server.move_clock(MONDAY + 6 * BATCH)
        clinic.withdraw(patient)
        server.move_clock(MONDAY + 30 * BATCH)
        now = server.now()
    before = snapshot(tmp_path / "server" / "published")
    shutil.rmtree(tmp_path / "server" / "published")
    with served(tmp_path / "server", now=now) as server:
        Clinic(server).published().key_files()
    assert snapshot(tmp_path / "server" / "published") == before


def test_a_damaged_file_is_written_again(tmp_path: Path) -> None:
    with served(tmp_path / "server"):
        pass
    before = snapshot(tmp_path / "server" / "published")
    for path in before:
        (tmp_path / "server" / "published" / path).write_bytes(b"damaged")
    with served(tmp_path / "server"):
        pass
    assert snapshot(tmp_path / "server" / "published") == before


def test_a_file_that_is_nowhere_stops_the_server_with_a_word(tmp_path: Path) -> None:
    with served(tmp_path / "server") as server:
        server.move_clock(MONDAY + BATCH)
    shutil.rmtree(tmp_path / "server" / "published" / "keys")
    with sqlite3.connect(tmp_path / "server" / "publisher.sqlite") as database:
        database.execute("DELETE FROM files WHERE kind = 'keys' AND batch = (SELECT max(batch) FROM files)")
    database.close()
    with pytest.raises(StateError, match="not in the database either"), served(tmp_path / "server", now=MONDAY + BATCH):
        pass


@pytest.mark.parametrize("lost", [False, True])
def test_a_database_out_of_an_old_backup_does_not_rewrite_the_log(tmp_path: Path, lost: bool) -> None:
    database, backup = tmp_path / "server" / "publisher.sqlite", tmp_path / "backup.sqlite"
    with served(tmp_path / "server"):
        pass
    shutil.copy(database, backup)
    with served(tmp_path / "server", now=MONDAY + BATCH) as server:
        newest, folder = database.read_bytes(), server.config.published
    before = snapshot(folder)
    shutil.copy(backup, database)
    if lost:
        database.unlink()
    with pytest.raises(StateError, match="restore a newer backup"), served(tmp_path / "server", now=MONDAY + 2 * BATCH):
        pass
    assert snapshot(folder) == before
    database.write_bytes(newest)
    with served(tmp_path / "server", now=MONDAY + 2 * BATCH) as server:
        assert len(Clinic(server).published().of_kind("keys")) == 3


def test_missed_batches_are_closed_one_after_the_other_at_the_next_start(tmp_path: Path) -> None:
    with served(tmp_path / "server") as server:
        clinic = Clinic(server)
        patient = clinic.patient(4)
        clinic.report(patient)
    with served(tmp_path / "server", now=MONDAY + 26 * BATCH + 5) as server:
        published = Clinic(server).published()
        assert published.head.time == MONDAY + 26 * BATCH
        ends = [content.end for content in published.key_files()]
        assert ends == [MONDAY + number * BATCH for number in range(27)]
        first = {key.data for key in published.key_files()[1].keys}
        assert set(patient.datas) <= first


def test_batches_closed_late_give_no_epoch_and_no_week_a_second_key(tmp_path: Path) -> None:
    """Publishing stands still for weeks (a full disk), while others fetch lists and old private keys go."""
    clock = RehearsalClock(MONDAY)
    deployment(tmp_path / "server", batch_seconds=86400)
    with served(tmp_path / "server", clock=clock) as server:
        for days in (7, 14, 21):
            clock.move(MONDAY + days * 86400)
            for path in ("/issuer/v1/epochs", "/authority/v1/documents/report-keys"):
                server.request("GET", path)
        server.move_clock(MONDAY + 22 * 86400)
        published, region = Clinic(server).published(), server.config.region
        epochs = [
            EpochList.from_body(open_document(published.file(entry), "epochs", [region.issuer_key_bytes]))
            for entry in published.of_kind("epochs")
        ]
        for before, after in pairwise(epochs):
            after.check_follows(before)
        lists = [token_keys(published.file(entry), region) for entry in published.of_kind("report-keys")]
        ids = {(key.report_type, key.week): key.key_id for keys in lists for key in keys}
        assert all(key.key_id == ids[key.report_type, key.week] for keys in lists for key in keys)


@pytest.mark.parametrize("writes", range(5))
def test_killed_while_writing_files_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """The folder stops taking files after *writes* of them, in the middle of a batch; then comes a new process."""
    with served(tmp_path / "server") as server:
        clinic = Clinic(server)
        patient = clinic.patient(14)
        clinic.report(patient)
        server.move_clock(MONDAY + 11 * BATCH)
        put = PublishedFolder.put
        left = [writes]

        def fail(folder: PublishedFolder, path: str, data: bytes) -> None:
            if not left[0]:
                raise OSError("no space left")
            left[0] -= 1
            put(folder, path, data)

        monkeypatch.setattr(PublishedFolder, "put", fail)
        assert server.move_clock(MONDAY + 12 * BATCH).status_code == 500
        # Whoever reads now sees the state before, whole, or the new one, whole.
        Clinic(server).published().key_files()
        monkeypatch.undo()
    with served(tmp_path / "server", now=MONDAY + 12 * BATCH) as server:
        check_whole(server, patient.datas, 13)


def test_files_that_could_not_be_written_come_before_the_next_head(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, and then room again, without a restart in between."""
    clinic = Clinic(server)
    patient = clinic.patient(14)
    clinic.report(patient)

    def fail(_folder: PublishedFolder, _path: str, _data: bytes) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(PublishedFolder, "put", fail)
    assert server.move_clock(MONDAY + BATCH).status_code == 500
    monkeypatch.undo()
    server.move_clock(MONDAY + 2 * BATCH)
    check_whole(server, patient.datas, 3)
    shutil.rmtree(server.config.published / "keys")
    server.run(server.publisher.write_missing())
    assert not (server.config.published / "keys").exists()


@pytest.mark.parametrize(
    "step", ["stream_key_blocks", "sign_tree_head", "_new", "_publish", "make_padding", "key_blocks"]
)
def test_killed_inside_the_transaction_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with served(tmp_path / "server") as server:
        clinic = Clinic(server)
        patient = clinic.patient(14)
        clinic.report(patient)
        before = snapshot(server.config.published)

        def fail(*_arguments: object) -> None:
            raise MemoryError

        monkeypatch.setattr(f"ownhue_server.publisher.batches.{step}", fail)
        assert server.move_clock(MONDAY + BATCH).status_code == 500
        assert snapshot(server.config.published) == before
        monkeypatch.undo()
        assert server.move_clock(MONDAY + BATCH).status_code == 200
        check_whole(server, patient.datas, 2)


def check_whole(server: Served, datas: list[bytes], batches: int) -> None:
    """One key file for each batch, every reported key exactly once."""
    published = Clinic(server).published()
    assert [entry.batch for entry in published.of_kind("keys")] == [
        MONDAY // BATCH - 1 + number for number in range(batches)
    ]
    out = [key.data for content in published.key_files() for key in content.keys]
    assert [out.count(data) for data in datas] == [1] * len(datas)
    assert published.head.time == MONDAY + (batches - 1) * BATCH


def test_two_servers_with_the_same_database_write_the_same_bytes(tmp_path: Path) -> None:
    """What a batch is was decided in its transaction; nothing is drawn when files are written."""
    with served(tmp_path / "one") as server:
        clinic = Clinic(server)
        clinic.report(clinic.patient(20))
        server.move_clock(MONDAY + 3 * BATCH)
    shutil.copytree(tmp_path / "one", tmp_path / "two", ignore=shutil.ignore_patterns("published"))
    with served(tmp_path / "two", now=MONDAY + 3 * BATCH):
        pass
    assert snapshot(tmp_path / "one" / "published") == snapshot(tmp_path / "two" / "published")
