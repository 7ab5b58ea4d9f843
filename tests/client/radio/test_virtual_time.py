"""Virtual time: hours go by at once, in order, and nothing waits for ever."""

import asyncio

import pytest

from ownhue.clock_anchor import BOOT_BYTES, ClockAnchor
from ownhue.errors import StateError
from ownhue_client.radio.virtual_time import VirtualClock, run_virtual


def test_two_weeks_go_by_at_once_and_timers_fire_in_order() -> None:
    fired: list[tuple[str, float]] = []

    async def wait(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        fired.append((name, asyncio.get_running_loop().time()))

    async def main() -> float:
        await asyncio.gather(wait("late", 14 * 86400), wait("early", 0.25), wait("middle", 3600))
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == 14 * 86400
    assert fired == [("early", 0.25), ("middle", 3600.0), ("late", 14 * 86400.0)]


def test_time_stands_still_while_code_runs() -> None:
    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        before = loop.time()
        for _ in range(100):
            await asyncio.sleep(0)
        return before, loop.time()

    assert run_virtual(main()) == (0, 0)


def test_waiting_for_nothing_ends_with_an_error_and_a_thread_may_still_call_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def for_a_thread() -> str:
        return await asyncio.to_thread(lambda: "done")

    async def for_ever() -> None:
        await asyncio.get_running_loop().create_future()

    assert run_virtual(for_a_thread()) == "done"
    monkeypatch.setattr("ownhue_client.radio.virtual_time._PATIENCE", 0.0)
    with pytest.raises(StateError, match="wait for ever"):
        run_virtual(for_ever())


def test_the_wall_clock_can_be_set_and_the_monotonic_one_cannot() -> None:
    async def main() -> None:
        device = VirtualClock(asyncio.get_running_loop())
        assert device.now() == 1_800_000_000
        await asyncio.sleep(100)
        device.set_wall(-3600)
        assert device.now() == 1_800_000_100 - 3600
        boot, reading = device.reading()
        assert (len(boot), reading) == (BOOT_BYTES, 100)
        other = VirtualClock(asyncio.get_running_loop(), 5, b"another start")
        assert other.now() == 105
        assert other.reading()[0] != boot
        assert ClockAnchor(7, boot, 50).not_before(*device.reading()) == 56

    run_virtual(main(), 1_800_000_000)
