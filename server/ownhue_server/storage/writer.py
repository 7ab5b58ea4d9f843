"""The one thread that reads and writes a database: jobs queue up and are committed in groups.

    writer = Writer(open_database(path), TABLES)
    writer.start()
    row_count = await writer.run(lambda tx: tx.connection.execute(...).rowcount)

- A job sees the database alone: jobs run one after the other, and those of other processes before or after a group.
- Each job has its own SAVEPOINT. A job that raises leaves nothing behind and does not disturb its neighbours.
- A job is answered after the commit that holds it, so an "ok" is never lost. Many jobs share one commit.
- A job that fails because others keep the file, or because it is damaged, gets an error that says so.
- No memory mirrors the database, so there is none to restore when a job fails or another process writes.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeVar, cast

from sqlalchemy import Connection, Engine, MetaData

from ownhue.errors import StateError
from ownhue_server.storage.database import connect, errors_of

T = TypeVar("T")

#: Most jobs of one commit: enough to share a disk's sync, few enough that the first one does not wait long.
GROUP_SIZE = 256


class Transaction:
    """What a job works with: the connection, inside a SAVEPOINT of its own."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @property
    def driver(self) -> sqlite3.Connection:
        """The driver's own connection, for statements so short that SQLAlchemy would take longer than SQLite."""
        return cast("sqlite3.Connection", self.connection.connection.dbapi_connection)


Job = Callable[[Transaction], T]


class _Entry(NamedTuple):
    job: Job[Any]
    future: "Future[Any]"
    alone: bool


_Outcome = tuple["Future[Any]", Any, BaseException | None]


class Writer:
    """Owner of *engine*'s only connection. Start it before the first job, stop it after the last."""

    def __init__(self, engine: Engine, tables: MetaData) -> None:
        self._engine = engine
        self._tables = tables
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        self._waiting: _Entry | None = None
        self._thread: Thread | None = None

    def start(self) -> None:
        """Open the database and create missing tables. Raises StateError when it cannot be opened or is damaged."""
        ready: Future[None] = Future()
        self._thread = Thread(target=self._serve, args=(ready,), name="ownhue-writer", daemon=True)
        self._thread.start()
        try:
            ready.result()
        except BaseException:
            # It has ended: a job that were queued now would wait for ever.
            self._thread = None
            raise

    def stop(self) -> None:
        """Finish the jobs that are queued, then close the database. Harmless when it never started."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def submit(self, job: Job[T], *, alone: bool = False) -> "Future[T]":
        """Queue *job*; the future gives its result once it is committed, or what it raised.

        *alone*: it is committed by itself. For a job that changes so many pages that SQLite should not keep them in
        memory, as it does to undo one job of a group."""
        if self._thread is None:
            raise StateError("the database is closed")
        future: Future[T] = Future()
        self._queue.put(_Entry(job, future, alone))
        return future

    async def run(self, job: Job[T], *, alone: bool = False) -> T:
        """Await the result of *job*, committed; *alone* as for :meth:`submit`."""
        return await asyncio.wrap_future(self.submit(job, alone=alone))

    def _serve(self, ready: "Future[None]") -> None:
        try:
            with connect(self._engine, self._tables) as connection:
                ready.set_result(None)
                while group := self._next_group():
                    _commit(connection, group)
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    def _next_group(self) -> list[_Entry]:
        """The next jobs that nobody has given up on; empty when the writer is to stop."""
        group: list[_Entry] = []
        while not group:
            entry, self._waiting = self._waiting or self._queue.get(), None
            if entry is None:
                return []
            with contextlib.suppress(Empty):
                while entry is not None:
                    if group and (entry.alone or group[0].alone or len(group) >= GROUP_SIZE):
                        self._waiting = entry
                        return group
                    # From here on the future cannot be cancelled, so a job never runs for a caller who has gone.
                    if entry.future.set_running_or_notify_cancel():
                        group.append(entry)
                    entry = self._queue.get_nowait()
                self._queue.put(None)
        return group


def _commit(connection: Connection, group: list[_Entry]) -> None:
    """Run and commit *group*; answer every future."""
    outcomes: list[_Outcome] = []
    try:
        with errors_of(connection.engine), connection.begin():
            outcomes.extend(_run(connection, entry, len(group) > 1) for entry in group)
    except Exception as error:  # noqa: BLE001 - a full disk, say: nothing of the group lasts, everybody is told
        outcomes = [(entry.future, None, error) for entry in group]
        driver = Transaction(connection).driver
        if driver.in_transaction:
            # A COMMIT that could not be, because somebody reads, leaves the transaction open.
            driver.execute("ROLLBACK")
    for future, result, failure in outcomes:
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)


def _run(connection: Connection, entry: _Entry, in_company: bool) -> _Outcome:
    transaction = Transaction(connection)
    if not in_company:
        return entry.future, entry.job(transaction), None
    driver = transaction.driver
    try:
        with errors_of(connection.engine):
            driver.execute("SAVEPOINT job")
            result = entry.job(transaction)
            driver.execute("RELEASE job")
    except Exception as error:
        if not driver.in_transaction:
            # SQLite has ended the group's transaction by itself, as it does when the disk is full.
            raise
        driver.execute("ROLLBACK TO job")
        driver.execute("RELEASE job")
        return entry.future, None, error
    return entry.future, result, None
