"""storage/writer.py: one thread, group commit, a savepoint for each job."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select
from sqlalchemy.exc import IntegrityError

from ownhue.errors import StateError
from ownhue_server.storage.database import open_database
from ownhue_server.storage.writer import Transaction, Writer

TABLES = MetaData()
NUMBERS = Table("numbers", TABLES, Column("number", Integer, primary_key=True))


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(open_database(tmp_path / "test.sqlite"), TABLES)
    writer.start()
    yield writer
    writer.stop()


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


def test_memory_is_restored_for_the_job_that_failed_only(writer: Writer) -> None:
    undone: list[str] = []

    def remember(name: str, number: int) -> Callable[[Transaction], None]:
        def job(transaction: Transaction) -> None:
            transaction.on_rollback(lambda: undone.append(name))
            add(number)(transaction)

        return job

    go = held_back(writer)
    good, bad = writer.submit(remember("good", 1)), writer.submit(remember("bad", 1))
    go.set()
    good.result()
    with pytest.raises(IntegrityError):
        bad.result()
    assert undone == ["bad"]


def test_a_full_disk_fails_the_whole_group_and_the_next_one_works(writer: Writer) -> None:
    undone: list[str] = []

    def fill(transaction: Transaction) -> None:
        transaction.on_rollback(lambda: undone.append("memory"))
        # SQLite's own limit on pages gives the error of a full disk, and ends the transaction by itself.
        pages = transaction.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        transaction.connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        add(*range(100, 5000))(transaction)

    go = held_back(writer)
    before, full, after = writer.submit(add(1)), writer.submit(fill), writer.submit(add(2))
    go.set()
    outcomes = [job.exception() for job in (before, full, after)]
    assert outcomes[1] is not None
    assert undone == ["memory"]
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


def test_a_second_server_on_the_same_file_does_not_start(writer: Writer, tmp_path: Path) -> None:
    writer.submit(add(1)).result()
    second = Writer(open_database(tmp_path / "test.sqlite"), TABLES)
    with pytest.raises(StateError, match="cannot be opened"):
        second.start()


def test_a_file_that_is_no_database_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "test.sqlite").write_bytes(b"not a database, " * 100)
    with pytest.raises(StateError, match="cannot be opened"):
        Writer(open_database(tmp_path / "test.sqlite"), TABLES).start()


def test_only_the_owner_can_read_the_file(writer: Writer, tmp_path: Path) -> None:
    assert (tmp_path / "test.sqlite").stat().st_mode & 0o777 == 0o600
