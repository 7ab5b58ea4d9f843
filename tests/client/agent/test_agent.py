"""Days of an agent in virtual time: real store, real phone, a region in memory, a radio that does what it is told."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from ownhue.colour import Colour
from ownhue.errors import ForkError, StateError
from ownhue.key_file import ExposureKey
from ownhue.matching import Sighting
from ownhue.params import ReportType
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue_client.agent.agent import Agent, Ending
from ownhue_client.agent.answering import answering
from ownhue_client.agent.scanning import Scan
from ownhue_client.agent.settings import AgentSettings
from ownhue_client.errors import LocationError
from ownhue_client.location.interface import Fix
from ownhue_client.phone.transfer import mark_moved
from tests.client.agent.living import DAY, HOUR, Life, live
from tests.client.town import Town, meet

HEAD, PASSES = "/published/head", "/issuer/v1/passes"
CLAIM, REPORT = "/authority/v1/claim", "/publisher/v1/report"


def exposed(life: Life, folder: Path) -> None:
    """Let the phone have met somebody an hour ago, whose key is published with the next batch."""
    other = life.town.phone(folder, life.clock.now(), clock=life.clock)
    begin = life.clock.now() - HOUR
    meet(life.phone, other, begin)
    key = other._keys.key_at(begin // 600)
    life.published.append(ExposureKey(key.data, key.rolling_start, key.rolling_period, ReportType.CONFIRMED_TEST, 1))
    other.close()


def cut_off(town: Town) -> None:
    """No request reaches the town any more."""
    town.unreachable |= {HEAD, PASSES, CLAIM, REPORT}


def sends(life: Life) -> bool:
    """Whether something is on the air."""
    return life.broadcaster.on_air


def test_two_days_of_an_agent(tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        life.phone.enrol(life.town.ticket(), life.clock.now())
        await life.during(2 * DAY)
        assert life.ending is Ending.STOPPED
        # At the start and after each of 23 batches.
        assert 23 <= life.paths(HEAD) <= 26
        # For today and two days ahead, then once more for each day that came.
        assert 3 <= life.paths(PASSES) <= 6
        assert life.phone.passes_left(life.clock.now()) == 2
        assert 2 * 24 * 12 <= life.agent.counts["scans"] <= 2 * 24 * 24
        assert 150 <= len(life.broadcaster.sent) <= 280
        assert life.phone.decide(life.clock.now()).colour is Colour.GREEN
        assert life.agent.state()["trouble"] == {}
        # The broadcast ended with the agent.
        assert not sends(life)

    live(tmp_path / "phone", story, passes=True)


def test_fourteen_days_without_a_network_are_survived(tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        await life.during(6 * HOUR)
        cut_off(life.town)
        before = len(life.town.requests)
        life.start()
        await life.during(14 * DAY)
        assert len(life.town.requests) == before
        assert "cannot be reached" in life.agent.trouble["sync"]
        # Grey is told once, when it begins.
        assert life.titles().count("Your colour is not established") == 1
        # After the first day one try in six hours: 14 days of a device that is far from any network.
        tries = [
            line for line in life.phone.ledger() if line.purpose == "newest state of the log" and not line.bytes_in
        ]
        assert 50 <= len(tries) <= 80
        life.town.unreachable.clear()
        life.start()
        await life.during(8 * HOUR)
        assert life.phone.decide(life.clock.now()).colour is Colour.GREEN
        assert life.titles()[-1] == "Your colour is green"
        assert "sync" not in life.agent.trouble

    live(tmp_path / "phone", story, radio=False)


def test_a_network_that_comes_back_is_noticed_without_a_restart(tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        cut_off(life.town)

        async def network_returns(life: Life) -> None:

            await asyncio.sleep(3 * DAY)
            life.town.unreachable.clear()

        helper = asyncio.create_task(network_returns(life))
        await life.during(3 * DAY + 8 * HOUR)
        await helper
        assert life.phone.decide(life.clock.now()).colour is Colour.GREEN

    live(tmp_path / "phone", story, radio=False)


def test_a_device_that_slept_synchronises_and_sends_anew_within_minutes(tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        await life.during(HOUR)
        life.start()

        running = asyncio.create_task(life.during(HOUR))
        await asyncio.sleep(1200)
        heads, sent = life.paths(HEAD), len(life.broadcaster.sent)
        life.town.now = life.town.publisher.close_keys()
        for _ in range(3):
            life.town.now = life.town.publisher.close_keys()
        life.clock.set_wall(8 * HOUR)
        await asyncio.sleep(300)
        assert len(life.broadcaster.sent) > sent
        assert life.paths(HEAD) == heads + 1
        await running

    live(tmp_path / "phone", story)


@pytest.mark.parametrize("jump", [-DAY, -3 * HOUR, 30 * DAY])
def test_a_wall_clock_that_jumps_breaks_nothing_and_no_identifier_comes_twice(tmp_path: Path, jump: int) -> None:
    async def story(life: Life) -> None:

        running = asyncio.create_task(life.during(6 * HOUR))
        await asyncio.sleep(2 * HOUR)
        life.clock.set_wall(jump)
        await asyncio.sleep(HOUR)
        life.clock.set_wall(-jump)
        await running
        identifiers = [sent.rpi for sent in life.broadcaster.sent]
        assert len(set(identifiers)) == len(identifiers)
        assert life.ending is Ending.STOPPED
        life.start()
        await life.during(3 * HOUR)
        assert life.phone.decide(life.clock.now()).colour is Colour.GREEN

    live(tmp_path / "phone", story)


def test_a_clock_that_jumps_all_the_time_does_not_make_the_phone_ask_all_the_time(tmp_path: Path) -> None:
    async def story(life: Life) -> None:

        running = asyncio.create_task(life.during(2 * HOUR))
        for step in range(60):
            await asyncio.sleep(100)
            life.clock.set_wall(300 if step % 2 else -300)
        await running
        assert life.paths(HEAD) <= 14

    live(tmp_path / "phone", story, radio=False)


def test_an_encounter_is_told_and_its_end_comes_at_midnight(tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        exposed(life, tmp_path / "other")
        await life.during(5 * HOUR)
        decision = life.phone.decide(life.clock.now())
        assert decision.colour is Colour.YELLOW
        assert life.titles()[-1] == "Your colour is yellow"
        assert life.told[-1].urgent
        assert decision.until is not None
        life.settings = AgentSettings(colour_seconds=DAY)
        life.start()
        await life.during(decision.until - life.clock.now() - 25 * HOUR)
        life.radio_on = True
        life.start()
        running = asyncio.create_task(life.during(25 * HOUR + 3))
        await asyncio.sleep(25 * HOUR - 3)
        assert life.titles()[-1] == "Your colour is yellow"
        await running
        assert life.titles()[-1] == "Your colour is green"

    live(tmp_path / "phone", story, radio=False)


def test_what_changed_while_no_agent_ran_is_told_once(tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        exposed(life, tmp_path / "other")
        await life.during(HOUR)
        await asyncio.sleep(5 * HOUR)
        life.phone.sync(life.clock.now())
        # A command looked at the colour before the agent did.
        assert life.phone.decide(life.clock.now()).colour is Colour.YELLOW
        for _ in range(2):
            life.start()
            await life.during(30)
        assert life.titles().count("Your colour is yellow") == 1

    live(tmp_path / "phone", story, radio=False)


def test_nothing_is_told_where_the_owner_does_not_want_it(tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        life.phone.prefer(notifications=False)
        exposed(life, tmp_path / "other")
        await life.during(5 * HOUR)
        assert life.phone.decide(life.clock.now()).colour is Colour.YELLOW
        assert life.told == []

    live(tmp_path / "phone", story, radio=False)


def test_a_claimed_report_goes_out_by_itself_later(tmp_path: Path) -> None:
    async def story(life: Life) -> None:

        await life.during(10 * HOUR)
        life.start()
        running = asyncio.create_task(life.during(5 * HOUR))
        await asyncio.sleep(60)

        def claim(op: str, args: dict[str, object]) -> None:
            life.phone.claim(life.town.code(), date(2026, 3, 2), date(2026, 3, 1), life.clock.now())

        await answering(life.agent, claim, lambda op: True)("claim", {})
        due = life.phone.report_due(life.clock.now())
        assert due is not None
        await asyncio.sleep(5)
        # Told at once: the command has woken the agent.
        assert life.titles()[-1] == "Your colour is red"
        assert life.paths(REPORT) == 0
        await asyncio.sleep(due - life.clock.now() + 1)
        assert life.paths(REPORT) == 1
        assert len(life.town.received) == 1
        await running

    live(tmp_path / "phone", story)


def test_a_report_that_finds_no_network_is_sent_again(tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        await life.during(3 * HOUR)
        life.phone.claim(life.town.code(), date(2026, 3, 2), date(2026, 3, 1), life.clock.now())
        life.town.unreachable.add(REPORT)
        life.start()
        await life.during(4 * HOUR)
        assert "cannot be reached" in life.agent.trouble["sending"]
        life.town.unreachable.clear()
        life.start()
        await life.during(4 * HOUR)
        assert len(life.town.received) == 1
        assert "sending" not in life.agent.trouble

    live(tmp_path / "phone", story)


def test_decoys_come_about_once_in_five_days_whole_and_survive_restarts(tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        life.publishes = False
        life.settings = AgentSettings(colour_seconds=DAY)
        for _ in range(5):
            life.start()
            await life.during(4 * DAY)
        # 20 days at 0.2 a day: 4 on average. Chance is seeded here.
        assert 1 <= life.paths(CLAIM) <= 12
        assert life.paths(CLAIM) - life.paths(REPORT) in {0, 1}

    live(tmp_path / "phone", story, radio=False)


def test_a_phone_that_moved_is_silent(tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        await life.during(HOUR)
        requests, sent = len(life.town.requests), len(life.broadcaster.sent)
        assert sent > 0
        mark_moved(life.phone.store, life.clock.now())
        life.start()
        await life.during(DAY)
        assert len(life.town.requests) == requests
        assert len(life.broadcaster.sent) == sent
        assert "moved" in life.agent.silent

    live(tmp_path / "phone", story)


def test_a_move_while_the_agent_runs_ends_the_broadcast(tmp_path: Path) -> None:
    async def story(life: Life) -> None:

        running = asyncio.create_task(life.during(2 * HOUR))
        await asyncio.sleep(1800)
        assert sends(life)

        def move(op: str, args: dict[str, object]) -> None:
            mark_moved(life.phone.store, life.clock.now())

        await answering(life.agent, move, lambda op: True)("export", {})
        await asyncio.sleep(1)
        assert not sends(life)
        await running

    live(tmp_path / "phone", story)


def test_the_sunset_is_told_silences_and_wipes_last(tmp_path: Path) -> None:
    async def story(life: Life) -> None:

        end = book.end_of_day(book.sunset) + 1
        running = asyncio.create_task(life.during(10 * DAY))
        await asyncio.sleep(end - life.clock.now() - 60)
        assert life.titles()[-2:] == ["The health code ends soon", "The health code ends today"]
        assert sends(life)
        await asyncio.sleep(120)
        assert life.titles()[-1] == "The health code is over"
        assert not sends(life)
        sent = len(life.broadcaster.sent)
        await running
        assert life.ending is Ending.SUNSET
        assert len(life.broadcaster.sent) == sent
        last_look = life.phone.last_decision()
        assert last_look is not None
        assert 3 * DAY <= last_look.time - end <= 3 * DAY + 3 * HOUR
        # The wall clock alone would not have been believed.
        assert last_look.published_until is not None
        assert last_look.published_until > end

    last = date(2026, 3, 4)
    book = demonstration_rulebook().model_copy(update={"valid_until": last, "sunset": last})
    live(tmp_path / "phone", story, rulebook=book)


def test_a_full_disk_is_told_and_the_radio_goes_on_when_there_is_room(tmp_path: Path) -> None:
    async def story(life: Life) -> None:

        def full(scan: Scan) -> None:
            raise StateError("the disk is full")

        life.agent.take_scan = full  # type: ignore[method-assign]
        running = asyncio.create_task(life.during(3 * HOUR))
        await asyncio.sleep(HOUR)
        assert life.agent.state()["trouble"]["store (scan)"] == "the disk is full"
        assert sends(life)
        del life.agent.take_scan
        await running
        assert life.agent.counts["scans"] > 20
        assert "store (scan)" not in life.agent.trouble

    live(tmp_path / "phone", story)


def test_a_phone_that_was_reported_as_lost_tells_whoever_holds_it_and_asks_once_a_day(tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        life.phone.enrol(life.town.ticket(), life.clock.now())
        life.town._passes = lambda body: {"error": "stopped_device"}  # type: ignore[method-assign]
        await life.during(3 * DAY)
        assert life.titles().count("This phone was reported as lost") == 1
        assert 2 <= life.paths(PASSES) <= 4

    live(tmp_path / "phone", story, radio=False)


def test_passes_are_fetched_soon_after_the_phone_was_enrolled(tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        running = asyncio.create_task(life.during(3 * HOUR))
        await asyncio.sleep(2 * HOUR)
        assert life.paths(PASSES) == 0

        def enrol(op: str, args: dict[str, object]) -> None:
            life.town.now = life.clock.now()
            life.phone.enrol(life.town.ticket(), life.clock.now())

        await answering(life.agent, enrol, lambda op: True)("enrol", {})
        await asyncio.sleep(5)
        assert life.paths(PASSES) == 3
        await running

    live(tmp_path / "phone", story, radio=False)


class Walk:
    """A source of places that breaks off now and then."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.open = 0

    async def fixes(self) -> AsyncIterator[Fix]:
        self.open += 1
        try:
            for _ in range(5):
                await asyncio.sleep(120)
                yield Fix(self.life.clock.now(), 30.27, 120.15, 20)
            raise LocationError("the connection to gpsd broke off")
        finally:
            self.open -= 1


def test_places_are_noted_and_a_source_that_breaks_off_is_asked_again(tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        life.phone.prefer(location="gpsd")
        life.location = walk = Walk(life)
        life.start()
        await life.during(2 * HOUR)
        assert 20 <= len(life.phone.places()) <= 60
        assert walk.open == 0
        # Nothing of the place is told by the agent.
        assert "30.2" not in str(life.agent.state())

    live(tmp_path / "phone", story, radio=False)


def test_a_broken_store_ends_no_task_for_good(tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        def broken(now: int) -> int:
            raise StateError("the store failed: database disk image is malformed")

        life.phone.decoy_due = broken  # type: ignore[method-assign]
        running = asyncio.create_task(life.during(3 * HOUR))
        await asyncio.sleep(HOUR)
        assert "malformed" in life.agent.state()["trouble"]["task sending"]
        assert life.paths(HEAD) >= 1
        del life.phone.decoy_due
        await running
        assert "task sending" not in life.agent.trouble

    live(tmp_path / "phone", story, radio=False)


def test_a_short_question_is_answered_while_long_work_goes_on(tmp_path: Path) -> None:
    town = Town()
    with town.phone(tmp_path / "phone", town.now) as phone:

        async def story() -> None:
            agent = Agent(phone, None, None, now=lambda: town.now, random=bytes)
            may_end = threading.Event()
            done: list[str] = []

            def answer(op: str, args: dict[str, object]) -> str:
                if op == "long":
                    assert may_end.wait(20)
                done.append(op)
                return op

            handle = answering(agent, answer, lambda op: op == "long")
            long_work = asyncio.ensure_future(handle("long", {}))
            await asyncio.sleep(0.05)
            assert await handle("short", {}) == "short"
            assert (await handle("agent", {}))["radio"] is False
            may_end.set()
            assert await long_work == "long"
            assert done == ["short", "long"]

        asyncio.run(story())


def test_a_fork_of_the_log_is_told_once(tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        def forked(now: int) -> None:
            raise ForkError("two different logs")

        life.phone.sync = forked  # type: ignore[assignment,method-assign]
        await life.during(6 * HOUR)
        assert life.titles().count("Published data contradict each other") == 1

    live(tmp_path / "phone", story, radio=False)


def test_a_city_calls_the_steps_one_by_one(tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        life.agent.take_scan(Scan(1, life.clock.now(), 4, True))
        life.agent.take_scan(Scan(2, life.clock.now(), 0, False))
        heard = Sighting(bytes(16), bytes(4), life.clock.now(), -60, 3, 200)
        life.agent.take_scan(Scan(3, life.clock.now(), 200, True, (heard,), dropped=2, malformed=1))
        assert life.agent.sync_once().files > 0
        assert life.agent.synced_at == life.clock.now()
        assert life.agent.recompute().colour is Colour.GREEN
        life.agent.tidy()
        assert life.agent.send_once() is None
        life.phone.enrol(life.town.ticket(), life.clock.now())
        assert life.agent.passes_once() > 0
        counts = {"scans": 2, "missed": 1, "sightings": 1, "dropped": 2, "malformed": 1}
        assert life.agent.counts == counts
        assert life.phone.identifiers_heard(life.clock.now()) == 1

    live(tmp_path / "phone", story, radio=False)
