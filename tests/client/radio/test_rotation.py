"""Rotation: a fresh identifier every 10 to 20 minutes, and none that was on the air before, whatever happens."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest

from ownhue.errors import StateError
from ownhue.identifiers import Beacon
from ownhue.place_tag import PLACE_SECONDS
from ownhue_client.agent.rotation import ROTATION_SECONDS, Rotation
from ownhue_client.errors import RadioError
from ownhue_client.radio.virtual_time import VirtualClock
from tests.client.radio.fake_radio import INTERVAL, START, FakeBroadcaster, beacon_of, clock, play

HOUR, DAY = 3600, 86400


class Stage:
    """A phone that only sends. What it noted outlives a restart of the rotation, as a store does."""

    def __init__(self, seed: int = 0, beacon: Callable[[int], Beacon] = beacon_of) -> None:
        self.clock: VirtualClock = clock()
        self.radio = FakeBroadcaster()
        self.used: list[int] = []
        self.told: list[str] = []
        self.random = Random(seed)
        self.beacon = beacon
        self.begin()

    def begin(self) -> None:
        """Start the agent's task."""
        self.rotation = Rotation(
            self.radio,
            self.beacon,
            self.clock.now,
            self.random.randbytes,
            was_on_air=self.used.__contains__,
            note_on_air=self.used.append,
            told=self.told.append,
        )
        self.task = asyncio.create_task(self.rotation.run())

    async def end(self) -> None:
        """Stop it, as the agent does."""
        self.task.cancel()
        await asyncio.wait([self.task])

    def check(self) -> None:
        """What has to hold in every history."""
        names = [sent.rpi for sent in self.radio.sent]
        assert len(set(names)) == len(names), "an identifier was on the air twice"
        now = asyncio.get_running_loop().time()
        assert all((now if sent.end is None else sent.end) - sent.begin <= PLACE_SECONDS for sent in self.radio.sent)


@pytest.mark.parametrize("seed", range(3))
def test_a_week_of_fresh_identifiers_each_for_10_to_20_minutes(seed: int) -> None:
    async def main() -> None:
        stage = Stage(seed)
        await asyncio.sleep(7 * DAY)
        await stage.end()
        stage.check()
        lengths = [sent.end - sent.begin for sent in stage.radio.sent if sent.end is not None]
        assert all(ROTATION_SECONDS[0] <= length <= PLACE_SECONDS - 10 for length in lengths[:-1])
        assert len({round(length) for length in lengths}) > 200, "the times are drawn at random"
        gaps = [b.begin - a.end for a, b in pairwise(stage.radio.sent) if a.end is not None]
        assert max(gaps) == 0, "nothing was missed"
        assert stage.told == []

    play(main)


def test_a_graceful_stop_leaves_nothing_on_the_air() -> None:
    async def main() -> None:
        stage = Stage()
        await asyncio.sleep(100)
        before = stage.radio.on_air, stage.rotation.on_air_since
        await stage.end()
        after = stage.radio.on_air, stage.rotation.on_air_since
        assert (before, after) == ((True, START), (False, None))

    play(main)


def test_a_restart_within_an_interval_is_silent_to_its_end() -> None:
    async def main() -> None:
        stage = Stage()
        await asyncio.sleep(60)
        await stage.end()
        stage.begin()
        await asyncio.sleep(INTERVAL - 61)
        assert len(stage.radio.sent) == 1
        await asyncio.sleep(32)
        assert len(stage.radio.sent) == 2
        await stage.end()
        stage.check()

    play(main)


def test_a_broadcast_that_ended_is_told_and_waits_for_the_next_interval() -> None:
    async def main() -> None:
        stage = Stage()
        await asyncio.sleep(60)
        stage.radio.end("the adapter became discoverable")
        await asyncio.sleep(1)
        assert stage.told == ["the adapter became discoverable"]
        assert stage.rotation.trouble == "the adapter became discoverable"
        await asyncio.sleep(INTERVAL)
        assert stage.radio.on_air
        assert stage.rotation.trouble == ""
        await stage.end()
        stage.check()

    play(main)


def test_a_radio_that_fails_is_tried_less_and_less_often_and_at_once_when_woken() -> None:
    async def main() -> None:
        stage = Stage()
        stage.radio.failures = [RadioError("switched off")] * 100
        await asyncio.sleep(6 * HOUR)
        assert not stage.radio.sent
        assert 10 <= len(stage.told) <= 15
        assert set(stage.told) == {"switched off"}
        stage.radio.failures = []
        await asyncio.sleep(60)
        stage.rotation.wake()
        await asyncio.sleep(INTERVAL + 31)
        assert stage.radio.on_air
        await stage.end()
        stage.check()

    play(main)


def test_an_identifier_whose_broadcast_failed_is_not_tried_again() -> None:
    """It may have been in the air for a moment, from another address."""

    async def main() -> None:
        stage = Stage()
        stage.radio.failures = [RadioError("busy")]
        await asyncio.sleep(1)
        stage.rotation.wake()
        await asyncio.sleep(300)
        assert not stage.radio.sent
        await asyncio.sleep(331)
        assert [sent.rpi for sent in stage.radio.sent] == [beacon_of(START + INTERVAL).rpi]
        await stage.end()

    play(main)


@pytest.mark.parametrize("back", [100, 700, 4000, 3 * DAY, 400 * DAY])
def test_a_clock_that_is_set_back_never_brings_an_identifier_back(back: int) -> None:
    async def main() -> None:
        stage = Stage()
        await asyncio.sleep(4 * HOUR)
        stage.clock.set_wall(-back)
        await asyncio.sleep(4 * HOUR)
        stage.clock.set_wall(back)
        await asyncio.sleep(4 * HOUR)
        await stage.end()
        stage.check()
        assert asyncio.get_running_loop().time() - stage.radio.sent[-1].begin < PLACE_SECONDS + INTERVAL

    play(main)


def test_a_clock_that_was_ahead_once_does_not_silence_a_phone_for_years() -> None:
    async def main() -> None:
        stage = Stage()
        stage.clock.set_wall(3650 * DAY)
        await asyncio.sleep(HOUR)
        stage.clock.set_wall(-3650 * DAY)
        await asyncio.sleep(120)
        assert stage.radio.on_air
        await stage.end()
        stage.check()

    play(main)


def test_a_device_that_slept_sends_a_beacon_of_the_new_time_within_a_minute() -> None:
    """The loop's clock stands still in a sleep, the wall clock goes on."""

    async def main() -> None:
        stage = Stage()
        await asyncio.sleep(200)
        stage.clock.set_wall(8 * HOUR)
        await asyncio.sleep(61)
        assert stage.radio.sent[-1].rpi != stage.radio.sent[0].rpi
        assert stage.clock.now() // INTERVAL in stage.used
        await stage.end()
        stage.check()

    play(main)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_clocks_radios_and_restarts_do_no_identifier_comes_twice(seed: int) -> None:
    async def main() -> None:
        stage, chance = Stage(seed), Random(seed)
        for _ in range(200):
            await asyncio.sleep(chance.choice([1, 30, 400, 700, 1500, 5000]))
            event = chance.randrange(6)
            if event == 0:
                stage.clock.set_wall(chance.choice([-90000, -3600, -601, -50, 50, 601, 3600, 90000]))
            elif event == 1 and stage.radio.on_air:
                stage.radio.end("released")
            elif event == 2:
                await stage.end()
                stage.begin()
            elif event == 3:
                stage.radio.failures = [RadioError("busy")] * chance.randrange(4)
            elif event == 4:
                stage.rotation.wake()
        await stage.end()
        stage.check()
        assert len(stage.radio.sent) > 100

    play(main)


def test_a_phone_that_cannot_make_or_note_a_beacon_sends_nothing() -> None:
    def moved(now: int) -> Beacon:
        raise StateError("this phone has moved")

    async def main() -> None:
        stage = Stage(beacon=moved)
        await asyncio.sleep(5)
        with pytest.raises(StateError, match="moved"):
            await stage.task
        assert not stage.radio.sent

    play(main)
