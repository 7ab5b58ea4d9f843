"""publisher/leader.py: one of several publishers closes batches; it ends, sleeps, wakes up."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from ownhue.errors import StateError
from ownhue_server.documents import Document
from ownhue_server.publisher.folder import PublishedFolder
from ownhue_server.publisher.leader import LEASE_SECONDS, Leader
from tests.server.press import Shop, shop, snapshot
from tests.server.served import BATCH, MONDAY


class HandClock:
    """A clock of a server that is moved by hand."""

    def __init__(self, now: int = MONDAY) -> None:
        self.time = now

    def now(self) -> int:
        return self.time


@contextmanager
def two(folder: Path) -> Iterator[tuple[Shop, Shop, HandClock]]:
    """Two publishers of one deployment; the first is the leader."""
    clock = HandClock()
    with shop(folder, clock=clock) as first, shop(folder, clock=clock) as second:
        yield first, second, clock


def tick(one: Shop) -> None:
    one.run(one.publisher.tick())


# The lease.


def test_one_at_a_time_holds_the_lease_and_it_runs_out(tmp_path: Path) -> None:
    first, second = Leader(), Leader()
    with shop(tmp_path / "one") as one:

        def renewed(leader: Leader, now: int) -> bool:
            return one.job(lambda transaction: leader.renew(transaction, now))

        one.job(one.publisher._leader.resign)
        assert renewed(first, MONDAY)
        assert not renewed(second, MONDAY)
        assert renewed(first, MONDAY + LEASE_SECONDS - 1)
        assert not renewed(second, MONDAY + LEASE_SECONDS)
        assert renewed(second, MONDAY + 2 * LEASE_SECONDS - 1)
        assert not renewed(first, MONDAY + 2 * LEASE_SECONDS)
        with pytest.raises(StateError, match="another process"):
            one.job(lambda transaction: first.check(transaction, MONDAY + 2 * LEASE_SECONDS))
        one.job(first.resign)  # It has none, so nothing happens.
        assert not renewed(first, MONDAY + 2 * LEASE_SECONDS)
        one.job(second.resign)
        assert renewed(first, MONDAY + 2 * LEASE_SECONDS)


def test_a_lease_by_a_clock_that_was_wrong_does_not_stop_publishing(tmp_path: Path) -> None:
    """A leader whose clock stood a year ahead was killed; the next one is not to wait for a year."""
    with shop(tmp_path / "one") as one:
        one.job(lambda transaction: Leader(alone=True).renew(transaction, MONDAY + 365 * 86400))
        assert one.job(lambda transaction: Leader().renew(transaction, MONDAY))


def test_only_the_leader_closes_and_the_other_takes_over_when_the_lease_is_over(tmp_path: Path) -> None:
    with two(tmp_path / "one") as (first, second, clock):
        clock.time = MONDAY + BATCH - 5
        tick(first)
        clock.time = MONDAY + BATCH
        tick(second)
        assert newest(first) == MONDAY
        with pytest.raises(StateError, match="another process"):
            second.run(second.publisher.close_batch(MONDAY // BATCH))
        clock.time += LEASE_SECONDS
        tick(second)
        assert newest(first) == MONDAY + BATCH
        tick(first)
        with pytest.raises(StateError):
            first.run(first.publisher.close_batch(MONDAY // BATCH))
        clock.time = MONDAY + 2 * BATCH - 5
        tick(second)
        clock.time = MONDAY + 2 * BATCH
        tick(first)
        assert newest(first) == MONDAY + BATCH
        tick(second)
        assert newest(first) == MONDAY + 2 * BATCH


def test_a_leader_that_ends_hands_over_at_once(tmp_path: Path) -> None:
    clock = HandClock()
    with shop(tmp_path / "one", clock=clock):
        pass
    with shop(tmp_path / "one", clock=clock) as one:
        clock.time = MONDAY + BATCH
        tick(one)
        assert newest(one) == MONDAY + BATCH


def newest(one: Shop) -> int:
    """The time of the newest head."""
    return one.published().head.time


def test_a_leader_keeps_the_lease_while_other_roles_take_long_to_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another process takes over and waits as long, and so on: no batch would ever be closed."""
    monkeypatch.setattr("ownhue_server.publisher.service.LEASE_SECONDS", 0.03)
    with two(tmp_path / "one") as (first, second, clock):
        documents = first.publisher._documents

        async def slow(now: int) -> Sequence[Document]:
            for _ in range(10):
                clock.time += LEASE_SECONDS // 2
                await asyncio.sleep(0.1)
                assert not await asyncio.to_thread(holds, second)
            return await documents(now)

        def holds(one: Shop) -> bool:
            return one.job(lambda transaction: one.publisher._leader.renew(transaction, clock.now()))

        first.publisher._documents = slow
        clock.time = MONDAY + BATCH
        tick(first)
        assert newest(first) == MONDAY + BATCH


# A leader that sleeps in the middle.


def test_a_leader_that_slept_before_the_transaction_closes_nothing(tmp_path: Path) -> None:
    with two(tmp_path / "one") as (first, second, clock):
        clock.time = MONDAY + BATCH
        documents = first.publisher._documents
        slept = []

        async def sleepy(now: int) -> Sequence[Document]:
            given = await documents(now)
            clock.time += LEASE_SECONDS + 1
            await asyncio.to_thread(tick, second)  # It has an event loop of its own, as another process has.
            slept.append(now)
            return given

        first.publisher._documents = sleepy
        with pytest.raises(StateError):
            tick(first)
        assert slept
        assert newest(second) == MONDAY + BATCH
        assert len(second.published().of_kind("keys")) == 2


def test_a_leader_that_slept_while_writing_replaces_no_newer_head_and_deletes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It wakes up with its own batch's files half written; two further batches are out."""
    with two(tmp_path / "one") as (first, second, clock):
        clock.time = MONDAY + BATCH
        put, slept, there = PublishedFolder.put, list[str](), dict[str, bytes]()

        def sleepy(folder: PublishedFolder, path: str, data: bytes) -> None:
            if folder is first.publisher._folder and not slept:
                slept.append(path)
                clock.time = MONDAY + 3 * BATCH
                tick_elsewhere(second)
                there.update(snapshot(second.config.published))
            put(folder, path, data)

        monkeypatch.setattr(PublishedFolder, "put", sleepy)
        tick(first)
        assert slept
        assert snapshot(second.config.published) == there
        assert newest(second) == MONDAY + 3 * BATCH


def tick_elsewhere(one: Shop) -> None:
    """A tick in a thread with its own event loop running, as another process would do it."""
    thread = Thread(target=tick, args=(one,))
    thread.start()
    thread.join()
