"""A store as a program of version 3 wrote it, frozen: no code of today's store is used, so that none of it can change.

Version 3 had no tables for certificates and clearances, no unlock.json, and counts of scans for each hour.
"""

import os
import sqlite3
from pathlib import Path
from typing import Any

import cbor2
from nacl.secret import SecretBox

HISTORY_TABLES = ("sightings", "places", "scans", "own_keys", "ledger")
EVIDENCE_TABLES = ("windows", "withdrawn")
STATE_TABLES = ("passes", "pass_requests", "results", "journal", "pending")
DAY = 20_514


class Builder:
    """A version 3 store in *directory*, row by row."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700)
        master_key = os.urandom(32)
        (directory / "master.key").write_bytes(master_key)
        self._master = SecretBox(master_key)
        self._keys: dict[tuple[str, int], SecretBox] = {}
        self.connection = sqlite3.connect(directory / "phone.db")
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute(
            "CREATE TABLE [keys] ([kind] TEXT, [day] INTEGER, [box] BLOB NOT NULL, PRIMARY KEY ([kind], [day]))"
        )
        for table in HISTORY_TABLES + EVIDENCE_TABLES + STATE_TABLES:
            self.connection.execute(
                f"CREATE TABLE [{table}] ([id] INTEGER PRIMARY KEY, [day] INTEGER NOT NULL, [box] BLOB NOT NULL)"
            )
            self.connection.execute(f"CREATE INDEX [idx_{table}_day] ON [{table}] ([day])")
        self.connection.execute("CREATE TABLE [state] ([name] TEXT PRIMARY KEY, [box] BLOB NOT NULL)")
        self.connection.execute("PRAGMA user_version = 3")

    def add(self, table: str, day: int, value: Any) -> None:
        kind = "history" if table in HISTORY_TABLES else "evidence" if table in EVIDENCE_TABLES else "state"
        box = self._key(kind, 0 if kind == "state" else day)
        data = value if table in ("sightings", "journal") else cbor2.dumps(value, canonical=True)
        sealed = bytes(box.encrypt(table.encode() + b"\0" + data))
        self.connection.execute(f"INSERT INTO {table} (day, box) VALUES (?, ?)", (day, sealed))

    def put(self, name: str, value: Any) -> None:
        data = f"state.{name}".encode() + b"\0" + cbor2.dumps(value, canonical=True)
        sealed = bytes(self._key("state", 0).encrypt(data))
        self.connection.execute("INSERT INTO state (name, box) VALUES (?, ?)", (name, sealed))

    def close(self) -> None:
        self.connection.commit()
        self.connection.close()

    def _key(self, kind: str, day: int) -> SecretBox:
        if (kind, day) not in self._keys:
            key = os.urandom(32)
            label = b"\0".join((b"OWNHUE-STORE-KEY", kind.encode(), day.to_bytes(8, "big")))
            wrapped = bytes(self._master.encrypt(label + key))
            self.connection.execute("INSERT INTO keys (kind, day, box) VALUES (?, ?, ?)", (kind, day, wrapped))
            self._keys[kind, day] = SecretBox(key)
        return self._keys[kind, day]


def build(directory: Path) -> None:
    """A phone's store with something of every kind."""
    builder = Builder(directory)
    builder.put("region", [b"{}", None, None])
    builder.put("salt", bytes(32))
    builder.put("phone_secret", bytes(32))
    builder.put("observed_since", DAY * 86400)
    for table in HISTORY_TABLES + EVIDENCE_TABLES + STATE_TABLES:
        if table != "scans":
            builder.add(table, DAY, table.encode() if table in ("sightings", "journal") else [table])
    hours = [[0, 0] for _ in range(24)]
    # Eight scans at nine o'clock, twenty at ten and three that did not run; at eleven none ran.
    hours[9], hours[10], hours[11] = [8, 0], [20, 3], [0, 16]
    builder.add("scans", DAY, hours)
    builder.close()
