"""Repairing a damaged store: what still opens is kept, what does not is told, nothing is made up.

    report = repair(directory, random=os.urandom, unlock=source, dry_run=True)      # the phone closed
    print(report.lost, report.lost_days)

- A record counts as kept when its box opens: SQLite alone would not notice changed bytes in the middle of a page.
- The repaired file takes the damaged one's place when it is whole; a crash leaves the damaged one.
- Keys, and the states that a phone cannot be without, lie in the file twice, on different pages (schema.py).
- Nothing is changed when what a phone cannot do without is lost, or when the key opens nothing (a wrong key, perhaps).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from ownhue.errors import StateError, VerificationError
from ownhue_client.phone.first_page import another_first_page
from ownhue_client.phone.lock import FolderLock
from ownhue_client.phone.salvage import covered, salvage
from ownhue_client.phone.schema import (
    COPIED_STATES,
    KEYS_COPY,
    SCHEMA_VERSION,
    STATE,
    STATE_COPY,
    STATE_DAY,
    TABLES,
    create_schema,
    tune,
)
from ownhue_client.phone.sealing import KeyName, Master, unseal
from ownhue_client.phone.store_errors import own_errors
from ownhue_client.phone.store_file import DATABASE_NAME, connect, finish_file, new_file
from ownhue_client.phone.unlock import MasterKeySource, source_of

#: States without which a phone does not open.
_NEEDED = ("region", "salt", "phone_secret", "observed_since")


@dataclass
class RepairReport:
    """What a repair found."""

    kept: dict[str, int] = field(default_factory=dict)
    """Table (or "keys", "state") -> records that open."""
    lost: dict[str, int] = field(default_factory=dict)
    """Table -> records that do not open, as far as it is known that they existed."""
    lost_days: set[int] = field(default_factory=set)
    """UTC days (unix seconds // 86400) of which something was lost."""

    @property
    def whole(self) -> bool:
        """Whether nothing was lost."""
        return not self.lost


@dataclass
class _Found:
    keys: list[tuple[str, int, bytes]] = field(default_factory=list)
    states: list[tuple[str, bytes]] = field(default_factory=list)
    rows: dict[str, list[tuple[int, int, bytes]]] = field(default_factory=dict)
    version: int = SCHEMA_VERSION

    @property
    def missing(self) -> bool:
        """Whether something is lost that a phone cannot do without."""
        return bool(set(_NEEDED) - {name for name, _ in self.states})


def repair(
    directory: Path,
    *,
    random: Callable[[int], bytes],
    unlock: MasterKeySource | None = None,
    dry_run: bool = False,
) -> RepairReport:
    """Repair the store in *directory*; with *dry_run* only tell what would be lost.

    Raises StateError: there is no phone, another program uses it, the key opens nothing, or what is needed is lost.
    """
    if not (directory / DATABASE_NAME).exists():
        raise StateError(f"there is no phone in {directory}")
    lock = FolderLock(directory)
    try:
        master = Master((unlock or source_of(directory)).load(directory), random)
        found, report = _find(directory, master)
        if not dry_run:
            _write(directory, found)
    finally:
        lock.release()
    return report


def _find(directory: Path, master: Master) -> tuple[_Found, RepairReport]:
    """What opens; read with another first page when with the file's own a phone does not come of it."""
    try:
        found, report = _look(directory / DATABASE_NAME, master)
        if found.missing:
            raise StateError("the key opens nothing of this store; nothing was changed")
    except StateError:
        with another_first_page(directory) as copy:
            found, report = _look(copy, master)
    if not found.keys:
        raise StateError("the key opens nothing of this store; nothing was changed")
    if found.missing:
        raise StateError("what a phone cannot do without is lost; nothing was changed. Erase it, and begin anew")
    return found, report


def _look(path: Path, master: Master) -> tuple[_Found, RepairReport]:
    """Everything that opens."""
    database = connect(path)
    found, report = _Found(), RepairReport()
    try:
        with own_errors():
            found.version = int(database.execute("PRAGMA user_version").fetchone()[0])
            present = set(database.table_names())
        boxes = _keys(database, master, found, report)
        for table in TABLES:
            if table in present:
                _table(database, table, boxes, found, report)
        _states(database, boxes, found, report)
    finally:
        database.close()
    return found, report


def _keys(database: Database, master: Master, found: _Found, report: RepairReport) -> dict[KeyName, Any]:
    """Boxes of the keys that open, of the table or of its copy."""
    boxes: dict[KeyName, Any] = {}
    lost: dict[Any, object] = {}
    rows = [row[1:] for row in salvage(database.conn, "keys", "kind, day, box", dated=False).rows]
    copies = covered(database.conn, "keys", "kind, day, box", KEYS_COPY, "1")
    for kind, day, wrapped in rows + copies:
        if (kind, day) not in boxes:
            try:
                boxes[kind, day] = master.unwrap((kind, day), wrapped)
                found.keys.append((kind, day, wrapped))
            except (VerificationError, TypeError, AttributeError, OverflowError):
                lost[kind, day] = day
    for name, day in lost.items():
        if name not in boxes:
            _lose(report, "keys", day)
    report.kept["keys"] = len(found.keys)
    return boxes


def _table(database: Database, table: str, boxes: dict[KeyName, Any], found: _Found, report: RepairReport) -> None:
    salvaged = salvage(database.conn, table, "day, box", dated=True)
    kept = found.rows[table] = []
    for identity, day, sealed in salvaged.rows:
        name = (STATE, STATE_DAY) if TABLES[table] == STATE else (TABLES[table], day)
        if _opens(boxes.get(name), table, sealed):
            kept.append((identity, day, sealed))
        else:
            _lose(report, table, day)
    for day, count in salvaged.unread.items():
        _lose(report, table, day, count)
    report.kept[table] = len(kept)


def _states(database: Database, boxes: dict[KeyName, Any], found: _Found, report: RepairReport) -> None:
    box, kept, lost = boxes.get((STATE, STATE_DAY)), dict[str, bytes](), set()
    rows = [row[1:] for row in salvage(database.conn, "state", "name, box", dated=False).rows]
    copies = covered(database.conn, "state", "name, box", STATE_COPY, COPIED_STATES)
    for name, sealed in rows + copies:
        if name not in kept and _opens(box, f"state.{name}", sealed):
            kept[name] = sealed
        elif name not in kept:
            lost.add(name)
    for _ in lost - set(kept):
        _lose(report, "state", None)
    found.states = list(kept.items())
    report.kept["state"] = len(kept)


def _opens(box: Any, purpose: str, sealed: object) -> bool:
    try:
        return box is not None and isinstance(sealed, bytes) and unseal(box, purpose, sealed) is not None
    except VerificationError:
        return False


def _lose(report: RepairReport, table: str, day: object, count: int = 1) -> None:
    report.lost[table] = report.lost.get(table, 0) + count
    if isinstance(day, int) and day != STATE_DAY:
        report.lost_days.add(day)


def _write(directory: Path, found: _Found) -> None:
    """A new file of what was found, in the damaged one's place."""
    database = connect(new_file(directory))
    try:
        with own_errors():
            tune(database)
            create_schema(database)
            database.execute("PRAGMA synchronous = FULL")
            with database.atomic():
                database.conn.executemany("INSERT OR IGNORE INTO keys (kind, day, box) VALUES (?, ?, ?)", found.keys)
                database.conn.executemany("INSERT OR IGNORE INTO state (name, box) VALUES (?, ?)", found.states)
                for table, rows in found.rows.items():
                    insert = f"INSERT OR IGNORE INTO {table} (id, day, box) VALUES (?, ?, ?)"  # noqa: S608
                    database.conn.executemany(insert, rows)
                # An older program's rows are brought to today's form when the store is opened.
                database.execute(f"PRAGMA user_version = {found.version}")
    finally:
        database.close()
    finish_file(directory)
