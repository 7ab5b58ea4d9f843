"""The publisher: takes reports, closes batches on time, serves what is published. specs/http-api.md section 4"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from nacl.public import PrivateKey
from nacl.signing import SigningKey
from sqlalchemy import select
from starlette.routing import BaseRoute, Route

from ownhue.errors import StateError
from ownhue_server import logs
from ownhue_server.clock import Clock
from ownhue_server.config import Config, Role
from ownhue_server.deployment import KEY_FILES, LOG, REPORTS
from ownhue_server.frames import phone_route
from ownhue_server.publisher.batches import Press, newest_head
from ownhue_server.publisher.epoch_lists import without_bad_lists
from ownhue_server.publisher.files import check_head, write_files
from ownhue_server.publisher.folder import PublishedFolder
from ownhue_server.publisher.reports import Reports
from ownhue_server.publisher.static import PublishedFiles
from ownhue_server.publisher.tables import (
    FILES,
    KEY_BYTES,
    PENDING_KEYS,
    SPENT_TOKEN_BYTES,
    SPENT_TOKENS,
    STORED_KEY_BYTES,
    TABLES,
    TOKEN_BYTES,
    week_of_spent_token,
)
from ownhue_server.publisher.token_keys import TokenKeys, oldest_week
from ownhue_server.storage.database import open_database
from ownhue_server.storage.key_folder import load_p256
from ownhue_server.storage.slots import Slots
from ownhue_server.storage.writer import Transaction, Writer

#: Gives the documents to be published at a time (unix seconds), by kind. Comes from the other roles.
Documents = Callable[[int], Awaitable[Mapping[str, bytes]]]

_log = logs.get("publisher")


class Publisher:
    """The publisher of *config*; *documents* is asked once for every batch."""

    def __init__(self, config: Config, clock: Clock, documents: Documents) -> None:
        keys = config.keys(Role.PUBLISHER)
        self._clock = clock
        self._documents = documents
        self._closing = asyncio.Lock()
        self._unwritten: int | None = None
        self._writer = Writer(open_database(config.database(Role.PUBLISHER)), TABLES)
        pending = Slots(PENDING_KEYS, key_bytes=KEY_BYTES, content_bytes=STORED_KEY_BYTES)
        self._spent = Slots(SPENT_TOKENS, key_bytes=TOKEN_BYTES, content_bytes=SPENT_TOKEN_BYTES)
        self._token_keys = TokenKeys(config.region.authority_key_bytes)
        self._region = config.region
        self._press = Press(
            config.region,
            SigningKey(keys.load(LOG)),
            load_p256(keys.load(KEY_FILES)),
            config.settings.padding,
            pending,
        )
        self._folder = PublishedFolder(config.published)
        private_key = PrivateKey(keys.load(REPORTS))
        reports = Reports(self._writer, clock, private_key, self._token_keys, pending, self._spent)
        self.routes: list[BaseRoute] = [
            Route("/published/{path:path}", PublishedFiles(self._folder)),
            phone_route("/publisher/v1/report", reports.report),
        ]

    async def start(self) -> None:
        """Open the database, write again what the folder lacks, and close the batches that are due."""
        self._writer.start()
        # Not before the database is ours: a second server that is about to be refused must not disturb the first.
        self._folder.clear_drafts()
        now = self._clock.now()
        self._token_keys.learn(await self._writer.run(_report_keys), now)
        newest = await self._writer.run(lambda transaction: newest_head(transaction.connection))
        check_head(self._folder, self._press, newest[0] if newest else None)
        await write_files(self._writer, self._press, self._folder)
        for batch in await self.due(now):
            await self.close_batch(batch)

    def stop(self) -> None:
        """Close the database."""
        self._writer.stop()

    def closing_time(self, batch: int) -> int:
        """Unix second at which *batch* is closed."""
        return self._press.closing_time(batch)

    async def due(self, now: int) -> range:
        """Batches to be closed at *now*, oldest first."""
        return await self._writer.run(lambda transaction: self._press.due(transaction, now))

    async def close_batch(self, batch: int) -> None:
        """Close *batch* and write its files. Raises StateError when it is not the next one, or not over."""
        async with self._closing:
            closing = self._press.closing_time(batch)
            if closing > self._clock.now():
                raise StateError("a batch is closed when it is over")
            documents = await self._documents(closing)
            self._token_keys.learn([documents[kind] for kind in documents if kind == "report-keys"], closing)
            await self._writer.run(partial(self._close, batch=batch, documents=documents))
            if self._unwritten is None:
                self._unwritten = batch
            await self._write()
        _log.info("a batch is closed and published", batch=batch)

    async def write_missing(self) -> None:
        """Write the files of closed batches that could not be written before (a full disk, say)."""
        async with self._closing:
            if self._unwritten is not None:
                await self._write()

    async def _write(self) -> None:
        # From the first batch that is not known to be written: a head never stands for files that are not there.
        await write_files(self._writer, self._press, self._folder, self._unwritten or 0)
        self._unwritten = None

    def _close(self, transaction: Transaction, batch: int, documents: Mapping[str, bytes]) -> None:
        closing = self._press.closing_time(batch)
        lists = _published(transaction, "epochs", self._press.oldest_kept(batch))
        documents = without_bad_lists(documents, lists, self._region, closing)
        spent = self._spent.all(transaction)
        over = [content[:TOKEN_BYTES] for content in spent if week_of_spent_token(content) < oldest_week(closing)]
        self._spent.remove(transaction, over)
        self._press.close(transaction, batch, documents)


def _report_keys(transaction: Transaction) -> list[bytes]:
    """The lists of report-token keys published so far, newest last."""
    return _published(transaction, "report-keys")


def _published(transaction: Transaction, kind: str, first_batch: int = 0) -> list[bytes]:
    """The documents of *kind* published since *first_batch*, newest last."""
    wanted = (FILES.c.kind == kind) & (FILES.c.batch >= first_batch)
    statement = select(FILES.c.content).where(wanted).order_by(FILES.c.batch)
    return list(transaction.connection.execute(statement).scalars())
