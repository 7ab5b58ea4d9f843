"""The files of a phone's store: their names, a connection to one, and a new one that is there whole or not at all.

| name | what it is |
|---|---|
| phone.db | the database; -wal and -shm beside it are SQLite's |
| phone.db.new | one that is being made; worth nothing until it has the name above |
| phone.db.copy | one that a repair looks into (first_page.py) |
| phone.lock | who uses the phone (lock.py) |
| unlock.json, master.key | how it is opened (unlock.py) |
"""

import sqlite3
from pathlib import Path

from sqlite_utils import Database

from ownhue.errors import StateError
from ownhue_client.phone.store_errors import own_errors
from ownhue_client.phone.unlock_record import shred, sync_folder, write_private

DATABASE_NAME = "phone.db"
UNFINISHED_NAME = DATABASE_NAME + ".new"
COPY_NAME = DATABASE_NAME + ".copy"
#: What SQLite puts beside a database.
BESIDE = ("-wal", "-shm", "-journal")


def connect(path: Path) -> Database:
    """A connection that waits a moment for another one, and whose transactions are begun and ended by name."""
    with own_errors():
        connection = sqlite3.connect(path, timeout=0.2, isolation_level=None, check_same_thread=False)
    return Database(connection, execute_plugins=False)


def new_file(directory: Path) -> Path:
    """An empty file for a new database. Raises StateError.

    What a program that was killed left there goes first: SQLite would read an old write-ahead log into the new file.
    """
    path = directory / UNFINISHED_NAME
    try:
        shred_database(path)
        write_private(path, b"")
    except OSError as error:
        raise StateError(f"the phone's folder cannot be written: {error.strerror}") from error
    return path


def finish_file(directory: Path) -> Path:
    """Give the new database its name, in place of what had it. It has to be closed. Raises StateError."""
    path = directory / DATABASE_NAME
    try:
        # Pages of the file that goes must not be read into the one that comes.
        for name in BESIDE:
            shred(path.with_name(path.name + name))
        (directory / UNFINISHED_NAME).rename(path)
        sync_folder(directory)
    except OSError as error:
        raise StateError(f"the phone's folder cannot be written: {error.strerror}") from error
    return path


def shred_database(path: Path) -> None:
    """Overwrite and remove a database and what lies beside it. OSError as it comes."""
    for name in (*BESIDE, ""):
        shred(path.with_name(path.name + name))
