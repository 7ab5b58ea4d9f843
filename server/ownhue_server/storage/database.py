"""One SQLite file of one role, opened so that what is deleted or moved leaves no trace in it.

- ``secure_delete``: deleted content is overwritten with zeros.
- ``journal_mode=TRUNCATE``: the rollback journal is emptied at every commit. A write-ahead log would keep the order in
  which rows were written until its next reset.
- ``synchronous=FULL``: what was answered with "ok" survives a power cut.
- ``temp_store=MEMORY``: sorting and moving keep nothing beside the file.
- ``locking_mode=NORMAL``: several processes of one machine may use the file, one transaction after the other
  (decisions/0019). Whoever waits for its turn holds a lock beside the file, so that a busy process cannot get in twice
  before one that waits.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from ownhue.errors import StateError

#: Seconds that a transaction waits for those of other processes.
LOCK_SECONDS = 30
#: Ends the name of the file by which processes take turns. It is always empty.
TURN_ENDING = ".turn"

_POLL_SECONDS = 0.001
_BUSY, _CORRUPT, _NOT_A_DATABASE = 5, 11, 26
_PRAGMAS = (
    "PRAGMA locking_mode=NORMAL",
    "PRAGMA journal_mode=TRUNCATE",
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-32768",
)


class BusyError(StateError):
    """Other processes kept the database for too long. Nothing was stored."""


def open_database(path: Path, lock_seconds: float = LOCK_SECONDS) -> Engine:
    """The database at *path*, created with mode 0600 when it is absent. For one :class:`~.writer.Writer`.

    A transaction waits *lock_seconds* for other processes. Raises StateError when the file cannot be opened."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StateError(f"{path} cannot be opened: {error.strerror}") from error
    # A connection of its own for whoever connects: only the writer does, once, and keeps it.
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": lock_seconds})
    turn = _Turn(path.with_name(path.name + TURN_ENDING), lock_seconds)

    def begin(connection: Connection) -> None:
        with turn.taken():
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", begin)
    return engine


def connect(engine: Engine, tables: MetaData) -> Connection:
    """The one connection to the database, with all *tables*.

    Raises BusyError when others keep the file for too long, StateError when it is damaged or no database.
    """
    with errors_of(engine):
        connection = engine.connect()
        with connection.begin():
            tables.create_all(connection)
            # Reads the whole tree of names and each table's first page, where damage shows that would surprise later.
            for table in tables.sorted_tables:
                connection.execute(select(table).limit(1)).all()
    return connection


@contextlib.contextmanager
def errors_of(engine: Engine) -> Iterator[None]:
    """While open, SQLite's words on a busy or damaged file become errors of ours."""
    try:
        yield
    except DatabaseError as error:
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        if code == _BUSY:
            raise BusyError(f"{engine.url.database} is kept by another process") from error
        if code in (_CORRUPT, _NOT_A_DATABASE):
            raise StateError(f"{engine.url.database} is damaged; restore a backup: {error.orig}") from error
        raise


class _Turn:
    """An empty file whose lock is held while waiting for the database: who has just committed queues behind it."""

    def __init__(self, path: Path, lock_seconds: float) -> None:
        self._path = path
        self._lock_seconds = lock_seconds
        self._descriptor = -1

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """While open, no other process can begin to wait. Raises BusyError."""
        if self._descriptor < 0:
            self._descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self._lock()
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _lock(self) -> None:
        until = time.monotonic() + self._lock_seconds
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise BusyError(f"another process keeps {self._path.name}") from error
                time.sleep(_POLL_SECONDS)
            else:
                return

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


def _prepare(dbapi_connection: Any, _record: Any) -> None:
    # The driver's own idea of when a transaction begins would commit before a SAVEPOINT; we say BEGIN ourselves.
    dbapi_connection.isolation_level = None
    for pragma in _PRAGMAS:
        dbapi_connection.execute(pragma)
