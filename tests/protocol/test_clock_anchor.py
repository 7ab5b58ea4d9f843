"""The clock anchor: a lower bound that holds, never goes back and survives reboots. specs/identifiers.md section 6"""

from contextlib import suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.clock_anchor import BOOT_BYTES, ClockAnchor
from ownhue.encoding import cbor_encode
from ownhue.errors import FormatError, OwnhueError

BOOT, LATER = bytes(16), b"\x01" * 16
NOON = 1_767_268_800
_NUMBERS = st.integers(0, 2**40 - 1)
_ANCHORS = st.builds(ClockAnchor, _NUMBERS, st.binary(min_size=BOOT_BYTES, max_size=BOOT_BYTES), _NUMBERS)


def test_the_bound_grows_with_the_monotonic_clock_less_its_drift() -> None:
    anchor = ClockAnchor(NOON, BOOT, 1000)
    assert [anchor.not_before(BOOT, 1000 + s) - NOON for s in (0, 1, 2, 2000, 2001, 86_400)] == [
        0,
        0,
        1,
        1999,
        1999,
        86_356,
    ]


def test_a_reboot_leaves_what_was_known_and_counts_nothing_more() -> None:
    anchor = ClockAnchor(NOON, BOOT, 1000)
    assert anchor.not_before(LATER, 10**6) == NOON
    kept = anchor.moved(BOOT, 4600)
    assert kept.floor == NOON + 3598
    assert ClockAnchor.from_bytes(kept.to_bytes()).not_before(LATER, 3) == NOON + 3598


def test_a_newer_head_counts_and_an_older_one_does_not() -> None:
    anchor = ClockAnchor(NOON, BOOT, 1000)
    assert anchor.learned(NOON + 7200, BOOT, 1060).not_before(BOOT, 1060) == NOON + 7200
    assert anchor.learned(NOON - 7200, BOOT, 4600).not_before(BOOT, 4600) == NOON + 3598
    assert anchor.learned(NOON - 7200, LATER, 5).not_before(LATER, 5) == NOON


def test_a_monotonic_clock_that_runs_backwards_takes_nothing_away() -> None:
    anchor = ClockAnchor(NOON, BOOT, 1000)
    assert anchor.not_before(BOOT, 0) == NOON
    assert anchor.learned(NOON, BOOT, 0) == anchor


@given(st.integers(0, 2**32))
def test_whatever_happens_the_bound_holds_and_never_decreases_in_a_boot(seed: int) -> None:
    """A life of a device: time passes, the device sleeps and reboots, its clock gains a little, heads come late."""
    draw = Random(seed)
    now, boot, reading = NOON, BOOT, draw.randrange(10**6)
    anchor, told = ClockAnchor(now, boot, reading), 0
    for _ in range(30):
        passed = draw.choice((0, 1, 59, 3600, 86_400, 10**6))
        now += passed
        asleep = passed * draw.choice((0, 0, 1)) // 2
        reading += (passed - asleep) + (passed - asleep) * draw.randint(0, 500) // 1_000_000
        if draw.random() < 0.2:
            boot, reading = draw.randbytes(16), draw.randrange(100)
            told = anchor.floor  # what was kept; what had only been counted since then is lost
        match draw.randrange(3):
            case 0:
                anchor = anchor.learned(now - draw.choice((0, 0, 5, 7200, 86_400)), boot, reading)
            case 1:
                anchor = ClockAnchor.from_bytes(anchor.moved(boot, reading).to_bytes())
        bound = anchor.not_before(boot, reading)
        assert told <= bound <= now
        told = bound


@given(_ANCHORS)
def test_bytes_and_back(anchor: ClockAnchor) -> None:
    assert ClockAnchor.from_bytes(anchor.to_bytes()) == anchor


@given(_ANCHORS, _NUMBERS, _NUMBERS)
def test_no_bound_leaves_the_format(anchor: ClockAnchor, time: int, reading: int) -> None:
    after = anchor.learned(time, anchor.boot, reading)
    assert ClockAnchor.from_bytes(after.to_bytes()) == after
    assert after.not_before(anchor.boot, 2**40 - 1) < 2**40


@given(
    st.binary(max_size=60) | st.lists(st.none() | st.booleans() | _NUMBERS | st.binary(max_size=17)).map(cbor_encode)
)
def test_any_bytes_are_an_anchor_in_its_one_spelling_or_refused(data: bytes) -> None:
    with suppress(OwnhueError):
        assert ClockAnchor.from_bytes(data).to_bytes() == data


GOOD = [1, NOON, BOOT, 1000]


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("value", [None, True, False, -1, 2, 2**40, b"", bytes(15), bytes(17), "1", [], {}])
def test_each_field_has_its_type_and_range(at: int, value: object) -> None:
    changed = [*GOOD[:at], value, *GOOD[at + 1 :]]
    if type(value) is int and value == 2 and at in (1, 3):
        assert ClockAnchor.from_bytes(cbor_encode(changed)).to_bytes() == cbor_encode(changed)
        return
    with pytest.raises(FormatError):
        ClockAnchor.from_bytes(cbor_encode(changed))


@pytest.mark.parametrize("change", [{"floor": -1}, {"floor": 2**40}, {"reading": -1}, {"boot": b""}])
def test_impossible_anchors_are_refused(change: dict[str, object]) -> None:
    good: dict[str, object] = {"floor": NOON, "boot": BOOT, "reading": 1}
    with pytest.raises(FormatError):
        ClockAnchor(**good | change)  # type: ignore[arg-type]
    with pytest.raises(FormatError):
        ClockAnchor(NOON, BOOT, 1).learned(2**40, BOOT, 1)
