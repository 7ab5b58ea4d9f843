"""From the database to the folder: every file that the log names, bundles, tiles, the head, the names below trust/.

- The database comes first and the head nearly last, so a crash at any point loses nothing and shows nothing half: what
  is missing is written again. Behind the head come only names of files that it covers.
- The database keeps the files themselves, because another version of the compression library could not make the same
  bytes again; each is checked against the log before it is written.
- Several processes may do this at once. Only a file with one content is written without a lock; a head never takes the
  place of a newer one, and whoever finds a newer one there leaves the rest to its writer.
"""

import asyncio
import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, select

from ownhue.errors import OwnhueError, StateError
from ownhue.log import LogEntry
from ownhue.tree_head import TreeHead, open_tree_head
from ownhue.trust.metadata import parse_any_trust_file
from ownhue_server import logs
from ownhue_server.publisher.batches import FADING, Press
from ownhue_server.publisher.cosigning import cosigned_note
from ownhue_server.publisher.folder import HEAD, PublishedFolder
from ownhue_server.publisher.log_files import Growth, log_files
from ownhue_server.publisher.tables import FILES, HEADS, LEAVES, newest_batch
from ownhue_server.storage.writer import Writer

#: Folder of the trust metadata, and the one file in it that is replaced.
TRUST, TIMESTAMP = "trust", "timestamp"

_log = logs.get("publisher")
#: Files that no leaf names: of the log itself, and trust files under their names.
_OURS = re.compile(r"tile/(?:[0-9]{1,2}|entries)/[x0-9/]+(?:\.p/[0-9]{1,3})?|trust/(?:[0-9]+\.[a-z]+|timestamp)\.json")


class _Stored(NamedTuple):
    """What the database knows of the batches from a certain one on."""

    batch: int
    """The newest closed batch."""
    entries: list[LogEntry]
    """Entries of those batches."""
    log: list[tuple[str, bytes]]
    """Bundles and tiles."""
    trust: list[bytes]
    """Trust files of those batches, oldest first."""
    faded: list[str]
    """Paths of documents that are no longer kept."""


@dataclass(frozen=True)
class Files:
    """Writes what is in the database of *writer* into *folder*."""

    writer: Writer
    press: Press
    folder: PublishedFolder

    def head(self) -> TreeHead | None:
        """The head in the folder; None when it is absent or damaged."""
        data = self.folder.read(HEAD) or b""
        for key in self.press.log_keys():
            with contextlib.suppress(OwnhueError):
                return open_tree_head(data, self.press.region.origin, key)
        return None

    def first_missing(self) -> int:
        """The first batch of which a file may be missing, as the folder's head tells; that one's own may, too."""
        head = self.head()
        return 0 if head is None else max(head.time // self.press.region.batch_seconds - 1, 0)

    async def check_head(self) -> None:
        """Raises StateError when the folder has a head of a batch after the last one that the database knows.

        A database out of an old backup would close those batches once more, and the log would have two histories.
        """
        head = self.head()  # Looked at first: another process may close a batch in between.
        newest = await self.writer.run(lambda transaction: newest_batch(transaction.connection))
        if head is not None and (newest is None or head.time > self.press.closing_time(newest)):
            raise StateError("published/head is newer than the publisher's database; restore a newer backup")

    async def write(self, first_batch: int = 0) -> int | None:
        """Bring the folder up to the newest tree head, as far as batches from *first_batch* on are concerned.

        Returns the batch of that head. Raises StateError when the database does not hold a file as the log names it.
        """
        stored = await self.writer.run(lambda transaction: _stored(transaction.connection, first_batch))
        if stored is None:
            return None
        oldest = self.press.oldest_kept(stored.batch)
        for entry in stored.entries:
            if entry.batch >= oldest or entry.kind not in {"keys", *FADING}:
                await self._write_entry(entry)
        await asyncio.to_thread(self._write_log, stored, oldest)
        return stored.batch

    async def tell_of_strangers(self) -> None:
        """Say in the log when the folder holds files that no leaf names. No client uses one; but who put it there?"""
        known = {HEAD, *await self.writer.run(lambda transaction: _paths(transaction.connection))}
        strangers = [path for path in self.folder.paths() if path not in known and not _OURS.fullmatch(path)]
        if strangers:
            _log.warning("published/ holds files that the log does not name", count=len(strangers))

    async def _write_entry(self, entry: LogEntry) -> None:
        """Write the file of *entry* unless it is there."""
        if await asyncio.to_thread(self.folder.holds, entry.path, entry.sha256):
            return
        data = await self.writer.run(lambda transaction: _content(transaction.connection, entry))
        if sha256(data).digest() != entry.sha256:
            raise StateError(f"published/{entry.path} is lost, and not in the database either; restore a backup")
        await asyncio.to_thread(self.folder.put, entry.path, data)

    def _write_log(self, stored: _Stored, oldest: int) -> None:
        """Write bundles and tiles, then the head, then names of trust files; then delete what is no longer kept."""
        for path, data in stored.log:
            self.folder.put_missing(path, data)
        with self.folder.exclusively():
            there = self.head()
            if there is not None and there.time > self.press.closing_time(stored.batch):
                return  # This process slept, and another one went on.
            # Read under the lock: a line of a witness that another process has written must not get lost.
            note = self.writer.submit(lambda transaction: cosigned_note(transaction.connection, stored.batch)).result()
            self.folder.put_missing(HEAD, note)
            self._name_trust(stored.trust)
            self._remove(stored.faded, oldest)

    def _name_trust(self, contents: Sequence[bytes]) -> None:
        """Write trust files under the names by which TUF asks for them. specs/trust.md section 1"""
        newest, timestamp = 0, b""
        for content in contents:
            try:
                signed = parse_any_trust_file(content).signed
            except OwnhueError as error:
                _log.error("a trust file cannot be named", error=type(error).__name__)
                continue
            if signed.role != TIMESTAMP:
                self.folder.put_missing(f"{TRUST}/{signed.version}.{signed.role}.json", content)
            elif signed.version > newest:
                newest, timestamp = signed.version, content
        if newest:
            self.folder.put_missing(f"{TRUST}/{TIMESTAMP}.json", timestamp)

    def _remove(self, faded: Sequence[str], oldest: int) -> None:
        """Delete what is older than the retention, and partial files of which full ones exist."""
        for name in self.folder.names("keys"):
            if name.isdecimal() and int(name) < oldest:
                self.folder.remove(f"keys/{name}")
        for path in faded:
            self.folder.remove(path)
        self._remove_partials("tile")

    def _remove_partials(self, path: str) -> None:
        names = self.folder.names(path)
        for name in names:
            if not name.endswith(".p"):
                self._remove_partials(f"{path}/{name}")
            elif name.removesuffix(".p") in names:
                self.folder.remove(f"{path}/{name}")


def _stored(connection: Connection, first_batch: int) -> _Stored | None:
    heads = select(HEADS.c.batch, HEADS.c.size).order_by(HEADS.c.batch)
    since = connection.execute(heads.where(HEADS.c.batch >= first_batch)).all()
    if not since:
        return None
    before = select(HEADS.c.size).where(HEADS.c.batch < first_batch).order_by(HEADS.c.batch.desc()).limit(1)
    growth = Growth(connection.execute(before).scalar() or 0, [head.size for head in since])
    entries = select(LEAVES.c.entry).where(LEAVES.c.batch >= first_batch).order_by(LEAVES.c.number)
    trust = select(FILES.c.content).where(FILES.c.kind == TRUST, FILES.c.batch >= first_batch).order_by(FILES.c.batch)
    faded = select(FILES.c.path).where(FILES.c.kind.in_(FADING), FILES.c.content == b"")
    return _Stored(
        since[-1].batch,
        [LogEntry.decode(entry) for entry in connection.execute(entries).scalars()],
        list(log_files(connection, growth)),
        list(connection.execute(trust).scalars()),
        list(connection.execute(faded).scalars()),
    )


def _paths(connection: Connection) -> list[str]:
    return list(connection.execute(select(FILES.c.path)).scalars())


def _content(connection: Connection, entry: LogEntry) -> bytes:
    content: bytes | None = connection.execute(select(FILES.c.content).where(FILES.c.path == entry.path)).scalar()
    return content or b""
