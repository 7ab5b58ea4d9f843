"""Files of measurements made up for tests, in the form of DP-3T's experiment 34. Nothing in them was ever measured."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

_TABLE = """CREATE TABLE results(
    db_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, receiver_id TEXT NOT NULL, receiver_model TEXT NOT NULL,
    transmitter_id TEXT NOT NULL, transmitter_model TEXT NOT NULL, timestamp REAL NOT NULL, rssi INTEGER NOT NULL,
    tx_power INTEGER, ground_truth_distance REAL)"""

Row = tuple[str, str, float, Any, Any]
"""Receiver, sender, time, strength, distance."""


def scene(path: Path, rows: Iterable[Row]) -> Path:
    """A file with *rows*."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(_TABLE)
        database.executemany(
            "INSERT INTO results(receiver_id, receiver_model, transmitter_id, transmitter_model, timestamp, rssi,"
            " tx_power, ground_truth_distance) VALUES (?, 'x', ?, 'x', ?, ?, 0, ?)",
            rows,
        )
    return path


def folder_of_measurements(folder: Path, metres: Iterable[float] = (1.0, 2.0, 4.0), rssi: int = -79) -> Path:
    """A folder with one scene: one link for each distance, of ten scans with five packets of the same strength."""
    rows: list[Row] = [
        ("1", f"{2 + number}", 300.0 * scan + packet / 4, rssi, distance)
        for number, distance in enumerate(metres)
        for scan in range(10)
        for packet in range(5)
    ]
    folder.mkdir(exist_ok=True)
    scene(folder / "scene.sqlite", rows)
    return folder
