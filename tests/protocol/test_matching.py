"""Matching: what counts, what does not and why; batches and bitmaps lose nothing. specs/identifiers.md section 7"""

import hashlib
import tracemalloc
from collections.abc import Collection, Iterator
from itertools import islice
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.cells import cell_of
from ownhue.errors import FormatError
from ownhue.exposure import Observation
from ownhue.identifiers import Metadata, TemporaryExposureKey, beacon_at, rolling_proximity_identifiers
from ownhue.key_file import ExposureKey
from ownhue.matching import CLOCK_ALLOWANCE_SECONDS, DISCARD_REASONS, Match, Matcher, Sighting, windows_from
from ownhue.params import ReportType
from ownhue.place_tag import PLACE_SECONDS, beacon_in

START = 2_944_800
KEY = ExposureKey(bytes(range(16)), START, 12, ReportType.CONFIRMED_TEST, -1)
PUBLISHED = (START + 24) * 600
SENT = Metadata(-8)


def _beacon(key: ExposureKey, interval: int, metadata: Metadata) -> tuple[bytes, bytes]:
    beacon = beacon_at(TemporaryExposureKey(key.data, key.rolling_start, key.rolling_period), interval, metadata)
    return beacon.rpi, beacon.aem


def _heard(
    key: ExposureKey = KEY,
    interval: int = START,
    time: int | None = None,
    metadata: Metadata = SENT,
    scan: int = 1,
) -> Sighting:
    rpi, aem = _beacon(key, interval, metadata)
    return Sighting(rpi, aem, interval * 600 if time is None else time, -60, scan, 20)


def _keys(count: int, period: int, seed: int = 1) -> list[ExposureKey]:
    draw = Random(seed)
    return [ExposureKey(draw.randbytes(16), START - period * (i % 7), period, 1, 0) for i in range(count)]


def test_a_heard_key_is_matched_with_its_metadata() -> None:
    sighting = _heard(interval=START + 5)
    (match,) = Matcher([sighting]).match([KEY], PUBLISHED)
    assert match == Match(KEY, sighting, Metadata(-8))
    assert match.observation() == Observation(1, (START + 5) * 600, 20, 52)


@pytest.mark.parametrize(
    ("power", "rssi", "correction", "attenuation"),
    [(-8, -60, 0, 52), (-8, -60, 5, 47), (20, -100, -3, 123), (-50, -20, 0, 0)],
)
def test_attenuation(power: int, rssi: int, correction: int, attenuation: int) -> None:
    heard = _heard(metadata=Metadata(power))._replace(rssi=rssi, rssi_correction=correction)
    assert Match(KEY, heard, Metadata(power)).observation().attenuation == attenuation


def test_strangers_do_not_match() -> None:
    matcher = Matcher([_heard(key) for key in _keys(200, 12) if key.rolling_start == START])
    assert list(matcher.match(_keys(2000, 144, seed=2), PUBLISHED)) == []
    assert set(matcher.discarded.values()) == {0}


def test_nothing_heard_and_nothing_published() -> None:
    assert list(Matcher([]).match(_keys(600, 12), PUBLISHED)) == []
    assert list(Matcher([_heard()]).match([], PUBLISHED)) == []


def test_the_whole_identifier_decides() -> None:
    heard = _heard()
    similar = heard._replace(rpi=heard.rpi[:15] + bytes((heard.rpi[15] ^ 1,)))
    # Either half was heard, in two other identifiers: both bitmaps let the key through, and it still was not heard.
    halves = [heard._replace(rpi=heard.rpi[:8] + bytes(8)), heard._replace(rpi=bytes(8) + heard.rpi[8:])]
    for heard_instead in ([similar], halves):
        assert list(Matcher(heard_instead).match([KEY], PUBLISHED)) == []


@pytest.mark.parametrize("tolerance", [0, 2, 12])
def test_the_tolerance_in_intervals_is_exact(tolerance: int) -> None:
    interval = START + 3
    first, last = (interval - tolerance) * 600, (interval + tolerance + 1) * 600 - 1
    matcher = Matcher([_heard(interval=interval, time=time) for time in (first - 1, first, last, last + 1)], tolerance)
    assert [match.sighting.time for match in matcher.match([KEY], PUBLISHED)] == [first, last]
    assert matcher.discarded == dict.fromkeys(DISCARD_REASONS, 0) | {"out_of_tolerance": 2}


def test_heard_at_or_after_publication_does_not_count() -> None:
    time = (START + 11) * 600 + 30
    matcher = Matcher([_heard(interval=START + 11, time=time + late) for late in (-1, 0, 1)])
    assert [match.sighting.time for match in matcher.match([KEY], time)] == [time - 1]
    assert matcher.discarded == dict.fromkeys(DISCARD_REASONS, 0) | {"after_publication": 2}


def test_unreadable_metadata_does_not_count() -> None:
    heard = _heard()
    flipped = heard._replace(aem=bytes((heard.aem[0] ^ 0xC0,)) + heard.aem[1:])
    matcher = Matcher([flipped, heard])
    assert [match.sighting for match in matcher.match([KEY], PUBLISHED)] == [heard]
    assert matcher.discarded["bad_metadata"] == 1


def test_every_interval_of_every_period_is_found() -> None:
    for period in (1, 7, 12, 144):
        key = KEY._replace(rolling_period=period)
        heard = [_heard(key, START + i) for i in range(period)]
        found = list(Matcher(heard).match([key], (START + 200) * 600))
        assert [match.sighting for match in found] == heard


def test_keys_of_different_periods_in_one_batch_keep_apart() -> None:
    draw = Random(3)
    keys = [ExposureKey(draw.randbytes(16), START + i % 50, 1 + i * 7 % 144, 1, 0) for i in range(1500)]
    heard = [_heard(key, key.rolling_start + draw.randrange(key.rolling_period)) for key in keys[::3]]
    found = list(Matcher(heard).match(keys, (START + 300) * 600))
    assert [(match.key, match.sighting) for match in found] == list(zip(keys[::3], heard, strict=True))


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(0, 30))
def test_agrees_with_comparing_everything_with_everything(seed: int, keys: int, heard: int) -> None:
    draw = Random(seed)
    published = [ExposureKey(draw.randbytes(16), START, draw.randint(1, 30), 1, 0) for _ in range(keys)]
    sightings = []
    for number in range(heard):
        key = draw.choice(published)
        interval = START + draw.randrange(key.rolling_period)
        time = interval * 600 + draw.randint(-2400, 2400)
        sightings.append(
            _heard(key, interval, time, scan=number) if draw.random() < 0.8 else _heard(_keys(1, 12, seed)[0])
        )
    limit = START * 600 + draw.randint(0, 18_000)
    expected = {
        (key, sighting)
        for key in published
        for sighting in sightings
        for interval, rpi in enumerate(_identifiers(key), START)
        if rpi == sighting.rpi and abs(sighting.time // 600 - interval) <= 2 and sighting.time < limit
    }
    assert {(match.key, match.sighting) for match in Matcher(sightings).match(published, limit)} == expected


def _identifiers(key: ExposureKey) -> list[bytes]:
    everything = rolling_proximity_identifiers(TemporaryExposureKey(key.data, key.rolling_start, key.rolling_period))
    return [everything[i : i + 16] for i in range(0, len(everything), 16)]


def test_keys_are_taken_from_the_iterator_in_batches() -> None:
    taken = 0

    def endless() -> Iterator[ExposureKey]:
        nonlocal taken
        while True:
            taken += 1
            yield KEY if taken == 5000 else KEY._replace(data=hashlib.sha256(taken.to_bytes(8, "big")).digest()[:16])

    found = list(islice(Matcher([_heard()]).match(endless(), PUBLISHED), 1))
    assert [match.key for match in found] == [KEY]
    assert 5000 <= taken < 6000


def test_sightings_of_wrong_length_are_refused() -> None:
    for rpi, aem in ((15, 4), (17, 4), (16, 3), (16, 5)):
        with pytest.raises(FormatError):
            Matcher([_heard()._replace(rpi=bytes(rpi), aem=bytes(aem))])


def test_a_sighting_heard_twice_in_one_scan_is_matched_twice() -> None:
    heard = [_heard(), _heard()._replace(rssi=-70)]
    assert [match.sighting for match in Matcher(heard).match([KEY], PUBLISHED)] == heard


def test_windows_of_matches() -> None:
    other = KEY._replace(data=bytes(16), report_type=ReportType.SELF_REPORT, days_since_onset=None)
    precise = Metadata(-8, minor=1, calibration_confidence=3)
    heard = [
        _heard(time=START * 600, scan=1),
        _heard(time=START * 600 + 1, scan=1)._replace(rssi=-64),
        _heard(time=START * 600 + 60, scan=2),
        _heard(interval=START + 4, scan=3),
        _heard(other, START + 1, metadata=precise, scan=4),
    ]
    windows = windows_from(Matcher(heard).match([KEY, other], PUBLISHED), PUBLISHED)
    assert [
        (w.source, w.start, w.report_type, w.days_since_onset, w.published_at, w.calibration_confidence)
        for w in windows
    ] == [
        (KEY.data, START * 600, 1, -1, PUBLISHED, 0),
        (KEY.data, (START + 4) * 600, 1, -1, PUBLISHED, 0),
        (other.data, (START + 1) * 600, 3, None, PUBLISHED, 3),
    ]
    assert [[(s.seconds, s.typical_attenuation, s.minimum_attenuation) for s in w.scans] for w in windows] == [
        [(20, 54, 52), (20, 52, 52)],
        [(20, 52, 52)],
        [(20, 52, 52)],
    ]


HOME, FAR = cell_of(46_948_000, 7_447_400, 7), cell_of(47_948_000, 7_447_400, 7)


def _placed(interval: int = START, time: int | None = None, cell: int = HOME, scan: int = 1) -> Sighting:
    """A beacon with a place tag, as the receiver heard it."""
    beacon = beacon_in(TemporaryExposureKey(KEY.data, START), interval, SENT, cell)
    return Sighting(beacon.rpi, beacon.aem, interval * 600 if time is None else time, -60, scan, 20)


def test_the_receiver_is_asked_where_it_was_while_the_beacon_was_on_the_air() -> None:
    asked = []

    def places(since: int, until: int) -> Collection[int]:
        asked.append((since, until))
        return [HOME]

    time = START * 600 + 700
    found = list(Matcher([_placed(time=time), _heard(time=time)], places=places).match([KEY], PUBLISHED))
    assert [match.place_confirmed for match in found] == [True, False]
    assert asked == [(time - PLACE_SECONDS, time)], "once for the tag, not at all for the beacon without"


def test_a_tag_of_elsewhere_is_discarded_as_relayed_and_counted() -> None:
    matcher = Matcher([_placed(), _placed(cell=FAR)], places=lambda since, until: {HOME})
    assert [match.place_confirmed for match in matcher.match([KEY], PUBLISHED)] == [True]
    assert matcher.discarded == dict.fromkeys(DISCARD_REASONS, 0) | {"relayed": 1}


@pytest.mark.parametrize("places", [None, lambda since, until: ()])
def test_a_receiver_without_a_place_keeps_a_sighting_unconfirmed(places: Any) -> None:
    matcher = Matcher([_placed(cell=FAR)], places=places)
    (match,) = matcher.match([KEY], PUBLISHED)
    assert not match.place_confirmed
    assert set(matcher.discarded.values()) == {0}


def test_a_window_is_confirmed_when_all_that_counts_in_it_is() -> None:
    heard = [
        _placed(time=START * 600, scan=1),
        _placed(time=START * 600 + 60, scan=2),
        _placed(START + 4, scan=3),
        _heard(interval=START + 4, time=(START + 4) * 600 + 1, scan=3),
        _placed(START + 8, scan=4),
        _placed(START + 8, time=(START + 8) * 600 + 5, cell=FAR, scan=4),
    ]
    matcher = Matcher(heard, places=lambda since, until: {HOME})
    windows = windows_from(matcher.match([KEY], PUBLISHED), PUBLISHED)
    assert [(window.start, window.place_confirmed) for window in windows] == [
        (START * 600, True),
        ((START + 4) * 600, False),  # one beacon of this scan had no tag
        ((START + 8) * 600, True),  # the relayed one does not count, so it takes nothing away
    ]
    assert matcher.discarded["relayed"] == 1


def test_a_wall_clock_behind_the_anchor_is_believed_up_to_the_allowance() -> None:
    time = START * 600
    heard = [_heard(time=time)._replace(not_before=time + CLOCK_ALLOWANCE_SECONDS + late) for late in (0, 1)]
    matcher = Matcher(heard)
    assert [match.sighting for match in matcher.match([KEY], PUBLISHED)] == heard[:1]
    assert matcher.discarded == dict.fromkeys(DISCARD_REASONS, 0) | {"clock_turned_back": 1}


def test_the_later_of_wall_clock_and_anchor_is_held_against_the_publication() -> None:
    time = START * 600
    heard = [_heard(time=time)._replace(not_before=time + later) for later in (299, 300, 301)]
    matcher = Matcher(heard)
    assert [match.sighting for match in matcher.match([KEY], time + 300)] == heard[:1]
    assert matcher.discarded == dict.fromkeys(DISCARD_REASONS, 0) | {"after_publication": 2}


def test_the_first_step_that_fails_is_the_reason() -> None:
    near, elsewhere = START * 600, _placed(cell=FAR)
    wrong = elsewhere._replace(time=(START + 9) * 600, aem=bytes(4), not_before=2**40)
    steps: list[tuple[str, dict[str, Any], int]] = [
        ("out_of_tolerance", {}, PUBLISHED),
        ("clock_turned_back", {"time": near}, PUBLISHED),
        ("after_publication", {"time": near, "not_before": near + 1}, near + 1),
        ("bad_metadata", {"time": near, "not_before": 0}, PUBLISHED),
        ("relayed", {"time": near, "not_before": 0, "aem": elsewhere.aem}, PUBLISHED),
    ]
    for reason, mended, published_at in steps:
        matcher = Matcher([wrong._replace(**mended)], places=lambda since, until: {HOME})
        assert list(matcher.match([KEY], published_at)) == []
        assert matcher.discarded == dict.fromkeys(DISCARD_REASONS, 0) | {reason: 1}


def _published(count: int) -> Iterator[ExposureKey]:
    """Keys of mixed periods, made as they are asked for."""
    for number in range(count):
        data = hashlib.sha256(number.to_bytes(8, "big")).digest()[:16]
        yield ExposureKey(data, START - number % 288, 1 + number % 144, 1, 0)


def _peak(matcher: Matcher, count: int) -> int:
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    assert sum(1 for _ in matcher.match(_published(count), PUBLISHED)) == 0
    return tracemalloc.get_traced_memory()[1] - before


def test_memory_does_not_depend_on_the_number_of_published_keys() -> None:
    matcher = Matcher([_heard()._replace(rpi=bytes([n]) * 16) for n in range(200)])
    list(matcher.match(_published(1000), PUBLISHED))  # fills caches
    tracemalloc.start()
    try:
        few, many = _peak(matcher, 600), _peak(matcher, 12_000)
    finally:
        tracemalloc.stop()
    assert many < 1.2 * few
    # Held at once, the identifiers of the many would take this much.
    assert many < 12_000 * 72 * 16 // 4
