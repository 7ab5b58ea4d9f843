"""The one thread that reads and writes a database: jobs queue up and are committed in groups.

    writer = Writer(open_database(path), TABLES)
    writer.start()
    row_count = await writer.run(lambda tx: tx.connection.execute(...).rowcount)

- A job sees the database alone: jobs run one after the other.
- Each job has its own SAVEPOINT. A job that raises leaves nothing behind and does not disturb its neighbours.
- A job is answered after the commit that holds it, so an "ok" is never lost. Many jobs share one commit.
- Memory that mirrors the database is restored through :meth:`Transaction.on_rollback`.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, MetaData

from ownhue.errors import StateError
from ownhue_server.storage.database import connect

T = TypeVar("T")
Undo = Callable[[], None]

#: Most jobs of one commit: enough to share a disk's sync, few enough that the first one does not wait long.
GROUP_SIZE = 256


class Transaction:
    """What a job works with: the connection, inside a SAVEPOINT of its own."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.undo: list[Undo] = []

    def on_rollback(self, undo: Undo) -> None:
        """Call *undo* when this job's changes do not last, be it by its own error or by a failed commit."""
        self.undo.append(undo)


Job = Callable[[Transaction], T]
_Entry = tuple[Job[Any], "Future[Any]"]
_Outcome = tuple["Future[Any]", Any, BaseException | None]


class Writer:
    """Owner of *engine*'s only connection. Start it before the first job, stop it after the last."""

    def __init__(self, engine: Engine, tables: MetaData) -> None:
        self._engine = engine
        self._tables = tables
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Open the database and create missing tables. Raises StateError when another server uses it."""
        ready: Future[None] = Future()
        self._thread = Thread(target=self._serve, args=(ready,), name="ownhue-writer", daemon=True)
        self._thread.start()
        ready.result()

    def stop(self) -> None:
        """Finish the jobs that are queued, then close the database. Harmless when it never started."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def submit(self, job: Job[T]) -> "Future[T]":
        """Queue *job*; the future gives its result once it is committed, or what it raised."""
        if self._thread is None:
            raise StateError("the database is closed")
        future: Future[T] = Future()
        self._queue.put((job, future))
        return future

    async def run(self, job: Job[T]) -> T:
        """Await the result of *job*, committed."""
        return await asyncio.wrap_future(self.submit(job))

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
            entry = self._queue.get()
            if entry is None:
                return []
            with contextlib.suppress(Empty):
                while entry is not None:
                    # From here on the future cannot be cancelled, so a job never runs for a caller who has gone.
                    if entry[1].set_running_or_notify_cancel():
                        group.append(entry)
                    if len(group) >= GROUP_SIZE:
                        break
                    entry = self._queue.get_nowait()
                if entry is None:
                    self._queue.put(None)
                    return group
        return group


def _commit(connection: Connection, group: list[_Entry]) -> None:
    """Run and commit *group*; answer every future."""
    outcomes: list[_Outcome] = []
    undo: list[Undo] = []
    try:
        with connection.begin():
            outcomes.extend(_run(connection, job, future, undo) for job, future in group)
    except Exception as error:  # noqa: BLE001 - a full disk, say: nothing of the group lasts, everybody is told
        _call_all(undo)
        outcomes = [(future, None, error) for _job, future in group]
    for future, result, failure in outcomes:
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)


def _run(connection: Connection, job: Job[Any], future: "Future[Any]", undo: list[Undo]) -> _Outcome:
    transaction = Transaction(connection)
    try:
        with connection.begin_nested():
            result = job(transaction)
    except Exception as error:
        _call_all(transaction.undo)
        if not _in_transaction(connection):
            raise
        return future, None, error
    undo.extend(transaction.undo)
    return future, result, None


def _in_transaction(connection: Connection) -> bool:
    """Whether the group's transaction still stands: SQLite ends it by itself when the disk is full, for example."""
    return bool(getattr(connection.connection.dbapi_connection, "in_transaction", True))


def _call_all(undo: list[Undo]) -> None:
    for callback in reversed(undo):
        callback()
