"""Place tags: known values, a second computation, what fits and what does not. specs/identifiers.md section 4"""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.cells import cell_of, format_cell, parent, ring1
from ownhue.errors import FormatError, StateError
from ownhue.identifiers import Metadata, TemporaryExposureKey, beacon_at, decrypt_metadata, derive_place_key, rpi_at
from ownhue.place_tag import MAX_OWN_CELLS, Place, beacon_in, cells_around, judge_place, place_tag
from tests.protocol import second_opinion

KEY = TemporaryExposureKey(bytes(range(16)), 2_944_800)
HOME = cell_of(46_948_000, 7_447_400, 7)
TOWNS = [cell_of(north * 1_000_000, 7_000_000, 7) for north in range(-80, 80)]
_CELLS = st.builds(cell_of, st.integers(-90_000_000, 90_000_000), st.integers(-180_000_000, 180_000_000), st.just(7))


@given(
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2**31 - 145),
    st.integers(-50, 20),
    st.integers(0, 1),
    _CELLS,
)
def test_any_beacon_agrees_with_a_computation_that_shares_no_code(
    data: bytes, start: int, power: int, minor: int, cell: int
) -> None:
    key, metadata = TemporaryExposureKey(data, start, 144), Metadata(power, minor=minor)
    beacon = beacon_in(key, start + 143, metadata, cell)
    rpi, _ = second_opinion.beacon(data, start + 143, bytes(4))
    head = bytes((0x41 | minor << 4, power % 256))
    tag = second_opinion.place_tag(data, rpi, head, format_cell(cell))
    assert (beacon.rpi, beacon.aem) == second_opinion.beacon(data, start + 143, head + tag)
    assert place_tag(data, rpi, head, cell) == tag
    assert derive_place_key(data) == second_opinion.hkdf16(data, b"OWNHUE-PLACE")
    assert judge_place(data, rpi, replace(metadata, place_tag=tag), [cell]) is Place.CONFIRMED


def _sent(cell: int | None, metadata: Metadata | None = None) -> tuple[bytes, Metadata]:
    """Identifier and metadata as a receiver reads them after the key is published."""
    beacon = beacon_in(KEY, KEY.rolling_start, metadata or Metadata(-20), cell)
    return beacon.rpi, Metadata.from_bytes(decrypt_metadata(KEY.data, beacon.rpi, beacon.aem))


def test_a_tag_fits_its_cell_and_the_ring_around_it_and_no_more() -> None:
    rpi, metadata = _sent(HOME)
    for cell in ring1(HOME):
        assert judge_place(KEY.data, rpi, metadata, [cell]) is Place.CONFIRMED
    two_steps = cells_around(ring1(HOME)) - ring1(HOME)
    assert len(two_steps) == 12
    for cell in two_steps:
        assert judge_place(KEY.data, rpi, metadata, [cell]) is Place.ELSEWHERE
        assert judge_place(KEY.data, rpi, metadata, [cell, HOME]) is Place.CONFIRMED


def test_without_a_place_on_either_side_nothing_is_confirmed() -> None:
    rpi, metadata = _sent(HOME)
    assert judge_place(KEY.data, rpi, metadata, []) is Place.UNCONFIRMED
    rpi, silent = _sent(None)
    assert silent == Metadata(-20)
    for own in ([], [HOME], TOWNS[:3]):
        assert judge_place(KEY.data, rpi, silent, own) is Place.UNCONFIRMED


def test_a_sender_without_a_place_sends_what_gaen_sends() -> None:
    assert beacon_in(KEY, KEY.rolling_start, Metadata(-20), None) == beacon_at(KEY, KEY.rolling_start, Metadata(-20))
    tagged = Metadata(-20, place_tag=b"xy")
    assert beacon_in(KEY, KEY.rolling_start, tagged, None) == beacon_at(KEY, KEY.rolling_start, Metadata(-20))


def test_a_receiver_in_too_many_cells_does_not_know_its_place() -> None:
    rpi, metadata = _sent(HOME)
    most = TOWNS[:MAX_OWN_CELLS]
    assert judge_place(KEY.data, rpi, metadata, most) is Place.ELSEWHERE
    assert judge_place(KEY.data, rpi, metadata, [*most, TOWNS[MAX_OWN_CELLS]]) is Place.UNCONFIRMED
    assert len(cells_around(most)) <= 7 * MAX_OWN_CELLS == 224


def test_a_cell_that_a_history_names_often_is_one_cell() -> None:
    # Else a phone that stays at home and writes its cell down each minute believes every relay.
    rpi, metadata = _sent(HOME)
    assert judge_place(KEY.data, rpi, metadata, TOWNS[:1] * (MAX_OWN_CELLS + 1)) is Place.ELSEWHERE


@pytest.mark.parametrize("lengths", [(15, 16, 2), (16, 17, 2), (16, 16, 1), (16, 16, 3), (16, 16, 0)])
def test_no_tag_is_made_of_bytes_that_no_beacon_has(lengths: tuple[int, int, int]) -> None:
    tek, rpi, head = (b"\1" * length for length in lengths)
    with pytest.raises(FormatError):
        place_tag(tek, rpi, head, HOME)
    with pytest.raises(FormatError):
        place_tag(bytes(16), bytes(16), b"\x40\0", HOME)


@pytest.mark.parametrize("bit", [bit for bit in range(32) if bit != 0])
def test_no_flipped_bit_of_the_metadata_passes(bit: int) -> None:
    # Bit 0 of byte 0 is the flag itself: below.
    rpi, metadata = _sent(HOME, Metadata(-20, minor=1, calibration_confidence=2))
    changed = bytearray(metadata.to_bytes())
    changed[bit // 8] ^= 1 << bit % 8
    try:
        read = Metadata.from_bytes(bytes(changed))
    except FormatError:
        return
    assert judge_place(KEY.data, rpi, read, [HOME]) is Place.ELSEWHERE


def test_clearing_the_flag_in_the_air_is_caught_even_without_a_place() -> None:
    _, metadata = _sent(HOME)
    changed = metadata.to_bytes()
    with pytest.raises(FormatError, match="reserved"):
        Metadata.from_bytes(bytes((changed[0] ^ 1,)) + changed[1:])


def test_a_wrong_tag_fits_as_often_as_was_promised() -> None:
    # 160 towns with 7 cells each against 300 keys: 336,000 tries at 1 / 65,536, so about 5 chance fits.
    fits = 0
    for number in range(300):
        key = TemporaryExposureKey(hashlib.sha256(number.to_bytes(2, "big")).digest()[:16], KEY.rolling_start)
        beacon = beacon_in(key, key.rolling_start, Metadata(-20), HOME)
        metadata = Metadata.from_bytes(decrypt_metadata(key.data, beacon.rpi, beacon.aem))
        for first in range(0, len(TOWNS), MAX_OWN_CELLS):
            own = TOWNS[first : first + MAX_OWN_CELLS]
            fits += judge_place(key.data, beacon.rpi, metadata, own) is Place.CONFIRMED
    assert 0 <= fits <= 20


def test_tags_of_one_place_look_different_each_interval_and_each_key() -> None:
    head = bytes.fromhex("41ec")
    tags = {place_tag(KEY.data, rpi_at(KEY, KEY.rolling_start + i), head, HOME) for i in range(12)}
    assert len(tags) == 12
    rpi = rpi_at(KEY, KEY.rolling_start)
    assert place_tag(bytes(16), rpi, head, HOME) != place_tag(KEY.data, rpi, head, HOME)


def test_cells_of_other_resolutions_are_refused() -> None:
    rpi, metadata = _sent(HOME)
    for cell in (parent(HOME, 6), cell_of(46_948_000, 7_447_400, 8), 0, HOME ^ 1):
        with pytest.raises(FormatError):
            beacon_in(KEY, KEY.rolling_start, Metadata(-20), cell)
        with pytest.raises(FormatError):
            judge_place(KEY.data, rpi, metadata, [cell])


def test_a_key_that_is_not_used_then_makes_no_beacon() -> None:
    for interval in (KEY.rolling_start - 1, KEY.end):
        for cell in (None, HOME):
            with pytest.raises(StateError):
                beacon_in(KEY, interval, Metadata(-20), cell)
