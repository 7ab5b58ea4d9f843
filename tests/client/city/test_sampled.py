"""The sampled radio: real agents with real stores, on schedules in virtual time, in an air that is a model."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from ownhue.contact_trace import Contact
from ownhue.identifiers import interval_number
from ownhue.matching import Sighting
from ownhue_client.agent.agent import Agent
from ownhue_client.agent.scanning import SCAN_GAP_SECONDS
from ownhue_client.city.ble_model import BleModel, Measurements
from ownhue_client.city.carriers import Event
from ownhue_client.city.clock import CityClock
from ownhue_client.city.proximity import Distance
from ownhue_client.city.sampled import SampledRadio
from ownhue_client.phone.records import unpack_sightings
from tests.client.publisher import START
from tests.client.town import Town

HOUR = 3600
BEGIN = START + 10 * HOUR
#: Attenuation in this air by class of distance; every second scan of a room hears nothing.
LINKS = {Distance.FACE: ((50, 52),), Distance.GROUP: ((60,),), Distance.ROOM: ((66,), ())}


def model() -> BleModel:
    return BleModel(Measurements({distance: (link,) for distance, link in LINKS.items()}), seed=1)


@pytest.fixture(name="clock")
def city_clock() -> CityClock:
    return CityClock(START)


@pytest.fixture(name="agents")
def three_agents(tmp_path: Path, clock: CityClock) -> Iterator[dict[int, Agent]]:
    town = Town()
    with ExitStack() as stack:
        agents = {}
        for person in (1, 2, 3):
            phone = stack.enter_context(town.phone(tmp_path / str(person), START, clock=clock))
            agents[person] = Agent(phone, None, None, now=clock.now, random=Random(1).randbytes, clock=clock)
        yield agents


def an_hour(a: int, b: int, begin: int = BEGIN) -> list[Contact]:
    return [Contact(time, a, b) for time in range(begin, begin + HOUR, 20)]


def heard(agent: Agent) -> list[Sighting]:
    rows = agent.phone.store.bytes_rows("sightings")
    return sorted((one for row in rows for one in unpack_sightings(row.value)), key=lambda one: one.time)


def play(agents: dict[int, Agent], clock: CityClock, contacts: list[Contact], *events: Event, seed: int = 1) -> None:
    SampledRadio(agents, clock, model(), seed).play(sorted(contacts), events, lambda *_: None)


def attenuations(agent: Agent, begin: int, end: int) -> set[int]:
    return {agent.phone.settings.transmit_power - one.rssi for one in heard(agent) if begin <= one.time < end}


def test_two_people_hear_each_other_as_often_as_phones_scan(agents: dict[int, Agent], clock: CityClock) -> None:
    play(agents, clock, an_hour(1, 2))
    for agent in (agents[1], agents[2]):
        scans = {one.scan_id: one for one in heard(agent) if BEGIN <= one.time < BEGIN + HOUR}
        assert HOUR / SCAN_GAP_SECONDS[1] - 1 <= len(scans) <= HOUR / SCAN_GAP_SECONDS[0] + 1
        assert sum(one.scan_seconds for one in scans.values()) == pytest.approx(HOUR, abs=2 * SCAN_GAP_SECONDS[1])
        assert attenuations(agent, BEGIN, BEGIN + HOUR) == {50, 52}
    assert heard(agents[3]) == []


def test_who_turned_away_is_heard_as_from_across_a_room(agents: dict[int, Agent], clock: CityClock) -> None:
    back = BEGIN + HOUR + 600
    play(agents, clock, an_hour(1, 2) + an_hour(1, 2, back))
    both = heard(agents[1]) + heard(agents[2])
    assert attenuations(agents[1], BEGIN + HOUR + 4, back) | attenuations(agents[2], BEGIN + HOUR + 4, back) == {66}
    assert attenuations(agents[1], back + 4, back + HOUR) == {50, 52}
    assert all(BEGIN <= one.time < back + HOUR + 4 for one in both)


def test_who_stands_with_the_same_person_is_heard_more_weakly(agents: dict[int, Agent], clock: CityClock) -> None:
    play(agents, clock, an_hour(1, 2) + an_hour(2, 3))
    assert attenuations(agents[1], BEGIN, BEGIN + HOUR) == {50, 52, 60}
    assert attenuations(agents[2], BEGIN, BEGIN + HOUR) == {50, 52}


def test_what_is_heard_are_the_senders_own_identifiers_each_for_ten_to_twenty_minutes(
    agents: dict[int, Agent], clock: CityClock
) -> None:
    play(agents, clock, an_hour(1, 2) + an_hour(1, 2, BEGIN + HOUR))
    own = {
        agents[1].phone.beacon_at(time).rpi: interval_number(time)
        for time in range(BEGIN - 2 * HOUR, BEGIN + 3 * HOUR, 600)
    }
    seen = defaultdict(list)
    for one in heard(agents[2]):
        seen[one.rpi].append(one.time)
    assert seen.keys() <= own.keys()
    assert len(seen) >= 7
    spans = sorted((min(times), max(times)) for times in seen.values())
    assert all(end < begin for (_, end), (begin, _) in pairwise(spans))
    assert all(0 <= interval_number(times[-1]) - own[rpi] <= 2 for rpi, times in seen.items())


def test_events_happen_at_their_time_while_everybody_goes_on(agents: dict[int, Agent], clock: CityClock) -> None:
    seen: list[int] = []
    times = [BEGIN - 5 * HOUR, BEGIN + 1234, BEGIN + 9 * HOUR]
    play(agents, clock, an_hour(1, 2), *(Event(time, lambda: seen.append(clock.now())) for time in times))
    assert seen == times
    assert any(one.time > BEGIN + 1234 for one in heard(agents[1]))
    assert clock.now() >= times[-1]


def test_a_day_without_meetings_goes_by(agents: dict[int, Agent], clock: CityClock) -> None:
    seen: list[int] = []
    play(agents, clock, [], Event(BEGIN, lambda: seen.append(clock.now())))
    play(agents, clock, [])
    assert seen == [BEGIN]
    assert all(heard(agent) == [] for agent in agents.values())


def test_a_seed_gives_the_same_schedule(agents: dict[int, Agent], clock: CityClock, tmp_path: Path) -> None:
    def times(seed: int) -> list[int]:
        phones = Town()
        with (
            phones.phone(tmp_path / f"a{seed}{len(runs)}") as one,
            phones.phone(tmp_path / f"b{seed}{len(runs)}") as two,
        ):
            pair = {
                person: Agent(phone, None, None, now=own.now, random=Random(1).randbytes)
                for person, phone in ((1, one), (2, two))
            }
            play(pair, own, an_hour(1, 2), seed=seed)
            return [sighting.time for sighting in heard(pair[1])]

    own, runs = CityClock(START), list[list[int]]()
    for seed in (5, 5, 6):
        runs.append(times(seed))
    assert runs[0] == runs[1] != runs[2]
