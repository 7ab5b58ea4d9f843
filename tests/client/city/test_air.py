"""The exact air of a city, and its clock."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from ownhue_client.agent.agent import Agent
from ownhue_client.city.air import Air
from ownhue_client.city.clock import CityClock
from ownhue_client.phone.records import unpack_sightings
from tests.client.publisher import START
from tests.client.town import Town


@pytest.fixture(name="agents")
def three_agents(tmp_path: Path) -> Iterator[dict[str, Agent]]:
    town, clock = Town(), CityClock(START)
    with ExitStack() as stack:
        phones = {name: stack.enter_context(town.phone(tmp_path / name)) for name in "abc"}
        yield {
            name: Agent(phone, None, None, now=clock.now, random=Random(1).randbytes) for name, phone in phones.items()
        }


def test_whoever_meets_hears_the_others_beacon_at_the_attenuation_asked_for(agents: dict[str, Agent]) -> None:
    air = Air(agents)
    air.meet("a", "b", START, 20, 50)
    air.meet("a", "c", START, 20, 60)
    air.meet("a", "b", START + 20, 20, 50)
    air.settle()
    rows = list(agents["a"].phone.store.bytes_rows("sightings"))
    scans = [list(unpack_sightings(row.value)) for row in rows]
    power = agents["a"].phone.settings.transmit_power
    assert [[(one.time, power - one.rssi) for one in scan] for scan in scans] == [
        [(START, 50), (START, 60)],
        [(START + 20, 50)],
    ]
    beacon = agents["b"].phone.beacon_at(START)
    assert (scans[0][0].rpi, scans[0][0].aem) == (beacon.rpi, beacon.aem)
    assert [agent.counts["scans"] for agent in agents.values()] == [2, 2, 1]


def test_a_beacon_is_new_in_each_interval(agents: dict[str, Agent]) -> None:
    air = Air(agents)
    for time in (START, START + 599, START + 600):
        air.meet("a", "b", time, 20, 50)
    air.settle()
    assert agents["b"].phone.identifiers_heard(START) == 2


def test_settling_twice_hears_nothing_twice(agents: dict[str, Agent]) -> None:
    air = Air(agents)
    air.meet("a", "b", START, 20, 50)
    air.settle()
    air.settle()
    assert agents["a"].counts["sightings"] == 1


def test_the_citys_clock_never_goes_back_and_follows_another_for_a_while() -> None:
    clock, lead = CityClock(START), [START + 10]
    with clock.led_by(lambda: lead[0]):
        assert clock.now() == START + 10
        lead[0] = START + 5
        assert clock.now() == START + 10
        lead[0] = START + 50
    assert clock.now() == START + 50
    clock.move(START)
    assert clock.now() == START + 50
    assert clock.reading()[1] == 50
