"""What is forgotten and when: fourteen days, by a time that is believed, and never by a clock that jumps."""

import os
from pathlib import Path

import pytest

from ownhue.colour import Colour
from ownhue.identifiers import Beacon
from ownhue.key_file import ExposureKey
from ownhue.params import ReportType
from ownhue_client.phone import Phone
from ownhue_client.phone.records import day_of
from ownhue_client.phone.retention import BELIEF_SECONDS
from tests.client.publisher import START
from tests.client.town import DAY, HOUR, Town, meet
from tests.client.trusted_town import Device

MONTH = 30 * DAY


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def phone(town: Town, tmp_path: Path, device: Device) -> Phone:
    """A phone with a first day of history."""
    phone = town.phone(tmp_path / "phone", clock=device)
    phone.sync(town.now)
    phone.hear(Beacon(bytes(16), bytes(4)), -70, 1, 4, START)
    return phone


def reopened(town: Town, phone: Phone, device: Device, directory: Path, now: int) -> Phone:
    phone.close()
    return Phone.open(directory, random=os.urandom, http_client=town.client(), now=now, clock=device)


def remembers(phone: Phone) -> bool:
    return day_of(START) in phone.days()


def test_a_clock_set_ahead_for_a_moment_makes_nothing_forgotten(
    town: Town, phone: Phone, device: Device, tmp_path: Path
) -> None:
    """A network that sets the clock a month ahead, and right again an hour later: whoever was met is still known."""
    for ahead in (15 * DAY, MONTH, 10 * 365 * DAY):
        phone.tidy(START + ahead)
        device.seconds += HOUR
        phone = reopened(town, phone, device, tmp_path / "phone", START + ahead + HOUR)
        phone.tidy(START + HOUR)
        assert remembers(phone)
    device.seconds += 2 * BELIEF_SECONDS
    phone.tidy(START + 2 * DAY)
    assert remembers(phone)
    phone.close()


def test_a_clock_that_is_set_ahead_again_and_again_makes_nothing_forgotten(phone: Phone, device: Device) -> None:
    """Each jump begins the wait anew, whatever the jumps add up to."""
    for hour in range(24):
        device.seconds += HOUR
        phone.tidy(START + MONTH if hour % 4 else START + hour * HOUR)
    assert remembers(phone)


def test_a_restart_proves_no_time(town: Town, phone: Phone, device: Device, tmp_path: Path) -> None:
    """The clock is set ahead while the phone is off: that it was off for long says nothing of the clock."""
    device.restart()
    phone = reopened(town, phone, device, tmp_path / "phone", START + MONTH)
    device.restart()
    phone = reopened(town, phone, device, tmp_path / "phone", START + MONTH + DAY)
    assert remembers(phone)
    phone.close()


def test_a_phone_that_hears_of_no_head_for_two_weeks_forgets_all_the_same(phone: Phone, device: Device) -> None:
    """Its own clock that nobody can set goes on, and the anchor with it."""
    device.seconds += 14 * DAY + 12 * HOUR
    phone.tidy(START + 14 * DAY + 12 * HOUR)
    assert remembers(phone)
    device.seconds += DAY
    phone.tidy(START + 15 * DAY + 12 * HOUR)
    assert not remembers(phone)


def test_a_phone_that_was_switched_off_meanwhile_forgets_after_some_hours(
    town: Town, phone: Phone, device: Device, tmp_path: Path
) -> None:
    device.restart()
    phone = reopened(town, phone, device, tmp_path / "phone", START + MONTH)
    assert remembers(phone)
    for hour in range(1, 8):
        device.seconds += HOUR
        phone.tidy(START + MONTH + hour * HOUR)
        assert remembers(phone) == (hour * HOUR < BELIEF_SECONDS)
    phone.close()


def test_a_phone_that_was_switched_off_meanwhile_and_synchronises_forgets_at_once(
    town: Town, phone: Phone, device: Device
) -> None:
    device.restart()
    while town.publisher.time < START + 15 * DAY:
        town.publisher.close_keys()
    phone.sync(town.publisher.time)
    phone.tidy(town.publisher.time)
    assert not remembers(phone)


def test_a_phone_that_never_saw_a_head_forgets_too(town: Town, device: Device, tmp_path: Path) -> None:
    phone = town.phone(tmp_path / "alone", clock=device)
    phone.hear(Beacon(bytes(16), bytes(4)), -70, 1, 4, START)
    for hour in range(0, 17 * 24, 12):
        phone.tidy(START + hour * HOUR)
        device.seconds += 12 * HOUR
    assert not remembers(phone)


def test_a_head_alone_makes_nothing_forgotten(town: Town, phone: Phone, device: Device) -> None:
    """Whoever signs heads has no say in when history goes: the wall clock has to say so, too."""
    while town.publisher.time < START + 20 * DAY:
        town.publisher.close_keys()
    phone.sync(town.publisher.time)
    phone.hear(Beacon(bytes(16), bytes(4)), -70, 1, 4, START)
    phone.tidy(START + DAY)
    assert remembers(phone)


def test_a_clock_that_is_ahead_during_a_sync_loses_no_warning(
    town: Town, phone: Phone, device: Device, tmp_path: Path
) -> None:
    """Each key file is compared once: it must not be passed over as too old, nor compared with nothing."""
    other = town.phone(tmp_path / "other")
    meeting = town.now + 3 * HOUR
    meet(phone, other, meeting)
    town.publisher.close_keys()
    key = other._keys.key_at(meeting // 600)
    town.publisher.close_keys(keys=[ExposureKey(key.data, key.rolling_start, 12, ReportType.CONFIRMED_TEST, 1)])
    now = town.publisher.close_keys()
    assert phone.sync(now + MONTH).windows == 1
    assert phone.decide(now).colour is Colour.YELLOW


def test_what_the_forgotten_days_said_of_listening_is_not_forgotten(phone: Phone, device: Device) -> None:
    """A gap of two days on the first days, and none since: after weeks the phone does not claim those days."""
    phone.note_scans(range(START, START + HOUR, 300))
    begin = START + 3 * DAY
    for day in range(20):
        phone.note_scans(range(begin + day * DAY, begin + (day + 1) * DAY, 300))
        device.seconds = 1000 + begin + (day + 1) * DAY - START
        phone.tidy(begin + (day + 1) * DAY)
    assert not remembers(phone)
    facts = phone.facts(begin + 20 * DAY)
    assert (facts.observed_since, facts.radio_share_percent) == (begin, 100)
