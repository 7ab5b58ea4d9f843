"""From the database to the folder: every file that the log names, then the bundles, then the head.

The database comes first and the head last, so a crash at any point loses nothing and shows nothing half: what is
missing is written again at the next start. The database keeps the files themselves, because another version of the
compression library could not make the same bytes again; each is checked against the log before it is written.
"""

import asyncio
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, select

from ownhue.errors import OwnhueError, StateError
from ownhue.log import BUNDLE_WIDTH, LogEntry, bundle_path, encode_bundle
from ownhue.tree_head import open_tree_head
from ownhue_server.publisher.batches import Press
from ownhue_server.publisher.folder import HEAD, PublishedFolder
from ownhue_server.publisher.tables import FILES, HEADS, LEAVES
from ownhue_server.storage.writer import Writer


class _Stored(NamedTuple):
    """What the database knows of the batches from a certain one on."""

    sizes: list[int]
    """Log size at each head."""
    batch: int
    """The newest closed batch."""
    note: bytes
    """The newest tree head."""
    first_leaf: int
    """Number of the first of ``leaves``: where the bundle begins that these batches grow."""
    leaves: list[bytes]


async def write_files(
    writer: Writer,
    press: Press,
    folder: PublishedFolder,
    first_batch: int = 0,
) -> None:
    """Bring *folder* up to the newest tree head, as far as batches from *first_batch* on are concerned.

    Raises StateError when the database does not hold a file as the log names it.
    """
    stored = await writer.run(lambda transaction: _stored(transaction.connection, first_batch))
    if stored is None:
        return
    oldest = press.oldest_kept(stored.batch)
    for entry in map(LogEntry.decode, stored.leaves):
        if entry.batch >= first_batch and (entry.kind != "keys" or entry.batch >= oldest):
            await _write_entry(writer, folder, entry)
    await asyncio.to_thread(_write_log, folder, stored, oldest)


def check_head(folder: PublishedFolder, press: Press, newest: int | None) -> None:
    """Raises StateError when *folder* has a tree head of a batch after *newest*, the last one that the database knows.

    A database out of an old backup would close those batches once more, and the log would have two histories.
    """
    try:
        head = open_tree_head(folder.read(HEAD) or b"", press.region.origin, press.region.log_key_bytes)
    except OwnhueError:
        return  # Absent or damaged: it is written again.
    if newest is None or head.time > press.closing_time(newest):
        raise StateError("published/head is newer than the publisher's database; restore a newer backup")


async def _write_entry(writer: Writer, folder: PublishedFolder, entry: LogEntry) -> None:
    """Write the file of *entry* unless it is there."""
    if await asyncio.to_thread(folder.holds, entry.path, entry.sha256):
        return
    data = await writer.run(lambda transaction: _content(transaction.connection, entry))
    if sha256(data).digest() != entry.sha256:
        raise StateError(f"published/{entry.path} is lost, and not in the database either; restore a backup")
    await asyncio.to_thread(folder.put, entry.path, data)


def _content(connection: Connection, entry: LogEntry) -> bytes:
    content: bytes | None = connection.execute(select(FILES.c.content).where(FILES.c.path == entry.path)).scalar()
    return content or b""


def _write_log(folder: PublishedFolder, stored: _Stored, oldest: int) -> None:
    """Write bundles, then the head; then delete what is no longer kept."""
    for path, data in _bundles(stored.first_leaf, stored.leaves, stored.sizes):
        if not folder.holds(path, sha256(data).digest()):
            folder.put(path, data)
    folder.put_head(stored.note)
    folder.remove_partials_before(bundle_path(stored.sizes[-1] // BUNDLE_WIDTH))
    folder.remove_batches_before(oldest)


def _bundles(first_leaf: int, leaves: Sequence[bytes], sizes: Sequence[int]) -> Iterator[tuple[str, bytes]]:
    """The full bundles of *leaves*, the first of which has number *first_leaf*, and the partial ones of *sizes*."""
    open_at = (first_leaf + len(leaves)) // BUNDLE_WIDTH * BUNDLE_WIDTH
    for start in range(first_leaf, open_at, BUNDLE_WIDTH):
        at = start - first_leaf
        yield bundle_path(start // BUNDLE_WIDTH), encode_bundle(leaves[at : at + BUNDLE_WIDTH])
    for size in sizes:
        if size > open_at:
            partial = leaves[open_at - first_leaf : size - first_leaf]
            yield bundle_path(open_at // BUNDLE_WIDTH, len(partial)), encode_bundle(partial)


def _stored(connection: Connection, first_batch: int) -> _Stored | None:
    columns = select(HEADS.c.batch, HEADS.c.size, HEADS.c.note)
    heads = connection.execute(columns.where(HEADS.c.batch >= first_batch).order_by(HEADS.c.batch)).all()
    if not heads:
        return None
    before = select(HEADS.c.size).where(HEADS.c.batch < first_batch).order_by(HEADS.c.batch.desc()).limit(1)
    first_leaf = (connection.execute(before).scalar() or 0) // BUNDLE_WIDTH * BUNDLE_WIDTH
    leaves = select(LEAVES.c.entry).where(LEAVES.c.number >= first_leaf).order_by(LEAVES.c.number)
    newest = heads[-1]
    return _Stored(
        [head.size for head in heads],
        newest.batch,
        newest.note,
        first_leaf,
        list(connection.execute(leaves).scalars()),
    )
