"""What SQLite says, as errors of this project with a sentence that says what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from ownhue.errors import StateError

#: The low byte of SQLite's result codes (sqlite.org/rescode.html), and what each means for the owner.
_SENTENCES = {
    sqlite3.SQLITE_BUSY: "another program uses this phone",
    sqlite3.SQLITE_LOCKED: "another program uses this phone",
    sqlite3.SQLITE_FULL: "the disk is full; nothing of this was stored. Make room, then try again",
    sqlite3.SQLITE_READONLY: "the phone's folder cannot be written; nothing of this was stored",
    sqlite3.SQLITE_CANTOPEN: "the phone's folder cannot be read or written",
}
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class DamagedError(StateError):
    """The file is damaged: a broken disk, or somebody wrote into it. A repair keeps what can still be opened."""


@contextmanager
def own_errors() -> Iterator[None]:
    """Raise StateError (DamagedError for a damaged file) instead of what SQLite raises."""
    try:
        yield
    except sqlite3.Error as error:
        raise _own(error) from error


def _own(error: sqlite3.Error) -> StateError:
    # Python's own complaints (a closed connection) have no code.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _DAMAGED:
        return DamagedError("the store failed: its file is damaged; a repair keeps what can still be opened")
    if code == sqlite3.SQLITE_IOERR:
        return StateError("the store failed: the disk cannot be read or written; nothing of this was stored")
    return StateError(_SENTENCES.get(code, f"the store failed: {error}"))
