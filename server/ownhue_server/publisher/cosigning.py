"""Cosigning: the publisher asks the witnesses of its settings for their lines. specs/publication.md section 12

The calls, for ``service.py`` and ``files.py``:

    cosigning = Cosigning(config, clock)               # FormatError for witnesses that cannot be
    await cosigning.collect(writer, batch)             # when the batch is committed, before ``head`` is written
    batch = await cosigning.collect_missing(writer)    # at each tick: whose ``head`` has to be written again, or None
    note = cosigned_note(transaction.connection, batch)    # what ``head`` holds: HEADS.note and the lines

- Nothing here can keep a batch back: all witnesses are asked at once, for :data:`ASK_SECONDS` in all, and whatever one
  of them does costs its own line and no more.
- Only lines that hold are stored, each in the database before it is published.
- Lines that are missing are asked for again, ever more seldom; always for the newest head only.
- ``HEADS.note`` stays the log's own note, so that a batch closed again is the same bytes.
"""

import asyncio
import functools
import ssl
from functools import partial

import httpx
from sqlalchemy import select

from ownhue.cosignature import CLOCK_TOLERANCE_SECONDS, WitnessKey
from ownhue.tree import leaf_hash
from ownhue.tree_proofs import StoredTree, prove_consistency
from ownhue.witness import WitnessRequest
from ownhue_server import logs
from ownhue_server.clock import Clock
from ownhue_server.config import Config
from ownhue_server.publisher.cosignatures import (
    Head,
    Outcome,
    WitnessFact,
    cosigned_note,
    read_head,
    store_outcomes,
    witness_status,
    witnesses_of,
)
from ownhue_server.publisher.tables import LEAVES, newest_batch
from ownhue_server.publisher.witness_client import AskError, KnownSizeError, ask
from ownhue_server.storage.writer import Writer

__all__ = ["Cosigning", "WitnessFact", "cosigned_note", "witness_status"]

#: Seconds that a witness has for all its answers; then the head goes out without it. specs/publication.md section 12
ASK_SECONDS = 10
#: Seconds after which a missing line is asked for again, doubled each time. specs/publication.md section 12
RETRY_SECONDS = 5
#: Longest time between two tries. specs/publication.md section 12
MAX_RETRY_SECONDS = 600

_log = logs.get("publisher")


class Cosigning:
    """The witnesses of *config*'s settings. Raises FormatError for one whose name or key is another's, or the log's."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._clock = clock
        self._witnesses = witnesses_of(config)
        self._asking = asyncio.Lock()
        self._tree = StoredTree()
        self._tries: dict[str, int] = {}
        self._next: dict[str, int] = {}

    async def collect(self, writer: Writer, batch: int) -> bool:
        """Ask for all lines that the head of *batch* lacks, and store what holds; whether any came."""
        if not self._witnesses:
            return False
        async with self._asking:
            return await self._collect(writer, batch, set(self._witnesses))

    async def collect_missing(self, writer: Writer) -> int | None:
        """Ask once more for lines that the newest head lacks, of those whose turn it is; its batch when any came."""
        now = self._clock.now()
        turn = {witness for witness in self._witnesses if self._next.get(witness.name, 0) <= now}
        if not turn:
            return None
        async with self._asking:
            batch = await writer.run(lambda transaction: newest_batch(transaction.connection))
            return batch if batch is not None and await self._collect(writer, batch, turn) else None

    async def _collect(self, writer: Writer, batch: int, turn: set[WitnessKey]) -> bool:
        head = await writer.run(lambda transaction: read_head(transaction.connection, batch))
        missing = [witness for witness in sorted(turn) if witness.name not in head.done]
        if not missing:
            return False
        await self._grow(writer, head.size)
        # One client for each time: it is seldom, and a connection that a witness keeps open is no use to anybody.
        async with httpx.AsyncClient(timeout=ASK_SECONDS, trust_env=False, verify=_tls()) as http:
            outcomes = await asyncio.gather(*(self._ask(http, witness, head) for witness in missing))
        for outcome in outcomes:
            self._plan(outcome)
        await writer.run(partial(store_outcomes, batch=batch, size=head.size, outcomes=outcomes, now=self._clock.now()))
        return any(outcome.line for outcome in outcomes)

    async def _grow(self, writer: Writer, size: int) -> None:
        """Take up the leaves that came since the last time."""
        numbers = (LEAVES.c.number >= self._tree.size) & (LEAVES.c.number < size)
        statement = select(LEAVES.c.entry).where(numbers).order_by(LEAVES.c.number)
        entries = await writer.run(lambda transaction: list(transaction.connection.execute(statement).scalars()))

        def append() -> None:
            for entry in entries:
                self._tree.append(leaf_hash(entry))

        await asyncio.to_thread(append)

    async def _ask(self, http: httpx.AsyncClient, witness: WitnessKey, head: Head) -> Outcome:
        """What *witness* says to *head*; never raises, and takes at most :data:`ASK_SECONDS`."""
        known = min(head.known.get(witness.name, 0), head.size)
        try:
            async with asyncio.timeout(ASK_SECONDS):
                try:
                    line = await self._exchange(http, witness, head, known)
                except KnownSizeError as conflict:
                    if conflict.size > head.size:
                        # It has seen a larger tree of ours than we know: this database is old, or the log's key stolen.
                        raise AskError("ahead") from conflict
                    if conflict.size < known:
                        _log.warning("a witness knows less than before", witness=witness.name)
                    known = conflict.size
                    line = await self._exchange(http, witness, head, known)
                return Outcome(witness.name, head.size, line, "")
        except AskError as error:
            return Outcome(witness.name, known, "", error.word)
        except TimeoutError:
            return Outcome(witness.name, known, "", "slow")
        except Exception as error:  # noqa: BLE001 - whatever a witness or the way to it does, the head goes out
            word = "unreachable" if isinstance(error, httpx.HTTPError) else type(error).__name__
            return Outcome(witness.name, known, "", word)

    async def _exchange(self, http: httpx.AsyncClient, witness: WitnessKey, head: Head, known: int) -> str:
        """The line that *witness* gives when it is asked with a proof from *known*."""
        proof = prove_consistency(self._tree.hash, known, head.size)
        line, time = await ask(http, witness, self._witnesses[witness], WitnessRequest(known, tuple(proof), head.note))
        earliest, latest = head.time - CLOCK_TOLERANCE_SECONDS, self._clock.now() + CLOCK_TOLERANCE_SECONDS
        if not earliest <= time <= latest:
            raise AskError("untimely")  # No client would count it, and a later one would do.
        return line

    def _plan(self, outcome: Outcome) -> None:
        """When to ask again."""
        tries = self._tries[outcome.name] = self._tries.get(outcome.name, 0) + 1 if outcome.error else 0
        wait = min(RETRY_SECONDS << min(tries, 16), MAX_RETRY_SECONDS) if tries else 0
        self._next[outcome.name] = self._clock.now() + wait


@functools.cache
def _tls() -> ssl.SSLContext:
    """What to trust on the way: reading it takes longer than asking."""
    return httpx.create_ssl_context(trust_env=False)
