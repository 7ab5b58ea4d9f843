"""One SQLite file of one role, opened so that what is deleted or moved leaves no trace in it.

- ``secure_delete``: deleted content is overwritten with zeros.
- ``journal_mode=TRUNCATE``: the rollback journal is emptied at every commit. A write-ahead log would keep the order in
  which rows were written until its next reset.
- ``synchronous=FULL``: what was answered with "ok" survives a power cut.
- ``locking_mode=EXCLUSIVE``: a second server on the same file does not start.
"""

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from ownhue.errors import StateError

#: Seconds to wait for another server to let go of the file.
LOCK_SECONDS = 1

_PRAGMAS = (
    "PRAGMA locking_mode=EXCLUSIVE",
    "PRAGMA journal_mode=TRUNCATE",
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-32768",
)


def open_database(path: Path) -> Engine:
    """The database at *path*, created with mode 0600 when it is absent. For one :class:`~.writer.Writer`."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    # A connection of its own for whoever connects: only the writer does, once, and keeps it.
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": LOCK_SECONDS})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def connect(engine: Engine, tables: MetaData) -> Connection:
    """The one connection to the database, with all *tables*.

    Raises StateError when another server uses the file, or when it is no database.
    """
    try:
        connection = engine.connect()
        with connection.begin():
            tables.create_all(connection)
    except DatabaseError as error:
        raise StateError(f"{engine.url.database} cannot be opened: {error.orig}") from error
    return connection


def _prepare(dbapi_connection: Any, _record: Any) -> None:
    # The driver's own idea of when a transaction begins would commit before a SAVEPOINT; we say BEGIN ourselves.
    dbapi_connection.isolation_level = None
    for pragma in _PRAGMAS:
        dbapi_connection.execute(pragma)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
