"""storage/writer.py and database.py: one thread, group commit, a savepoint for each job, several processes."""

import contextlib
import fcntl
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select
from sqlalchemy.exc import IntegrityError

from ownhue.errors import StateError
from ownhue_server.storage.database import TURN_ENDING, BusyError, open_database
from ownhue_server.storage.writer import Transaction, Writer

TABLES = MetaData()
NUMBERS = Table("numbers", TABLES, Column("number", Integer, primary_key=True))


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(open_database(tmp_path / "test.sqlite"), TABLES)
    writer.start()
    yield writer
    writer.stop()


def opened(folder: Path) -> Writer:
    """A writer of another process, as far as the file is concerned."""
    writer = Writer(open_database(folder / "test.sqlite"), TABLES)
    writer.start()
    return writer


def add(*numbers: int) -> Callable[[Transaction], None]:
    def job(transaction: Transaction) -> None:
        for number in numbers:
            transaction.connection.execute(insert(NUMBERS).values(number=number))

    return job


def numbers(transaction: Transaction) -> list[int]:
    return sorted(transaction.connection.execute(select(NUMBERS.c.number)).scalars())


def held_back(writer: Writer) -> Event:
    """Keep the writer busy until the event is set, so that what is queued meanwhile becomes one group."""
    go = Event()
    writer.submit(lambda _transaction: go.wait(10))
    return go


def test_a_failing_job_undoes_its_own_rows_and_no_others(writer: Writer) -> None:
    go = held_back(writer)
    jobs: list[Future[None]] = [writer.submit(add(1)), writer.submit(add(2, 3, 1)), writer.submit(add(4))]
    go.set()
    jobs[0].result()
    with pytest.raises(IntegrityError):
        jobs[1].result()
    jobs[2].result()
    assert writer.submit(numbers).result() == [1, 4]


def test_an_answered_job_is_on_the_disk(writer: Writer, tmp_path: Path) -> None:
    writer.submit(add(7)).result()
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes((tmp_path / "test.sqlite").read_bytes())
    other = Writer(open_database(copy), TABLES)
    other.start()
    assert other.submit(numbers).result() == [7]
    other.stop()


def test_a_cancelled_job_never_runs(writer: Writer) -> None:
    go = held_back(writer)
    given_up, kept = writer.submit(add(1)), writer.submit(add(2))
    assert given_up.cancel()
    go.set()
    kept.result()
    assert writer.submit(numbers).result() == [2]


def test_a_failing_job_without_company_undoes_its_rows_too(writer: Writer) -> None:
    with pytest.raises(IntegrityError):
        writer.submit(add(2, 3, 2)).result()
    writer.submit(add(1)).result()
    assert writer.submit(numbers).result() == [1]


def test_a_job_that_asks_for_it_is_committed_alone_and_in_its_turn(writer: Writer) -> None:
    seen: list[tuple[str, bool]] = []

    def note(name: str) -> Callable[[Transaction], None]:
        def job(transaction: Transaction) -> None:
            # Only beside others is there anything to go back to.
            with contextlib.suppress(sqlite3.OperationalError):
                transaction.driver.execute("ROLLBACK TO job")
                seen.append((name, True))
                return
            seen.append((name, False))

        return job

    go = held_back(writer)
    jobs = [writer.submit(note(name), alone=name == "alone") for name in ("one", "two", "alone", "three", "four")]
    go.set()
    for job in jobs:
        job.result()
    assert seen == [("one", True), ("two", True), ("alone", False), ("three", True), ("four", True)]


def test_a_full_disk_fails_the_whole_group_and_the_next_one_works(writer: Writer) -> None:
    def fill(transaction: Transaction) -> None:
        # SQLite's own limit on pages gives the error of a full disk, and ends the transaction by itself.
        pages = transaction.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        transaction.connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        add(*range(100, 5000))(transaction)

    go = held_back(writer)
    before, full, after = writer.submit(add(1)), writer.submit(fill), writer.submit(add(2))
    go.set()
    outcomes = [job.exception() for job in (before, full, after)]
    assert outcomes[1] is not None
    kept = writer.submit(numbers).result()
    # Whoever was told "stored" is stored, and whoever was told otherwise is not.
    assert kept == [number for number, job in ((1, before), (2, after)) if job.exception() is None]


def test_jobs_queued_before_the_end_are_done(tmp_path: Path) -> None:
    path = tmp_path / "test.sqlite"
    writer = Writer(open_database(path), TABLES)
    writer.start()
    jobs = [writer.submit(add(number)) for number in range(1000)]
    writer.stop()
    assert all(job.exception(0) is None for job in jobs)
    with pytest.raises(StateError):
        writer.submit(numbers)


def test_two_writers_on_one_file_lose_nothing(writer: Writer, tmp_path: Path) -> None:
    second = opened(tmp_path)

    def work(busy: Writer, first: int) -> None:
        for number in range(first, first + 200):
            busy.submit(add(number)).result()

    threads = [Thread(target=work, args=pair) for pair in ((writer, 0), (second, 10_000))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    expected = [*range(200), *range(10_000, 10_200)]
    assert writer.submit(numbers).result() == second.submit(numbers).result() == expected
    second.stop()


def test_a_writer_that_always_has_work_does_not_keep_another_waiting(writer: Writer, tmp_path: Path) -> None:
    """Without taking turns, who has just committed begins again before the one that waits has looked."""
    second = opened(tmp_path)
    go = held_back(writer)
    busy = [writer.submit(add(number), alone=True) for number in range(500)]
    waiting = second.submit(add(1000))
    go.set()
    waiting.result()
    assert not busy[-1].done()
    assert busy[-1].exception() is None
    second.stop()


def test_a_file_that_others_keep_for_too_long_fails_the_jobs_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "test.sqlite"
    writer = Writer(open_database(path, lock_seconds=0.2), TABLES)
    writer.start()
    writer.submit(add(1)).result()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    go = held_back(writer)
    jobs = [writer.submit(add(number)) for number in (2, 3)]
    go.set()
    assert [type(job.exception()) for job in jobs] == [BusyError] * 2
    other.execute("ROLLBACK")
    other.close()
    writer.submit(add(4)).result()
    assert writer.submit(numbers).result() == [1, 4]
    writer.stop()


def test_a_reader_that_keeps_a_commit_waiting_for_too_long_fails_the_jobs_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "test.sqlite"
    writer = Writer(open_database(path, lock_seconds=0.2), TABLES)
    writer.start()
    writer.submit(add(1)).result()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT number FROM numbers").fetchall() == [(1,)]
        with pytest.raises(BusyError):
            writer.submit(add(2)).result()
    writer.submit(add(3)).result()
    assert writer.submit(numbers).result() == [1, 3]
    writer.stop()


def test_a_process_that_keeps_its_turn_for_too_long_fails_the_jobs(tmp_path: Path) -> None:
    path = tmp_path / "test.sqlite"
    writer = Writer(open_database(path, lock_seconds=0.2), TABLES)
    writer.start()
    with path.with_name(path.name + TURN_ENDING).open("rb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        with pytest.raises(BusyError):
            writer.submit(add(1)).result()
    writer.submit(add(2)).result()
    assert writer.submit(numbers).result() == [2]
    writer.stop()


def test_what_a_killed_process_left_half_written_is_undone(tmp_path: Path) -> None:
    path = tmp_path / "test.sqlite"
    writer = opened(tmp_path)
    writer.submit(add(*range(1000))).result()
    writer.stop()
    command = f"""
import os, signal, sqlite3
db = sqlite3.connect({str(path)!r}, isolation_level=None)
db.execute("PRAGMA cache_size=5")
db.execute("PRAGMA cache_spill=1")
db.execute("BEGIN IMMEDIATE")
db.execute("UPDATE numbers SET number = number + 1000000")
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", command], timeout=30, check=False).returncode == -signal.SIGKILL
    assert path.with_name("test.sqlite-journal").stat().st_size > 0
    writer = opened(tmp_path)
    assert writer.submit(numbers).result() == list(range(1000))
    writer.stop()


@pytest.mark.parametrize("content", [b"not a database, " * 100, b"SQLite format 3\0" + bytes(5000)])
def test_a_file_that_is_no_database_is_an_error_of_ours(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "test.sqlite").write_bytes(content)
    with pytest.raises(StateError, match="is damaged"):
        opened(tmp_path)


def test_damage_that_shows_at_work_is_an_error_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "test.sqlite"
    writer = opened(tmp_path)
    writer.submit(add(*range(5000))).result()
    writer.stop()
    data = path.read_bytes()
    path.write_bytes(data[:-8192] + b"\xff" * 8192)
    writer = opened(tmp_path)
    with pytest.raises(StateError, match="is damaged"):
        writer.submit(numbers).result()
    writer.stop()


def test_a_file_that_cannot_be_opened_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "test.sqlite").mkdir()
    with pytest.raises(StateError, match="cannot be opened"):
        opened(tmp_path)


def test_only_the_owner_can_read_the_file(writer: Writer, tmp_path: Path) -> None:
    writer.submit(add(1)).result()
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {"test.sqlite", "test.sqlite.turn"} <= modes.keys()
