"""The publisher: takes reports, closes batches on time, serves what is published. specs/http-api.md section 4

Several processes may serve one deployment. Each takes reports and serves files; the one that holds the lease
(``leader.py``) closes the batches.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from nacl.signing import SigningKey
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError
from starlette.routing import BaseRoute, Route

from ownhue.errors import OwnhueError, StateError
from ownhue_server import logs
from ownhue_server.clock import Clock, RehearsalClock
from ownhue_server.config import Config, Role
from ownhue_server.documents import Document
from ownhue_server.frames import Handler
from ownhue_server.online_keys import KEY_FILES, LOG, opening_keys, public_keys
from ownhue_server.publisher.batches import Press
from ownhue_server.publisher.cosigning import Cosigning
from ownhue_server.publisher.epoch_lists import Issuer, without_bad_lists
from ownhue_server.publisher.files import Files
from ownhue_server.publisher.folder import PublishedFolder
from ownhue_server.publisher.leader import LEASE_SECONDS, Leader
from ownhue_server.publisher.pending import PendingKeys
from ownhue_server.publisher.reports import Reports
from ownhue_server.publisher.static import PublishedFiles
from ownhue_server.publisher.tables import (
    FILES,
    SPENT_TOKEN_BYTES,
    SPENT_TOKENS,
    TABLES,
    TOKEN_BYTES,
    newest_batch,
)
from ownhue_server.publisher.token_keys import TokenKeys, oldest_week
from ownhue_server.publisher.trust_files import TrustFiles
from ownhue_server.storage.database import open_database
from ownhue_server.storage.key_folder import load_p256
from ownhue_server.storage.slots import Slots
from ownhue_server.storage.writer import Transaction, Writer

#: Gives the documents to be published at a time (unix seconds). Comes from the other roles.
Documents = Callable[[int], Awaitable[Sequence[Document]]]

_log = logs.get("publisher")


class Publisher:
    """The publisher of *config*; *documents* is asked once for every batch."""

    def __init__(self, config: Config, clock: Clock, documents: Documents) -> None:
        keys = config.keys(Role.PUBLISHER)
        self._clock = clock
        self._documents = documents
        self._closing = asyncio.Lock()
        self._issuer = Issuer(config.region.issuer_name, public_keys(config, "issuer"))
        # A rehearsal has its folder to itself, and its clock stands: it would wait for ever for an old lease to end.
        self._leader = Leader(alone=isinstance(clock, RehearsalClock))
        self._written: int | None = None
        self._writer = Writer(open_database(config.database(Role.PUBLISHER)), TABLES)
        pending = PendingKeys()
        self._spent = Slots(SPENT_TOKENS, key_bytes=TOKEN_BYTES, content_bytes=SPENT_TOKEN_BYTES)
        self._token_keys = TokenKeys(public_keys(config, "authority"))
        self._press = Press(
            config.region,
            SigningKey(keys.load(LOG)),
            load_p256(keys.load(KEY_FILES)),
            config.settings.padding,
            pending,
            self._spent,
            listed_log_keys=public_keys(config, "log"),
        )
        self._folder = PublishedFolder(config.published)
        self._files = Files(self._writer, self._press, self._folder)
        self._cosigning = Cosigning(config, clock)
        opening = opening_keys(config)
        self._trust = TrustFiles(config, bytes(opening[0].public_key), [bytes(key.public_key) for key in opening])
        next_closing = self._press.next_closing
        reports = Reports(self._writer, clock, opening, self._token_keys, pending, self._spent, next_closing)
        self.routes: list[BaseRoute] = [Route("/published/{path:path}", PublishedFiles(self._folder))]
        self.phone_endpoints: dict[str, Handler] = {"/publisher/v1/report": reports.report}

    async def start(self, check_clock: Callable[[int], None] | None = None) -> None:
        """Open the database, write again what the folder lacks, and close the batches that are due.

        *check_clock* is told the newest batch's closing time before that; it raises when the clock cannot be right.
        """
        self._writer.start()
        self._folder.clear_drafts()
        await self._files.check_head()
        await self._learn()
        self._written = await self._files.write()
        await self._files.tell_of_strangers()
        newest = await self._writer.run(lambda transaction: newest_batch(transaction.connection))
        if check_clock is not None and newest is not None:
            check_clock(self._press.closing_time(newest))
        await self.tick()

    def stop(self) -> None:
        """Let another process close the next batch, and close the database. Harmless when it never started."""
        with contextlib.suppress(StateError, DatabaseError, sqlite3.Error):
            self._writer.submit(self._leader.resign).result()
        self._writer.stop()

    def closing_time(self, batch: int) -> int:
        """Unix second at which *batch* is closed."""
        return self._press.closing_time(batch)

    async def tick(self) -> None:
        """One look at the clock: the leader closes what is due and writes what is missing, the others learn."""
        now = self._clock.now()
        if not await self._writer.run(partial(self._leader.renew, now=now)):
            self._written = None  # Another process writes now; who comes after it has to look.
            await self._learn()
            return
        await self.write_missing()
        for batch in await self.due(now):
            await self.close_batch(batch)
        if await self._cosigning.collect_missing(self._writer):
            async with self._closing:
                await self._write(self._files.first_missing())

    async def due(self, now: int) -> range:
        """Batches to be closed at *now*, oldest first."""
        return await self._writer.run(lambda transaction: self._press.due(transaction, now))

    async def close_batch(self, batch: int) -> None:
        """Close *batch* and write its files.

        Raises StateError when it is not the next one, not over, or when another process has to close it.
        """
        async with self._closing:
            closing = self._press.closing_time(batch)
            if closing > self._clock.now():
                raise StateError("a batch is closed when it is over")
            documents = await self._given(closing)
            await self._writer.run(partial(self._close, batch=batch, documents=documents), alone=True)
            await self._learn()
            if self._press.closing_time(batch + 1) > self._clock.now():
                # Of batches that are closed late, one after the other, only the newest head is shown to witnesses.
                await self._cosigning.collect(self._writer, batch)
            # From the first batch that is not known to be written: a head never stands for files that are not there.
            first = self._files.first_missing() if self._written is None else self._written + 1
            await self._write(first)
        _log.info("a batch is closed and published", batch=batch)

    async def _given(self, closing: int) -> Sequence[Document]:
        """The documents for *closing*. The lease is kept meanwhile: other roles may take long, or not answer."""
        asked = asyncio.ensure_future(self._documents(closing))
        try:
            while not (await asyncio.wait([asked], timeout=LEASE_SECONDS / 3))[0]:
                await self._writer.run(partial(self._leader.renew, now=self._clock.now()))
            return asked.result()
        finally:
            asked.cancel()

    async def write_missing(self) -> None:
        """Write the files of closed batches that were not written, by whomever (a full disk, say, or a crash)."""
        async with self._closing:
            newest = await self._writer.run(lambda transaction: newest_batch(transaction.connection))
            if newest != self._written:
                await self._write(self._files.first_missing())

    async def _write(self, first_batch: int) -> None:
        self._written = None
        self._written = await self._files.write(first_batch)

    def _close(self, transaction: Transaction, batch: int, documents: Sequence[Document]) -> None:
        # Asked here, where nobody can take over any more until it is done; this process may have slept.
        self._leader.check(transaction, self._clock.now())
        closing = self._press.closing_time(batch)
        lists = _published(transaction, "epochs", self._press.oldest_kept(batch))
        documents = without_bad_lists(documents, lists, self._issuer, closing)
        documents = [*documents, *self._trust.documents(transaction.connection, documents, closing)]
        oldest = oldest_week(closing).to_bytes(SPENT_TOKEN_BYTES - TOKEN_BYTES, "big")
        self._spent.remove_below(transaction, TOKEN_BYTES, oldest)
        self._press.close(transaction, batch, documents)

    async def _learn(self) -> None:
        """Take up report-token keys that were published, by whatever process."""
        now = self._clock.now()
        try:
            await self._writer.run(lambda transaction: self._token_keys.learn_published(transaction, now))
        except OwnhueError as error:
            # Nobody's token would be accepted under such a list, but the keys of all others have to go out.
            _log.error("a list of report-token keys cannot be read", error=type(error).__name__)


def _published(transaction: Transaction, kind: str, first_batch: int = 0) -> list[bytes]:
    """The documents of *kind* published since *first_batch*, newest last."""
    wanted = (FILES.c.kind == kind) & (FILES.c.batch >= first_batch)
    statement = select(FILES.c.content).where(wanted).order_by(FILES.c.batch)
    return list(transaction.connection.execute(statement).scalars())
