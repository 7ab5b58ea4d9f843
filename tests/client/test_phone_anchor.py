"""The clock anchor on a real phone: what is set back is the wall clock alone. specs/identifiers.md section 6"""

import os
from pathlib import Path

import pytest

from ownhue.clock_anchor import BOOT_BYTES
from ownhue.colour import Colour, Grey
from ownhue.errors import VerificationError
from ownhue.identifiers import Beacon, Metadata, TemporaryExposureKey, encrypt_metadata, rpi_at
from ownhue.key_file import ExposureKey
from ownhue.matching import Sighting
from ownhue.params import ReportType
from ownhue.tree_head import TreeHead, sign_tree_head
from ownhue_client.clock import SystemClock
from ownhue_client.errors import FutureError
from ownhue_client.phone import Phone
from tests.client.publisher import BATCH_SECONDS, LOG_KEY, START
from tests.client.town import DAY, HOUR, Town
from tests.client.trusted_town import Device

#: A key that is published, with everything that anybody can read out of the file.
PUBLISHED = ExposureKey(bytes(range(16)), (START - DAY) // 600, 12, ReportType.CONFIRMED_TEST, 0)


def beacon_of(key: ExposureKey, interval: int) -> Beacon:
    """What anybody can send who has read *key* in a published file."""
    own = TemporaryExposureKey(key.data, key.rolling_start, key.rolling_period)
    rpi = rpi_at(own, interval)
    return Beacon(rpi, encrypt_metadata(key.data, rpi, Metadata(-20).to_bytes()))


def replay(phone: Phone, wall: int, minutes: int = 30) -> None:
    """Send *phone*, whose wall clock shows *wall*, the identifiers that its clock wants to hear."""
    for time in range(wall, wall + 60 * minutes, 60):
        beacon = beacon_of(PUBLISHED, time // 600)
        phone.hear(beacon, rssi=-70, scan_id=time, scan_seconds=60, now=time)
    phone.note_scans(range(wall, wall + 3 * DAY, 300))


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def device() -> Device:
    return Device()


def attacked(town: Town, phone: Phone, device: Device) -> int:
    """The time machine: published keys are replayed while the wall clock is set back to their day; returns the time."""
    phone.sync(town.now)
    published = town.publisher.close_keys(keys=[PUBLISHED])
    device.seconds += published + HOUR - town.now
    replay(phone, wall=START - DAY)
    # The clock is right again, and the phone meets the file like every other one.
    phone.sync(published + HOUR)
    return published + HOUR


def test_the_time_machine_fails(town: Town, device: Device, tmp_path: Path) -> None:
    phone = town.phone(tmp_path / "p", clock=device)
    now = attacked(town, phone, device)
    assert phone.facts(now).windows == ()
    assert phone.decide(now).colour is Colour.GREEN


def test_without_the_anchor_the_time_machine_would_make_the_phone_yellow(
    town: Town, device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ownhue_client.phone.anchor.Anchor.not_before", lambda _self: 0)
    phone = town.phone(tmp_path / "p", clock=device)
    now = attacked(town, phone, device)
    assert [window.seconds for window in phone.facts(now).windows] == [1800]
    assert phone.decide(now).colour is Colour.YELLOW


def test_the_time_machine_fails_after_a_restart_too(town: Town, device: Device, tmp_path: Path) -> None:
    """The anchor that was kept last bounds the clock; it goes on from there with the new start's own clock."""
    phone = town.phone(tmp_path / "p", clock=device)
    phone.sync(town.now)
    phone.close()
    device.restart()
    phone = Phone.open(tmp_path / "p", random=os.urandom, http_client=town.client(), now=START - DAY, clock=device)
    published = town.publisher.close_keys(keys=[PUBLISHED])
    replay(phone, wall=START - DAY)
    phone.sync(published)
    assert phone.facts(published).windows == ()


def test_a_restart_loses_at_most_an_hour(town: Town, device: Device, tmp_path: Path) -> None:
    phone = town.phone(tmp_path / "p", clock=device)
    phone.sync(town.now)
    for hour in range(1, 30):
        device.seconds += HOUR
        phone.hear(Beacon(os.urandom(16), bytes(4)), -70, hour, 4, town.now + hour * HOUR)
    phone.close()
    device.restart()
    device.seconds = 20
    phone = Phone.open(tmp_path / "p", random=os.urandom, http_client=town.client(), now=START, clock=device)
    assert phone._anchor.not_before() >= town.now + 28 * HOUR


def test_everything_heard_is_bounded_by_the_anchor(town: Town, device: Device, tmp_path: Path) -> None:
    phone = town.phone(tmp_path / "p", clock=device)
    beacon = Beacon(bytes(16), bytes(4))
    phone.hear(beacon, -70, 1, 4, START)
    phone.sync(town.now)
    device.seconds += 1000
    phone.hear(beacon, -70, 2, 4, town.now + 1000)
    third = Sighting(beacon.rpi, beacon.aem, town.now + 1000, -70, 3, 4)
    phone.hear_many([third, third._replace(scan_id=4, not_before=77)])
    kept = {sighting.scan_id: sighting.not_before for sighting in phone._hearing.sightings(0, 2**20)}
    # Drift is allowed for; what a radio stamped itself when it heard it stays.
    assert kept == {1: 0, 2: town.now + 999, 3: town.now + 999, 4: 77}


def test_a_head_ahead_of_a_clock_that_was_set_back_bounds_what_is_heard(
    town: Town, device: Device, tmp_path: Path
) -> None:
    """The first head that a new phone meets: nothing is known but that somebody's clock is wrong."""
    phone = town.phone(tmp_path / "p", clock=device)
    with pytest.raises(FutureError):
        phone.sync(START - DAY)
    assert phone._anchor.not_before() == town.now
    published = town.publisher.close_keys(keys=[PUBLISHED])
    replay(phone, wall=START - DAY)
    phone.sync(published)
    assert phone.facts(published).windows == ()


def test_a_head_out_of_the_far_future_ends_no_stay(town: Town, device: Device, tmp_path: Path) -> None:
    """Whoever holds the log's key can sign any time. What was accepted bounds judgements, nothing else does."""
    phone = town.phone(tmp_path / "p", clock=device)
    phone.sync(town.now)
    town.publisher.files["head"] = town.publisher.head(time=town.now + 300 * DAY)
    with pytest.raises(FutureError):
        phone.sync(town.now)
    assert phone.decide(town.now).time == town.now
    assert phone.rulebook(town.now) is not None
    assert any("the clock is behind, or the log lies" in word for word in phone.trust_words(town.now))


def test_a_head_of_another_log_teaches_nothing(town: Town, device: Device, tmp_path: Path) -> None:
    phone = town.phone(tmp_path / "p", clock=device)
    head = TreeHead("other.example/log", 9, bytes(32), town.now + 300 * DAY)
    town.publisher.files["head"] = sign_tree_head(head, LOG_KEY)
    with pytest.raises(VerificationError):
        phone.sync(town.now)
    assert phone._anchor.not_before() == 0


def test_old_data_are_not_called_fresh_by_a_clock_that_was_set_back(town: Town, device: Device, tmp_path: Path) -> None:
    """News are held back, and the wall clock is held with them: the phone says that it does not know."""
    phone = town.phone(tmp_path / "p", clock=device)
    phone.sync(town.now)
    device.seconds += 3 * DAY
    decision = phone.decide(town.now + HOUR)
    assert decision.colour is Colour.GREY
    assert Grey.OLD_DATA in decision.grey_because
    assert any("was set back" in word for word in phone.trust_words(town.now + HOUR))


def test_a_clock_that_is_a_little_slow_is_believed(town: Town, device: Device, tmp_path: Path) -> None:
    phone = town.phone(tmp_path / "p", clock=device)
    phone.sync(town.now)
    device.seconds += 1100
    assert phone.decide(town.now).time == town.now


def test_with_a_right_clock_nothing_changes(town: Town, device: Device, tmp_path: Path) -> None:
    phone = town.phone(tmp_path / "p", clock=device)
    phone.sync(town.now)
    device.seconds += BATCH_SECONDS
    published = town.publisher.close_keys()
    assert phone.sync(published).head_time == published
    assert phone.decide(published).time == published
    assert not any("set back" in word for word in phone.trust_words(published))


def test_the_systems_clock_never_goes_back_and_names_this_start() -> None:
    clock = SystemClock()
    (boot, first), (again, second) = clock.reading(), clock.reading()
    assert boot == again == SystemClock().reading()[0]
    assert len(boot) == BOOT_BYTES
    assert 0 <= first <= second


def test_where_the_system_names_no_start_each_process_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ownhue_client.clock._BOOT_ID", tmp_path / "nothing")
    assert SystemClock().reading()[0] != SystemClock().reading()[0]
