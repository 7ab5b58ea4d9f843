"""Scans: 4 s every 2.5 to 5 minutes, what they stand for, and what is told of those that could not run."""

import asyncio
from collections.abc import Iterable
from itertools import pairwise
from random import Random

import pytest

from ownhue.errors import StateError
from ownhue_client.agent.scanning import SCAN_GAP_SECONDS, SCAN_PRESENCE_SECONDS, SCAN_SECONDS, Scan, Scanning
from ownhue_client.radio.interface import Heard
from tests.client.radio.fake_radio import START, FakeScanner, clock, play

DAY = 86400


class Stage:
    """A phone that only listens."""

    def __init__(self, scanner: FakeScanner, seed: int = 0, own: Iterable[bytes] = ()) -> None:
        self.clock = clock()
        self.scans: list[Scan] = []
        self.scanner = scanner
        self.scanning = Scanning(
            scanner,
            self.clock.now,
            Random(seed).randbytes,
            self.scans.append,
            own=lambda now: frozenset(own),
            rssi_correction=3,
        )
        self.task = asyncio.create_task(self.scanning.run())

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


def two_people() -> list[Heard]:
    return [Heard(bytes([number]) * 16, b"meta", -60 - number, START) for number in (1, 2)]


def test_a_day_of_scans_with_jitter_stands_for_the_whole_day() -> None:
    async def main() -> None:
        stage = Stage(FakeScanner(two_people))
        await asyncio.sleep(DAY)
        await stage.end()
        gaps = [later.time - earlier.time for earlier, later in pairwise(stage.scans)]
        assert all(SCAN_GAP_SECONDS[0] - 1 <= gap <= SCAN_GAP_SECONDS[1] + 1 for gap in gaps)
        assert len(set(gaps)) > 100
        assert all(scan.ran and not scan.trouble for scan in stage.scans)
        assert len({scan.id for scan in stage.scans}) == len(stage.scans)
        assert stage.scans[0].seconds == SCAN_SECONDS
        # Nothing is counted twice and hardly anything is left out: scans stand for the time between them.
        assert DAY - 600 < sum(scan.seconds for scan in stage.scans) <= DAY
        assert all(len(scan.sightings) == 2 for scan in stage.scans)

    play(main)


def test_a_sighting_carries_its_scan_the_time_of_the_radio_and_the_correction() -> None:
    async def main() -> None:
        stage = Stage(FakeScanner(two_people))
        await stage.scanning.scan()
        await asyncio.sleep(200)
        scan = await stage.scanning.scan()
        (first, second) = scan.sightings
        assert (first.rpi, first.aem, first.time, first.rssi) == (bytes([1]) * 16, b"meta", START, -61)
        assert (first.scan_id, first.scan_seconds, first.rssi_correction) == (scan.id, scan.seconds, 3)
        assert first.not_before == 0
        assert second.scan_id == scan.id
        await stage.end()

    play(main)


def test_a_radio_that_fails_is_told_and_tried_again_at_the_next_planned_scan() -> None:
    async def main() -> None:
        stage = Stage(FakeScanner())
        await asyncio.sleep(700)
        stage.scans.clear()
        stage.scanner.broken = "the adapter is switched off"
        await asyncio.sleep(3600)
        assert 12 <= len(stage.scans) <= 24
        assert not any(scan.ran or scan.seconds for scan in stage.scans)
        assert stage.scanning.trouble == "the adapter is switched off"
        stage.scanner.broken = ""
        await asyncio.sleep(700)
        ran = [scan for scan in stage.scans if scan.ran]
        # The hour without a radio is not made up for.
        assert ran[0].seconds == SCAN_PRESENCE_SECONDS
        assert stage.scanning.trouble == ""
        await stage.end()

    play(main)


def test_what_a_scan_heard_before_it_broke_is_kept() -> None:
    async def main() -> None:
        stage = Stage(FakeScanner(two_people))
        stage.scanner.broken = "the dongle was taken out"
        scan = await stage.scanning.scan()
        assert (scan.ran, len(scan.sightings), scan.trouble) == (True, 2, "the dongle was taken out")
        await stage.end()

    play(main)


def test_a_radio_that_hangs_does_not_stop_the_schedule() -> None:
    async def main() -> None:
        stage = Stage(FakeScanner())
        stage.scanner.hangs = True
        await asyncio.sleep(1000)
        assert len(stage.scans) >= 2
        assert stage.scans[0].trouble == "the radio did not come back from a scan"
        await stage.end()

    play(main)


def test_after_waking_up_a_scan_comes_at_once_but_never_two_in_a_minute() -> None:
    async def main() -> None:
        stage = Stage(FakeScanner())
        await asyncio.sleep(400)
        for _ in range(600):
            stage.scanning.wake()
            await asyncio.sleep(1)
        await stage.end()
        gaps = [later.time - earlier.time for earlier, later in pairwise(stage.scans)]
        assert min(gaps) >= 59
        assert len(stage.scans) >= 10

    play(main)


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_a_clock_that_jumps_changes_no_presence(jump: int) -> None:
    async def main() -> None:
        stage = Stage(FakeScanner())
        await asyncio.sleep(1000)
        stage.clock.set_wall(jump)
        await asyncio.sleep(1000)
        await stage.end()
        assert all(0 < scan.seconds <= SCAN_PRESENCE_SECONDS for scan in stage.scans)

    play(main)


def test_own_identifiers_are_ignored_and_malformed_ones_counted() -> None:
    async def main() -> None:
        stage = Stage(FakeScanner(lambda: [*two_people(), Heard(b"short", b"meta", -50, START)]), own=[bytes([1]) * 16])
        scan = await stage.scanning.scan()
        assert [sighting.rpi for sighting in scan.sightings] == [bytes([2]) * 16]
        assert scan.malformed == 1
        await stage.end()

    play(main)


def test_a_phone_that_cannot_keep_what_it_heard_stops_and_says_so() -> None:
    def full(scan: Scan) -> None:
        raise StateError("the disk is full")

    async def main() -> None:
        scanning = Scanning(FakeScanner(), clock().now, Random(0).randbytes, full)
        with pytest.raises(StateError, match="full"):
            await scanning.run()

    play(main)
