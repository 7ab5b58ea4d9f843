"""What the publisher's database says about published keys and documents, for the next batch."""

import json
from collections.abc import Iterator
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Table, func, select

from ownhue.key_file import ExposureKey
from ownhue.params import EPOCH_SECONDS
from ownhue_server.publisher.chance import Chance
from ownhue_server.publisher.invented import KeyMetadata
from ownhue_server.publisher.padding import moved
from ownhue_server.publisher.tables import FILES, KEY_BYTES, METADATA_BYTES, PUBLISHED_KEYS, metadata_of

#: Span before a batch from which metadata is copied. specs/key-file.md section 10
RECENT_SECONDS = EPOCH_SECONDS
#: Keys that are looked at in all of that span: enough for a distribution, whatever the size of the files.
RECENT_KEYS = 4096

_ROWS_AT_ONCE = 2048
_OF_BATCH = f"SELECT content FROM {PUBLISHED_KEYS.name} WHERE batch = ? AND data"  # noqa: S608 - a name of ours
_FROM, _UP_TO = (f"{_OF_BATCH} {bound} ? ORDER BY data LIMIT ?" for bound in (">=", "<"))


def keys_of(connection: Connection, table: Table, batch: int) -> Iterator[ExposureKey]:
    """The keys of *batch* in the order of their data, as they are published."""
    content = func.substr(table.c.content, 1, METADATA_BYTES)
    query = select(table.c.data, content).where(table.c.batch == batch).order_by(table.c.data)
    known = _Known()
    statement = str(query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
    cursor = connection.exec_driver_sql(statement).cursor
    if cursor is None:
        raise AssertionError("a query without a cursor")
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        # A million times; ExposureKey's own way to make one takes twice as long.
        yield from [tuple.__new__(ExposureKey, (data, *known[metadata])) for data, metadata in rows]


class _Known(dict[bytes, tuple[int | None, ...]]):
    """What stands behind the data in an ExposureKey, by its seven bytes; a batch has some hundred of them."""

    def __missing__(self, metadata: bytes) -> tuple[int | None, ...]:
        self[metadata] = rest = (*metadata_of(metadata), 0, 0)
        return rest


def recent_metadata(connection: Connection, batch: int, seconds: int, chance: Chance) -> list[KeyMetadata]:
    """Metadata of keys published during the last day, moved on to *batch*; *seconds*: length of a batch.

    Keys are random, so those that follow a random one are a fair sample.
    """
    batches = max(RECENT_SECONDS // seconds, 1)
    most = max(RECENT_KEYS // batches, 1)
    closing = (batch + 1) * seconds
    found = []
    for earlier in range(batch - batches, batch):
        start = chance.bytes(KEY_BYTES)
        rows = list(connection.exec_driver_sql(_FROM, (earlier, start, most)))
        rows += connection.exec_driver_sql(_UP_TO, (earlier, start, most - len(rows)))
        metadata = (moved(KeyMetadata(*metadata_of(row[0])), (batch - earlier) * seconds, closing) for row in rows)
        found += [one for one in metadata if one is not None]
    return found


def zone_of(connection: Connection) -> tzinfo:
    """The zone in which phones count days: that of the newest published rulebook; UTC without one."""
    newest = select(FILES.c.content).where(FILES.c.kind == "rulebook").order_by(FILES.c.batch.desc()).limit(1)
    content = connection.execute(newest).scalar()
    try:
        return UTC if content is None else ZoneInfo(json.loads(content)["signed"]["zone"])
    except (ValueError, KeyError, TypeError):
        return UTC  # Of no rulebook that a phone can read.
