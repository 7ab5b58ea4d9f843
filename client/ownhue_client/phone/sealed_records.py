"""Sealed records in one SQLite file: adding, reading, transactions. The file itself and forgetting: store.py

- Every record is sealed (PyNaCl SecretBox) under the key of its day; the plain columns hold days and row ids only.
- Several threads: each statement and each ``atomic()`` waits for the other threads'. Nobody waits for the network
  inside ``atomic()``.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple

from nacl.secret import SecretBox
from sqlite_utils import Database

from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import VerificationError
from ownhue_client.phone.lock import FolderLock
from ownhue_client.phone.schema import HISTORY, STATE, STATE_DAY, TABLES
from ownhue_client.phone.sealing import KeyName, Master, unseal
from ownhue_client.phone.store_errors import own_errors
from ownhue_client.phone.store_file import connect

#: Later than any day.
LAST_DAY = 2**40
STATE_KEY: KeyName = (STATE, STATE_DAY)


class Row(NamedTuple):
    """One opened record."""

    id: int
    day: int
    value: Any


class SealedRecords:
    """Records of one phone. ``random(n)`` gives n bytes for keys and nonces."""

    def __init__(
        self, path: Path, master_key: bytes, random: Callable[[int], bytes], lock: FolderLock | None = None
    ) -> None:
        """Use :meth:`create` or :meth:`open`. *lock* is released by :meth:`close`."""
        self.directory = path.parent
        self.random = random
        self._master = Master(master_key, random)
        self._boxes: dict[KeyName, SecretBox] = {}
        self._lock = lock
        self._turn = RLock()
        self._flush_due = False
        self._database: Database = connect(path)

    def close(self) -> None:
        """Let the file go; another process may open it then."""
        with self._turn:
            self._database.close()
            if self._lock is not None:
                self._lock.release()

    @contextmanager
    def atomic(self, *, durable: bool = False) -> Iterator[None]:
        """A transaction; inside another one, part of that. With *durable* it is on the disk when this returns."""
        with self._turn:
            if self._database.conn.in_transaction:
                yield
                return
            known = dict(self._boxes)
            with own_errors():
                self._database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                try:
                    with self._database.atomic():
                        yield
                except BaseException:
                    # Keys of days that were first met in the undone transaction are undone with it.
                    self._boxes, self._flush_due = known, False
                    raise
            if self._flush_due:
                self.flush()

    def add(self, table: str, day: int, value: Any) -> int:
        """Seal *value* (CBOR kinds) into *table*; its row id."""
        return self.add_bytes(table, day, cbor_encode(value))

    def add_bytes(self, table: str, day: int, value: bytes) -> int:
        """Seal *value* as it is; :meth:`bytes_rows` reads it."""
        sealed = self._master.seal(self._box(key_of(table, day)), table, value)
        return int(self._run(f"INSERT INTO {table} (day, box) VALUES (?, ?)", (day, sealed)).lastrowid or 0)  # noqa: S608

    def replace(self, table: str, row: Row, value: Any) -> None:
        """Seal *value* in place of what *row* held."""
        sealed = self._master.seal(self._box(key_of(table, row.day)), table, cbor_encode(value))
        self._run(f"UPDATE {table} SET box = ? WHERE id = ? AND day = ?", (sealed, row.id, row.day))  # noqa: S608

    def delete(self, table: str, row: Row) -> None:
        """Remove a row."""
        self._run(f"DELETE FROM {known_table(table)} WHERE id = ?", (row.id,))  # noqa: S608

    def rows(self, table: str, first: int = STATE_DAY, last: int = LAST_DAY) -> Iterator[Row]:
        """Opened rows of the days *first* to *last* (both included), oldest first. Raises VerificationError."""
        for row in self.bytes_rows(table, first, last):
            yield Row(row.id, row.day, cbor_decode(row.value))

    def bytes_rows(self, table: str, first: int = STATE_DAY, last: int = LAST_DAY) -> Iterator[Row]:
        """Like :meth:`rows`, each value the bytes that were given to :meth:`add_bytes`."""
        query = f"SELECT id, day, box FROM {known_table(table)} WHERE day BETWEEN ? AND ? ORDER BY day, id"  # noqa: S608
        for identity, day, sealed in self._query(query, (first, last)):
            yield Row(identity, day, unseal(self._box(key_of(table, day)), table, sealed))

    def newest(self, table: str) -> Row | None:
        """The row that was added last, its value as bytes; None when there is none."""
        query = f"SELECT id, day, box FROM {known_table(table)} ORDER BY id DESC LIMIT 1"  # noqa: S608
        for identity, day, sealed in self._query(query):
            return Row(identity, day, unseal(self._box(key_of(table, day)), table, sealed))
        return None

    def count(self, table: str, day: int) -> int:
        """How many rows *day* has."""
        ((count,),) = self._query(f"SELECT count(*) FROM {known_table(table)} WHERE day = ?", (day,))  # noqa: S608
        return int(count)

    def counts(self, table: str) -> dict[int, int]:
        """How many rows each day has."""
        return dict(self._query(f"SELECT day, count(*) FROM {known_table(table)} GROUP BY day ORDER BY day"))  # noqa: S608

    def put(self, name: str, value: Any) -> None:
        """Seal *value* under *name*, replacing what was there."""
        self._put_bytes(name, cbor_encode(value))

    def put_all(self, values: Mapping[str, Any]) -> None:
        """:meth:`put` for each item."""
        for name, value in values.items():
            self.put(name, value)

    def get(self, name: str, default: Any = None) -> Any:
        """The value kept under *name*, or *default*."""
        for (sealed,) in self._query("SELECT box FROM state WHERE name = ?", (name,)):
            return cbor_decode(unseal(self._box(STATE_KEY), f"state.{name}", sealed))
        return default

    def need(self, name: str) -> Any:
        """What was put under *name* when the store was made. Raises VerificationError when it is gone."""
        value = self.get(name)
        if value is None:
            raise VerificationError(f"the store has lost {name}")
        return value

    def drop(self, name: str) -> None:
        """Remove what is kept under *name*, if anything."""
        self._run("DELETE FROM state WHERE name = ?", (name,))

    def states(self) -> Iterator[tuple[str, bytes]]:
        """Every name of the state, and its value as bytes."""
        for name, sealed in self._query("SELECT name, box FROM state ORDER BY name"):
            yield name, unseal(self._box(STATE_KEY), f"state.{name}", sealed)

    def days(self, kind: str = HISTORY) -> list[int]:
        """Days that have a key of *kind*, oldest first."""
        return [day for (day,) in self._query("SELECT day FROM keys WHERE kind = ? ORDER BY day", (kind,))]

    def flush(self) -> None:
        """Write the log through and empty it: it holds older pages, deleted rows and destroyed keys among them.

        Within :meth:`atomic` it happens when that is over.
        """
        with self._turn:
            self._flush_due = bool(self._database.conn.in_transaction)
            if not self._flush_due:
                self._query("PRAGMA wal_checkpoint(TRUNCATE)")

    def _put_bytes(self, name: str, value: bytes) -> None:
        sealed = self._master.seal(self._box(STATE_KEY), f"state.{name}", value)
        self._run("INSERT OR REPLACE INTO state (name, box) VALUES (?, ?)", (name, sealed))

    def _box(self, name: KeyName) -> SecretBox:
        """The box of a key; the key is made when its day is met for the first time."""
        with self._turn:
            if name not in self._boxes:
                found = self._query("SELECT box FROM keys WHERE kind = ? AND day = ?", name)
                self._boxes[name] = self._master.unwrap(name, found[0][0]) if found else self._new_box(name)
            return self._boxes[name]

    def _new_box(self, name: KeyName) -> SecretBox:
        box, wrapped = self._master.new_key(name)
        self._run("INSERT INTO keys (kind, day, box) VALUES (?, ?, ?)", (*name, wrapped))
        return box

    def _run(self, sql: str, parameters: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        with self._turn, own_errors():
            return self._database.execute(sql, parameters)

    def _query(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        """Every row at once: a broken page may come up at any of them."""
        with self._turn, own_errors():
            return self._database.execute(sql, parameters).fetchall()


def known_table(table: str) -> str:
    """*table*, which goes into SQL; KeyError for a name that is not in the schema."""
    TABLES[table]
    return table


def key_of(table: str, day: int) -> KeyName:
    kind = TABLES[table]
    return STATE_KEY if kind == STATE else (kind, day)
