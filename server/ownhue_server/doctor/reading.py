"""Databases, opened to be read only, also while servers write them."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from ownhue.errors import StateError

#: Seconds that a writer may keep the file before a reader gives up.
WAIT_SECONDS = 5

_BUSY, _READ_ONLY, _CANNOT_OPEN, _CORRUPT, _NOT_A_DATABASE = 5, 8, 14, 11, 26
_WORDS = {
    _BUSY: "a process keeps it locked",
    _READ_ONLY: "a crash left it in the middle of something, which the next start of the server mends",
    _CANNOT_OPEN: "it is absent or may not be read",
    _CORRUPT: "it is damaged",
    _NOT_A_DATABASE: "it is damaged",
}


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Connection]:
    """A connection that only reads. Raises StateError with a reason in plain words."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=WAIT_SECONDS)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    except DatabaseError as error:
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        raise StateError(_WORDS.get(code, str(error.orig))) from error
    finally:
        engine.dispose()
