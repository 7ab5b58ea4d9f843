"""The phone's own keys: two hours each, never overlapping, ended at once when they are reported."""

import itertools
import os
from pathlib import Path

import pytest

from ownhue.errors import FormatError
from ownhue.identifiers import Metadata, TemporaryExposureKey, decrypt_metadata, interval_number, rpi_at
from ownhue_client.phone.keys import PHONE_SECRET, OwnKeys
from ownhue_client.phone.records import day_of
from ownhue_client.phone.store import Store
from tests.client.publisher import START

HOUR = 3600


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "phone", os.urandom, {PHONE_SECRET: bytes(32)})


@pytest.fixture
def keys(store: Store) -> OwnKeys:
    return OwnKeys(store, os.urandom, -20)


def test_a_key_serves_an_aligned_period_of_two_hours(keys: OwnKeys) -> None:
    now = START + 5 * HOUR + 300
    key = keys.key_at(interval_number(now))
    assert (key.rolling_start, key.rolling_period) == ((START + 4 * HOUR) // 600, 12)
    assert keys.key_at(key.end - 1) == key
    assert keys.key_at(key.end).data != key.data


def test_the_beacon_changes_every_interval_and_belongs_to_the_key(keys: OwnKeys) -> None:
    beacons = [keys.beacon_at(START + minutes * 60) for minutes in range(0, 240, 5)]
    assert len({beacon.rpi for beacon in beacons}) == 24
    key = keys.key_at(interval_number(START))
    assert beacons[0].rpi == rpi_at(key, interval_number(START))
    assert Metadata.from_bytes(decrypt_metadata(key.data, beacons[0].rpi, beacons[0].aem)).transmit_power == -20


def test_a_restart_sends_the_same_beacon(store: Store, keys: OwnKeys) -> None:
    assert OwnKeys(store, os.urandom, -20).beacon_at(START) == keys.beacon_at(START)


def test_the_current_key_is_cut_to_the_end_of_its_interval(keys: OwnKeys) -> None:
    now = START + 45 * 60
    before = keys.beacon_at(now)
    old = keys.key_at(interval_number(now))
    keys.end_current(now)
    keys.forget_beacon()
    assert keys.beacon_at(now) == before, "what is in the air is not changed in the middle of an interval"
    cut, new = keys.key_at(interval_number(now)), keys.key_at(interval_number(now) + 1)
    assert cut == TemporaryExposureKey(old.data, old.rolling_start, 5)
    assert (new.rolling_start, new.end) == (cut.end, old.end)
    assert new.data != old.data


def test_ending_twice_or_at_the_end_changes_nothing_more(keys: OwnKeys) -> None:
    keys.beacon_at(START)
    for _ in range(2):
        keys.end_current(START)
    assert keys.key_at(interval_number(START)).rolling_period == 1
    keys.beacon_at(START + 2 * HOUR)
    keys.end_current(START + 4 * HOUR - 1)
    assert keys.key_at(interval_number(START + 3 * HOUR)).rolling_period == 12
    keys.end_current(START + 9 * HOUR)
    assert len(keys.of_day(day_of(START))) == 2


def test_keys_never_overlap_whatever_the_clock_does(keys: OwnKeys) -> None:
    for step, now in enumerate((START + 7000, START + 100, START + 9000, START + 3000, START + 7300, START + 20_000)):
        keys.beacon_at(now)
        if step % 2:
            keys.end_current(now)
            keys.forget_beacon()
    known = keys.of_day(day_of(START))
    assert len(known) >= 3
    assert all(a.end <= b.rolling_start for a, b in itertools.pairwise(known))


def test_a_forgotten_day_gets_new_keys(store: Store, keys: OwnKeys) -> None:
    before = keys.beacon_at(START)
    store.forget_day(day_of(START))
    keys.forget_beacon()
    assert keys.beacon_at(START) != before


def test_withdrawal_secrets_differ_per_key_and_come_again(keys: OwnKeys) -> None:
    assert keys.secret_of(bytes(16)) == keys.secret_of(bytes(16)) != keys.secret_of(bytes(15) + b"\1")


def test_a_transmit_power_outside_the_format_is_refused(store: Store) -> None:
    with pytest.raises(FormatError):
        OwnKeys(store, os.urandom, 21)
