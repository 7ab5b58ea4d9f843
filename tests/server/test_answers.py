"""answers.py: one timer for every answer. Time is a number that the test moves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable

import pytest

from ownhue_server.answers import Answers


class Hour:
    """A timer that only sleeping moves."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.sleeps: list[float] = []

    def timer(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Let everybody else go on as far as they can, then be later."""
        for _ in range(20):
            await asyncio.sleep(0)
        self.sleeps.append(seconds)
        self.time += seconds

    @contextlib.asynccontextmanager
    async def answers(self, milliseconds: int = 1000) -> AsyncIterator[Answers]:
        answers = Answers(milliseconds, self.timer, self.sleep)
        async with answers.releasing():
            yield answers


async def at_once(value: str) -> str:
    return value


async def when(event: asyncio.Event, value: str) -> str:
    await event.wait()
    return value


def test_an_answer_leaves_at_its_deadline() -> None:
    async def scene() -> float:
        hour = Hour()
        async with hour.answers() as answers:
            assert await answers.at_deadline(at_once("granted")) == "granted"
        return hour.time

    assert asyncio.run(scene()) == 1001.0


def test_answers_leave_in_the_order_of_their_requests_whatever_was_ready_first() -> None:
    async def scene() -> tuple[list[str], float]:
        hour, gone, event = Hour(), list[str](), asyncio.Event()

        async def ask(answers: Answers, work: Awaitable[str]) -> None:
            gone.append(await answers.at_deadline(work))

        async with hour.answers() as answers, asyncio.TaskGroup() as group:
            group.create_task(ask(answers, when(event, "slow grant")))
            await asyncio.sleep(0)
            hour.time += 0.25
            group.create_task(ask(answers, at_once("quick refusal")))
            event.set()
        return gone, hour.time

    assert asyncio.run(scene()) == (["slow grant", "quick refusal"], 1001.25)


@pytest.mark.parametrize(("missed", "leaves"), [(1, 1002.0), (2, 1003.0), (7, 1008.0)])
def test_work_that_takes_too_long_leaves_at_the_next_multiple(missed: int, leaves: float) -> None:
    async def scene() -> float:
        hour, event = Hour(), asyncio.Event()

        async def finish() -> None:
            while len(hour.sleeps) < missed:
                await asyncio.sleep(0)
            event.set()

        async with hour.answers() as answers:
            work = asyncio.create_task(finish())
            assert await answers.at_deadline(when(event, "late")) == "late"
            await work
        return hour.time

    assert asyncio.run(scene()) == leaves


def test_a_timer_that_comes_late_keeps_to_the_multiples() -> None:
    async def scene() -> list[float]:
        hour, event = Hour(), asyncio.Event()
        async with hour.answers() as answers:
            task = asyncio.create_task(answers.at_deadline(when(event, "late")))
            await asyncio.sleep(0)
            hour.time += 2.5
            for _ in range(100):
                await asyncio.sleep(0)
            event.set()
            await task
        return hour.sleeps

    # Due at 1001 and looked at after 1002.5: the next multiple is 1003.
    assert asyncio.run(scene())[0] == pytest.approx(0.5)


def test_who_hangs_up_costs_nothing_and_disturbs_nobody() -> None:
    async def scene() -> float:
        hour, event = Hour(), asyncio.Event()
        async with hour.answers() as answers:
            gone = [asyncio.create_task(answers.at_deadline(when(event, "x"))) for _ in range(3)]
            await asyncio.sleep(0)
            for task in gone:
                task.cancel()
            assert await answers.at_deadline(at_once("granted")) == "granted"
            assert all(task.cancelled() for task in gone)
        return hour.time

    assert asyncio.run(scene()) == 1001.0


def test_at_the_end_what_waits_is_released() -> None:
    async def scene() -> tuple[list[str], str]:
        work = asyncio.Event()
        answers = Answers(10_000)
        async with answers.releasing():
            waiting = [asyncio.create_task(answers.at_deadline(at_once("granted"))) for _ in range(3)]
            slow = asyncio.create_task(answers.at_deadline(when(work, "slow")))
            await asyncio.sleep(0)
        released = await asyncio.wait_for(asyncio.gather(*waiting), 5)
        work.set()
        return released, await asyncio.wait_for(slow, 5)

    assert asyncio.run(scene()) == (["granted"] * 3, "slow")


def test_without_a_deadline_answers_leave_at_once() -> None:
    async def scene() -> list[float]:
        hour = Hour()
        async with hour.answers(0) as answers:
            assert await answers.at_deadline(at_once("granted")) == "granted"
        return hour.sleeps

    assert asyncio.run(scene()) == []


def test_an_error_of_the_work_comes_out_and_leaves_the_timer_running() -> None:
    async def fail() -> str:
        raise ValueError("broken")

    async def scene() -> str:
        async with Hour().answers() as answers:
            with pytest.raises(ValueError, match="broken"):
                await answers.at_deadline(fail())
            return await answers.at_deadline(at_once("granted"))

    assert asyncio.run(scene()) == "granted"
