"""Tables of the phone's store: what is written plainly (row ids and days) and whose key seals the rest.

| table | what a row's box holds | kind of its key |
|---|---|---|
| keys | one key, wrapped by the master key | |
| sightings | a group of beacons that were heard | history, one key per day |
| places, scans, own_keys, ledger | one record | history |
| windows, withdrawn | what was found when published keys were compared | evidence, one key per day |
| passes, pass_requests, results, journal, pending | one record | state, one key |
| state | one value with a name (log state, documents, device key, report ...) | state |

A ``day`` is unix seconds // 86400 (UTC). Nothing else of a record stands outside its box. History goes after 14
days; evidence stays as long as a stay that rests on it may run.
"""

from sqlite_utils import Database

#: Counted up whenever the tables or what their boxes hold change; kept as SQLite's user_version.
SCHEMA_VERSION = 3
#: The day number under which the state key is kept.
STATE_DAY = 0
HISTORY, EVIDENCE, STATE = "history", "evidence", "state"
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
    "journal": STATE,
    "pending": STATE,
}


def create_schema(database: Database) -> None:
    """Make all tables in an empty database, in one transaction."""
    with database.atomic():
        database.table("keys").create({"kind": str, "day": int, "box": bytes}, pk=("kind", "day"), not_null={"box"})
        for name in TABLES:
            table = database.table(name).create({"id": int, "day": int, "box": bytes}, pk="id", not_null={"day", "box"})
            table.create_index(["day"])
        database.table("state").create({"name": str, "box": bytes}, pk="name", not_null={"box"})
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


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
    ):
        database.execute(f"PRAGMA {pragma}").fetchall()
