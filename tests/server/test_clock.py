"""clock.py: never back, never a leap."""

import pytest

from ownhue.errors import StateError
from ownhue_server.clock import LEAP_SECONDS, MAX_AHEAD_SECONDS, RehearsalClock, SystemClock, check_start


class Machine:
    """A machine whose clocks a test sets."""

    def __init__(self) -> None:
        self.wall = 1_772_409_600.5
        self.timer = 100.0

    def clock(self) -> SystemClock:
        return SystemClock(lambda: self.wall, lambda: self.timer)

    def pass_time(self, seconds: float) -> None:
        self.wall += seconds
        self.timer += seconds


def test_it_follows_the_system() -> None:
    machine = Machine()
    clock = machine.clock()
    assert clock.now() == 1_772_409_600
    machine.pass_time(7200)
    assert clock.now() == 1_772_416_800


def test_the_systems_clock_set_back_does_not_turn_time_back() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.pass_time(600)
    before = clock.now()
    machine.wall -= 86400
    assert clock.now() == before
    machine.pass_time(60)
    assert clock.now() == before


def test_the_systems_clock_set_a_day_ahead_is_not_followed(capsys: pytest.CaptureFixture[str]) -> None:
    machine = Machine()
    clock = machine.clock()
    start = clock.now()
    machine.pass_time(1000)
    machine.wall += 86400
    assert start + 1000 <= clock.now() <= start + 1000 + LEAP_SECONDS + 2
    assert clock.now() == clock.now()
    assert len(capsys.readouterr().err.splitlines()) == 1
    machine.wall -= 86400
    machine.pass_time(3600)
    assert clock.now() == start + 4600


def test_a_clock_that_drifts_a_little_is_followed() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.pass_time(86400)
    machine.wall += 5
    assert clock.now() == 1_772_409_600 + 86405


def test_a_server_does_not_start_more_than_a_day_after_what_it_did_last() -> None:
    check_start(1000, 1000 + MAX_AHEAD_SECONDS)
    check_start(1000, 10)
    with pytest.raises(StateError, match=r"2 days ahead .* --clock-is-right"):
        check_start(1000, 1000 + 2 * MAX_AHEAD_SECONDS)


def test_a_rehearsals_clock_stands_and_moves_forward_only() -> None:
    clock = RehearsalClock(100)
    clock.move(100)
    clock.move(250)
    with pytest.raises(StateError):
        clock.move(249)
    assert clock.now() == 250
