"""The whole loop of a phone against the real server process, over HTTP: meet, report, know, show, take back."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from ownhue.colour import Colour
from ownhue.errors import StateError, VerificationError
from ownhue.journal import verify_chain
from ownhue.params import ReportType
from ownhue_client.checkpoint import Checkpoint
from ownhue_client.errors import UnreachableError
from ownhue_client.phone import Phone, RefusedError, Settings, why
from ownhue_client.phone.ledger import LedgerLine
from tests.e2e.server_process import ServerProcess, server_process

#: 2026-03-02 00:00:00 UTC, 08:00 in the demonstration's zone.
START = 1_772_409_600
HOUR, DAY = 3600, 86400
MEETING = START + 3 * HOUR
TESTED, ONSET = date(2026, 3, 2), date(2026, 3, 1)


class Town:
    """A running server, its desk, and phones that meet."""

    def __init__(self, server: ServerProcess, directory: Path, client: httpx.Client) -> None:
        self.server = server
        self.directory = directory
        self.client = client
        self.now = START

    def phone(self, owner: str) -> Phone:
        return Phone.create(
            self.directory / owner,
            self.server.region,
            random=os.urandom,
            http_client=self.client,
            now=START,
            root=self.server.trust_root,
            settings=Settings(passes_per_day=4),
        )

    def desk(self, path: str, **body: Any) -> Any:
        answer = self.client.post(f"{self.server.url}/authority/v1/{path}", headers=self.server.desk_headers, **body)
        return answer.raise_for_status().json()

    def code(self, report_type: ReportType = ReportType.CONFIRMED_TEST) -> str:
        return str(self.desk("claim-codes", json={"report_type": int(report_type), "length": "long"})["code"])

    def ticket(self) -> str:
        return str(self.desk("tickets", json={})["ticket"])

    def pass_time(self, seconds: int) -> int:
        self.now += seconds
        self.server.move_clock(self.now)
        return self.now

    def meet(self, a: Phone, b: Phone, start: int, minutes: int) -> None:
        for time in range(start, start + 60 * minutes, 20):
            for listener, speaker in ((a, b), (b, a)):
                listener.hear(speaker.beacon_at(time), rssi=-70, scan_id=time, scan_seconds=20, now=time)
        for phone in (a, b):
            phone.note_scans(range(start, start + DAY, 300))


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with (
        server_process(tmp_path / "server", start=START, padding=30) as server,
        httpx.Client(trust_env=False) as client,
    ):
        yield Town(server, tmp_path, client)


def test_the_loop(town: Town) -> None:
    cook, courier, partner = (town.phone(owner) for owner in ("cook", "courier", "partner"))
    town.meet(cook, courier, MEETING, 25)
    town.meet(cook, partner, MEETING + 2 * HOUR, 5)
    now = town.pass_time(6 * HOUR)
    for phone in (cook, courier, partner):
        phone.sync(now)
        assert phone.decide(now).colour is Colour.GREEN
        phone.enrol(town.ticket(), now)
        assert phone.fetch_passes(now) == 12

    courier.claim(town.code(), TESTED, ONSET, now)
    assert courier.decide(now).colour is Colour.RED
    now = town.pass_time(HOUR)
    # The period of the meeting, and the present one, in which somebody could still have come near.
    assert courier.report(now) == 2
    now = town.pass_time(3 * HOUR)
    for phone in (cook, partner):
        phone.sync(now)
    decision = cook.decide(now)
    assert decision.colour is Colour.YELLOW
    assert why(decision)[0] == "YELLOW until 9 March 2026, 23:59 (Asia/Shanghai)"
    assert partner.decide(now).colour is Colour.GREEN, "the partner met the cook, not the courier"

    gate = Checkpoint(town.server.region, http=town.client, root=town.server.trust_root)
    gate.sync(now)
    for phone, colour in ((cook, Colour.YELLOW), (partner, Colour.GREEN)):
        answer = gate.verify_text(phone.open_code(now).text_at(now + 20), now + 20)
        assert (answer.colour, answer.verdict.cross_checked) == (colour, True)

    assert courier.withdraw(town.code(ReportType.REVOKED), now) == 2
    assert courier.decide(now).colour is not Colour.RED
    now = town.pass_time(3 * HOUR)
    cook.sync(now)
    assert cook.decide(now).colour is Colour.GREEN
    assert cook.journal()[-1].why[0].endswith("withdrawn by the authority")
    for phone in (cook, courier, partner):
        verify_chain(phone.journal())
        phone.close()


def test_the_desk_uploads_what_it_cannot_read(town: Town) -> None:
    cook, courier = town.phone("cook"), town.phone("courier")
    town.meet(cook, courier, MEETING, 25)
    now = town.pass_time(6 * HOUR)
    courier.sync(now)
    courier.claim(town.code(), TESTED, ONSET, now)
    sealed = courier.seal_report(now)
    assert town.desk("sealed-reports", content=sealed) == {"ok": True}
    assert town.desk("sealed-reports", content=sealed) == {"ok": False, "error": "token_spent"}
    # The phone that sends it as well only learns that it arrived.
    assert courier.report(now) == 2
    now = town.pass_time(3 * HOUR)
    cook.sync(now)
    assert cook.decide(now).colour is Colour.YELLOW


def test_codes_and_tickets_work_once(town: Town) -> None:
    cook, thief = town.phone("cook"), town.phone("thief")
    town.meet(cook, thief, MEETING, 20)
    now = town.pass_time(6 * HOUR)
    for phone in (cook, thief):
        phone.sync(now)
    code, ticket = town.code(), town.ticket()
    cook.claim(code, TESTED, ONSET, now)
    cook.enrol(ticket, now)
    with pytest.raises(RefusedError) as refusal:
        thief.claim(code, TESTED, ONSET, now)
    assert refusal.value.word == "other_message"
    with pytest.raises(RefusedError) as refusal:
        thief.enrol(ticket, now)
    assert refusal.value.word == "ticket_spent"
    assert thief.results() == []
    with pytest.raises(RefusedError) as refusal:
        thief.claim("1000-0000", TESTED, ONSET, now)
    assert refusal.value.word == "unknown_code"
    with pytest.raises(StateError):
        thief.fetch_passes(now)
    assert cook.report(now) == 2
    with pytest.raises(StateError, match="sent already"):
        cook.report(now)


def test_fourteen_days_without_network_and_then_all_at_once(town: Town) -> None:
    cook, courier = town.phone("cook"), town.phone("courier")
    town.meet(cook, courier, START + 10 * DAY, 25)
    now = town.pass_time(10 * DAY + 3 * HOUR)
    courier.sync(now)
    courier.claim(town.code(), date(2026, 3, 12), date(2026, 3, 12), now)
    courier.report(now)
    now = town.pass_time(3 * DAY + 20 * HOUR)
    result = cook.sync(now)
    # The batch that closed at the start counts too.
    assert result.files == 1 + (13 * DAY + 23 * HOUR) // 7200
    assert cook.decide(now).colour is Colour.YELLOW


def test_a_server_that_is_gone_leaves_the_store_as_it_was(town: Town) -> None:
    cook = town.phone("cook")
    now = town.pass_time(3 * HOUR)
    cook.sync(now)
    before = cook.facts(now)
    town.server.stop()
    with pytest.raises(UnreachableError):
        cook.sync(now)
    with pytest.raises(UnreachableError):
        cook.claim("12345678", TESTED, ONSET, now)
    assert cook.facts(now) == before
    unanswered = [line for line in cook.ledger() if line.bytes_in is None]
    assert [line.purpose for line in unanswered] == ["whose signatures count", "claim a token with a code"]
    assert all(isinstance(line, LedgerLine) for line in unanswered)


def test_a_server_with_other_keys_at_the_same_address_is_refused(town: Town, tmp_path: Path) -> None:
    town.pass_time(3 * HOUR)
    with server_process(tmp_path / "impostor", start=town.now + 2 * HOUR, padding=30) as impostor:
        region = town.server.region.model_copy(update={"url": impostor.url})
        phone = Phone.create(
            tmp_path / "p", region, random=os.urandom, http_client=town.client, now=START, root=town.server.trust_root
        )
        with pytest.raises(VerificationError):
            phone.sync(impostor.now())
        assert phone.rulebook(START) is None
        phone.close()


def test_killed_while_synchronising_it_goes_on_and_finds_the_same(town: Town) -> None:
    """A real process of the phone, killed at several points of a synchronisation."""
    cook, courier = town.phone("cook"), town.phone("courier")
    town.meet(cook, courier, MEETING, 25)
    now = town.pass_time(5 * HOUR)
    courier.sync(now)
    courier.claim(town.code(), TESTED, ONSET, now)
    courier.report(now)
    now = town.pass_time(9 * HOUR)
    cook.close()
    # The first time seven requests tell whose signatures count and what is new, later three; then come key files.
    for requests in (1, 7, 8, 5, 4, 6):
        program = f"""
import os, signal, httpx, pathlib
from ownhue_client.phone import Phone
left = {requests}
def count(response):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
client = httpx.Client(trust_env=False, event_hooks={{"response": [count]}})
phone = Phone.open(pathlib.Path({str(town.directory / "cook")!r}), random=os.urandom, http_client=client, now={now})
phone.sync({now})
"""
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL
    again = Phone.open(town.directory / "cook", random=os.urandom, http_client=town.client, now=now)
    again.sync(now)
    assert [window.seconds for window in again.facts(now).windows] == [1500]
    assert again.decide(now).colour is Colour.YELLOW
    keys = [line for line in again.ledger() if line.purpose == "published keys"]
    # 8 batches, each looked at once; the four requests that were cut off are in the ledger without an answer.
    assert [line.bytes_in is None for line in keys].count(False) == 8
    assert [line.bytes_in is None for line in keys].count(True) == 4
    again.close()
