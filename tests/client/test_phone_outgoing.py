"""When claims are followed by what: one message each, at random and kept, whatever became of the claim."""

import os
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import mean

import httpx
import pytest

from ownhue.errors import StateError
from ownhue.params import ReportType
from ownhue_client.errors import UnreachableError
from ownhue_client.phone import Phone, RefusedError
from ownhue_client.phone.outgoing import DECOY_SECONDS, LEAST_DELAY_SECONDS, MOST_DELAY_SECONDS
from tests.client.publisher import START
from tests.client.town import DAY, HOUR, Town, meet

CLAIM, REPORT = "/authority/v1/claim", "/publisher/v1/report"
NOW = START + 10 * HOUR
TESTED = date(2026, 3, 2)
DELAYS = range(LEAST_DELAY_SECONDS, MOST_DELAY_SECONDS)


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def phone(town: Town, tmp_path: Path) -> Phone:
    """Met somebody, and knows the authority's keys."""
    phone = town.phone(tmp_path / "phone")
    meet(phone, town.phone(tmp_path / "other"), START + 3 * HOUR)
    phone.sync(town.now)
    town.requests.clear()
    return phone


def looks(town: Town) -> list[tuple[str, str, tuple[tuple[str, str], ...], int]]:
    """What somebody on the line sees of each request but its bytes under TLS: where it goes, its head, its size."""
    return [
        (request.method, request.url.path, tuple(sorted(request.headers.items())), len(request.content))
        for request in town.requests
    ]


def send_all(phone: Phone, now: int) -> tuple[list[str | None], list[int]]:
    """Send what is planned as an agent does: what it was, and how long after *now*."""
    sent, waits = [], []
    while (due := phone.report_due(now)) is not None:
        assert due - now in DELAYS
        sent.append(phone.send_due(due))
        waits.append(due - now)
    return sent, waits


def claimed(town: Town, phone: Phone) -> None:
    phone.claim(town.code(), TESTED, TESTED, NOW)


def all_left_out(town: Town, phone: Phone) -> None:
    everything = [period.start for period in phone.report_periods(NOW)]
    phone.claim(town.code(), TESTED, None, NOW, leave_out=everything)


def given_to_the_desk(town: Town, phone: Phone) -> None:
    claimed(town, phone)
    assert len(phone.seal_report(NOW)) == 12_048
    assert phone.report_status(NOW).report == "given to the desk"


def refused_claim(town: Town, phone: Phone) -> None:
    with pytest.raises(RefusedError):
        phone.claim("1999 9999", TESTED, TESTED, NOW)


def refused_withdrawal(town: Town, phone: Phone) -> None:
    claimed(town, phone)
    phone.report(NOW)
    town.requests.clear()
    with pytest.raises(RefusedError):
        phone.claim_withdrawal("5999 9999", NOW)


def withdrawn(town: Town, phone: Phone) -> None:
    claimed(town, phone)
    phone.report(NOW)
    town.requests.clear()
    assert phone.claim_withdrawal(town.code(ReportType.REVOKED), NOW) > 0
    assert phone.results()[0].withdrawn_at == NOW


STORIES: dict[str, tuple[Callable[[Town, Phone], None], str]] = {
    "a report": (claimed, "report"),
    "a withdrawal": (withdrawn, "withdrawal"),
    "every period left out": (all_left_out, "decoy"),
    "the desk has the file": (given_to_the_desk, "decoy"),
    "a claim that was refused": (refused_claim, "decoy"),
    "a withdrawal that was refused": (refused_withdrawal, "decoy"),
}


@pytest.mark.parametrize("story", STORIES)
def test_on_the_line_every_claim_is_followed_by_one_message_of_one_look(
    town: Town, phone: Phone, tmp_path: Path, story: str
) -> None:
    """A watcher who sees claim and report tries to tell what became of a claim, or that it was a decoy."""
    play, what = STORIES[story]
    play(town, phone)
    sent, _ = send_all(phone, NOW)
    assert sent == [what]
    seen = looks(town)
    assert phone.report_due(NOW) is None
    idle = town.phone(tmp_path / "idle")
    town.requests.clear()
    assert [idle.send_decoy(NOW), idle.send_decoy(NOW + 600)] == [False, True]
    assert looks(town) == seen


def test_the_delays_of_reports_and_of_decoys_have_one_distribution(phone: Phone) -> None:
    real, pretended = [], []
    for _ in range(2000):
        phone._outgoing.plan("report", NOW)
        due = phone.report_due(NOW)
        assert due is not None
        real.append(due - NOW)
        phone._outgoing.done("report")
        phone._outgoing.decoy_sent(NOW, under_way=True)
        pretended.append(phone._outgoing.decoy_due(NOW, under_way=True) - NOW)
    middle = (LEAST_DELAY_SECONDS + MOST_DELAY_SECONDS) / 2
    for waits in (real, pretended):
        assert all(wait in DELAYS for wait in waits)
        assert abs(mean(waits) - middle) < 250
        tenths = Counter((wait - LEAST_DELAY_SECONDS) // 660 for wait in waits)
        assert min(tenths[tenth] for tenth in range(10)) > 120


def test_decoys_come_once_in_five_days_whatever_is_reported(phone: Phone) -> None:
    """Known that a phone reports at noon, its decoys before and after say nothing: they are drawn without looking."""
    waits = []
    for _ in range(2000):
        phone._outgoing.decoy_sent(NOW, under_way=False)
        waits.append(phone.decoy_due(NOW) - NOW)
    assert abs(mean(waits) / DECOY_SECONDS - 1) < 0.1
    assert abs(sum(wait < DAY for wait in waits) / 2000 - 0.181) < 0.04, "as a Poisson process has it"


def test_a_report_changes_nothing_of_the_time_of_the_next_decoy(town: Town, phone: Phone) -> None:
    planned = phone.decoy_due(NOW)
    claimed(town, phone)
    send_all(phone, NOW)
    assert phone.decoy_due(NOW + DAY) == planned


def test_what_was_drawn_is_kept_over_a_restart(town: Town, phone: Phone, tmp_path: Path) -> None:
    claimed(town, phone)
    due, decoy = phone.report_due(NOW), phone.decoy_due(NOW)
    phone.close()
    with Phone.open(tmp_path / "phone", random=os.urandom, http_client=town.client(), now=NOW) as again:
        assert (again.report_due(NOW), again.decoy_due(NOW)) == (due, decoy)
        status = again.report_status(NOW)
        assert (status.report, status.due, status.sent_at) == ("waiting", due, None)


def test_without_a_network_the_message_stays_planned_and_goes_out_once(town: Town, phone: Phone) -> None:
    claimed(town, phone)
    town.unreachable = {REPORT}
    with pytest.raises(UnreachableError):
        phone.send_due(NOW + HOUR)
    assert phone.report_due(NOW + HOUR) is not None
    town.unreachable = set()
    town.lose_answer = {REPORT}
    with pytest.raises(UnreachableError):
        phone.send_due(NOW + 2 * HOUR)
    assert phone.send_due(NOW + 3 * HOUR) == "report"
    assert phone.send_due(NOW + 4 * HOUR) is None
    assert len(town.received) == 1
    assert phone.report_status(NOW).sent_at == NOW + 3 * HOUR


def test_sent_at_once_is_the_one_message(town: Town, phone: Phone) -> None:
    claimed(town, phone)
    phone.report(NOW)
    assert phone.report_due(NOW) is None
    assert phone.withdraw(town.code(ReportType.REVOKED), NOW) > 0
    assert phone.report_due(NOW) is None
    assert phone.report_status(NOW).report == "none"


def test_a_clock_that_was_ahead_delays_nothing_for_longer_than_the_longest_delay(town: Town, phone: Phone) -> None:
    phone._outgoing.plan("report", NOW + 365 * DAY)
    assert phone.report_due(NOW) == NOW + MOST_DELAY_SECONDS
    phone._outgoing.decoy_sent(NOW + 365 * DAY, under_way=False)
    assert phone.decoy_due(NOW) - NOW <= 10 * DECOY_SECONDS


def test_a_refused_report_is_not_sent_for_ever(town: Town, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    claimed(town, phone)
    monkeypatch.setattr(town, "_report", lambda _: {"error": "out_of_range"})
    with pytest.raises(RefusedError):
        phone.send_due(NOW + HOUR)
    assert phone.report_due(NOW) is None
    status = phone.report_status(NOW)
    assert (status.report, status.why) == ("refused", "the report holds keys that are too old or not over yet")


def test_a_result_taken_back_before_its_report_went_out_sends_two_decoys(town: Town, phone: Phone) -> None:
    """Two claims, two messages: that the second was a withdrawal and the first never went out is not to be seen."""
    claimed(town, phone)
    assert phone.claim_withdrawal(town.code(ReportType.REVOKED), NOW) == 0
    sent, _ = send_all(phone, NOW)
    assert sorted(filter(None, sent)) == ["decoy", "decoy"]
    assert town.received == []
    assert len(town.bodies(CLAIM)) == len(town.bodies(REPORT)) == 2
    status = phone.report_status(NOW)
    assert (status.report, status.withdrawal) == ("none", "none")


def test_no_report_goes_out_while_its_withdrawal_is_being_claimed(town: Town, phone: Phone) -> None:
    """The withdrawal's list of keys was settled without them: sent now, they would stay published for good."""
    claimed(town, phone)
    town.lose_answer = {CLAIM}
    code = town.code(ReportType.REVOKED)
    with pytest.raises(UnreachableError):
        phone.claim_withdrawal(code, NOW)
    assert phone.report_status(NOW).withdrawal == "claiming"
    with pytest.raises(StateError, match="taken back"):
        phone.report(NOW)
    before = phone.report_due(NOW)
    assert before is not None
    assert phone.send_due(before) is None
    after = phone.report_due(before)
    assert after is not None
    assert after > before, "drawn anew"
    assert phone.claim_withdrawal(code, before) == 0
    assert set(send_all(phone, before)[0]) == {"decoy"}
    assert town.received == []


def test_a_new_report_outlives_the_withdrawal_of_an_old_one(town: Town, phone: Phone) -> None:
    claimed(town, phone)
    phone.report(NOW)
    phone.claim_withdrawal(town.code(ReportType.REVOKED), NOW + HOUR)
    phone.claim(town.code(), TESTED, TESTED, NOW + HOUR)
    assert sorted(filter(None, send_all(phone, NOW + HOUR)[0])) == ["report", "withdrawal"]
    assert len(town.received) == 3
    assert phone.report_status(NOW).report == "sent"


def test_mistyped_codes_do_not_pile_up(town: Town, phone: Phone) -> None:
    for number in range(12):
        with pytest.raises(RefusedError):
            phone.claim(f"1999 99{number:02}", TESTED, TESTED, NOW)
    assert len(send_all(phone, NOW)[0]) == 8


def test_a_withdrawal_without_a_claim_is_refused(phone: Phone) -> None:
    with pytest.raises(StateError, match="nothing to take back"):
        phone.send_withdrawal(NOW)
    assert phone.send_due(NOW) is None
    status = phone.report_status(NOW)
    assert (status.report, status.keys, status.withdrawal, status.due, status.why) == ("none", 0, "none", None, "")


def test_the_head_of_a_request_is_what_http_asks_for_and_no_more(town: Town, phone: Phone) -> None:
    claimed(town, phone)
    send_all(phone, NOW)
    for request in town.requests:
        assert isinstance(request, httpx.Request)
        assert set(request.headers) == {"host", "content-type", "content-length"}
