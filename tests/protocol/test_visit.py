"""Notice files and what they say about visits. specs/venue.md sections 8 and 9"""

import itertools
import os
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.colour.evidence_facts import VenueExposure
from ownhue.errors import FormatError, LimitError, OwnhueError, VerificationError
from ownhue.venue.notice import NOTICE_BYTES, Refusal
from ownhue.venue.notice_file import (
    MARK_COUNTS,
    NOTICE_COUNTS,
    padded_count,
    parse_notice_file,
    read_notices,
    write_notice_file,
)
from ownhue.venue.visit import MAX_VISIT_SECONDS, VenueMatches, Visit, is_contradicted, match_notices
from tests.protocol import venue_second_opinion as second
from tests.protocol.venue_scene import (
    AUTHORITY,
    AUTHORITY_KEY,
    BATCH,
    CELL,
    DAY,
    FAR_CELL,
    HOUR,
    NEAR_CELL,
    PAYLOAD,
    PUBLISHED,
    REGION,
    STRANGER,
    batch,
    filler,
    notice_file,
    poster_of,
    poster_with,
    record,
)

HALL = poster_of()
TAG = second.tag(PAYLOAD, HOUR)
FILE = notice_file(record())


def visit(entered: int = 0, left: int = 3600, *, contradicted: bool = False) -> Visit:
    """A visit of the market hall, in seconds from 14:00."""
    return Visit(HALL, HOUR + entered, HOUR + left, contradicted)


def matched(*visits: Visit, data: bytes = FILE, **changes: Any) -> VenueMatches:
    return match_notices(visits, [data], batch(**changes))


def exposure(start: int, seconds: int, *, contradicted: bool = False) -> VenueExposure:
    return VenueExposure(TAG, "indoor", HOUR + start, seconds, PUBLISHED, contradicted)


@pytest.mark.parametrize(
    ("entered", "left", "start", "seconds"),
    [
        (0, 3600, 600, 2400),
        (-7200, 7200, 600, 2400),
        (1200, 1800, 1200, 600),
        (2999, 5000, 2999, 1),
        (-60, 601, 600, 1),
    ],
)
def test_what_visit_and_notice_have_in_common_is_the_exposure(
    entered: int, left: int, start: int, seconds: int
) -> None:
    assert matched(visit(entered, left)).exposures == (exposure(start, seconds),)


@pytest.mark.parametrize(("entered", "left"), [(0, 600), (3000, 3600)])
def test_a_visit_of_the_same_hour_at_other_minutes_is_counted_and_does_not_count(entered: int, left: int) -> None:
    found = matched(visit(entered, left))
    assert found.exposures == ()
    assert found.discarded == {Refusal.NO_OVERLAP: 1}


@pytest.mark.parametrize(("entered", "left"), [(3600, 7200), (-3600, 0), (DAY, DAY + 3600)])
def test_a_visit_of_another_hour_has_nothing_to_do_with_it(entered: int, left: int) -> None:
    found = matched(visit(entered, left))
    assert (found.exposures, found.discarded, found.withdrawn) == ((), {}, {})


def test_a_visit_of_several_hours_has_an_exposure_for_each() -> None:
    later = record(hour=HOUR + 3600, start=HOUR + 3600, end=HOUR + 7200)
    found = matched(visit(0, 5400), data=notice_file(record(), later))
    assert sorted((item.start - HOUR, item.seconds) for item in found.exposures) == [(600, 2400), (3600, 1800)]
    assert {item.exposure.source for item in found.found} == {TAG, second.tag(PAYLOAD, HOUR + 3600)}


def test_visits_that_overlap_have_an_exposure_each() -> None:
    """Joining them is the rulebook's business: no second counts twice there (specs/colour.md section 4)."""
    assert matched(visit(0, 1800), visit(1200, 3600)).exposures == (exposure(600, 1200), exposure(1200, 1800))


def test_the_match_tells_why() -> None:
    (match,) = matched(visit()).found
    assert match.visit == visit()
    assert dict(match.notice.reason) == {"de": "Masern", "en": "Measles"}


def test_a_contradicted_visit_is_matched_and_marked() -> None:
    assert matched(visit(contradicted=True)).exposures == (exposure(600, 2400, contradicted=True),)


def test_a_visit_begun_while_the_poster_was_not_valid_does_not_count() -> None:
    for data in (poster_with(valid_until=HOUR - 1), poster_with(valid_from=HOUR + 1)):
        poster = poster_of(data)
        found = match_notices([Visit(poster, HOUR, HOUR + 3600)], [notice_file(record(poster.payload))], batch())
        assert found.exposures == ()
        assert found.discarded == {Refusal.POSTER_NOT_VALID: 1}


def test_a_visit_may_last_longer_than_its_poster() -> None:
    poster = poster_of(poster_with(valid_until=HOUR))
    found = match_notices([Visit(poster, HOUR, HOUR + 3600)], [notice_file(record(poster.payload))], batch())
    assert [item.seconds for item in found.exposures] == [2400]


def test_a_notice_that_does_not_hold_leaves_the_others_alone() -> None:
    other = poster_of(poster_with(room="Hall 4"))
    data = notice_file(record(authority=STRANGER), record(other.payload))
    found = match_notices([visit(), Visit(other, HOUR, HOUR + 3600)], [data], batch())
    assert [item.visit.poster.room for item in found.found] == ["Hall 4"]
    assert found.discarded == {Refusal.NOT_BY_AUTHORITY: 1}


def test_a_mark_withdraws_the_notice_of_the_hour_in_any_batch() -> None:
    mark = second.mark(PAYLOAD, HOUR)
    found = matched(
        visit(), data=notice_file(marks=(mark,), number=BATCH + 5), number=BATCH + 5, published_at=PUBLISHED + 36_000
    )
    assert found.withdrawn == {TAG: PUBLISHED + 36_000}
    assert found.exposures == ()
    assert matched(visit(3600, 7200), data=notice_file(marks=(mark,))).withdrawn == {}


@pytest.mark.parametrize(("entered", "left"), [(0, 0), (10, 5), (0, MAX_VISIT_SECONDS + 1), (-HOUR - 1, 0)])
def test_what_is_no_visit_is_refused(entered: int, left: int) -> None:
    with pytest.raises(FormatError):
        visit(entered, left)


def test_a_visit_does_not_show_its_poster() -> None:
    assert "Market" not in repr(visit())


@pytest.mark.parametrize(
    ("own", "contradicted"),
    [
        ([], False),
        ([CELL], False),
        ([NEAR_CELL], False),
        ([FAR_CELL, CELL], False),
        ([FAR_CELL], True),
        ([FAR_CELL] * 33, True),
    ],
)
def test_a_place_that_is_neither_here_nor_next_to_here_contradicts(own: list[int], contradicted: bool) -> None:
    assert is_contradicted(HALL, own) is contradicted
    assert not is_contradicted(poster_of(poster_with(cell=None)), own)


def test_who_moves_fast_contradicts_nothing() -> None:
    import h3.api.basic_int as h3

    many = [cell for cell in h3.grid_disk(FAR_CELL, 4) if cell not in h3.grid_disk(CELL, 1)]
    assert is_contradicted(HALL, many[:32])
    assert not is_contradicted(HALL, many[:33])


def test_own_cells_of_another_resolution_are_refused() -> None:
    with pytest.raises(FormatError):
        is_contradicted(HALL, [0x861F8342FFFFFFF])


# The file.


def counting() -> Any:
    """Random bytes that can be foretold."""
    numbers = iter(range(10**9))
    return lambda length: next(numbers).to_bytes(16, "big").ljust(length, b"\x55")


def written(*records: bytes, marks: tuple[bytes, ...] = (), number: int = BATCH) -> bytes:
    return write_notice_file(REGION, number, records, marks, AUTHORITY_KEY, counting())


def test_the_file_of_a_second_implementation_is_read_and_written_the_same() -> None:
    read = parse_notice_file(FILE, batch())
    assert read.encode() == FILE
    assert record() in read.notices
    assert write_notice_file(REGION, BATCH, read.notices, read.marks, AUTHORITY_KEY, counting()) == FILE


def test_a_file_is_padded_sorted_and_the_same_each_time() -> None:
    one, other = record(), record(hour=HOUR + 3600, start=HOUR + 3600, end=HOUR + 3700)
    data = written(one, other)
    assert data == written(other, one)
    read = parse_notice_file(data, batch())
    assert (len(read.notices), len(read.marks)) == (64, 16)
    assert [tag[:16] for tag in read.notices] == sorted(tag[:16] for tag in read.notices)


def test_an_empty_batch_has_a_file_of_the_same_length() -> None:
    assert len(written()) == len(written(record())) == len(written(*filler(64, 512))) == 60 + 64 * 512 + 16 * 16 + 64


@pytest.mark.parametrize(
    ("count", "padded"),
    [(0, 64), (64, 64), (65, 128), (128, 128), (129, 256), (65_536, 65_536), (65_537, 100_000), (100_000, 100_000)],
)
def test_numbers_are_padded(count: int, padded: int) -> None:
    assert padded_count(count, NOTICE_COUNTS) == padded


def test_more_than_the_largest_number_is_refused() -> None:
    for counts in (NOTICE_COUNTS, MARK_COUNTS):
        with pytest.raises(LimitError):
            padded_count(counts[1] + 1, counts)


def test_two_notices_of_one_hour_do_not_fit_one_file() -> None:
    for records in ((record(), record(rule="outdoor")), (record(), record()), (record()[:-1],)):
        with pytest.raises(FormatError):
            written(*records)
    with pytest.raises(FormatError):
        written(marks=(bytes(15),))


@pytest.mark.parametrize(("region", "number"), [("Demo", 1), ("", 1), ("x" * 33, 1)])
def test_a_file_of_no_region_cannot_be_written(region: str, number: int) -> None:
    with pytest.raises(FormatError):
        write_notice_file(region, number, [], [], AUTHORITY_KEY, counting())


def test_padding_that_repeats_itself_is_drawn_again() -> None:
    twice = (number // 2 for number in range(10**9))
    data = write_notice_file(
        REGION, BATCH, [], [], AUTHORITY_KEY, lambda length: next(twice).to_bytes(16, "big").ljust(length, b"\1")
    )
    assert len(parse_notice_file(data, batch()).notices) == 64


@given(st.lists(st.integers(1, len(FILE)), max_size=12))
def test_blocks_of_any_length_are_read_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(FILE)]
    blocks = [FILE[start:end] for start, end in itertools.pairwise(edges)]
    assert list(read_notices(blocks, batch())) == list(read_notices([FILE], batch()))


@given(st.binary(max_size=300) | st.binary(max_size=100).map(FILE[:48].__add__))
def test_nothing_but_our_errors_leaves_the_reader(data: bytes) -> None:
    with pytest.raises(OwnhueError):
        parse_notice_file(data, batch())


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_no_changed_byte_of_a_file_is_accepted(at: int, change: int) -> None:
    altered = bytearray(FILE)
    altered[at] ^= change
    with pytest.raises(OwnhueError):
        matched(visit(), data=bytes(altered))


def test_each_step_of_reading_a_file_has_its_own_words() -> None:
    def refused(data: bytes, error: type[OwnhueError], match: str, **changes: Any) -> None:
        with pytest.raises(error, match=match):
            matched(visit(), data=data, **changes)

    rest, marks = filler(64, 512), sorted(filler(16, 16))
    refused(b"", FormatError, "was cut")
    refused(FILE[:-1], FormatError, "was cut")
    refused(b"PK" + FILE[2:], FormatError, "not a notice file")
    refused(FILE[:20] + b"\0X" + FILE[22:], FormatError, "not a notice file")
    refused(second.notice_file(REGION, BATCH, sorted(rest[:63]), marks, AUTHORITY), FormatError, "not padded")
    refused(second.notice_file(REGION, BATCH, sorted(rest), marks[:15], AUTHORITY), FormatError, "not padded")
    refused(FILE[:52] + (100_001).to_bytes(4, "big") + FILE[56:], LimitError, "at most 100000")
    refused(FILE + b"\0", FormatError, "follows")
    refused(FILE, VerificationError, "another region or batch", region="elsewhere")
    refused(FILE, VerificationError, "another region or batch", number=BATCH + 1)
    refused(second.notice_file(REGION, BATCH, sorted(rest)[::-1], marks, AUTHORITY), FormatError, "ascend")
    refused(second.notice_file(REGION, BATCH, sorted(rest), marks[:15] + marks[:1], AUTHORITY), FormatError, "ascend")
    refused(second.notice_file(REGION, BATCH, sorted(rest), marks, STRANGER), VerificationError, "did not sign")


def test_a_file_that_follows_in_another_block_is_refused() -> None:
    with pytest.raises(FormatError, match="follows"):
        match_notices([], [FILE, b"", b"\0"], batch())
    assert match_notices([], [FILE, b"", b""], batch()).found == ()


def big(count: int, block: int = 1 << 16) -> Iterator[bytes]:
    """A file of *count* notices, one of them about the market hall."""
    notices = [record(), *(os.urandom(NOTICE_BYTES) for _ in range(count - 1))]
    data = write_notice_file(REGION, BATCH, notices, [], AUTHORITY_KEY, os.urandom)
    return iter([data[at : at + block] for at in range(0, len(data), block)])


def test_memory_does_not_grow_with_the_notices() -> None:
    peaks = []
    for count in (1000, 16_000):
        blocks = big(count)
        tracemalloc.start()
        assert match_notices([visit()], blocks, batch()).exposures == (exposure(600, 2400),)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


@pytest.mark.parametrize("region", ["x" * 32, "demo"])
def test_a_region_fills_its_field_or_does_not(region: str) -> None:
    data = write_notice_file(region, 7, [], [], AUTHORITY_KEY, counting())
    assert parse_notice_file(data, batch(7, region)).region == region
    assert second.notice_file(region, 7, *records_of(data), AUTHORITY) == data


def records_of(data: bytes) -> tuple[list[bytes], list[bytes]]:
    notices, marks = data[60 : 60 + 64 * 512], data[60 + 64 * 512 : -64]
    return [notices[at : at + 512] for at in range(0, 64 * 512, 512)], [marks[at : at + 16] for at in range(0, 256, 16)]
