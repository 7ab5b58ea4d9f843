"""Rows on their way to a key table: sorted by all 16 bytes of their keys, each once, whatever bytes they hold."""

import random
import sqlite3
from itertools import islice

import pytest

from ownhue_server.publisher.moving import ROW_BYTES, Rows
from ownhue_server.publisher.tables import CONTENT_BYTES, KEY_BYTES


@pytest.fixture
def database() -> sqlite3.Connection:
    """A table that keeps its rows in the order in which they are written."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE keys (number INTEGER PRIMARY KEY, batch INTEGER, data BLOB, content BLOB)")
    return connection


def written(database: sqlite3.Connection) -> list[tuple[int, bytes, bytes]]:
    return database.execute("SELECT batch, data, content FROM keys ORDER BY number").fetchall()


def test_rows_of_several_parts_are_written_once_each_in_the_order_of_their_keys(database: sqlite3.Connection) -> None:
    chance = random.Random(1)
    given = [chance.randbytes(ROW_BYTES) for _ in range(10_000)]
    rows, left = Rows(len(given)), iter(given)
    while part := list(islice(left, 3000)):
        rows.add(b"".join(part))
    rows.write(database, "keys", 7)
    assert written(database) == [(7, row[:KEY_BYTES], row[KEY_BYTES:]) for row in sorted(given)]


def test_keys_that_begin_alike_are_ordered_by_their_ends(database: sqlite3.Connection) -> None:
    """Who sends keys can choose them. Unordered, they would lie as they were read: real ones here, padding there."""
    chance = random.Random(2)
    ends = [
        *(chance.randbytes(8) for _ in range(100)),
        bytes(8),
        b"\xff" * 8,
        b"\x80" + bytes(7),
        b"\x7f" + b"\xff" * 7,
    ]
    keys = [begin + end for begin in (bytes(8), b"\x80" * 8, b"\xff" * 8) for end in ends]
    rows = Rows(len(keys))
    rows.add(b"".join(key + bytes(CONTENT_BYTES) for key in keys))
    rows.write(database, "keys", 0)
    assert written(database) == [(0, key, bytes(CONTENT_BYTES)) for key in sorted(keys)]


def test_what_is_skipped_stands_behind_the_key(database: sqlite3.Connection) -> None:
    rows = Rows(2)
    rows.add(b"".join(bytes((key,)) * KEY_BYTES + b"time" + bytes((key,)) * CONTENT_BYTES for key in (2, 1)), skipped=4)
    rows.write(database, "keys", 0)
    assert [row[1:] for row in written(database)] == [(b"\x01" * 16, b"\x01" * 39), (b"\x02" * 16, b"\x02" * 39)]


def test_a_batch_without_rows_writes_none_and_the_next_one_can_be_written(database: sqlite3.Connection) -> None:
    for number in range(2):
        rows = Rows(number)
        rows.add(bytes(ROW_BYTES) * number)
        rows.write(database, "keys", number)
    assert len(written(database)) == 1


def test_fewer_rows_than_were_counted_are_not_written(database: sqlite3.Connection) -> None:
    rows = Rows(2)
    rows.add(bytes(ROW_BYTES))
    with pytest.raises(AssertionError):
        rows.write(database, "keys", 0)
    assert not written(database)
