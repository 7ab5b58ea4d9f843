"""A server that starts with a clock that lies ahead: it gives nothing away."""

from pathlib import Path

import pytest

from ownhue.errors import StateError
from ownhue_server.authority.guesses import ALARM, WINDOW_SECONDS, Guesses
from ownhue_server.clock import SystemClock
from ownhue_server.config import Role
from tests.server.clinic import WEEK, Clinic
from tests.server.served import BATCH, MONDAY, served

DAY = 86_400


def clock_at(now: int) -> SystemClock:
    """The clock of a machine that says it is *now*."""
    return SystemClock(lambda: float(now), lambda: 0.0)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A deployment that was served until Monday, 02:00."""
    with served(tmp_path / "server", now=MONDAY + BATCH):
        pass
    return tmp_path / "server"


@pytest.mark.parametrize("roles", [{Role.PUBLISHER}, {Role.ISSUER}, set(Role)])
def test_a_clock_days_ahead_of_what_was_done_last_keeps_the_server_from_starting(
    directory: Path, roles: set[Role]
) -> None:
    for days in (2, 3, 400):
        with (
            pytest.raises(StateError, match="--clock-is-right"),
            served(directory, clock=clock_at(MONDAY + BATCH + days * DAY), roles=roles),
        ):
            raise AssertionError("it started")


def test_a_clock_ahead_publishes_no_key_of_an_open_epoch_and_closes_nothing(directory: Path) -> None:
    """The issuer would have given out the private keys of today and tomorrow, at its own endpoint, too."""
    before = (directory / "published" / "head").read_bytes()
    with pytest.raises(StateError), served(directory, clock=clock_at(MONDAY + 3 * DAY)):
        raise AssertionError("it started")
    assert (directory / "published" / "head").read_bytes() == before
    with served(directory, clock=clock_at(MONDAY + BATCH + DAY), roles={Role.ISSUER}) as server:
        # A day ahead it starts, and that is too little for any key that is still in use.
        assert server.request("GET", "/issuer/v1/past-epochs").status_code == 404


def test_an_authority_alone_with_a_clock_weeks_ahead_keeps_the_keys_of_this_week(directory: Path) -> None:
    """It would have deleted them, and listed keys of weeks to come for ever after."""
    with (
        pytest.raises(StateError, match="--clock-is-right"),
        served(directory, clock=clock_at(MONDAY + 400 * DAY), roles={Role.AUTHORITY}),
    ):
        raise AssertionError("it started")
    with served(directory, now=MONDAY + 2 * BATCH, roles={Role.AUTHORITY}) as server:
        assert Clinic(server).key().week == MONDAY // WEEK


@pytest.mark.parametrize("seconds", [-1, DAY - 1])
def test_an_authority_alone_starts_before_and_after_a_new_week_begins(directory: Path, seconds: int) -> None:
    """No list was made since Monday."""
    now = (MONDAY // WEEK + 1) * WEEK + seconds
    with served(directory, clock=clock_at(now), roles={Role.AUTHORITY}) as server:
        assert Clinic(server).key().week == now // WEEK


def test_a_server_that_was_off_for_long_starts_when_it_is_told_that_the_clock_is_right(directory: Path) -> None:
    with served(directory, clock=clock_at(MONDAY + 2 * DAY), clock_is_right=True) as server:
        assert Clinic(server).published().head.time == MONDAY + 2 * DAY


def test_a_server_that_was_off_overnight_starts(directory: Path) -> None:
    with served(directory, clock=clock_at(MONDAY + DAY)) as server:
        assert Clinic(server).published().head.time == MONDAY + DAY


def test_a_first_start_has_nothing_to_compare_with(tmp_path: Path) -> None:
    with served(tmp_path / "server", clock=clock_at(MONDAY), roles={Role.AUTHORITY, Role.PUBLISHER}) as server:
        assert Clinic(server).published().head.time == MONDAY


def test_wrong_spoken_codes_are_counted_and_nothing_else() -> None:
    guesses = Guesses()
    for _ in range(ALARM):
        guesses.note("1" * 16, "unknown_code", MONDAY)
        guesses.note("1" * 8, "other_message", MONDAY)
    for _ in range(ALARM - 1):
        guesses.note("1" * 8, "unknown_code", MONDAY)
    assert not guesses.many(MONDAY)
    guesses.note("1" * 8, "unknown_code", MONDAY)
    assert guesses.many(MONDAY)
    assert guesses.many(MONDAY + 2 * WINDOW_SECONDS - 1)
    assert not guesses.many(MONDAY + 2 * WINDOW_SECONDS)
