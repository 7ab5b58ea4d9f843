"""Which own identifiers were on the air: kept over restarts, and as long as the keys that could bring them back."""

import os
from pathlib import Path

import pytest

from ownhue_client.phone import Phone
from tests.client.publisher import START
from tests.client.town import Town

INTERVAL = START // 600


@pytest.fixture
def town() -> Town:
    return Town()


def test_what_was_noted_is_known_after_a_restart(town: Town, tmp_path: Path) -> None:
    with town.phone(tmp_path / "phone") as phone:
        for interval in (INTERVAL, INTERVAL + 1, INTERVAL - 7):
            phone.beacon_at(interval * 600)
            phone.note_on_air(interval)
    with Phone.open(tmp_path / "phone", random=os.urandom, http_client=town.client(), now=START) as phone:
        noted = [interval for interval in range(INTERVAL - 10, INTERVAL + 10) if phone.was_on_air(interval)]
    assert noted == [INTERVAL - 7, INTERVAL, INTERVAL + 1]


def test_it_is_forgotten_with_the_keys_and_not_before(town: Town, tmp_path: Path) -> None:
    """A clock that was once ahead leaves what is in the future alone, and does not make the phone forget the past."""
    days = (0, 1, 400)
    with town.phone(tmp_path / "phone") as phone:
        for day in days:
            phone.beacon_at(START + day * 86400)
            phone.note_on_air(INTERVAL + day * 144)
        assert all(phone.was_on_air(INTERVAL + day * 144) for day in days)
        phone.forget_day(START // 86400)
        phone.beacon_at(START + 86400)
        phone.note_on_air(INTERVAL + 145)
        assert [phone.was_on_air(INTERVAL + day * 144) for day in days] == [False, True, True]


def test_own_identifiers_are_those_that_could_be_believed_now(town: Town, tmp_path: Path) -> None:
    with town.phone(tmp_path / "phone") as phone:
        sent = [phone.beacon_at((INTERVAL + at) * 600).rpi for at in range(8)]
        assert phone.own_identifiers(START + 5 * 600) == set(sent[3:8])
        # It makes no keys for intervals in which nothing was sent.
        before = len(phone._keys.of_days(START // 86400 - 1, START // 86400 + 1))
        phone.own_identifiers(START - 5000)
        assert len(phone._keys.of_days(START // 86400 - 1, START // 86400 + 1)) == before
