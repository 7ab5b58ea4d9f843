"""Closing a batch: which keys go out, the key file, the leaves of the log, the tree head. specs/publication.md

- One transaction decides everything, and stores the files themselves: what is in the folder can be written again.
- A key goes out in the first batch whose closing time is at least its own end plus the embargo.
- A batch is never skipped, closed twice, or closed before the one before it.
- The same database, documents and random bytes give the same bytes.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from nacl.signing import SigningKey
from sqlalchemy import Connection, delete, insert, select, update

from ownhue.errors import StateError
from ownhue.key_file import DEFAULT_LIMITS, KeyFileHead, SignatureInfo, stream_key_blocks
from ownhue.log import LogEntry
from ownhue.params import EPOCH_SECONDS, RETENTION_DAYS
from ownhue.region import Region
from ownhue.report import week_of
from ownhue.tree import Frontier, leaf_hash
from ownhue.tree_head import TreeHead, sign_tree_head
from ownhue_server.documents import Document
from ownhue_server.online_keys import key_file_version
from ownhue_server.publisher.chance import Chance, Random
from ownhue_server.publisher.history import key_blocks, recent_metadata, zone_of
from ownhue_server.publisher.invented import KeyMetadata, Occasion
from ownhue_server.publisher.padding import Padding, Room, make_padding
from ownhue_server.publisher.pending import PendingKeys
from ownhue_server.publisher.tables import (
    FILES,
    HEADS,
    LEAVES,
    PUBLISHED_KEYS,
    REVISED_KEYS,
    TOKEN_BYTES,
    newest_batch,
    spent_token,
)
from ownhue_server.storage.slots import Slots
from ownhue_server.storage.writer import Transaction

#: Folders of which every document counts, not the newest alone. specs/publication.md section 1
SETS = frozenset({"trust", "area"})
#: Folders of documents that are deleted after the retention. specs/publication.md section 1
FADING = frozenset({"area"})
#: Most keys of a batch; what is beyond waits for the next one.
MAX_KEYS = DEFAULT_LIMITS.keys


@dataclass(frozen=True)
class Press:
    """What a batch is made with."""

    region: Region
    log_key: SigningKey
    key_file_key: EllipticCurvePrivateKey
    padding: int
    """Fewest keys in a key file."""
    pending: PendingKeys
    spent: Slots
    """Tokens that were spent."""
    random: Random = os.urandom
    listed_log_keys: Sequence[bytes] = ()
    """Further public keys (Ed25519) by which heads of before, or of another process, may be signed."""

    def log_keys(self) -> list[bytes]:
        """Public keys by which a head in the folder may be signed, the one in use first."""
        return [bytes(self.log_key.verify_key), *self.listed_log_keys]

    def closing_time(self, batch: int) -> int:
        """Unix second at which *batch* ends and is closed."""
        return (batch + 1) * self.region.batch_seconds

    def next_closing(self, connection: Connection) -> int:
        """Unix second at which the next batch is closed; 0 for a log that has none."""
        newest = newest_batch(connection)
        return 0 if newest is None else self.closing_time(newest + 1)

    def oldest_kept(self, batch: int) -> int:
        """First batch whose key file is still kept when *batch* has just been closed."""
        return batch + 1 - RETENTION_DAYS * EPOCH_SECONDS // self.region.batch_seconds

    def due(self, transaction: Transaction, now: int) -> range:
        """The batches to be closed at *now*, oldest first. A new log begins with the batch that ended last."""
        ended = now // self.region.batch_seconds - 1
        newest = newest_batch(transaction.connection)
        return range(max(ended, 0) if newest is None else newest + 1, ended + 1)

    def close(self, transaction: Transaction, batch: int, documents: Sequence[Document]) -> None:
        """Close *batch*; *documents* become leaves where they are new. Raises StateError out of turn."""
        connection = transaction.connection
        newest = newest_batch(connection)
        if newest is not None and batch != newest + 1:
            raise StateError("batches are closed one after the other")
        self._publish_keys(transaction, batch)
        entries = [_publish(connection, document, batch) for document in _new(connection, documents)]
        entries.append(_publish(connection, Document(f"keys/{batch}", self._key_file(connection, batch)), batch))
        self._grow_log(connection, batch, [entry.encode() for entry in entries])
        self._forget(connection, self.oldest_kept(batch))

    def _publish_keys(self, transaction: Transaction, batch: int) -> None:
        """Move the keys that may go out from the pending ones to *batch*, with padding."""
        closing, seconds = self.closing_time(batch), self.region.batch_seconds
        connection = transaction.connection
        ready = self.pending.ready(transaction, closing, MAX_KEYS)
        sample = self.pending.ready_metadata(transaction, closing, ready)
        own = [(KeyMetadata(*metadata), count) for metadata, count in sample]
        chance = Chance(self.random)
        recent = recent_metadata(connection, batch, seconds, chance)
        occasion = Occasion(closing, seconds, zone_of(connection))
        room = Room(ready.keys, self.padding, MAX_KEYS - ready.revised)
        padding = make_padding(own, recent, room, occasion, chance)
        self.pending.publish(transaction, batch, closing, padding.keys, ready)
        self._queue(transaction, batch, padding)

    def _queue(self, transaction: Transaction, batch: int, padding: Padding) -> None:
        """What invented people still have to send waits where the keys of real ones do."""
        self.pending.add(transaction, padding.late)
        for later, keys in padding.taken_back:
            revoked = [key.revoked() for key in keys]
            self.pending.add(transaction, revoked, not_before=self.closing_time(batch + later))
        # Their tokens, too: else the table would count the real reports.
        week, chance = week_of(self.closing_time(batch) - 1), Chance(self.random)
        self.spent.add_new(transaction, [spent_token(chance.bytes(TOKEN_BYTES), week) for _ in range(padding.messages)])

    def _key_file(self, connection: Connection, batch: int) -> bytes:
        """The key file of *batch*, streamed out of the database."""
        closing, file = self.closing_time(batch), BytesIO()
        stream_key_blocks(
            file,
            KeyFileHead(closing - self.region.batch_seconds, closing, self.region.name),
            key_blocks(connection, PUBLISHED_KEYS, batch),
            key_blocks(connection, REVISED_KEYS, batch),
            self.key_file_key,
            SignatureInfo(self.region.key_file_id, key_file_version(self.region, self.key_file_key.public_key())),
        )
        return file.getvalue()

    def _grow_log(self, connection: Connection, batch: int, leaves: Sequence[bytes]) -> None:
        """Append *leaves* and sign the head of *batch*."""
        before = connection.execute(select(HEADS.c.frontier).order_by(HEADS.c.batch.desc()).limit(1)).scalar()
        frontier = Frontier() if before is None else Frontier.from_bytes(before)
        for number, leaf in enumerate(leaves, frontier.size):
            connection.execute(insert(LEAVES).values(number=number, batch=batch, entry=leaf))
        frontier = frontier.extend(map(leaf_hash, leaves))
        head = TreeHead(self.region.origin, frontier.size, frontier.root(), self.closing_time(batch))
        note = sign_tree_head(head, self.log_key)
        row = {"batch": batch, "size": frontier.size, "frontier": frontier.to_bytes(), "note": note}
        connection.execute(insert(HEADS).values(**row))

    def _forget(self, connection: Connection, oldest: int) -> None:
        """Delete what is older than the retention. The names of faded documents stay, so that none comes twice."""
        for table in (PUBLISHED_KEYS, REVISED_KEYS):
            connection.execute(delete(table).where(table.c.batch < oldest))
        connection.execute(delete(FILES).where(FILES.c.kind == "keys", FILES.c.batch < oldest))
        faded = FILES.c.kind.in_(FADING) & (FILES.c.batch < oldest)
        connection.execute(update(FILES).where(faded).values(content=b""))


def _new(connection: Connection, documents: Sequence[Document]) -> list[Document]:
    """The *documents* that get a leaf, by folder, else in their order.

    Of a set those whose content is not published yet; of another folder the last one if it is not the newest there.
    """
    states = {document.folder: document for document in documents if document.folder not in SETS}
    new = [document for document in states.values() if _newest(connection, document.folder) != document.content]
    for document in dict.fromkeys(document for document in documents if document.folder in SETS):
        path = _entry(document, 0).path
        if connection.execute(select(FILES.c.path).where(FILES.c.path == path)).first() is None:
            new.append(document)
    return sorted(new, key=lambda document: document.folder)


def _newest(connection: Connection, kind: str) -> bytes | None:
    newest = select(FILES.c.content).where(FILES.c.kind == kind).order_by(FILES.c.batch.desc()).limit(1)
    return connection.execute(newest).scalar()


def _entry(document: Document, batch: int) -> LogEntry:
    ending = "zip" if document.folder.startswith("keys/") else "json"
    return LogEntry.of(document.folder, document.content, ending, batch)


def _publish(connection: Connection, document: Document, batch: int) -> LogEntry:
    """Store a file; its leaf."""
    entry = _entry(document, batch)
    # A document may return to an earlier content: a new leaf for the file that is there already.
    connection.execute(delete(FILES).where(FILES.c.path == entry.path))
    row = {"path": entry.path, "kind": entry.kind, "batch": batch, "content": document.content}
    connection.execute(insert(FILES).values(**row))
    return entry
