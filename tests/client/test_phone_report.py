"""Reporting and taking back: the owner sees it first, no token twice, no lost answer costs a code."""

import os
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from ownhue.colour import Colour
from ownhue.encoding import cbor_decode, cbor_encode, frame, unframe
from ownhue.errors import FormatError, StateError, VerificationError
from ownhue.identifiers import TemporaryExposureKey, rpi_at
from ownhue.params import RETENTION_DAYS, ReportType
from ownhue.report import Report, Withdrawal, commitment_of
from ownhue_client.errors import UnreachableError
from ownhue_client.phone import Phone, RefusedError
from ownhue_client.phone.records import day_of
from tests.client.publisher import START
from tests.client.town import DAY, HOUR, Town, meet

CLAIM, REPORT = "/authority/v1/claim", "/publisher/v1/report"
DECOY = frame(cbor_encode({"decoy": True}))
#: Three meetings in three key periods, the last one in the present.
FIRST, SECOND, NOW = START + 3 * HOUR, START + 7 * HOUR, START + 10 * HOUR + 1500
TESTED = date(2026, 3, 2)
ONSET = date(2026, 3, 1)


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def phone(town: Town, tmp_path: Path) -> Phone:
    """Met somebody in three periods, and was alone in another one."""
    phone, other = town.phone(tmp_path / "phone"), town.phone(tmp_path / "other")
    meet(phone, other, FIRST)
    phone.beacon_at(FIRST + 2 * HOUR)
    meet(phone, other, SECOND)
    meet(phone, other, NOW - 1000, slots=30)
    phone.sync(NOW)
    return phone


def report_of(town: Town) -> Report:
    (report,) = town.received
    assert isinstance(report, Report)
    return report


@pytest.mark.parametrize(("minutes", "included"), [(19, True), (20, False)])
def test_a_period_whose_last_beacon_was_still_on_the_air_is_reported(
    minutes: int, included: bool, town: Town, tmp_path: Path
) -> None:
    phone, other = town.phone(tmp_path / "phone"), town.phone(tmp_path / "other")
    phone.beacon_at(FIRST)
    end = START + 4 * HOUR
    meet(phone, other, end + 60 * minutes, slots=1)
    periods = [(period.end, period.included) for period in phone.report_periods(NOW)]
    assert periods[:2] == [(end, included), (end + 2 * HOUR, True)]


def test_the_report_holds_the_periods_in_which_somebody_was_heard(town: Town, phone: Phone) -> None:
    phone.claim(town.code(), TESTED, ONSET, NOW)
    assert phone.report(NOW + HOUR) == 3
    keys = report_of(town).keys
    assert [key.rolling_start * 600 for key in keys] == [START + 2 * HOUR, START + 6 * HOUR, START + 10 * HOUR]
    # The current key ends with the interval of the claim: NOW is in the third of its twelve.
    assert [key.rolling_period for key in keys] == [12, 12, 3]
    # 08:00 local of 2 March, Asia/Shanghai, and later: one day since onset.
    assert [key.days_since_onset for key in keys] == [1, 1, 1]
    assert all(commitment_of(phone._keys.secret_of(key.data)) == key.commitment for key in keys)


def test_after_the_claim_new_identifiers_are_not_those_of_the_report(town: Town, phone: Phone) -> None:
    before = phone.beacon_at(NOW)
    phone.claim(town.code(), TESTED, ONSET, NOW)
    assert phone.beacon_at(NOW) == before
    phone.report(NOW)
    reported = {key.data for key in report_of(town).keys}
    assert phone._keys.key_at((NOW + 600) // 600).data not in reported


def test_the_owner_sees_the_periods_before_anything_is_sent(town: Town, phone: Phone) -> None:
    town.requests.clear()
    periods = phone.report_periods(NOW, ONSET)
    assert [(period.start, period.heard, period.included, period.why_not) for period in periods] == [
        (START + 2 * HOUR, 60, True, ""),
        (START + 4 * HOUR, 0, False, "nobody was heard"),
        (START + 6 * HOUR, 60, True, ""),
        (START + 10 * HOUR, 30, True, ""),
    ]
    assert all(a.end <= b.start for a, b in pairwise(periods))
    assert town.requests == []


def test_any_period_can_be_left_out(town: Town, phone: Phone) -> None:
    phone.claim(town.code(), TESTED, ONSET, NOW, leave_out=[START + 6 * HOUR])
    phone.report(NOW)
    assert [key.rolling_start * 600 for key in report_of(town).keys] == [START + 2 * HOUR, START + 10 * HOUR]


def test_a_forgotten_day_is_not_reported(town: Town, phone: Phone) -> None:
    before = {key.data for key in phone._keys.of_day(day_of(START))}
    assert len(before) == 4
    phone.forget_day(day_of(START))
    phone.claim(town.code(), TESTED, ONSET, NOW)
    assert phone.report(NOW) == 1
    (current,) = report_of(town).keys
    assert current.data not in before


def test_the_present_key_goes_out_although_nobody_was_heard_yet(town: Town, tmp_path: Path) -> None:
    """Its identifier is in the air to the end of the interval; who comes near until then must be able to know."""
    alone, late = town.phone(tmp_path / "alone"), town.phone(tmp_path / "late")
    alone.sync(NOW)
    alone.claim(town.code(), TESTED, ONSET, NOW)
    meet(alone, late, NOW + 20, slots=3)
    assert alone.report(NOW + 60) == 1
    (key,) = report_of(town).keys
    heard = next(late._hearing.sightings(0, 10**6)).rpi
    assert heard == rpi_at(TemporaryExposureKey(key.data, key.rolling_start, key.rolling_period), NOW // 600)


def test_with_every_period_left_out_a_decoy_is_sent_and_the_result_counts(town: Town, phone: Phone) -> None:
    everything = [period.start for period in phone.report_periods(NOW)]
    phone.claim(town.code(), TESTED, ONSET, NOW, leave_out=everything)
    with pytest.raises(StateError, match="left out"):
        phone.seal_report(NOW)
    assert phone.report(NOW) == 0
    assert town.bodies(REPORT) == [DECOY]
    assert phone.decide(NOW).colour is Colour.RED
    with pytest.raises(StateError, match="sent already"):
        phone.seal_report(NOW)


def test_periods_too_far_from_the_onset_or_too_old_stay_out(town: Town, phone: Phone, tmp_path: Path) -> None:
    assert [p.why_not for p in phone.report_periods(NOW, date(2026, 2, 10))] == ["more than 14 days from the onset"] * 4
    later = FIRST + RETENTION_DAYS * DAY
    assert [p.start for p in phone.report_periods(later, None)] == [
        START + 4 * HOUR,
        START + 6 * HOUR,
        START + 10 * HOUR,
        # The present one, whose owner has to see that it goes with a claim.
        later - later % (2 * HOUR),
    ]
    assert phone.report_periods(later, None)[1].days_since_onset is None


def test_a_lost_answer_is_asked_for_again_with_the_same_bytes(town: Town, phone: Phone) -> None:
    code = town.code()
    town.lose_answer = {CLAIM}
    with pytest.raises(UnreachableError):
        phone.claim(code, TESTED, ONSET, NOW)
    assert phone.results() == []
    with pytest.raises(StateError, match="claim one"):
        phone.report(NOW)
    phone.claim(code[:4] + " " + code[4:], TESTED, ONSET, NOW + 300)
    first, second = town.bodies(CLAIM)
    assert first == second
    assert [result.learned_at for result in phone.results()] == [NOW + 300]
    assert phone.report(NOW + 400) == 3


def test_the_same_bytes_after_a_restart(town: Town, phone: Phone, tmp_path: Path) -> None:
    code = town.code()
    town.unreachable = {CLAIM}
    with pytest.raises(UnreachableError):
        phone.claim(code, TESTED, ONSET, NOW)
    phone.close()
    town.unreachable = set()
    town.lose_answer = {CLAIM}
    for attempt in range(2):
        again = Phone.open(tmp_path / "phone", random=os.urandom, http_client=town.client(), now=NOW)
        if attempt == 0:
            with pytest.raises(UnreachableError):
                again.claim(code, TESTED, ONSET, NOW)
        else:
            again.claim(code, TESTED, ONSET, NOW)
        again.close()
    first, second = town.bodies(CLAIM)
    assert first == second


def test_a_refused_claim_leaves_no_result_and_no_report(town: Town, phone: Phone) -> None:
    with pytest.raises(RefusedError) as refusal:
        phone.claim("1999 9999", TESTED, ONSET, NOW)
    assert refusal.value.word == "unknown_code"
    assert phone.results() == []
    assert phone._store.get("claim") is None
    with pytest.raises(StateError):
        phone.report(NOW)
    # The right code then works.
    phone.claim(town.code(), TESTED, ONSET, NOW)
    assert phone.report(NOW) == 3


def test_a_code_that_another_phone_used_is_refused(town: Town, phone: Phone, tmp_path: Path) -> None:
    code = town.code()
    phone.claim(code, TESTED, ONSET, NOW)
    thief = town.phone(tmp_path / "thief")
    thief.sync(NOW)
    with pytest.raises(RefusedError) as refusal:
        thief.claim(code, TESTED, ONSET, NOW)
    assert refusal.value.word == "other_message"
    assert thief.results() == []


def test_a_code_is_used_once_and_a_report_sent_once(town: Town, phone: Phone) -> None:
    code = town.code()
    phone.claim(code, TESTED, ONSET, NOW)
    with pytest.raises(StateError, match="used this code"):
        phone.claim(code, TESTED, ONSET, NOW)
    with pytest.raises(StateError, match="waiting to be sent"):
        phone.claim(town.code(), TESTED, ONSET, NOW)
    phone.report(NOW)
    with pytest.raises(StateError, match="sent already"):
        phone.report(NOW)
    with pytest.raises(StateError, match="used this code"):
        phone.claim(code, TESTED, ONSET, NOW)
    assert len(town.received) == 1


def test_a_report_that_was_refused_or_sealed_for_the_desk_stops_no_later_claim(town: Town, phone: Phone) -> None:
    phone.claim(town.code(), TESTED, ONSET, NOW)
    town.spent.add(phone._store.get("report")["token"])
    with pytest.raises(RefusedError):
        phone.report(NOW)
    phone.claim(town.code(), TESTED, ONSET, NOW + 60)
    phone.seal_report(NOW + 60)
    phone.claim(town.code(), TESTED, ONSET, NOW + 120)
    assert phone.report(NOW + 120) == 3


def test_a_report_whose_answer_was_lost_is_sent_again_and_counts_as_sent(town: Town, phone: Phone) -> None:
    phone.claim(town.code(), TESTED, ONSET, NOW)
    town.lose_answer = {REPORT}
    with pytest.raises(UnreachableError):
        phone.report(NOW)
    assert phone.report(NOW + 60) == 3
    first, second = town.bodies(REPORT)
    assert first == second
    assert len(town.received) == 1


def test_a_token_spent_by_somebody_else_is_said(town: Town, phone: Phone) -> None:
    phone.claim(town.code(), TESTED, ONSET, NOW)
    town.spent.add(phone._store.get("report")["token"])
    with pytest.raises(RefusedError) as refusal:
        phone.report(NOW)
    assert refusal.value.word == "token_spent"


def test_an_authority_that_signs_something_else_is_found_out(
    town: Town, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = town.code()
    with monkeypatch.context() as context:
        context.setattr(town, "_claim", lambda _: {"signature": bytes(255) + b"\2"})
        with pytest.raises(VerificationError):
            phone.claim(code, TESTED, ONSET, NOW)
        context.setattr(town, "_claim", lambda _: {"signature": "text"})
        with pytest.raises(FormatError):
            phone.claim(code, TESTED, ONSET, NOW)
    assert phone.results() == []
    phone.claim(code, TESTED, ONSET, NOW)


def test_the_authority_sees_neither_keys_nor_their_number(town: Town, phone: Phone) -> None:
    phone.claim(town.code(), TESTED, ONSET, NOW)
    phone.report(NOW)
    body = cbor_decode(unframe(town.bodies(CLAIM)[0]))
    assert body.keys() == {"code", "blinded", "key_id"}
    token = report_of(town).signature
    assert token not in town.bodies(CLAIM)[0]
    assert all(key.data not in town.bodies(CLAIM)[0] for key in report_of(town).keys)


def test_a_sealed_report_for_the_desk_is_the_same_every_time(town: Town, phone: Phone) -> None:
    phone.claim(town.code(), TESTED, ONSET, NOW)
    sealed = phone.seal_report(NOW)
    assert phone.seal_report(NOW + 5) == sealed
    # The desk uploads it; a phone that then sends it as well only hears that it arrived.
    assert town._report({"sealed": sealed}) == {}
    assert phone.report(NOW + HOUR) == 3
    assert len(town.received) == 1


@pytest.mark.parametrize("text", ["", "12345", "9234 5678", "١٢٣٤٥٦٧٨", "1234 567O"])
def test_what_is_no_code_is_never_sent(town: Town, phone: Phone, text: str) -> None:
    with pytest.raises(FormatError):
        phone.claim(text, TESTED, ONSET, NOW)
    assert town.bodies(CLAIM) == []


def test_a_code_of_the_other_purpose_is_not_sent(town: Town, phone: Phone) -> None:
    with pytest.raises(StateError, match="takes a result back"):
        phone.claim(town.code(ReportType.REVOKED), TESTED, ONSET, NOW)
    with pytest.raises(StateError, match="takes none back"):
        phone.withdraw(town.code(), NOW)
    assert town.bodies(CLAIM) == []


def test_before_the_first_synchronisation_a_claim_waits(town: Town, tmp_path: Path) -> None:
    new = town.phone(tmp_path / "new")
    with pytest.raises(StateError, match="synchronise first"):
        new.claim(town.code(), TESTED, ONSET, NOW)
    assert town.requests == []


def test_a_wrong_result_is_taken_back_with_the_keys_secrets(town: Town, phone: Phone) -> None:
    phone.claim(town.code(), TESTED, ONSET, NOW)
    phone.report(NOW)
    assert phone.decide(NOW).colour is Colour.RED
    assert phone.withdraw(town.code(ReportType.REVOKED), NOW + DAY) == 3
    report, withdrawal = town.received
    assert isinstance(report, Report)
    assert isinstance(withdrawal, Withdrawal)
    assert [commitment_of(secret) for _, secret in withdrawal.keys] == [key.commitment for key in report.keys]
    (result,) = phone.results()
    assert result.withdrawn_at == NOW + DAY
    assert phone.decide(NOW + DAY).colour is not Colour.RED
    assert "withdrawn by the authority" in phone.journal()[-1].why[0]
    with pytest.raises(StateError, match="no result"):
        phone.withdraw(town.code(ReportType.REVOKED), NOW + DAY)


def test_a_withdrawal_broken_off_goes_on_where_it_stopped(town: Town, phone: Phone) -> None:
    phone.claim(town.code(), TESTED, ONSET, NOW)
    phone.report(NOW)
    code = town.code(ReportType.REVOKED)
    town.lose_answer = {CLAIM}
    with pytest.raises(UnreachableError):
        phone.withdraw(code, NOW)
    assert phone.results()[0].withdrawn_at is None
    town.lose_answer = {REPORT}
    with pytest.raises(UnreachableError):
        phone.withdraw(code, NOW + 1)
    assert phone.results()[0].withdrawn_at == NOW + 1
    assert phone.withdraw(code, NOW + 2) == 3
    assert town.bodies(CLAIM)[-1] == town.bodies(CLAIM)[-2]
    assert town.bodies(REPORT)[-1] == town.bodies(REPORT)[-2]


def test_a_withdrawal_that_the_publisher_refused_stops_no_later_one(
    town: Town, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys may be gone from the publisher after their fourteen days."""
    phone.claim(town.code(), TESTED, ONSET, NOW)
    phone.report(NOW)
    with monkeypatch.context() as context:
        context.setattr(town, "_report", lambda _: {"error": "unknown_report"})
        code = town.code(ReportType.REVOKED)
        for _ in range(2):
            with pytest.raises(RefusedError, match="does not hold"):
                phone.withdraw(code, NOW)
    phone.claim(town.code(), TESTED, ONSET, NOW + 60)
    phone.report(NOW + 60)
    assert phone.withdraw(town.code(ReportType.REVOKED), NOW + 120) == 3
    assert all(result.withdrawn_at for result in phone.results())


def test_a_result_that_was_never_reported_is_taken_back_with_a_decoy(town: Town, phone: Phone) -> None:
    phone.claim(town.code(), TESTED, ONSET, NOW)
    assert phone.withdraw(town.code(ReportType.REVOKED), NOW) == 0
    assert town.bodies(REPORT) == [DECOY]
    with pytest.raises(StateError, match="no report"):
        phone.report(NOW)


def test_a_refused_withdrawal_changes_nothing(town: Town, phone: Phone) -> None:
    phone.claim(town.code(), TESTED, ONSET, NOW)
    phone.report(NOW)
    with pytest.raises(RefusedError):
        phone.withdraw("5999 9999", NOW)
    assert phone.results()[0].withdrawn_at is None
    assert phone.withdraw(town.code(ReportType.REVOKED), NOW) == 3


def test_a_date_that_cannot_be_costs_no_code(town: Town, phone: Phone) -> None:
    town.requests.clear()
    code = town.code()
    with pytest.raises(FormatError):
        phone.claim(code, date(9999, 12, 31), ONSET, NOW)
    assert town.requests == []
    phone.claim(code, TESTED, ONSET, NOW)
    assert phone.report(NOW) == 3
