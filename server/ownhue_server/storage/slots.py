"""Slots: rows of one length in random places, so that neither their numbers nor their bytes keep an order.

    slots = Slots(SPENT_TOKENS, key_bytes=32, content_bytes=36)
    writer.run(lambda tx: slots.add(tx, [content_1, content_2]))

- The table is filled beforehand: a free slot holds random bytes and a mark. What is added goes into a free slot by an
  UPDATE of equal length, which SQLite does in place. Row numbers and cell layout stay as they were.
- The first ``key_bytes`` of a content are its key. A keyed hash of it (AES-256 of its first 16 bytes) names a bucket of
  64 slots, chance a free one of them. So a content is found without any index or memory, by every process, and its
  place says nothing of when it came (decisions/0019). The hash's key is the random row 0: whoever sends keys cannot
  choose their buckets.
- When a bucket is full the table is doubled and *everything* is moved to new random places under a new hash key in the
  same transaction; otherwise the second half would say "came later".
- Removing overwrites with random bytes: a slot that was used looks like one that never was.
"""

import json
import os
import sqlite3
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from struct import Struct
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table

from ownhue_server.storage.slot_statements import BUCKET_SLOTS, Statements
from ownhue_server.storage.writer import Transaction

#: Slots of a new table.
FIRST_SLOTS = 4096
FREE = b"\x00"
USED = b"\x01"

_HASH_KEY_BYTES = 32
_BLOCK_BYTES = 16
#: The number that a block of a hash gives.
_FIRST_HALF = Struct(">Q8x")
#: Slots that are read or written by one statement when a table grows.
_PART_SLOTS = 4096
#: Random bytes that are drawn at a time, each for one place.
_DRAWN_BYTES = 4096


def slot_table(name: str, metadata: MetaData) -> Table:
    """A table for :class:`Slots`."""
    return Table(
        name, metadata, Column("slot", Integer, primary_key=True), Column("payload", LargeBinary, nullable=False)
    )


class _Places(NamedTuple):
    """Where keys lie in a table."""

    hash_key: bytes
    buckets: int

    def firsts(self, keys: Iterable[bytes]) -> list[int]:
        """Of each of *keys*, the first of the slots that it may lie in."""
        blocks = b"".join([key[:_BLOCK_BYTES] for key in keys])
        # ECB is AES itself, in one call for all keys: a hash of each would take several times as long.
        hashes = Cipher(algorithms.AES(self.hash_key), modes.ECB()).encryptor().update(blocks)  # noqa: S305
        # 8 bytes modulo some thousands: the bias is below 2**-40.
        buckets = self.buckets
        return [number % buckets * BUCKET_SLOTS + 1 for (number,) in _FIRST_HALF.iter_unpack(hashes)]


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
        if key_bytes < _BLOCK_BYTES or content_bytes < _HASH_KEY_BYTES:
            raise AssertionError("keys are too short for a hash, or contents for its key")
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
        return {"keys": b"".join(keys), "firsts": json.dumps(places.firsts(keys))}

    def _write(self, db: sqlite3.Connection, writes: Mapping[int, bytes]) -> None:
        slots = sorted(writes)
        payloads = b"".join(writes[slot] for slot in slots)
        db.execute(self._sql.write, {"slots": json.dumps(slots), "payloads": payloads})

    def _grow(self, db: sqlite3.Connection) -> None:
        """Double the table, more than once if need be, and move every content to a new random place."""
        secret = FREE + self._random(self._content_bytes)
        old = slots = self._places(db).buckets * BUCKET_SLOTS
        payloads = self._used(db, old)
        numbers: array[int] | None = None
        while numbers is None:
            slots *= 2
            numbers = self._moved(payloads, _Places(secret[1 : 1 + _HASH_KEY_BYTES], slots // BUCKET_SLOTS))
        self._write(db, {0: secret})
        # Bytes of the free slots, 60 MB for a million of them: several times as fast as the system's own random.
        stream = Cipher(algorithms.AES(self._random(_HASH_KEY_BYTES)), modes.CTR(bytes(_BLOCK_BYTES))).encryptor()
        # Every slot is written once, with what is new in it: to free, fill and move one after the other takes twice as
        # long.
        for statement, start, end in ((self._sql.rewrite, 1, old + 1), (self._sql.extend, old + 1, slots + 1)):
            for first, behind in _parts(start, end):
                free = stream.update(bytes((behind - first) * (1 + self._content_bytes)))
                part = self._part(payloads, numbers[first:behind], free)
                db.execute(statement, {"first": first, "behind": behind, "payloads": part})

    def _used(self, db: sqlite3.Connection, slots: int) -> bytes:
        """Every payload in use, of a table of *slots*, one after the other."""
        # One row for many, as in a plan.
        rows = (db.execute(self._sql.used_part, part).fetchone() for part in _parts(1, slots + 1))
        return b"".join(joined or b"" for (joined,) in rows)

    def _moved(self, payloads: bytes, places: _Places) -> "array[int] | None":
        """A new random place for each of *payloads*; None when there are too many for a bucket.

        By slot: which payload lies there, counted from 1, or 0. An array, as there may be millions."""
        size, firsts = 1 + self._content_bytes, array("I")
        for first, behind in _parts(0, len(payloads) // size):
            starts = range(first * size + 1, behind * size, size)
            firsts.extend(places.firsts(payloads[start : start + self._key_bytes] for start in starts))
        if max(Counter(firsts).values(), default=0) > BUCKET_SLOTS:
            return None
        numbers = array("I", [0]) * (places.buckets * BUCKET_SLOTS + 1)
        draws = chain.from_iterable(iter(lambda: self._random(_DRAWN_BYTES), b""))
        for number, first in enumerate(firsts, 1):
            slot = first + next(draws) % BUCKET_SLOTS
            while numbers[slot]:
                slot = first + next(draws) % BUCKET_SLOTS
            numbers[slot] = number
        return numbers

    def _part(self, payloads: bytes, numbers: Sequence[int], random: bytes) -> bytes:
        """The payloads with *numbers*, one after the other; for 0, a free slot's, with the bytes of *random* there."""
        size, part = 1 + self._content_bytes, bytearray(random)
        part[::size] = FREE * len(numbers)
        for place, number in enumerate(numbers):
            if number:
                part[place * size : (place + 1) * size] = payloads[(number - 1) * size : number * size]
        return bytes(part)


def _parts(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The slots from *start* to before *end*, as many at a time as one statement reads or writes."""
    for first in range(start, end, _PART_SLOTS):
        yield first, min(first + _PART_SLOTS, end)
