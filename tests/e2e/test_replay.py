"""The replay over the real phone and a real server process: by-hand answers, equality, and that it can fail."""

import os
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ownhue.colour import Colour
from ownhue.rehearsal import Positive
from ownhue.rulebook import Rulebook, rulebook_bytes
from ownhue.rulebook.demonstration import demonstration_rulebook, without_ceilings
from ownhue_client.city.plan import Plan
from ownhue_client.city.replay import Day, city_of
from ownhue_client.city.server import city_server
from tests.protocol.test_rehearsal import CONTACTS, EXPECTED, OBSERVED_SINCE, POSITIVES, at

#: Local midnight of the evening on which the last encounter of the five is over.
SOON = at(9, "00:00:00")


def five_people(positives: list[Positive] = POSITIVES, until: int = SOON) -> Plan:
    # But for the second of a report itself: a replay looks after it.
    reports = {positive.reported_at for positive in positives}
    return Plan(
        start=OBSERVED_SINCE,
        zone=ZoneInfo("Asia/Shanghai"),
        contacts=tuple(sorted(CONTACTS)),
        people=(1, 2, 3, 4, 5),
        positives=tuple(positives),
        moments=tuple(moment for moment, _colours in EXPECTED if moment not in reports and moment <= until),
    )


def play(tmp_path: Path, plan: Plan, rulebook: Rulebook, served: Rulebook | None = None) -> list[Day]:
    """Every morning of *plan*; the server publishes *served*, which a fair replay has the same as *rulebook*."""
    file = tmp_path / "rulebook.json"
    file.write_bytes(rulebook_bytes(served or rulebook))
    with (
        city_server(tmp_path / "server", plan.start, padding=20, rulebook=file) as server,
        city_of(plan, rulebook, server, tmp_path, os.urandom, lambda *_: None) as city,
    ):
        return list(city.run())


def test_five_people_get_the_colours_that_were_worked_out_by_hand(tmp_path: Path) -> None:
    plan = five_people(until=EXPECTED[-1][0])
    days = play(tmp_path, plan, demonstration_rulebook())
    phones = {day.moment: tuple(day.colours[person] for person in range(1, 6)) for day in days}
    assert phones == {moment: colours for moment, colours in EXPECTED if moment in plan.moments}
    assert len(phones) > 10
    assert not any(day.differences() for day in days)
    assert all(day.codes_verified == 5 for day in days)
    assert sum(day.reports for day in days) == 2


def test_a_replay_tells_when_phones_and_rehearsal_follow_different_rules(tmp_path: Path) -> None:
    book = demonstration_rulebook()
    stricter = book.encounters.model_copy(update={"yellow_minutes_per_day": 1})
    days = play(tmp_path, five_people(), book, served=book.model_copy(update={"encounters": stricter}))
    # Person 2 met the first positive for more than a minute on the 1st .. 7th; person 3 for ten minutes on the 6th.
    third = [day.differences().get(3) for day in days]
    assert (Colour.YELLOW, Colour.GREEN) in third


def test_without_ceilings_an_encounter_alone_makes_a_phone_red(tmp_path: Path) -> None:
    # 20 minutes of a day are enough for red in that book; person 2 has them with the first positive on the 5th.
    days = play(tmp_path, five_people(), without_ceilings())
    assert not any(day.differences() for day in days)
    assert any(day.colours[2] is Colour.RED for day in days)


def test_a_claim_in_the_last_second_of_a_key_period_is_replayed_alike(tmp_path: Path) -> None:
    first, second = POSITIVES
    plan = five_people([replace(first, reported_at=first.reported_at - first.reported_at % 7200 + 7199), second])
    days = play(tmp_path, plan, demonstration_rulebook())
    assert not any(day.differences() for day in days)


@pytest.mark.parametrize("count", [0, 1])
def test_few_positives(tmp_path: Path, count: int) -> None:
    days = play(tmp_path, five_people(POSITIVES[:count]), demonstration_rulebook())
    assert not any(day.differences() for day in days)
    assert sum(colour is Colour.RED for colour in days[-1].colours.values()) == count
