"""Tables of the phone's store: what is written plainly (row ids and days) and whose key seals the rest.

| table | what a row's box holds | kind of its key |
|---|---|---|
| keys | one key, wrapped by the master key | |
| sightings | a group of beacons that were heard | history, one key per day |
| places, scans, own_keys, ledger | one record | history |
| windows, withdrawn | what was found when published keys were compared | evidence, one key per day |
| passes, pass_requests, results, certificates, clearances, journal, pending | one record | state, one key |
| state | one value with a name (log state, documents, device key, report ...) | state |

A ``day`` is unix seconds // 86400 (UTC). Nothing else of a record stands outside its box. History goes after 14
days; evidence stays as long as a stay that rests on it may run.
"""

from sqlite_utils import Database

#: Counted up, with a step in migrations.py, whenever the tables or what their boxes hold change; SQLite's user_version.
#: specs/phone.md section 1
SCHEMA_VERSION = 4
#: The day number under which the state key is kept.
STATE_DAY = 0
HISTORY, EVIDENCE, STATE = "history", "evidence", "state"
#: Indexes that hold the wrapped keys, and the states that a phone cannot be without, a second time.
KEYS_COPY, STATE_COPY = "idx_keys_copy", "idx_state_copy"
COPIED_STATES = "name IN ('region', 'salt', 'phone_secret', 'observed_since', 'device', 'enrolled')"
#: Every table of sealed rows, and the kind of key that seals it.
TABLES = {
    "sightings": HISTORY,
    "places": HISTORY,
    "scans": HISTORY,
    "own_keys": HISTORY,
    "ledger": HISTORY,
    "windows": EVIDENCE,
    "withdrawn": EVIDENCE,
    "passes": STATE,
    "pass_requests": STATE,
    "results": STATE,
    "certificates": STATE,
    "clearances": STATE,
    "journal": STATE,
    "pending": STATE,
}


def create_schema(database: Database) -> None:
    """Make all tables in an empty database, in one transaction."""
    with database.atomic():
        database.table("keys").create({"kind": str, "day": int, "box": bytes}, pk=("kind", "day"), not_null={"box"})
        for name in TABLES:
            create_table(database, name)
        database.table("state").create({"name": str, "box": bytes}, pk="name", not_null={"box"})
        create_copies(database)
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def create_copies(database: Database) -> None:
    """Make the indexes that hold what everything else depends on once more, on pages of their own (repair.py).

    SQLite writes and erases them with the rows, so no forgotten key stays in them.
    """
    database.execute(f"CREATE INDEX IF NOT EXISTS {KEYS_COPY} ON keys (kind, day, box)")
    database.execute(f"CREATE INDEX IF NOT EXISTS {STATE_COPY} ON state (name, box) WHERE {COPIED_STATES}")


def create_table(database: Database, name: str) -> None:
    """Make a table of sealed rows."""
    table = database.table(name).create({"id": int, "day": int, "box": bytes}, pk="id", not_null={"day", "box"})
    table.create_index(["day"])


def tune(database: Database) -> None:
    """Settings of a connection.

    One process at a time (the second gets "database is locked"), deleted bytes are overwritten, temporary data
    stays in memory, and a commit outlives the end of the process; ``Store.atomic(durable=True)`` outlives a power cut.
    """
    for pragma in (
        "locking_mode = EXCLUSIVE",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "secure_delete = ON",
        "temp_store = MEMORY",
        # A log that grew in a long transaction is cut back to this many bytes afterwards.
        "journal_size_limit = 1048576",
    ):
        database.execute(f"PRAGMA {pragma}").fetchall()
