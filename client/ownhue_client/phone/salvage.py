"""Reading what can be read of a damaged database: around its broken pages, row by row where it has to be.

SQLite stops at the first broken page it meets. A row is found by its number, so everything on the other pages is still
within reach: a range of numbers that fails is halved until what fails is single rows.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

#: Row numbers that are tried when nothing says which is the last one.
_LAST_ROW = 2**22
#: Failing reads after which a table is given up: about as many as the rows that one broken page of the tree leads to.
_MOST_FAILURES = 20_000


class Salvaged(NamedTuple):
    """What came of one table."""

    rows: list[tuple[Any, ...]]
    """[number, columns ...] of each row that could be read."""
    unread: dict[int, int]
    """Day -> rows that the index knows and that could not be read."""


def salvage(connection: sqlite3.Connection, table: str, columns: str, *, dated: bool) -> Salvaged:
    """The readable rows of *table*. *dated*: it has an index of days, which tells what is missing."""
    known = _index(connection, table) if dated else {}
    rows = list(_read(connection, f"SELECT rowid, {columns} FROM {table}", _last_row(connection, table, known)))  # noqa: S608
    unread: dict[int, int] = {}
    for row in rows:
        known.pop(row[0], None)
    for day in known.values():
        unread[day] = unread.get(day, 0) + 1
    return Salvaged(rows, unread)


def covered(connection: sqlite3.Connection, table: str, columns: str, index: str, where: str) -> list[tuple[Any, ...]]:
    """What *index* holds of *columns*, read from it alone; nothing when it is broken or not there."""
    query = f"SELECT {columns} FROM {table} INDEXED BY {index} WHERE {where}"  # noqa: S608
    try:
        return connection.execute(query).fetchall()
    except sqlite3.DatabaseError:
        return []


def _read(connection: sqlite3.Connection, query: str, last: int) -> Iterator[tuple[Any, ...]]:
    ranges, failures = [(1, last)], 0
    while ranges and failures < _MOST_FAILURES:
        low, high = ranges.pop()
        try:
            # The whole range or nothing of it: a row must not come twice.
            yield from connection.execute(f"{query} WHERE rowid BETWEEN ? AND ? ORDER BY rowid", (low, high)).fetchall()
        except sqlite3.DatabaseError:
            failures += 1
            if low < high:
                middle = (low + high) // 2
                ranges += [(middle + 1, high), (low, middle)]


def _index(connection: sqlite3.Connection, table: str) -> dict[int, int]:
    """Row number -> day, by the index, which lies on other pages than the rows; empty when it is broken itself."""
    try:
        return dict(connection.execute(f"SELECT rowid, day FROM {table} INDEXED BY idx_{table}_day").fetchall())  # noqa: S608
    except sqlite3.DatabaseError:
        return {}


def _last_row(connection: sqlite3.Connection, table: str, known: dict[int, int]) -> int:
    try:
        (last,) = connection.execute(f"SELECT max(rowid) FROM {table}").fetchone()  # noqa: S608
    except sqlite3.DatabaseError:
        return max(known, default=_LAST_ROW)
    # A broken page can make SQLite see an early end; the index knows better then.
    return max(int(last or 0), max(known, default=0), 1)
