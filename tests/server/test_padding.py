"""publisher/padding.py, invented.py: how many padding keys, what they look like, and who takes them back."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from ownhue.key_file import DEFAULT_LIMITS
from ownhue.params import EMBARGO_SECONDS, INTERVAL_SECONDS, KEY_PERIOD
from ownhue_server.publisher.chance import Chance
from ownhue_server.publisher.invented import KeyMetadata, Occasion, invented_report
from ownhue_server.publisher.padding import (
    PERSON_SHARE,
    Padding,
    Room,
    default_metadata,
    make_padding,
    moved,
    rung,
)

CLOSING = 1_772_409_600
BATCH = 7200
START = CLOSING // INTERVAL_SECONDS - 3 * KEY_PERIOD
OCCASION = Occasion(CLOSING, BATCH)
SHANGHAI = ZoneInfo("Asia/Shanghai")
Own = list[tuple[KeyMetadata, int]]


def own_keys(count: int) -> Own:
    """Metadata of *count* real keys of nobody in particular."""
    keys = Counter(KeyMetadata(START - number % 5 * KEY_PERIOD, 12, 1, number % 3) for number in range(count))
    return list(keys.items())


def padding_of(own: Own, recent: Sequence[KeyMetadata] = (), minimum: int = 1000, most: int = 10**6) -> Padding:
    real = sum(count for _metadata, count in own)
    return make_padding(own, recent, Room(real, minimum, most), OCCASION, Chance())


def metadata(padding: Padding) -> list[KeyMetadata]:
    return [KeyMetadata(*key[1:5]) for key in padding.keys]


def report(number: int, most: int = 1000, occasion: Occasion = OCCASION) -> list[KeyMetadata]:
    return invented_report(occasion, 1, most, Chance(random.Random(number).randbytes))


# How many.


@pytest.mark.parametrize("minimum", [1, 5, 20, 100, 1000])
def test_a_file_is_never_smaller_than_the_minimum_and_its_size_is_random(minimum: int) -> None:
    real = minimum // 4
    sizes = {real + len(padding_of(own_keys(real), minimum=minimum).keys) for _ in range(60)}
    assert min(sizes) >= minimum
    assert max(sizes) <= rung(real + (PERSON_SHARE - 1) * (minimum // PERSON_SHARE), minimum) + minimum // 10
    assert len(sizes) > 5 or minimum < 100


def test_above_the_minimum_the_size_tells_a_rung_and_not_a_number() -> None:
    """Two batches that differ by a tenth in their reports have sizes out of one range."""
    few, many = ([real + len(padding_of(own_keys(real)).keys) for _ in range(60)] for real in (2000, 2150))
    assert min(few) > 2000
    assert min(many) < max(few) < 3000


def test_rungs_are_an_eighth_apart() -> None:
    rungs = sorted({rung(count, 1000) for count in range(1, 5000)})
    assert rungs[:4] == [1000, 1126, 1267, 1426]
    assert all(upper - lower == lower // 8 + 1 for lower, upper in pairwise(rungs))
    assert rung(1000, 1000) == 1000
    assert rung(1001, 1000) == 1126


def test_padding_never_makes_a_file_that_a_reader_would_refuse() -> None:
    most = DEFAULT_LIMITS.keys
    (entry,) = own_keys(1)
    own = [(entry[0], most - 50_000)]
    assert most - 50_000 < most - 50_000 + len(padding_of(own, most=most).keys) <= most


# What they look like.


def test_padding_copies_whole_rows_of_metadata_of_this_batch() -> None:
    peculiar = [(KeyMetadata(START, 7, 3, -9), 1), (KeyMetadata(START - 24, 5, 2, None), 1)]
    padding = padding_of(peculiar, [KeyMetadata(START, 1, 1, 4)], minimum=5000)
    copies = Counter(metadata(padding))
    for entry, _count in peculiar:
        assert copies[entry] >= 2
    assert len({key.data for key in padding.keys}) == len({key.commitment for key in padding.keys}) == len(padding.keys)


def test_padding_copies_keys_of_the_last_day_as_often_as_of_this_batch() -> None:
    recent = [KeyMetadata(START, 5, 2, None)]
    for own in ([], own_keys(100)):
        copies = Counter(entry == recent[0] for entry in metadata(padding_of(own, recent, minimum=5000)))
        assert 0.25 < copies[True] / copies.total() < 0.6


def test_a_padding_key_cannot_be_told_from_a_real_one_by_what_stands_beside_it() -> None:
    """Beside nobody's and beside twenty people's keys there are the same kinds: full and cut periods, all days."""
    for own in ([], [(entry, 1) for number in range(20) for entry in report(number, 200)]):
        kinds = metadata(padding_of([pair for pair in own if pair[0].is_ready(CLOSING)], minimum=5000))
        assert {entry.rolling_period == KEY_PERIOD for entry in kinds} == {True, False}
        assert len({entry.days_since_onset for entry in kinds}) > 8
        assert len({entry.rolling_start for entry in kinds}) > 120


def test_every_key_of_every_padding_is_one_that_may_go_out() -> None:
    for closing in (CLOSING, CLOSING + 1199, CLOSING + 1200, CLOSING + 5000):
        for _ in range(20):
            padding = make_padding([], [], Room(0, 500, 10**6), Occasion(closing, BATCH, SHANGHAI), Chance())
            for key in padding.keys:
                assert key.end + EMBARGO_SECONDS <= closing
                assert key.rolling_start * INTERVAL_SECONDS > closing - 15 * 86400
                assert key.days_since_onset is None or -14 <= key.days_since_onset <= 14
            assert all(key.end + EMBARGO_SECONDS > closing for key in padding.late)


def test_the_default_holds_only_keys_whose_embargo_is_over() -> None:
    for closing in (CLOSING, CLOSING + 1199, CLOSING + 1200, CLOSING + 5000):
        default = default_metadata(closing)
        assert len(default) == 168
        ends = [(entry.rolling_start + entry.rolling_period) * INTERVAL_SECONDS for entry in default]
        assert max(ends) + EMBARGO_SECONDS <= closing
        assert all(-14 <= (entry.days_since_onset or 0) <= 14 for entry in default)


def test_a_moved_key_is_never_younger_than_it_was() -> None:
    original = KeyMetadata(START, KEY_PERIOD, 1, 0)
    for seconds in (60, 3600, 7199, 7200, 7201, 86400):
        copy = moved(original, seconds, CLOSING + seconds)
        assert copy is not None
        age = CLOSING // INTERVAL_SECONDS - original.rolling_start
        assert (CLOSING + seconds) // INTERVAL_SECONDS - copy.rolling_start >= age
        assert (copy.rolling_start - original.rolling_start) % KEY_PERIOD == 0


def test_a_key_that_would_be_too_old_is_not_copied() -> None:
    old = KeyMetadata(CLOSING // INTERVAL_SECONDS - 14 * 144 - 1, KEY_PERIOD, 1, -14)
    assert moved(old, 0, CLOSING) is None


# Invented people.


def test_an_invented_report_is_one_that_a_phone_could_send() -> None:
    for number in range(200):
        keys = report(number)
        assert 1 <= len(keys) <= 168
        for before, after in pairwise(keys):
            assert before.rolling_start + before.rolling_period <= after.rolling_start
            assert before.rolling_period == KEY_PERIOD
        assert all(key.rolling_start % KEY_PERIOD == 0 and key.report_type == 1 for key in keys)
        claim = (keys[-1].rolling_start + keys[-1].rolling_period) * INTERVAL_SECONDS
        assert CLOSING - BATCH - 3600 <= claim <= CLOSING + INTERVAL_SECONDS


def test_the_days_of_an_invented_report_change_at_midnight_in_the_region() -> None:
    """Padding that counted days in UTC could be told from the keys of phones in another zone."""
    for number in range(50):
        onsets = {
            datetime.fromtimestamp(key.rolling_start * INTERVAL_SECONDS, SHANGHAI).toordinal() - key.days_since_onset
            for key in report(number, occasion=Occasion(CLOSING, BATCH, SHANGHAI))
            if key.days_since_onset is not None
        }
        assert len(onsets) <= 1


def test_invented_people_are_not_all_alike() -> None:
    """All had one share of nights: somebody who met people at night stood out, with all keys."""
    nights = []
    for number in range(200):
        hours = [entry.rolling_start // 6 % 24 for entry in report(number)[:-1]]
        if len(hours) > 40:
            nights.append(sum(not 8 <= hour < 22 for hour in hours) / len(hours))
    assert min(nights) < 0.05
    assert max(nights) > 0.25


def test_invented_people_meet_others_by_day_rather_than_at_night() -> None:
    hours = Counter(
        datetime.fromtimestamp(key.rolling_start * INTERVAL_SECONDS, UTC).hour
        for number in range(100)
        for key in report(number)[:-1]
    )
    assert min(hours[hour] for hour in range(8, 22, 2)) > 2 * max(hours[hour] for hour in (0, 2, 4, 6, 22))


def test_a_long_invented_report_keeps_its_newest_keys() -> None:
    assert report(3, 10) == report(3)[-10:]
    assert report(3, 0) == []


# Who takes keys back.


def test_every_batch_takes_some_padding_back_in_the_next_one_and_some_later() -> None:
    """Else a revised key would be a real person's, always."""
    later: Counter[int] = Counter()
    for _ in range(200):
        padding = padding_of([])
        published = {key.data for key in padding.keys}
        assert padding.taken_back[0][0] == 1
        for batches, keys in padding.taken_back:
            assert 1 <= batches <= 13 * 12
            assert keys
            assert {key.data for key in keys} <= published
            later[batches] += 1
        datas = [key.data for _batches, keys in padding.taken_back for key in keys]
        assert len(datas) == len(set(datas)) < len(published) - 200
    assert later[1] >= 200
    assert len(later) > 20


def test_an_age_at_which_real_people_take_keys_back_is_one_at_which_invented_ones_do() -> None:
    """After three days nobody invented did: whoever took a result back on the fourth day was real, with all keys."""
    ages = [batches for _ in range(400) for batches, _keys in padding_of([], minimum=200).taken_back[1:]]
    days = Counter(-(-batches // 12) for batches in ages)
    assert all(days[day] for day in range(1, 10))
    assert days[1] > days[3] > days[8]


def test_no_number_of_people_is_too_many_to_be_invented() -> None:
    """There were 2 to 4, always: of five who reported in one batch one was real, and all keys of that day with it."""
    paddings = [padding_of([], minimum=100) for _ in range(600)]
    people = Counter(padding.messages - len(padding.taken_back) for padding in paddings)
    assert min(people) == 1
    assert max(people) >= 7
    assert all(people[number] for number in range(1, 7))
    for number in range(2, 6):  # One more, who would be real, is at most about twice as likely to be seen.
        assert people[number] < 3 * people[number + 1]


def test_what_is_drawn_follows_from_the_random_bytes() -> None:
    def drawn(seed: int) -> Padding:
        chance = Chance(random.Random(seed).randbytes)
        return make_padding(own_keys(7), [], Room(7, 300, 10**6), OCCASION, chance)

    assert drawn(1) == drawn(1) != drawn(2)
