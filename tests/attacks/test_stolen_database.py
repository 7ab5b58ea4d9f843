"""Whoever copies the publisher's database at any moment: what it says. specs/publication.md section 9"""

import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from ownhue.params import ReportType
from ownhue_server.publisher.tables import REPORT_TYPE_AT
from tests.server.clinic import WEEK, Clinic
from tests.server.served import BATCH, MONDAY, served

#: Where in a payload of pending_keys the time and the report type stand (pending.py).
TIME, TYPE = slice(17, 21), 21 + REPORT_TYPE_AT


def waiting(database: Path) -> dict[bytes, bytes]:
    """Payloads of pending_keys in use, by key."""
    connection = sqlite3.connect(database)
    rows = connection.execute("SELECT payload FROM pending_keys WHERE payload >= x'01'").fetchall()
    connection.close()
    return {payload[1:17]: payload for (payload,) in rows}


@pytest.mark.parametrize("age", [1, 3])
def test_keys_that_a_real_person_takes_back_wait_like_those_of_invented_people(tmp_path: Path, age: int) -> None:
    """Their time was that of their embargo's end, long ago: a thief told real withdrawals by it."""
    with served(tmp_path / "server", padding=100) as server:
        clinic = Clinic(server)
        patient = clinic.patient(14)
        assert clinic.report(patient) == "ok"
        server.move_clock(MONDAY + age * BATCH)
        assert clinic.withdraw(patient) == "ok"
        server.move_clock(MONDAY + age * BATCH + 600)
        payloads = waiting(tmp_path / "server" / "publisher.sqlite")
        revoked = {data: payload for data, payload in payloads.items() if payload[TYPE] == ReportType.REVOKED}
        times = {data: int.from_bytes(payload[TIME], "big") for data, payload in revoked.items()}
        assert set(patient.datas) < set(times)
        assert {times[data] for data in patient.datas} == {MONDAY + (age + 1) * BATCH}
        assert min(times.values()) == MONDAY + (age + 1) * BATCH
        # Some of the others wait for the same batch.
        assert Counter(times.values())[MONDAY + (age + 1) * BATCH] > len(patient.datas)
        server.move_clock(MONDAY + (age + 1) * BATCH)
        revised = {key.data for key in clinic.published().key_files()[-1].revised_keys}
    assert set(patient.datas) < revised


def test_spent_tokens_do_not_count_the_reports(tmp_path: Path) -> None:
    """Nobody reported, and yet tokens were spent, of this week and as many as invented people sent messages."""
    database = tmp_path / "server" / "publisher.sqlite"

    def spent() -> list[bytes]:
        connection = sqlite3.connect(database)
        rows = connection.execute("SELECT payload FROM spent_tokens WHERE payload >= x'01'").fetchall()
        connection.close()
        return [payload[1:] for (payload,) in rows]

    with served(tmp_path / "server", padding=100) as server:
        server.move_clock(MONDAY + 10 * BATCH)
        tokens = spent()
        assert len({token[:32] for token in tokens}) == len(tokens) >= 2 * 10
        assert {int.from_bytes(token[32:], "big") - MONDAY // WEEK for token in tokens} == {0}
