"""Rows of a batch on their way from slots to a key table, sorted by their keys. pending.py

    rows = Rows(count)
    rows.add(data_and_content)
    rows.write(db, "published_keys", batch)

- Rows are written in the order of the keys, so that pages too hold real keys and padding in one order.
- Python holds 55 bytes for each key of the batch, and makes no object for it. SQLite's own sorting takes as much memory
  and twice as long; and a row that is handed over by itself takes longer than all that is done with it.
"""

import sqlite3

import numpy as np

from ownhue_server.publisher.tables import CONTENT_BYTES, KEY_BYTES

ROW_BYTES = KEY_BYTES + CONTENT_BYTES
#: Rows that are written by one statement.
_ROWS_AT_ONCE = 4096

_NUMBERS = (
    "CREATE TEMP TABLE numbers AS WITH RECURSIVE n(number) AS "  # noqa: S608 - a number of ours
    f"(SELECT 0 UNION ALL SELECT number + 1 FROM n WHERE number + 1 < {_ROWS_AT_ONCE}) SELECT number FROM n"
)
_NO_NUMBERS = "DROP TABLE temp.numbers"


class Rows:
    """Room for *count* rows, each a key's data and its content."""

    def __init__(self, count: int) -> None:
        self._rows = np.empty((count, ROW_BYTES), np.uint8)
        self._used = 0

    def add(self, joined: bytes, skipped: int = 0) -> None:
        """Rows that are joined to one; of each, *skipped* bytes behind the data are left out."""
        part = np.frombuffer(joined, np.uint8).reshape(-1, ROW_BYTES + skipped)
        used = self._rows[self._used : self._used + len(part)]
        used[:, :KEY_BYTES] = part[:, :KEY_BYTES]
        used[:, KEY_BYTES:] = part[:, KEY_BYTES + skipped :]
        self._used += len(part)

    def write(self, db: sqlite3.Connection, table: str, batch: int) -> None:
        """Insert all into *table* as rows of *batch*, in the order of their data."""
        if self._used != len(self._rows):
            raise AssertionError("a batch has other rows than were counted")
        high, low = (self._rows[:, at : at + 8].copy().view(">u8").ravel().astype(np.uint64) for at in (0, 8))
        order = np.lexsort((low, high))
        insert = (
            f"INSERT OR FAIL INTO {table} (batch, data, content) "  # noqa: S608 - a table of ours
            f"SELECT :batch, substr(:rows, number * {ROW_BYTES} + 1, {KEY_BYTES}), "
            f"substr(:rows, number * {ROW_BYTES} + 1 + {KEY_BYTES}, {CONTENT_BYTES}) "
            "FROM temp.numbers WHERE number < :count"
        )
        db.execute(_NUMBERS)
        for at in range(0, len(order), _ROWS_AT_ONCE):
            part = order[at : at + _ROWS_AT_ONCE]
            db.execute(insert, {"batch": batch, "rows": self._rows[part].tobytes(), "count": len(part)})
        db.execute(_NO_NUMBERS)
