"""Closing a batch: which keys go out, the key file, the leaves of the log, the tree head. specs/publication.md

- One transaction decides everything, and stores the files themselves: what is in the folder can be written again.
- A key goes out in the first batch whose closing time is at least its own end plus the embargo.
- A batch is never skipped, closed twice, or closed before the one before it.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from nacl.signing import SigningKey
from sqlalchemy import Connection, Table, delete, insert, select

from ownhue.errors import StateError
from ownhue.key_file import KeyFile, SignatureInfo, write_key_file
from ownhue.log import LogEntry
from ownhue.params import EMBARGO_SECONDS, EPOCH_SECONDS, RETENTION_DAYS, ReportType
from ownhue.region import Region
from ownhue.tree import Frontier, leaf_hash
from ownhue.tree_head import TreeHead, sign_tree_head
from ownhue_server.publisher.padding import KeyMetadata, moved, padding_keys
from ownhue_server.publisher.tables import FILES, HEADS, LEAVES, PUBLISHED_KEYS, REVISED_KEYS, StoredKey
from ownhue_server.storage.slots import Slots
from ownhue_server.storage.writer import Transaction

#: Span before a batch from which padding is cloned when the batch has no key of its own.
RECENT_SECONDS = EPOCH_SECONDS


@dataclass(frozen=True)
class Press:
    """What a batch is made with."""

    region: Region
    log_key: SigningKey
    key_file_key: EllipticCurvePrivateKey
    padding: int
    pending: Slots
    random: Callable[[int], bytes] = os.urandom

    def closing_time(self, batch: int) -> int:
        """Unix second at which *batch* ends and is closed."""
        return (batch + 1) * self.region.batch_seconds

    def oldest_kept(self, batch: int) -> int:
        """First batch whose key file is still kept when *batch* has just been closed."""
        return batch + 1 - RETENTION_DAYS * EPOCH_SECONDS // self.region.batch_seconds

    def due(self, transaction: Transaction, now: int) -> range:
        """The batches to be closed at *now*, oldest first. A new log begins with the batch that ended last."""
        ended = now // self.region.batch_seconds - 1
        newest = newest_head(transaction.connection)
        return range(max(ended, 0) if newest is None else newest[0] + 1, ended + 1)

    def close(self, transaction: Transaction, batch: int, documents: Mapping[str, bytes]) -> None:
        """Close *batch*; *documents* by kind become leaves where they changed. Raises StateError out of turn."""
        connection = transaction.connection
        newest = newest_head(connection)
        if newest is not None and batch != newest[0] + 1:
            raise StateError("batches are closed one after the other")
        self._publish_keys(transaction, batch)
        entries = [
            *(_publish(connection, kind, content, batch) for kind, content in _changed(connection, documents)),
            _publish(connection, "keys", self._key_file(connection, batch), batch),
        ]
        frontier = Frontier.from_bytes(newest[1]) if newest else Frontier()
        leaves = [leaf.encode() for leaf in entries]
        for number, leaf in enumerate(leaves, frontier.size):
            connection.execute(insert(LEAVES).values(number=number, batch=batch, entry=leaf))
        frontier = frontier.extend(map(leaf_hash, leaves))
        head = TreeHead(self.region.origin, frontier.size, frontier.root(), self.closing_time(batch))
        note = sign_tree_head(head, self.log_key)
        connection.execute(
            insert(HEADS).values(batch=batch, size=frontier.size, frontier=frontier.to_bytes(), note=note)
        )
        for table in (PUBLISHED_KEYS, REVISED_KEYS):
            connection.execute(delete(table).where(table.c.batch < self.oldest_kept(batch)))
        connection.execute(delete(FILES).where(FILES.c.kind == "keys", FILES.c.batch < self.oldest_kept(batch)))

    def _key_file(self, connection: Connection, batch: int) -> bytes:
        """The key file of *batch*."""
        keys, revised = (_keys(connection, table, batch) for table in (PUBLISHED_KEYS, REVISED_KEYS))
        closing = self.closing_time(batch)
        content = KeyFile(
            closing - self.region.batch_seconds,
            closing,
            self.region.name,
            tuple(key.exposure_key() for key in keys),
            tuple(key.exposure_key() for key in revised),
        )
        return write_key_file(
            content, self.key_file_key, SignatureInfo(self.region.key_file_id, self.region.key_file_version)
        )

    def _publish_keys(self, transaction: Transaction, batch: int) -> None:
        """Move the keys that may go out from the pending ones to *batch*, with padding."""
        connection, closing = transaction.connection, self.closing_time(batch)
        pending = map(StoredKey.from_bytes, self.pending.all(transaction))
        ready = [key for key in pending if key.end + EMBARGO_SECONDS <= closing]
        revised = [key for key in ready if key.report_type == ReportType.REVOKED]
        keys = [key for key in ready if key.report_type != ReportType.REVOKED]
        keys += padding_keys(keys, self._recent(connection, batch), self.padding, closing, self.random)
        for table, group in ((PUBLISHED_KEYS, keys), (REVISED_KEYS, revised)):
            if group:
                # Sorted by the keys themselves, so that the pages too hold real keys and padding in one order.
                connection.execute(insert(table), [{"batch": batch, **key._asdict()} for key in sorted(group)])
        self.pending.remove(transaction, [key.data for key in ready])

    def _recent(self, connection: Connection, batch: int) -> list[KeyMetadata]:
        """Metadata of the keys published during the last day, moved on to *batch*."""
        seconds = self.region.batch_seconds
        columns = (PUBLISHED_KEYS.c[name] for name in ("batch", *KeyMetadata._fields))
        since = batch - max(RECENT_SECONDS // seconds, 1)
        rows = connection.execute(select(*columns).where(PUBLISHED_KEYS.c.batch.between(since, batch - 1)))
        closing = self.closing_time(batch)
        candidates = (moved(KeyMetadata(*row[1:]), (batch - row[0]) * seconds, closing) for row in rows)
        return [metadata for metadata in candidates if metadata is not None]


def newest_head(connection: Connection) -> tuple[int, bytes] | None:
    """Batch and frontier of the newest tree head; None for a log that has none."""
    row = connection.execute(select(HEADS.c.batch, HEADS.c.frontier).order_by(HEADS.c.batch.desc()).limit(1)).first()
    return None if row is None else (row[0], row[1])


def _changed(connection: Connection, documents: Mapping[str, bytes]) -> list[tuple[str, bytes]]:
    """Kind and content of the *documents* that differ from the newest of their kind, sorted by kind."""
    changed = []
    for kind, content in sorted(documents.items()):
        newest = select(FILES.c.content).where(FILES.c.kind == kind).order_by(FILES.c.batch.desc()).limit(1)
        if connection.execute(newest).scalar() != content:
            changed.append((kind, content))
    return changed


def _publish(connection: Connection, kind: str, content: bytes, batch: int) -> LogEntry:
    """Store a file; its leaf."""
    folder, ending = (f"keys/{batch}", "zip") if kind == "keys" else (kind, "json")
    entry = LogEntry.of(folder, content, ending, batch)
    # A document may return to an earlier content: a new leaf for the file that is there already.
    connection.execute(delete(FILES).where(FILES.c.path == entry.path))
    connection.execute(insert(FILES).values(path=entry.path, kind=kind, batch=batch, content=content))
    return entry


def _keys(connection: Connection, table: Table, batch: int) -> list[StoredKey]:
    columns = (table.c[name] for name in StoredKey._fields)
    rows = connection.execute(select(*columns).where(table.c.batch == batch).order_by(table.c.data))
    return [StoredKey(*row) for row in rows]
