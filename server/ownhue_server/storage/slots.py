"""Slots: rows of one length in random places, so that neither their numbers nor their bytes keep an order.

    slots = Slots(PENDING, key_bytes=16, content_bytes=55)
    writer.run(lambda tx: slots.add(tx, [content_1, content_2]))

- The table is filled beforehand: a free slot holds random bytes and a mark. What is added goes into random free slots
  by an UPDATE of equal length, which SQLite does in place. Row numbers and cell layout stay as they were.
- At most half of the slots are in use. When more are needed the table is doubled and *everything* is moved to new
  random places in the same transaction; otherwise the second half would say "came later".
- Removing overwrites with random bytes: a slot that was used looks like one that never was.
- The first ``key_bytes`` of a content are its key; where each key lies is kept in memory only.
"""

import os
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Column, Connection, Integer, LargeBinary, MetaData, Table, bindparam, insert, select, update

from ownhue_server.storage.writer import Transaction

#: Slots of a new table.
FIRST_SLOTS = 4096

_FREE = b"\x00"
_USED = b"\x01"


def slot_table(name: str, metadata: MetaData) -> Table:
    """A table for :class:`Slots`."""
    return Table(
        name, metadata, Column("slot", Integer, primary_key=True), Column("payload", LargeBinary, nullable=False)
    )


class Slots:
    """Contents of *content_bytes* bytes in *table*, found by their first *key_bytes*. Used by writer jobs only."""

    def __init__(
        self,
        table: Table,
        *,
        key_bytes: int,
        content_bytes: int,
        first_slots: int = FIRST_SLOTS,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._table = table
        self._key_bytes = key_bytes
        self._content_bytes = content_bytes
        self._first_slots = first_slots
        self._random = random
        self._used: dict[bytes, int] = {}
        self._free: list[int] = []
        self._loaded = False
        self._update = ""

    def has(self, transaction: Transaction, key: bytes) -> bool:
        """Whether a content with *key* is there."""
        self._load(transaction)
        return key in self._used

    def get(self, transaction: Transaction, key: bytes) -> bytes | None:
        """The content with *key*, or None."""
        self._load(transaction)
        slot = self._used.get(key)
        if slot is None:
            return None
        column = self._table.c.payload
        payload: bytes = transaction.connection.execute(select(column).where(self._table.c.slot == slot)).scalar_one()
        return payload[1:]

    def all(self, transaction: Transaction) -> list[bytes]:
        """Every content, in the order of its key."""
        self._load(transaction)
        payloads = transaction.connection.execute(select(self._table.c.payload)).scalars()
        return sorted(payload[1:] for payload in payloads if payload[:1] == _USED)

    def add(self, transaction: Transaction, contents: Sequence[bytes]) -> None:
        """Put *contents* into random free slots. Their keys must be new (AssertionError: a programming error)."""
        self._load(transaction)
        transaction.on_rollback(self._forget)
        if 2 * (len(self._used) + len(contents)) > len(self._used) + len(self._free):
            self._grow(transaction, len(contents))
        writes = []
        for content in contents:
            key = content[: self._key_bytes]
            if key in self._used or len(content) != self._content_bytes:
                raise AssertionError("a content of this key is already there, or its length is wrong")
            slot = self._used[key] = self._take_free()
            writes.append((slot, _USED + content))
        self._write(transaction.connection, writes)

    def replace(self, transaction: Transaction, content: bytes) -> None:
        """Overwrite the content that has the same key, where it lies."""
        self._load(transaction)
        self._write(transaction.connection, [(self._used[content[: self._key_bytes]], _USED + content)])

    def remove(self, transaction: Transaction, keys: Iterable[bytes]) -> None:
        """Overwrite the contents of *keys* with random bytes and free their slots. Unknown keys are passed over."""
        self._load(transaction)
        transaction.on_rollback(self._forget)
        slots = [self._used.pop(key) for key in set(keys) if key in self._used]
        self._free.extend(slots)
        self._write(transaction.connection, [(slot, self._empty()) for slot in slots])

    def _forget(self) -> None:
        """What memory knows may be wrong after a rollback; the next job reads the table again."""
        self._loaded = False

    def _load(self, transaction: Transaction) -> None:
        if self._loaded:
            return
        connection = transaction.connection
        self._used, self._free = {}, []
        for slot, payload in connection.execute(select(self._table.c.slot, self._table.c.payload)):
            if payload[:1] == _USED:
                self._used[payload[1 : 1 + self._key_bytes]] = slot
            else:
                self._free.append(slot)
        if not self._used and not self._free:
            self._extend(connection, self._first_slots)
        transaction.on_rollback(self._forget)
        self._loaded = True

    def _grow(self, transaction: Transaction, more: int) -> None:
        """Double the table until it has room for *more*, and move every content to a new random place."""
        contents = self.all(transaction)
        slots = len(self._used) + len(self._free)
        needed = slots
        while 2 * (len(contents) + more) > needed:
            needed *= 2
        self._extend(transaction.connection, needed - slots)
        self._used, self._free = {}, list(range(1, needed + 1))
        for content in contents:
            self._used[content[: self._key_bytes]] = self._take_free()
        moved = [(self._used[content[: self._key_bytes]], _USED + content) for content in contents]
        self._write(transaction.connection, sorted(moved + [(slot, self._empty()) for slot in self._free]))

    def _extend(self, connection: Connection, count: int) -> None:
        first = len(self._used) + len(self._free) + 1
        slots = range(first, first + count)
        connection.execute(insert(self._table), [{"slot": slot, "payload": self._empty()} for slot in slots])
        self._free.extend(slots)

    def _take_free(self) -> int:
        """A random free slot, no longer free."""
        # 8 random bytes modulo a few million: the bias is below 2**-40.
        at = int.from_bytes(self._random(8), "big") % len(self._free)
        self._free[at], self._free[-1] = self._free[-1], self._free[at]
        return self._free.pop()

    def _empty(self) -> bytes:
        return _FREE + self._random(self._content_bytes)

    def _write(self, connection: Connection, writes: Sequence[tuple[int, bytes]]) -> None:
        if writes:
            # Compiled once and handed to the driver as it is: SQLAlchemy's own way takes longer than SQLite's work.
            if not self._update:
                slot = self._table.c.slot
                statement = update(self._table).where(slot == bindparam("at")).values(payload=bindparam("new"))
                self._update = str(statement.compile(dialect=connection.dialect))
            connection.exec_driver_sql(self._update, [(payload, at) for at, payload in writes])
