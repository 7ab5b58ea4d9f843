"""The phone's own history in one SQLite file; tables in schema.py, keys in sealing.py beside this module.

- Every record is sealed (PyNaCl SecretBox) under the key of its day; the plain columns hold days and row ids only.
- Forgetting a day destroys its keys and overwrites its rows. Pages of it that a disk keeps somewhere do not open then;
  a whole copy of the folder that was made before does, like any backup.
- ``with store.atomic():`` is all or nothing, also when the process is killed in the middle.
- One process at a time (lock.py). Several threads: each statement and each ``atomic()`` waits for the other threads'.
  Nobody waits for the network inside ``atomic()``.

    store = Store.create(directory, os.urandom, {"name": b"value"})
    store.add("places", day, [312304000, 1214737000, 20, 1768000000])
    list(store.rows("places"))      # [Row(id=1, day=..., value=[...])]
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from ownhue.errors import StateError
from ownhue_client.phone.forgetting import ForgettingRecords
from ownhue_client.phone.lock import FolderLock
from ownhue_client.phone.migrations import migrate
from ownhue_client.phone.schema import create_copies, create_schema, create_table, tune
from ownhue_client.phone.sealed_records import LAST_DAY, Row, key_of, known_table
from ownhue_client.phone.store_errors import DamagedError, own_errors
from ownhue_client.phone.store_file import DATABASE_NAME, finish_file, new_file
from ownhue_client.phone.unlock import KeyFile, MasterKeySource, kind_of, source_of
from ownhue_client.phone.unlock_record import Record

__all__ = ["LAST_DAY", "Row", "Store"]


class Store(ForgettingRecords):
    """Sealed records of one phone. ``random(n)`` gives n bytes for keys and nonces."""

    @classmethod
    def create(
        cls,
        directory: Path,
        random: Callable[[int], bytes],
        state: Mapping[str, Any],
        unlock: MasterKeySource | None = None,
    ) -> Self:
        """Make the store of a new phone in *directory*, holding *state*, whole or not at all.

        *unlock*: where the master key is kept, default a key file. Raises StateError if there is a phone already.
        """
        source = _Remembering(unlock or KeyFile())
        with cls.creating(directory, random, source) as store:
            store.put_all(state)
        return cls.open(directory, random, source)

    @classmethod
    @contextmanager
    def creating(
        cls, directory: Path, random: Callable[[int], bytes], unlock: MasterKeySource | None = None
    ) -> Iterator[Self]:
        """A new store that is there when the block ends, and is not when an error (or a crash) ends it."""
        lock = _folder_of_new(directory)
        try:
            source = unlock or KeyFile()
            # A crash may have left the key of a phone that never was.
            with suppress(StateError):
                (source if source.kind == kind_of(directory) else source_of(directory)).destroy(directory)
            store = cls(new_file(directory), source.create(directory, random), random)
            try:
                with own_errors():
                    tune(store._database)
                    create_schema(store._database)
                with store.atomic(durable=True):
                    yield store
            finally:
                store.close()
            finish_file(directory)
        finally:
            lock.release()

    @classmethod
    def open(cls, directory: Path, random: Callable[[int], bytes], unlock: MasterKeySource | None = None) -> Self:
        """Open the store in *directory*; an older version's is brought to today's first.

        *unlock*: default what the folder says, which does for a key file and a keyring. Raises StateError: none there,
        of a newer version, already in use, or not to be opened so; DamagedError.
        """
        if not (directory / DATABASE_NAME).exists():
            raise StateError(f"there is no phone in {directory}")
        lock = FolderLock(directory)
        try:
            master_key = (unlock or source_of(directory)).load(directory)
            store = cls(directory / DATABASE_NAME, master_key, random, lock)
        except BaseException:
            lock.release()
            raise
        try:
            store._prepare()
        except BaseException:
            store.close()
            raise
        return store

    def _prepare(self) -> None:
        with own_errors():
            tune(self._database)
        # A program that was killed may have left destroyed keys in the write-ahead log.
        self.flush()
        migrate(self)
        # Rows of an older form are not to lie about in the log.
        self.flush()

    def restore_state(self, name: str, value: bytes) -> None:
        """Seal what :meth:`states` gave."""
        self._put_bytes(name, value)

    def restore_row(self, table: str, row: Row) -> None:
        """Seal what :meth:`bytes_rows` gave, under the number that it had."""
        sealed = self._master.seal(self._box(key_of(table, row.day)), table, row.value)
        self._run(f"INSERT INTO {table} (id, day, box) VALUES (?, ?, ?)", (row.id, row.day, sealed))  # noqa: S608

    @property
    def version(self) -> int:
        """Of the program that the tables' content is for. SCHEMA_VERSION, once it is open."""
        return int(self._query("PRAGMA user_version")[0][0])

    def claim_version(self, version: int) -> None:
        """Say that the tables hold what a program of *version* writes."""
        self._run(f"PRAGMA user_version = {int(version)}")

    def make_table(self, table: str) -> None:
        """Make a table that an older program did not have."""
        with self._turn, own_errors():
            if not self._database.table(table).exists():
                create_table(self._database, known_table(table))

    def make_copies(self) -> None:
        """Make the copies of the keys that an older program did not have."""
        with self._turn, own_errors():
            create_copies(self._database)

    def damage(self) -> list[str]:
        """What SQLite's quick check of the file finds, as it words it; empty for a sound one."""
        try:
            found = [str(text) for (text,) in self._query("PRAGMA quick_check(20)")]
        except DamagedError as error:
            return [str(error)]
        return [] if found == ["ok"] else found


class _Remembering:
    """A source that is not asked for the key that it has just made: nobody types a new passphrase once more."""

    def __init__(self, source: MasterKeySource) -> None:
        self.kind = source.kind
        self._source = source
        self._key = b""

    def create(self, directory: Path, random: Callable[[int], bytes]) -> bytes:
        self._key = self._source.create(directory, random)
        return self._key

    def keep(self, directory: Path, master_key: bytes, random: Callable[[int], bytes]) -> Record:
        return self._source.keep(directory, master_key, random)

    def load(self, directory: Path) -> bytes:
        return self._key or self._source.load(directory)

    def destroy(self, directory: Path) -> None:
        self._source.destroy(directory)


def _folder_of_new(directory: Path) -> FolderLock:
    """The folder of a new phone, locked. Raises StateError if there is a phone already."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(f"the phone's folder cannot be made: {error.strerror}") from error
    if (directory / DATABASE_NAME).exists():
        raise StateError(f"there is a phone in {directory} already")
    lock = FolderLock(directory)
    if (directory / DATABASE_NAME).exists():  # made by another program just before
        lock.release()
        raise StateError(f"there is a phone in {directory} already")
    return lock
