"""What the publisher's database says about published keys and documents, for the next batch."""

import json
from collections.abc import Iterator
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Table, select

from ownhue.key_file import KeyBlock
from ownhue.params import EPOCH_SECONDS
from ownhue_server.publisher.chance import Chance
from ownhue_server.publisher.invented import KeyMetadata
from ownhue_server.publisher.padding import moved
from ownhue_server.publisher.tables import FILES, KEY_BYTES, METADATA_BYTES, PUBLISHED_KEYS, metadata_of

#: Span before a batch from which metadata is copied. specs/key-file.md section 10
RECENT_SECONDS = EPOCH_SECONDS
#: Keys that are looked at in all of that span: enough for a distribution, whatever the size of the files.
RECENT_KEYS = 4096

#: Keys that are read, encoded and packed at once.
_BLOCK_KEYS = 4096
_NUMBER_BYTES = 8
# The aggregate joins bytes as they are, but as a text. It takes them in the order of the inner query.
_JOINED = (
    "SELECT CAST(group_concat(key, '') AS BLOB) FROM ("  # noqa: S608 - names of ours
    f"SELECT data || substr(content, 1, {METADATA_BYTES}) AS key FROM {{table}} "
    "WHERE batch = ? AND data > ? ORDER BY data LIMIT ?)"
)
_OF_BATCH = f"SELECT content FROM {PUBLISHED_KEYS.name} WHERE batch = ? AND data"  # noqa: S608 - a name of ours
_FROM, _UP_TO = (f"{_OF_BATCH} {bound} ? ORDER BY data LIMIT ?" for bound in (">=", "<"))


def key_blocks(connection: Connection, table: Table, batch: int) -> Iterator[KeyBlock]:
    """The keys of *batch* in the order of their data, as they are published."""
    # For the driver, and one row for many keys: a million rows would take longer than all that is done with them.
    statement = _JOINED.format(table=table.name)
    behind = b""
    while joined := connection.exec_driver_sql(statement, (batch, behind, _BLOCK_KEYS)).scalar():
        rows = np.frombuffer(joined, np.uint8).reshape(-1, KEY_BYTES + METADATA_BYTES)
        block = _block(rows)
        behind = block.datas[-KEY_BYTES:]
        yield block


def _block(rows: NDArray[np.uint8]) -> KeyBlock:
    """The keys of *rows*: data and metadata as they are stored."""
    # As numbers, which are sorted faster than texts.
    numbers = np.zeros((len(rows), _NUMBER_BYTES), np.uint8)
    numbers[:, _NUMBER_BYTES - METADATA_BYTES :] = rows[:, KEY_BYTES:]
    found, kinds = np.unique(numbers.view(">u8").ravel(), return_inverse=True)
    metadata = [metadata_of(int(number).to_bytes(METADATA_BYTES, "big")) for number in found]
    return KeyBlock(rows[:, :KEY_BYTES].tobytes(), kinds, [(*one, 0, 0) for one in metadata])


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
