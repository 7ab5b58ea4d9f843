"""authority/claim_codes.py: what is over is deleted, whoever calls, and leaves no trace in the file."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ownhue.params import ReportType
from ownhue_server.authority.claim_codes import LONG_SECONDS, SHORT_SECONDS, TABLES, ClaimCodes, binding_of
from ownhue_server.frames import RefusedError
from ownhue_server.storage.database import open_database
from ownhue_server.storage.key_folder import KeyFolder
from ownhue_server.storage.writer import Writer
from tests.server.served import MONDAY

DAY = 86_400
BINDING = binding_of(bytes(32), bytes(256))


class Office:
    """One process's claim codes."""

    def __init__(self, folder: Path) -> None:
        self.writer = Writer(open_database(folder / "authority.sqlite"), TABLES)
        self.writer.start()
        self.codes = ClaimCodes(self.writer, KeyFolder(folder / "keys"))

    def create(self, length: str, now: int) -> str:
        return asyncio.run(self.codes.create(ReportType.CONFIRMED_TEST, length, now))[0]

    def claim(self, code: str, now: int, binding: bytes = BINDING) -> str:
        try:
            asyncio.run(self.codes.claim(code, binding, now, may_bind=True))
        except RefusedError as refusal:
            return refusal.word
        return "ok"

    def purge(self, now: int) -> None:
        asyncio.run(self.codes.purge(now))

    def used(self) -> list[bytes]:
        """Payloads in use."""
        query = "SELECT payload FROM claim_codes WHERE payload >= x'01'"
        rows = self.writer.submit(lambda transaction: transaction.driver.execute(query).fetchall()).result()
        return [payload for (payload,) in rows]


@pytest.fixture
def offices(tmp_path: Path) -> Iterator[list[Office]]:
    offices = [Office(tmp_path), Office(tmp_path)]
    yield offices
    for office in offices:
        office.writer.stop()


def test_codes_that_are_over_go_although_nobody_creates_any_more(offices: list[Office], tmp_path: Path) -> None:
    here, there = offices
    here.create("short", MONDAY)
    here.create("long", MONDAY)
    claimed = here.create("long", MONDAY)
    assert there.claim(claimed, MONDAY + 60) == "ok"
    before = here.used()
    assert len(before) == 3
    there.purge(MONDAY + SHORT_SECONDS - 1)
    assert len(here.used()) == 3
    here.purge(MONDAY + SHORT_SECONDS + 3600)
    assert len(here.used()) == 2
    # A claimed code is kept until the midnight after its end, so that a lost answer can be fetched again.
    there.purge(MONDAY + LONG_SECONDS)
    assert len(here.used()) == 1
    assert there.claim(claimed, MONDAY + LONG_SECONDS) == "ok"
    there.purge(MONDAY + 2 * DAY)
    assert here.used() == []
    data = (tmp_path / "authority.sqlite").read_bytes()
    assert not any(payload[1:33] in data for payload in before)


def test_purging_is_done_once_an_hour(offices: list[Office]) -> None:
    here, _there = offices
    here.purge(MONDAY)
    here.create("short", MONDAY)
    here.purge(MONDAY + 3599)
    assert len(here.used()) == 1
    here.purge(MONDAY + 3600)
    assert here.used() == []


def test_what_one_process_bound_another_one_refuses_to_bind_again(offices: list[Office]) -> None:
    here, there = offices
    code = here.create("short", MONDAY)
    assert here.claim(code, MONDAY + 1) == "ok"
    assert there.claim(code, MONDAY + 2, binding_of(bytes(32), b"\1" + bytes(255))) == "other_message"
    assert there.claim(code, MONDAY + 3) == "ok"
