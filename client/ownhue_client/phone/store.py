"""The phone's own history in one SQLite file; tables in schema.py, keys in sealing.py beside this module.

- Every record is sealed (PyNaCl SecretBox) under the key of its day; the plain columns hold days and row ids only.
- Forgetting a day destroys its keys: no copy of the file can be opened with what is left. Rows are overwritten too.
- ``with store.atomic():`` is all or nothing, also when the process is killed in the middle.
- One process at a time; one thread at a time.

    store = Store.create(directory, os.urandom, {"name": b"value"})
    store.add("places", day, [312304000, 1214737000, 20, 1768000000])
    list(store.rows("places"))      # [Row(id=1, day=..., value=[...])]
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from nacl.secret import SecretBox
from sqlite_utils import Database

from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import StateError, VerificationError
from ownhue_client.phone.schema import EVIDENCE, HISTORY, SCHEMA_VERSION, STATE, STATE_DAY, TABLES, create_schema, tune
from ownhue_client.phone.sealing import KeyName, Master, read_master_key, unseal, write_private

DATABASE_NAME = "phone.db"
MASTER_KEY_NAME = "master.key"
#: Later than any day.
LAST_DAY = 2**40
_STATE_KEY: KeyName = (STATE, STATE_DAY)


class Row(NamedTuple):
    """One opened record."""

    id: int
    day: int
    value: Any


class Store:
    """Sealed records of one phone. ``random(n)`` gives n bytes for keys and nonces."""

    def __init__(self, path: Path, master_key: bytes, random: Callable[[int], bytes]) -> None:
        """Use :meth:`create` or :meth:`open`."""
        self._master = Master(master_key, random)
        self._boxes: dict[KeyName, SecretBox] = {}
        with _own_errors():
            connection = sqlite3.connect(path, timeout=0.2, isolation_level=None, check_same_thread=False)
        self._database = Database(connection, execute_plugins=False)

    @classmethod
    def create(cls, directory: Path, random: Callable[[int], bytes], state: Mapping[str, Any]) -> Self:
        """Make the store of a new phone in *directory*, holding *state*, whole or not at all.

        Raises StateError if there is a phone already.
        """
        if (directory / DATABASE_NAME).exists():
            raise StateError(f"there is a phone in {directory} already")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        master_key = random(SecretBox.KEY_SIZE)
        write_private(directory / MASTER_KEY_NAME, master_key)
        unfinished = directory / (DATABASE_NAME + ".new")
        write_private(unfinished, b"")
        store = cls(unfinished, master_key, random)
        with _own_errors():
            tune(store._database)
            create_schema(store._database)
        with store.atomic(durable=True):
            store.put_all(state)
        store.close()
        unfinished.rename(directory / DATABASE_NAME)
        return cls.open(directory, random)

    @classmethod
    def open(cls, directory: Path, random: Callable[[int], bytes]) -> Self:
        """Open the store in *directory*. Raises StateError: none there, of another version, or already in use."""
        master_key = read_master_key(directory / MASTER_KEY_NAME)
        if not (directory / DATABASE_NAME).exists():
            raise StateError(f"there is no phone in {directory}")
        store = cls(directory / DATABASE_NAME, master_key, random)
        try:
            store._check()
        except StateError:
            store.close()
            raise
        return store

    def _check(self) -> None:
        with _own_errors():
            tune(self._database)
            version = int(self._database.execute("PRAGMA user_version").fetchone()[0])
        if version != SCHEMA_VERSION:
            raise StateError(f"this store has version {version}; this program knows version {SCHEMA_VERSION}")

    def close(self) -> None:
        """Let the file go; another process may open it then."""
        self._database.close()

    @contextmanager
    def atomic(self, *, durable: bool = False) -> Iterator[None]:
        """A transaction; inside another one, part of that. With *durable* it is on the disk when this returns."""
        if self._database.conn.in_transaction:
            yield
            return
        known = dict(self._boxes)
        with _own_errors():
            self._database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            try:
                with self._database.atomic():
                    yield
            except BaseException:
                # Keys of days that were first met in the undone transaction are undone with it.
                self._boxes = known
                raise

    def add(self, table: str, day: int, value: Any) -> int:
        """Seal *value* (CBOR kinds) into *table*; its row id."""
        return self.add_bytes(table, day, cbor_encode(value))

    def add_bytes(self, table: str, day: int, value: bytes) -> int:
        """Seal *value* as it is; :meth:`bytes_rows` reads it."""
        sealed = self._master.seal(self._box(_key_of(table, day)), table, value)
        return int(self._run(f"INSERT INTO {table} (day, box) VALUES (?, ?)", (day, sealed)).lastrowid or 0)  # noqa: S608

    def replace(self, table: str, row: Row, value: Any) -> None:
        """Seal *value* in place of what *row* held."""
        sealed = self._master.seal(self._box(_key_of(table, row.day)), table, cbor_encode(value))
        self._run(f"UPDATE {table} SET box = ? WHERE id = ? AND day = ?", (sealed, row.id, row.day))  # noqa: S608

    def delete(self, table: str, row: Row) -> None:
        """Remove a row."""
        self._run(f"DELETE FROM {_known(table)} WHERE id = ?", (row.id,))  # noqa: S608

    def rows(self, table: str, first: int = STATE_DAY, last: int = LAST_DAY) -> Iterator[Row]:
        """Opened rows of the days *first* to *last* (both included), oldest first. Raises VerificationError."""
        for row in self.bytes_rows(table, first, last):
            yield Row(row.id, row.day, cbor_decode(row.value))

    def bytes_rows(self, table: str, first: int = STATE_DAY, last: int = LAST_DAY) -> Iterator[Row]:
        """Like :meth:`rows`, each value the bytes that were given to :meth:`add_bytes`."""
        query = f"SELECT id, day, box FROM {_known(table)} WHERE day BETWEEN ? AND ? ORDER BY day, id"  # noqa: S608
        for identity, day, sealed in self._query(query, (first, last)):
            yield Row(identity, day, unseal(self._box(_key_of(table, day)), table, sealed))

    def newest(self, table: str) -> Row | None:
        """The row that was added last, its value as bytes; None when there is none."""
        query = f"SELECT id, day, box FROM {_known(table)} ORDER BY id DESC LIMIT 1"  # noqa: S608
        for identity, day, sealed in self._query(query):
            return Row(identity, day, unseal(self._box(_key_of(table, day)), table, sealed))
        return None

    def count(self, table: str, day: int) -> int:
        """How many rows *day* has."""
        ((count,),) = self._query(f"SELECT count(*) FROM {_known(table)} WHERE day = ?", (day,))  # noqa: S608
        return int(count)

    def put(self, name: str, value: Any) -> None:
        """Seal *value* under *name*, replacing what was there."""
        sealed = self._master.seal(self._box(_STATE_KEY), f"state.{name}", cbor_encode(value))
        self._run("INSERT OR REPLACE INTO state (name, box) VALUES (?, ?)", (name, sealed))

    def put_all(self, values: Mapping[str, Any]) -> None:
        """:meth:`put` for each item."""
        for name, value in values.items():
            self.put(name, value)

    def get(self, name: str, default: Any = None) -> Any:
        """The value kept under *name*, or *default*."""
        for (sealed,) in self._query("SELECT box FROM state WHERE name = ?", (name,)):
            return cbor_decode(unseal(self._box(_STATE_KEY), f"state.{name}", sealed))
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

    def days(self, kind: str = HISTORY) -> list[int]:
        """Days that have a key of *kind*, oldest first."""
        return [day for (day,) in self._query("SELECT day FROM keys WHERE kind = ? ORDER BY day", (kind,))]

    def forget_day(self, day: int) -> None:
        """Destroy the keys of *day* and every row that they sealed, in the file's bytes too."""
        self._forget({HISTORY: (day, day), EVIDENCE: (day, day)}, {})

    def forget_before(self, *, history: int, evidence: int) -> None:
        """Forget the history of every day before *history*, and evidence and results of every day before *evidence*."""
        spans = {HISTORY: (1, history - 1), EVIDENCE: (1, evidence - 1)}
        others = {"results": (1, evidence - 1)}
        old_keys = any(day <= last for kind, (_, last) in spans.items() for day in self.days(kind)[:1])
        if old_keys or any(self._any(table, span) for table, span in others.items()):
            self._forget(spans, others)

    def _any(self, table: str, span: tuple[int, int]) -> bool:
        query = f"SELECT 1 FROM {_known(table)} WHERE day BETWEEN ? AND ? LIMIT 1"  # noqa: S608
        return bool(self._query(query, span))

    def _forget(self, kinds: Mapping[str, tuple[int, int]], others: Mapping[str, tuple[int, int]]) -> None:
        """Destroy keys of the given kinds and days with their tables, and rows of other tables."""
        spans = {table: kinds[kind] for table, kind in TABLES.items() if kind in kinds} | dict(others)
        with self.atomic(durable=True):
            for kind, span in kinds.items():
                self._run("DELETE FROM keys WHERE kind = ? AND day BETWEEN ? AND ?", (kind, *span))
            for table, span in spans.items():
                self._run(f"DELETE FROM {table} WHERE day BETWEEN ? AND ?", span)  # noqa: S608
        self._boxes.clear()
        # The write-ahead log still holds older pages, the destroyed keys among them: write through and empty it.
        self._query("PRAGMA wal_checkpoint(TRUNCATE)")

    def _box(self, name: KeyName) -> SecretBox:
        """The box of a key; the key is made when its day is met for the first time."""
        if name not in self._boxes:
            found = self._query("SELECT box FROM keys WHERE kind = ? AND day = ?", name)
            if found:
                self._boxes[name] = self._master.unwrap(name, found[0][0])
            else:
                box, wrapped = self._master.new_key(name)
                self._run("INSERT INTO keys (kind, day, box) VALUES (?, ?, ?)", (*name, wrapped))
                self._boxes[name] = box
        return self._boxes[name]

    def _run(self, sql: str, parameters: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        with _own_errors():
            return self._database.execute(sql, parameters)

    def _query(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        """Every row at once: a broken page may come up at any of them."""
        with _own_errors():
            return self._database.execute(sql, parameters).fetchall()


def _known(table: str) -> str:
    """*table*, which goes into SQL; KeyError for a name that is not in the schema."""
    TABLES[table]
    return table


def _key_of(table: str, day: int) -> KeyName:
    kind = TABLES[table]
    return _STATE_KEY if kind == STATE else (kind, day)


@contextmanager
def _own_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        locked = isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
        raise StateError("another program uses this phone" if locked else f"the store failed: {error}") from error
