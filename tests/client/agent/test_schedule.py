"""When what is done: draws, backing off, waiting, jumps of the wall clock, the zone's midnight, the sunset."""

import asyncio
import os
import time
from collections.abc import Coroutine
from datetime import date
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ownhue.colour import Decision, decide
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue_client.agent.long_work import LongWork
from ownhue_client.agent.pace import LOOK_SECONDS, Pace
from ownhue_client.agent.schedule import Backoff, after_batch, between, next_look, next_midnight, on_day
from ownhue_client.agent.settings import AgentSettings
from ownhue_client.agent.sunset import UNSIGNED_SECONDS, WIPE_AFTER_SECONDS, Stage, Sunset, end_of
from ownhue_client.phone import Phone
from ownhue_client.radio.virtual_time import VirtualClock, run_virtual
from tests.client.town import DAY, HOUR, Town
from tests.protocol.colour_cases import facts

START = 1_772_409_600
BOOK = demonstration_rulebook()


def play(story: Coroutine[Any, Any, None]) -> None:
    run_virtual(story, START)


def test_what_is_drawn_lies_between_its_ends() -> None:
    random = Random(1).randbytes
    drawn = [between((10, 20), random) for _ in range(1000)]
    assert 10 <= min(drawn) < 10.2
    assert 19.8 < max(drawn) < 20


@pytest.mark.parametrize("batch", [7200, 600, 60])
def test_synchronising_comes_after_the_end_of_the_batch(batch: int) -> None:
    random = Random(1).randbytes
    for now in range(START, START + 3 * batch, batch // 6):
        at = now + after_batch(now, batch, (120, 3720), random)
        close = (now // batch + 1) * batch
        assert close + min(120, batch) <= at <= close + min(3720, batch)


def test_backing_off_doubles_up_to_six_hours_and_begins_anew_after_a_success() -> None:
    backoff = Backoff((60, 21_600), Random(1).randbytes)
    waits = [backoff.failed() for _ in range(14)]
    for number, wait in enumerate(waits):
        least = min(60 << number, 21_600)
        assert least <= wait <= min(least * 1.25, 21_600)
    assert waits[-1] == 21_600
    backoff.worked()
    assert backoff.failed() <= 75


def test_a_very_long_row_of_failures_is_no_overflow() -> None:
    backoff = Backoff((60, 21_600), bytes)
    assert [backoff.failed() for _ in range(2000)][-1] == 21_600


def decision_at(now: int, **changes: Any) -> Decision:
    return decide(BOOK, facts(**changes), now)


def test_the_colour_is_looked_at_again_at_midnight_of_the_rulebooks_zone() -> None:
    midnight = next_midnight(BOOK, START)
    # 16:00 UTC is midnight in Shanghai.
    assert midnight == START + 16 * HOUR
    late = decision_at(midnight - 600, published_until=midnight - 600)
    assert next_look(BOOK, late, AgentSettings()) == midnight
    assert next_midnight(BOOK, midnight) == midnight + DAY
    assert next_midnight(BOOK, midnight - 1) == midnight


def test_the_colour_is_looked_at_when_data_become_old() -> None:
    now = START + 3 * HOUR
    aging = decision_at(now, published_until=now - 24 * HOUR + 300)
    assert next_look(BOOK, aging, AgentSettings()) == now + 301
    old = decision_at(now, published_until=now - 30 * HOUR)
    assert next_look(BOOK, old, AgentSettings()) == now + HOUR
    assert next_look(None, decision_at(now), AgentSettings(colour_seconds=7)) == now + 7


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_the_devices_own_time_zone_changes_nothing(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert next_midnight(BOOK, START) == START + 16 * HOUR
        assert on_day(START // DAY, (0, 0), bytes) == START
    finally:
        monkeypatch.undo()
        time.tzset()
    assert os.environ.get("TZ") != "nowhere"


def test_waiting_ends_early_when_the_wall_clock_jumps_and_not_when_it_drifts() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        clock = VirtualClock(loop, START)
        pace = Pace(clock.now)
        watching = asyncio.create_task(pace.watch())
        waiting = asyncio.create_task(pace.rest(1000))
        await asyncio.sleep(100)
        clock.set_wall(30)
        await asyncio.sleep(100)
        assert not waiting.done()
        for jump in (3600, -3600, 61, -62):
            waiting = asyncio.create_task(pace.rest(1000))
            await asyncio.sleep(1)
            clock.set_wall(jump)
            assert not await waiting
            await asyncio.sleep(2 * LOOK_SECONDS)
        assert await pace.rest(10)
        watching.cancel()

    play(story())


def test_waiting_until_a_time_ends_when_it_has_come_or_somebody_wakes() -> None:
    async def story() -> None:
        clock = VirtualClock(asyncio.get_running_loop(), START)
        pace = Pace(clock.now)
        assert await pace.until(START)
        assert await pace.until(START + 10)
        assert clock.now() == START + 10
        waiting = asyncio.create_task(pace.until(START + 1000))
        await asyncio.sleep(1)
        pace.wake()
        assert not await waiting
        assert clock.now() < START + 20

    play(story())


def test_long_work_is_done_one_at_a_time() -> None:
    async def story() -> None:
        at_once = 0
        most = 0

        async def run_long(work: Any) -> Any:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(1)
            at_once -= 1
            return work()

        work = LongWork(run_long)
        numbers = [partial(int, number) for number in range(4)]
        assert await asyncio.gather(*map(work.run, numbers)) == [0, 1, 2, 3]
        assert most == 1
        assert not work.busy

    play(story())


def test_whoever_stops_waiting_waits_for_the_thread_before_the_store_is_closed() -> None:
    """Else the store would be closed under a thread that still writes to it."""

    async def story() -> None:
        finished = []

        def slow() -> None:
            time.sleep(0.2)
            finished.append(True)

        work = LongWork()
        task = asyncio.create_task(work.run(slow))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert finished == [True]

    asyncio.run(story())


def test_an_error_of_long_work_reaches_whoever_asked() -> None:
    async def story() -> None:
        with pytest.raises(ZeroDivisionError):
            await LongWork().run(lambda: 1 // 0)

    asyncio.run(story())


class Ticking:
    """A clock that cannot be set."""

    def __init__(self) -> None:
        self.boot, self.seconds = bytes(16), 0

    def reading(self) -> tuple[bytes, int]:
        return self.boot, self.seconds


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    return Town().phone(tmp_path / "phone")


END = end_of(BOOK)


def seen(now: int, signed: int | None) -> Decision:
    return decision_at(START).model_copy(update={"time": now, "published_until": signed})


def test_the_sunset_comes_in_stages(phone: Phone) -> None:
    clock = Ticking()
    sunset = Sunset(phone.notes, clock)
    assert BOOK.sunset == date(2030, 12, 31)
    assert sunset.look(None, seen(END, None)) is Stage.RUNNING
    assert sunset.look(BOOK, seen(END - 15 * DAY, None)) is Stage.RUNNING
    assert sunset.look(BOOK, seen(END - 13 * DAY, None)) is Stage.NEAR
    assert sunset.look(BOOK, seen(END - DAY, None)) is Stage.LAST_DAY
    assert sunset.look(BOOK, seen(END - 1, None)) is Stage.LAST_DAY
    assert sunset.look(BOOK, seen(END, END)) is Stage.SILENT
    clock.seconds += WIPE_AFTER_SECONDS
    assert sunset.look(BOOK, seen(END + WIPE_AFTER_SECONDS, END)) is Stage.WIPE


def test_a_phone_that_is_seldom_on_wipes_by_signed_data_alone(phone: Phone) -> None:
    sunset = Sunset(phone.notes, Ticking())
    assert sunset.look(BOOK, seen(END + 3 * DAY, END + WIPE_AFTER_SECONDS - 1)) is Stage.SILENT
    assert sunset.look(BOOK, seen(END + 3 * DAY, END + WIPE_AFTER_SECONDS)) is Stage.WIPE


def test_a_network_that_sets_the_clock_past_the_sunset_wipes_nothing(phone: Phone) -> None:
    clock = Ticking()
    sunset = Sunset(phone.notes, clock)
    for day in range(13):
        clock.seconds = day * DAY
        assert sunset.look(BOOK, seen(END + 400 * DAY, START)) is Stage.SILENT
    # The clock is right again: it was a lie, and what was counted is forgotten.
    assert sunset.look(BOOK, seen(START + 13 * DAY, START)) is Stage.RUNNING
    clock.seconds = 20 * DAY
    assert sunset.look(BOOK, seen(END + 400 * DAY, START)) is Stage.SILENT


def test_without_any_signed_data_two_weeks_that_were_counted_wipe_over_restarts(phone: Phone) -> None:
    clock = Ticking()
    for _ in range(2):
        sunset = Sunset(phone.notes, clock)
        assert sunset.look(BOOK, seen(END + 30 * DAY, None)) is Stage.SILENT
        clock.seconds += UNSIGNED_SECONDS // 2 - 1
        assert sunset.look(BOOK, seen(END + 30 * DAY, None)) is Stage.SILENT
        # Another start of the device: what went by in between was counted by nobody.
        clock.boot, clock.seconds = bytes([clock.boot[0] + 1]) * 16, 50 * DAY
    sunset = Sunset(phone.notes, clock)
    assert sunset.look(BOOK, seen(END + 30 * DAY, None)) is Stage.SILENT
    clock.seconds += 2
    assert sunset.look(BOOK, seen(END + 30 * DAY, None)) is Stage.WIPE
