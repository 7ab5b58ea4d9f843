"""The ledger tells of every request, also of those that failed and how; and one synchronisation has an end."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ownhue.errors import FormatError, LimitError
from ownhue_client.errors import MissingError, UnreachableError
from ownhue_client.fetching import Retries
from ownhue_client.phone import Phone, Settings
from ownhue_client.phone.budget import REQUEST_BYTES, Budget
from ownhue_client.phone.door import Door
from tests.client.publisher import START
from tests.client.town import DAY, Town
from tests.client.trusted_town import Device


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def phone(town: Town, tmp_path: Path) -> Phone:
    return town.phone(tmp_path / "phone", clock=Device())


def failing(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def handle(_request: httpx.Request) -> httpx.Response:
        raise error

    return handle


def dripping(*, breaks: bool) -> Callable[[httpx.Request], httpx.Response]:
    """An answer that comes in pieces, and breaks off."""

    def body() -> Iterator[bytes]:
        yield bytes(100)
        if breaks:
            raise httpx.ReadError("reset")
        yield bytes(10_000)

    return lambda _request: httpx.Response(200, content=body())


@pytest.mark.parametrize(
    ("handle", "raised", "outcome"),
    [
        (failing(httpx.ConnectError("no network")), UnreachableError, "no connection"),
        (failing(httpx.ConnectTimeout("no network")), UnreachableError, "no connection"),
        (failing(httpx.ReadTimeout("silence")), UnreachableError, "no answer"),
        (failing(httpx.RemoteProtocolError("nonsense")), UnreachableError, "no answer"),
        (dripping(breaks=True), UnreachableError, "no answer"),
        (dripping(breaks=False), LimitError, "broken off"),
        (lambda _: httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=b""), FormatError, "broken off"),
        (lambda _: httpx.Response(404), MissingError, "answered"),
        (lambda _: httpx.Response(302, headers={"Location": "http://elsewhere"}), UnreachableError, "answered"),
    ],
)
def test_what_failed_stands_in_the_ledger_with_how_far_it_came(
    phone: Phone, handle: Callable[[httpx.Request], httpx.Response], raised: type[Exception], outcome: str
) -> None:
    with httpx.Client(transport=httpx.MockTransport(handle)) as client:
        door = Door(client, "http://town", phone._ledger, Settings())
        with pytest.raises(raised):
            door.fetch("/published/head", "newest state of the log", START, 1000)
    (line,) = phone.ledger()
    assert (line.time, line.host, line.purpose, line.outcome) == (START, "town", "newest state of the log", outcome)
    assert line.bytes_out > 0
    assert (line.bytes_in is None) == (outcome != "answered")


def test_a_phone_that_is_killed_during_a_request_does_not_claim_an_outcome(phone: Phone) -> None:
    class Killed(BaseException):
        pass

    def handle(_request: httpx.Request) -> httpx.Response:
        raise Killed

    with httpx.Client(transport=httpx.MockTransport(handle)) as client, pytest.raises(Killed):
        Door(client, "http://town", phone._ledger, Settings()).fetch("/published/head", "why", START)
    (line,) = phone.ledger()
    assert (line.outcome, line.bytes_in) == ("sending", None)


def test_each_attempt_at_one_file_has_its_own_line(town: Town, tmp_path: Path) -> None:
    retries = Retries(sleep=lambda _: None, random=lambda: 0.5)
    phone = town.phone(tmp_path / "patient", retries=retries)
    town.unreachable = {"/published/head"}
    with pytest.raises(UnreachableError):
        phone.sync(town.now)
    assert [line.outcome for line in phone.ledger()] == ["no connection"] * 4


def test_lines_of_an_older_store_have_no_outcome(phone: Phone) -> None:
    phone._store.add("ledger", START // DAY, [START, "town", "why", 100, 200])
    assert phone.ledger()[0].outcome == "sending"


def test_a_budget_counts_answers_and_requests_alike() -> None:
    budget = Budget(3000, 60, lambda: 0.0)
    asked: list[int] = []

    def fetch(most: int) -> bytes:
        asked.append(most)
        return bytes(500)

    for _ in range(2):
        assert len(budget.spend(fetch, 1000)) == 500
    with pytest.raises(UnreachableError, match="many bytes"):
        budget.spend(fetch, 1000)
    assert asked == [1000, 3000 - 500 - 2 * REQUEST_BYTES]


def test_a_file_that_is_too_long_for_what_is_left_ends_the_budget_and_one_too_long_for_itself_does_not() -> None:
    def too_long(_most: int) -> bytes:
        raise LimitError("longer")

    with pytest.raises(UnreachableError, match="many bytes"):
        Budget(3000, 60, lambda: 0.0).spend(too_long, 10_000)
    with pytest.raises(LimitError):
        Budget(30_000, 60, lambda: 0.0).spend(too_long, 10_000)


def test_a_server_of_endless_files_cannot_keep_a_phone_busy_for_ever(town: Town, tmp_path: Path) -> None:
    """Each file within its limits, together more than a line can take: the budget ends it, the next sync goes on."""
    whole = town.phone(tmp_path / "whole", clock=Device())
    while town.publisher.time < START + 5 * DAY:
        town.publisher.close_keys()
    town.requests.clear()
    whole.sync(town.publisher.time)
    received = sum(line.bytes_in or 0 for line in whole.ledger())
    small = received // 3 + len(town.requests) // 3 * REQUEST_BYTES
    phone = town.phone(tmp_path / "small", clock=Device(), sync_bytes=small)
    rounds = 0
    while True:
        before = sum(line.bytes_in or 0 for line in phone.ledger())
        try:
            phone.sync(town.publisher.time)
            break
        except UnreachableError as error:
            assert "the next one goes on" in str(error)  # noqa: PT017
            rounds += 1
        assert sum(line.bytes_in or 0 for line in phone.ledger()) - before < small
    assert rounds >= 2
    assert phone.facts(town.publisher.time).published_until == whole.facts(town.publisher.time).published_until


def test_a_slow_server_cannot_keep_a_phone_busy_for_ever(town: Town, tmp_path: Path) -> None:
    device = Device()
    phone = town.phone(tmp_path / "phone", clock=device, sync_seconds=600)
    while town.publisher.time < START + 2 * DAY:
        town.publisher.close_keys()
    handle = town.handle

    def slow(request: httpx.Request) -> httpx.Response:
        device.seconds += 60
        return handle(request)

    town.handle = slow  # type: ignore[method-assign]
    slow_client = httpx.Client(transport=httpx.MockTransport(slow))
    phone._doors = lambda url: Door(slow_client, url, phone._ledger, phone.settings)
    with pytest.raises(UnreachableError, match="taken as long"):
        phone.sync(town.publisher.time)
    assert len(phone.ledger()) == 10
    rounds = 1
    while phone._home.pending():
        rounds += 1
        try:
            phone.sync(town.publisher.time)
        except UnreachableError:
            continue
    assert 2 < rounds < 10


def test_the_budget_of_a_sync_begins_anew_with_each(town: Town, tmp_path: Path) -> None:
    device = Device()
    phone = Phone.create(
        tmp_path / "phone",
        town.region,
        random=os.urandom,
        http_client=town.client(),
        now=START,
        settings=Settings(sync_seconds=10),
        clock=device,
    )
    for _ in range(3):
        phone.sync(town.now)
        device.seconds += 60
