"""publisher/padding.py: how many padding keys, and what they look like."""

import os
from collections import Counter

from ownhue.params import EMBARGO_SECONDS, INTERVAL_SECONDS, KEY_PERIOD
from ownhue_server.publisher.padding import KeyMetadata, default_metadata, moved, padding_keys
from ownhue_server.publisher.tables import StoredKey

CLOSING = 1_772_409_600
START = CLOSING // INTERVAL_SECONDS - 3 * KEY_PERIOD


def real_keys(count: int) -> list[StoredKey]:
    return [
        StoredKey(os.urandom(16), START - number % 5 * KEY_PERIOD, 7 + number % 5, 1, number % 3, os.urandom(32))
        for number in range(count)
    ]


def test_a_file_is_never_smaller_than_the_minimum_and_its_size_is_random() -> None:
    sizes = {3 + len(padding_keys(real_keys(3), [], 100, CLOSING)) for _ in range(200)}
    assert min(sizes) >= 100
    assert max(sizes) <= 110
    assert len(sizes) > 5


def test_many_real_keys_get_jitter_too() -> None:
    real = real_keys(150)
    sizes = {len(padding_keys(real, [], 100, CLOSING)) for _ in range(200)}
    assert sizes == set(range(11))


def test_padding_clones_whole_rows_of_metadata_of_this_batch() -> None:
    real = real_keys(15)
    padding = padding_keys(real, [KeyMetadata(1, 1, 4, None)], 2000, CLOSING)
    kinds = Counter(key[1:5] for key in padding)
    assert set(kinds) == {key[1:5] for key in real}
    assert max(kinds.values()) < 3 * min(kinds.values())
    assert len({key.data for key in padding}) == len({key.commitment for key in padding}) == len(padding)


def test_an_empty_batch_clones_recent_keys_else_the_default() -> None:
    recent = [KeyMetadata(START, 5, 2, None)]
    assert {key[1:5] for key in padding_keys([], recent, 50, CLOSING)} == {(START, 5, 2, None)}
    default = set(default_metadata(CLOSING))
    assert {KeyMetadata(*key[1:5]) for key in padding_keys([], [], 2000, CLOSING)} <= default


def test_the_default_holds_only_keys_whose_embargo_is_over() -> None:
    for closing in (CLOSING, CLOSING + 1199, CLOSING + 1200, CLOSING + 5000):
        metadata = default_metadata(closing)
        assert len(metadata) == 168
        ends = [(entry.rolling_start + entry.rolling_period) * INTERVAL_SECONDS for entry in metadata]
        assert max(ends) + EMBARGO_SECONDS <= closing
        assert all(-14 <= (entry.days_since_onset or 0) <= 14 for entry in metadata)


def test_a_moved_key_is_never_younger_than_it_was() -> None:
    original = KeyMetadata(START, KEY_PERIOD, 1, 0)
    for seconds in (60, 3600, 7199, 7200, 7201, 86400):
        copy = moved(original, seconds, CLOSING + seconds)
        assert copy is not None
        age = CLOSING // INTERVAL_SECONDS - original.rolling_start
        assert (CLOSING + seconds) // INTERVAL_SECONDS - copy.rolling_start >= age
        assert (copy.rolling_start - original.rolling_start) % KEY_PERIOD == 0


def test_a_key_that_would_be_too_old_is_not_cloned() -> None:
    old = KeyMetadata(CLOSING // INTERVAL_SECONDS - 14 * 144 - 1, KEY_PERIOD, 1, -14)
    assert moved(old, 0, CLOSING) is None
