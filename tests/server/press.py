"""A publisher alone: real database and folder, documents from a list, chance from a seed.

python -m tests.server.press FOLDER T0 SPEED      one of several processes; its clock runs SPEED times as fast
"""

import asyncio
import random
import shutil
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.exc import DatabaseError

from ownhue.errors import OwnhueError
from ownhue.params import INTERVAL_SECONDS, KEY_PERIOD
from ownhue.region import Region
from ownhue_server.clock import Clock, RehearsalClock
from ownhue_server.config import Config, load_config
from ownhue_server.documents import Document
from ownhue_server.publisher.batches import Press
from ownhue_server.publisher.pending import PendingKeys
from ownhue_server.publisher.service import Publisher
from ownhue_server.publisher.tables import StoredKey
from ownhue_server.storage.writer import Transaction
from tests.server.published import Published, read_published
from tests.server.served import MONDAY, deployment

T = TypeVar("T")

#: Seed of all chance unless a test wants another.
SEED = 2026


def some_documents() -> list[Document]:
    """What no other role has to be asked for."""
    return [Document("regions", b'{"one":1}'), Document("area", b'{"two":2}'), Document("area", b'{"three":3}')]


class SeededPress(Press):
    """Draws for each batch what its number and the seed say, in whatever process."""

    seed = SEED

    def close(self, transaction: Transaction, batch: int, documents: Sequence[Document]) -> None:
        """As a Press."""
        object.__setattr__(self, "random", random.Random(f"{self.seed}/{batch}").randbytes)
        super().close(transaction, batch, documents)


class Shop:
    """A publisher that is started. What it is asked to do is done when the call comes back."""

    def __init__(self, config: Config, clock: Clock, documents: Sequence[Document], seed: int | None) -> None:
        self.config = config
        self.clock = clock
        self.given = list(documents)
        self._loop = asyncio.new_event_loop()

        async def give(_now: int) -> Sequence[Document]:
            return list(self.given)

        self.publisher = Publisher(config, clock, give)
        if seed is not None:
            self.publisher._press = press = SeededPress(**vars(self.publisher._press))
            object.__setattr__(press, "seed", seed)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of *work*."""
        return self._loop.run_until_complete(work)

    def job(self, job: Callable[[Transaction], T]) -> T:
        """The result of a job of the writer."""
        return self.run(self.publisher._writer.run(job))

    def start(self) -> None:
        """Start the publisher."""
        self.run(self.publisher.start())

    def stop(self) -> None:
        """Stop it, and everything else."""
        self.publisher.stop()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def add(self, keys: Sequence[StoredKey]) -> None:
        """Let *keys* wait, as reports do."""
        self.job(partial(_add, keys=keys))

    def close_until(self, now: int) -> None:
        """Move the clock and close what is due."""
        assert isinstance(self.clock, RehearsalClock)
        self.clock.move(now)
        self.run(self.publisher.tick())

    def published(self) -> Published:
        """What the folder holds, checked."""
        return read_folder(self.config.published, self.config.region)


def _add(transaction: Transaction, keys: Sequence[StoredKey]) -> None:
    PendingKeys().add(transaction, keys)


@contextmanager
def shop(
    folder: Path,
    now: int = MONDAY,
    *,
    seed: int | None = SEED,
    documents: Sequence[Document] | None = None,
    clock: Clock | None = None,
    started: bool = True,
    **plan: int,
) -> Iterator[Shop]:
    """The publisher of the deployment in *folder*, which is made when there is none."""
    config = load_config(folder) if (folder / "settings.json").exists() else deployment(folder, **plan)[0]
    given = some_documents() if documents is None else documents
    one = Shop(config, clock or RehearsalClock(now), given, seed)
    try:
        if started:
            one.start()
        yield one
    finally:
        one.stop()


def keys_ending(end: int, count: int, chance: random.Random, onset: int | None = 2) -> list[StoredKey]:
    """*count* random keys whose period ends at *end* (unix seconds, on an interval)."""
    start = end // INTERVAL_SECONDS - KEY_PERIOD
    return [
        StoredKey(chance.randbytes(16), start, KEY_PERIOD, 1, onset, chance.randbytes(32)) for _number in range(count)
    ]


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every published file."""
    paths = (path for path in folder.rglob("*") if path.is_file() and ".drafts" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def read_folder(folder: Path, region: Region) -> Published:
    """What *folder* holds, checked as by a client."""
    return read_published(lambda path: (folder / path).read_bytes(), region)


def copied(folder: Path, to: Path) -> Path:
    """A copy of a deployment at *to*, in the place of one that is there."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)
    return to


class FastClock:
    """Runs *speed* times as fast as the real one since *t0*, from MONDAY on; the same in every process."""

    def __init__(self, t0: float, speed: float) -> None:
        self._t0 = t0
        self._speed = speed

    def now(self) -> int:
        """The time in unix seconds."""
        return MONDAY + int((time.time() - self._t0) * self._speed)


async def keep_closing(folder: Path, clock: Clock) -> None:
    """A publisher that ticks until the process ends."""
    config = load_config(folder)

    async def give(_now: int) -> Sequence[Document]:
        return some_documents()

    publisher = Publisher(config, clock, give)
    await publisher.start()
    while True:
        with suppress(OwnhueError, DatabaseError):
            await publisher.tick()
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(keep_closing(Path(sys.argv[1]), FastClock(float(sys.argv[2]), float(sys.argv[3]))))
