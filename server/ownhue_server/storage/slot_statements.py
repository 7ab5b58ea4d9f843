"""SQL for slots.py, written for the driver: SQLAlchemy would take longer for each statement than SQLite does.

A whole report is looked up, placed and written by one statement each, with its keys in two parameters: a list of
numbers in JSON and one blob. SQLite seeds its random numbers from the operating system's.
"""
# ruff: noqa: S608 - the only names that are put into statements are those of our own tables

#: Slots that a key may lie in. With fewer, one of them is full early and the table grows; with more, looking is slow.
BUCKET_SLOTS = 64
#: Random places that are tried before the free ones of a bucket are listed.
TRIES = 6


class Statements:
    """The statements of *table*, whose contents have *content_bytes*, the first *key_bytes* of which are their key."""

    def __init__(self, table: str, key_bytes: int, content_bytes: int) -> None:
        # Without the casts, SQLite would take blobs that are joined for a text.
        empty = f"CAST(x'00' || randomblob({content_bytes}) AS BLOB)"
        # Sorts behind every payload that begins with a key.
        behind = "ff" * (content_bytes - key_bytes + 1)
        wanted = (
            f"WITH given AS (SELECT key AS number, value AS first, substr(:keys, key * {key_bytes} + 1, {key_bytes}) "
            "AS name FROM json_each(:firsts)), wanted AS MATERIALIZED (SELECT number, first, "
            f"CAST(x'01' || name AS BLOB) AS low, CAST(x'01' || name || x'{behind}' AS BLOB) AS high FROM given)"
        )
        bucket = f"slot BETWEEN first AND first + {BUCKET_SLOTS - 1}"
        here = f"{bucket} AND payload >= low AND payload < high"
        anywhere = (
            f"(SELECT slot FROM {table} WHERE slot = first + (random() & {BUCKET_SLOTS - 1}) AND payload < x'01')"
        )
        listed = f"(SELECT slot FROM {table} WHERE {bucket} AND payload < x'01' ORDER BY random() LIMIT 1)"
        self.locate = f"{wanted} SELECT number, slot, payload FROM wanted CROSS JOIN {table} WHERE {here}"
        self.plan = (
            f"{wanted} SELECT json_group_array(json_array(number, EXISTS (SELECT 1 FROM {table} WHERE {here}), "
            f"coalesce({', '.join([anywhere] * TRIES)}, {listed}))) FROM wanted"
        )
        size = content_bytes + 1
        self.write = (
            f"UPDATE OR FAIL {table} SET payload = substr(:payloads, j.key * {size} + 1, {size}) "
            f"FROM json_each(:slots) AS j WHERE {table}.slot = j.value"
        )
        self.size = f"SELECT payload, (SELECT max(slot) FROM {table}) FROM {table} WHERE slot = 0"
        self.used = f"SELECT payload FROM {table} WHERE payload >= x'01'"
        self.insert_one = f"INSERT INTO {table} (slot, payload) VALUES (?, ?)"
        self.fill = (
            f"INSERT INTO {table} (slot, payload) WITH RECURSIVE n(i) AS "
            f"(SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2) SELECT i, {empty} FROM n"
        )
        # The aggregate joins bytes as they are, but as a text.
        self.used_part = (
            f"SELECT CAST(group_concat(payload, '') AS BLOB) FROM {table} "
            "WHERE slot >= ? AND slot < ? AND payload >= x'01'"
        )
        new = f"substr(:payloads, (slot - :first) * {size} + 1, {size})"
        self.rewrite = f"UPDATE OR FAIL {table} SET payload = {new} WHERE slot >= :first AND slot < :behind"
        self.extend = (
            f"INSERT INTO {table} (slot, payload) WITH RECURSIVE n(slot) AS "
            f"(SELECT :first UNION ALL SELECT slot + 1 FROM n WHERE slot + 1 < :behind) SELECT slot, {new} FROM n"
        )
        self.remove_below = (
            f"UPDATE OR FAIL {table} SET payload = {empty} WHERE payload >= x'01' AND substr(payload, ?, ?) < ?"
        )
