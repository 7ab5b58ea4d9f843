"""Advertisements: written as GAEN writes them, read as radios send them, anything else refused.
specs/identifiers.md section 5"""

from contextlib import suppress
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ownhue.advertisement import (
    FLAGS,
    SERVICE_UUID,
    join_structures,
    read_advertisement,
    split_structures,
    write_advertisement,
)
from ownhue.errors import FormatError, LimitError, OwnhueError
from ownhue.identifiers import Beacon

BEACON = Beacon(bytes(range(16)), b"\xaa\xbb\xcc\xdd")
WHOLE = write_advertisement(BEACON)
_BEACONS = st.builds(Beacon, st.binary(min_size=16, max_size=16), st.binary(min_size=4, max_size=4))
_UUIDS = st.integers(0, 0xFFFF)


def test_the_canonical_advertisement_byte_by_byte() -> None:
    assert WHOLE.hex() == "02011a03036ffd17166ffd" + bytes(range(16)).hex() + "aabbccdd"
    assert len(WHOLE) == 31
    assert (SERVICE_UUID, FLAGS) == (0xFD6F, 0x1A)


@given(_BEACONS, _UUIDS, st.none() | st.integers(0, 255))
def test_what_is_written_is_read(beacon: Beacon, uuid: int, flags: int | None) -> None:
    data = write_advertisement(beacon, uuid, flags)
    assert len(data) == (28 if flags is None else 31)
    assert read_advertisement(data, uuid) == beacon
    with pytest.raises(FormatError):
        read_advertisement(data, uuid ^ 1)


@given(_BEACONS, st.permutations(range(3)))
def test_order_does_not_matter(beacon: Beacon, order: list[int]) -> None:
    structures = split_structures(write_advertisement(beacon))
    assert read_advertisement(join_structures([structures[i] for i in order])) == beacon


@given(st.binary(max_size=34))
@example(WHOLE)
@example(b"")
@example(bytes(31))
@example(b"\x01")
@example(b"\xff" * 31)
def test_any_bytes_split_canonically_or_are_refused(data: bytes) -> None:
    try:
        structures = split_structures(data)
    except OwnhueError:
        return
    assert join_structures(structures, len(data)) == data


@given(st.binary(max_size=34))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(OwnhueError):
        read_advertisement(data)


@given(st.integers(0, 30), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_the_beacon_or_the_flags(at: int, mask: int) -> None:
    changed = WHOLE[:at] + bytes((WHOLE[at] ^ mask,)) + WHOLE[at + 1 :]
    try:
        beacon = read_advertisement(changed)
    except FormatError:
        assert at not in (2, *range(11, 31)), "flags and beacon may have any value"
        return
    # Of the frame only the flags' value and type may be changed: other structures are passed over.
    assert at in (1, 2) or beacon != BEACON


@pytest.mark.parametrize("length", range(31))
def test_every_cut_is_refused(length: int) -> None:
    with pytest.raises(FormatError):
        read_advertisement(WHOLE[:length])


def test_filling_is_zero() -> None:
    data = write_advertisement(BEACON, flags=None)
    for length in (29, 30, 31):
        assert read_advertisement(data.ljust(length, b"\0")) == BEACON
    with pytest.raises(LimitError):
        read_advertisement(data.ljust(32, b"\0"))
    draw = Random(1)
    for _ in range(200):
        tail = bytearray(3)
        tail[draw.randint(1, 2)] = draw.randint(1, 255)
        with pytest.raises(FormatError):
            read_advertisement(data + tail)


def test_a_hidden_beacon_behind_the_end_is_not_read() -> None:
    first, second = split_structures(write_advertisement(BEACON, flags=None))
    with pytest.raises(FormatError, match="behind the end"):
        read_advertisement(join_structures([first]) + b"\0" + join_structures([second]))


def test_what_has_no_spelling_is_refused() -> None:
    for uuid in (-1, 0x10000):
        with pytest.raises(FormatError):
            write_advertisement(BEACON, uuid)
        with pytest.raises(FormatError):
            read_advertisement(WHOLE, uuid)
    for flags in (-1, 256):
        with pytest.raises(FormatError):
            write_advertisement(BEACON, flags=flags)
    for kind in (-1, 256):
        with pytest.raises(FormatError):
            join_structures([(kind, b"")])
    for content in (bytes(30), bytes(300)):
        with pytest.raises(LimitError):
            join_structures([(1, content)])
    with pytest.raises(LimitError):
        join_structures([(1, bytes(14)), (2, bytes(14))])
    assert len(join_structures([(1, bytes(29))])) == 31
