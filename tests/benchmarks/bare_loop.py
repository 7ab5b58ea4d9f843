"""A bare loop that stores the rows of reports: what SQLite alone does, for comparison.

One thread, plain tables with keys and tokens as primary keys, the same pragmas and so the same durability as
the server's; no validation, no cryptography, no HTTP, no slots.
"""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

_PRAGMAS = ("journal_mode=TRUNCATE", "synchronous=FULL", "secure_delete=ON", "temp_store=MEMORY", "cache_size=-32768")
_TABLES = (
    "CREATE TABLE keys (data BLOB PRIMARY KEY, ready INTEGER NOT NULL, content BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE tokens (hash BLOB PRIMARY KEY, week INTEGER NOT NULL) WITHOUT ROWID",
)


def reports_per_second(path: Path, reports: int, keys: int, group: int = 1) -> float:
    """Reports a second of *keys* each, *group* of them in each transaction."""
    rows = [[(os.urandom(16), number, os.urandom(39)) for number in range(keys)] for _ in range(reports)]
    tokens = [os.urandom(32) for _ in range(reports)]
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for pragma in _PRAGMAS:
            database.execute(f"PRAGMA {pragma}")
        for table in _TABLES:
            database.execute(table)
        begun = time.perf_counter()
        for first in range(0, reports, group):
            database.execute("BEGIN IMMEDIATE")
            for number in range(first, min(first + group, reports)):
                database.execute("INSERT INTO tokens VALUES (?, 1)", (tokens[number],))
                database.executemany("INSERT INTO keys VALUES (?, ?, ?)", rows[number])
            database.execute("COMMIT")
        return reports / (time.perf_counter() - begun)
