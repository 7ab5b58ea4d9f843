"""Slots: rows of one length in random places, so that neither their numbers nor their bytes keep an order.

    slots = Slots(SPENT_TOKENS, key_bytes=32, content_bytes=36)
    writer.run(lambda tx: slots.add(tx, [content_1, content_2]))

- The table is filled beforehand: a free slot holds random bytes and a mark. What is added goes into a free slot by an
  UPDATE of equal length, which SQLite does in place. Row numbers and cell layout stay as they were.
- The first ``key_bytes`` of a content are its key. A keyed hash of it names a bucket of 64 slots, chance a free one of
  them. So a content is found without any index or memory, by every process, and its place says nothing of when it came
  (decisions/0019). The hash's key is the random row 0: whoever sends keys cannot choose their buckets.
- When a bucket is full the table is doubled and *everything* is moved to new random places under a new hash key in the
  same transaction; otherwise the second half would say "came later".
- Removing overwrites with random bytes: a slot that was used looks like one that never was.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table

from ownhue_server.storage.slot_statements import BUCKET_SLOTS, Statements
from ownhue_server.storage.writer import Transaction

#: Slots of a new table.
FIRST_SLOTS = 4096
FREE = b"\x00"
USED = b"\x01"

_HASH_KEY_BYTES = 32


def slot_table(name: str, metadata: MetaData) -> Table:
    """A table for :class:`Slots`."""
    return Table(
        name, metadata, Column("slot", Integer, primary_key=True), Column("payload", LargeBinary, nullable=False)
    )


class _FullError(Exception):
    """A bucket has no free slot."""


class _Places(NamedTuple):
    """Where keys lie in a table."""

    hash_key: bytes
    buckets: int

    def first(self, key: bytes) -> int:
        """The first of the slots that *key* may lie in."""
        # 8 bytes modulo some thousands: the bias is below 2**-40.
        number = int.from_bytes(blake2b(key, digest_size=8, key=self.hash_key).digest(), "big")
        return number % self.buckets * BUCKET_SLOTS + 1


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
        self._key_bytes = key_bytes
        self._content_bytes = content_bytes
        self._first_slots = first_slots
        self._random = random
        self._sql = Statements(table.name, key_bytes, content_bytes)

    def has(self, transaction: Transaction, key: bytes) -> bool:
        """Whether a content with *key* is there."""
        return self.get(transaction, key) is not None

    def get(self, transaction: Transaction, key: bytes) -> bytes | None:
        """The content with *key*, or None."""
        return self.found(transaction, [key]).get(key)

    def found(self, transaction: Transaction, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """The contents that are there, by key."""
        rows = self._located(transaction.driver, list(keys))
        return {key: payload[1:] for key, _slot, payload in rows}

    def all(self, transaction: Transaction) -> list[bytes]:
        """Every content, in the order of its key."""
        return sorted(payload[1:] for (payload,) in transaction.driver.execute(self._sql.used))

    def add(self, transaction: Transaction, contents: Sequence[bytes]) -> None:
        """Put *contents* into random free slots. Their keys must be new (AssertionError: a programming error)."""
        if self.add_new(transaction, contents) != len(contents):
            raise AssertionError("a content of this key is already there")

    def add_new(self, transaction: Transaction, contents: Sequence[bytes]) -> int:
        """Put those of *contents* whose keys are new into random free slots; how many these are."""
        if any(len(content) != self._content_bytes for content in contents):
            raise AssertionError("a content has the wrong length")
        db, added = transaction.driver, 0
        waiting = {content[: self._key_bytes]: content for content in reversed(contents)}
        while waiting:
            writes: dict[int, bytes] = {}
            for key, known, slot in self._planned(db, list(waiting)):
                if known:
                    del waiting[key]
                elif slot is None:
                    self._grow(db)
                    break
                elif slot not in writes:
                    # Where two fall on one slot, the second has to be planned again.
                    writes[slot] = USED + waiting.pop(key)
            else:
                self._write(db, writes)
                added += len(writes)
                continue
            waiting |= {payload[1 : 1 + self._key_bytes]: payload[1:] for payload in writes.values()}
        return added

    def replace(self, transaction: Transaction, content: bytes) -> None:
        """Overwrite the content that has the same key, where it lies. Raises KeyError when there is none."""
        rows = self._located(transaction.driver, [content[: self._key_bytes]])
        if not rows or len(content) != self._content_bytes:
            raise KeyError("no content of this key, or one of another length")
        self._write(transaction.driver, {rows[0][1]: USED + content})

    def remove(self, transaction: Transaction, keys: Iterable[bytes]) -> None:
        """Overwrite the contents of *keys* with random bytes and free their slots. Unknown keys are passed over."""
        rows = self._located(transaction.driver, list(set(keys)))
        self._write(
            transaction.driver, {slot: FREE + self._random(self._content_bytes) for _key, slot, _payload in rows}
        )

    def remove_below(self, transaction: Transaction, at: int, bound: bytes) -> int:
        """Remove every content whose bytes from place *at* (counted from 0) are below *bound*; how many these are."""
        # One more for the mark, and one because SQL counts from 1.
        removed: int = transaction.driver.execute(self._sql.remove_below, (at + 2, len(bound), bound)).rowcount
        return removed

    def _places(self, db: sqlite3.Connection) -> _Places:
        """The table's hash key and size; a new table is filled first."""
        row = db.execute(self._sql.size).fetchone()
        if row is None:
            db.execute(self._sql.insert_one, (0, FREE + self._random(self._content_bytes)))
            db.execute(self._sql.fill, (1, self._first_slots))
            row = db.execute(self._sql.size).fetchone()
        payload, slots = row
        return _Places(payload[1 : 1 + _HASH_KEY_BYTES], slots // BUCKET_SLOTS)

    def _located(self, db: sqlite3.Connection, keys: Sequence[bytes]) -> list[tuple[bytes, int, bytes]]:
        """Key, slot and payload of those *keys* that are there."""
        rows = db.execute(self._sql.locate, self._names(db, keys)).fetchall()
        return [(keys[number], slot, payload) for number, slot, payload in rows]

    def _planned(self, db: sqlite3.Connection, keys: Sequence[bytes]) -> list[tuple[bytes, bool, int | None]]:
        """Of each of *keys*, whether it is there, and else a random free slot of its bucket, None when it is full."""
        # One row for all: the driver hands the interpreter to another thread after each, and may wait to get it back.
        (plan,) = db.execute(self._sql.plan, self._names(db, keys)).fetchone()
        return [(keys[number], bool(known), slot) for number, known, slot in json.loads(plan)]

    def _names(self, db: sqlite3.Connection, keys: Sequence[bytes]) -> dict[str, bytes | str]:
        places = self._places(db)
        return {"keys": b"".join(keys), "firsts": json.dumps([places.first(key) for key in keys])}

    def _write(self, db: sqlite3.Connection, writes: Mapping[int, bytes]) -> None:
        slots = sorted(writes)
        payloads = b"".join(writes[slot] for slot in slots)
        db.execute(self._sql.write, {"slots": json.dumps(slots), "payloads": payloads})

    def _grow(self, db: sqlite3.Connection) -> None:
        """Double the table, more than once if need be, and move every content to a new random place."""
        secret = FREE + self._random(self._content_bytes)
        old = slots = self._places(db).buckets * BUCKET_SLOTS
        db.execute("CREATE TEMP TABLE moving (slot INTEGER PRIMARY KEY, payload BLOB NOT NULL)")
        while True:
            slots *= 2
            places = _Places(secret[1 : 1 + _HASH_KEY_BYTES], slots // BUCKET_SLOTS)
            try:
                db.executemany("INSERT INTO temp.moving VALUES (?, ?)", self._moved(db, places))
                break
            except _FullError:
                db.execute("DELETE FROM temp.moving")
        db.execute(self._sql.fill, (old + 1, slots))
        db.execute(self._sql.free_all)
        self._write(db, {0: secret})
        db.execute(self._sql.move)
        db.execute("DROP TABLE temp.moving")

    def _moved(self, db: sqlite3.Connection, places: _Places) -> Iterator[tuple[int, bytes]]:
        """Every payload in use with its new slot. Raises _FullError."""
        taken = bytearray(places.buckets * BUCKET_SLOTS + 1)
        for (payload,) in db.execute(self._sql.used):
            first = places.first(payload[1 : 1 + self._key_bytes])
            if taken.count(1, first, first + BUCKET_SLOTS) == BUCKET_SLOTS:
                raise _FullError
            slot = first
            while taken[slot := first + self._random(1)[0] % BUCKET_SLOTS]:
                pass
            taken[slot] = 1
            yield slot, payload
