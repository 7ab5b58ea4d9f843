"""Reports and withdrawals: what is stored, what is refused, what is published of it."""

import os
import sqlite3
from pathlib import Path

import pytest

from ownhue.params import ReportType
from ownhue.report import Report, report_message, seal
from tests.server.clinic import WEEK, Clinic
from tests.server.patient import Patient, claim_token, make_key
from tests.server.served import BATCH, MONDAY, Served, served

NOW_INTERVAL = MONDAY // 600


@pytest.fixture
def clinic(server: Served) -> Clinic:
    return Clinic(server)


def claimed(clinic: Clinic, patient: Patient, report_type: ReportType = ReportType.CONFIRMED_TEST) -> Patient:
    patient.claim(clinic.server.ask, clinic.code(report_type), clinic.key(report_type))
    return patient


def published_keys(clinic: Clinic) -> set[bytes]:
    return {key.data for content in clinic.published().key_files() for key in content.keys}


def revised_keys(clinic: Clinic, patient: Patient) -> list[tuple[bytes, int]]:
    """The patient's keys that were taken back; others are padding."""
    revised = [key for content in clinic.published().key_files() for key in content.revised_keys]
    return [(key.data, int(key.report_type)) for key in revised if key.data in patient.datas]


def test_180_keys_fit_a_report(clinic: Clinic) -> None:
    patient = clinic.patient(180)
    assert clinic.report(patient) == "ok"
    clinic.server.move_clock(MONDAY + BATCH)
    assert set(patient.datas) <= published_keys(clinic)


@pytest.mark.parametrize(
    ("start", "period", "word"),
    [
        (NOW_INTERVAL - 12, 12, "ok"),
        (NOW_INTERVAL, 1, "ok"),
        (NOW_INTERVAL, 3, "ok"),
        (NOW_INTERVAL, 4, "out_of_range"),
        (NOW_INTERVAL, 12, "out_of_range"),
        (NOW_INTERVAL + 144, 12, "out_of_range"),
        (NOW_INTERVAL - 15 * 144 - 11, 12, "ok"),
        (NOW_INTERVAL - 15 * 144 - 12, 12, "out_of_range"),
        (NOW_INTERVAL - 400 * 144, 144, "out_of_range"),
    ],
)
def test_how_old_and_how_young_a_key_may_be(clinic: Clinic, start: int, period: int, word: str) -> None:
    secret = bytes(32)
    patient = claimed(clinic, Patient([make_key(secret, start, period)], secret))
    assert clinic.report(patient) == word


def test_a_known_key_is_passed_over_and_the_rest_is_stored(clinic: Clinic) -> None:
    first = clinic.patient(5)
    assert clinic.report(first) == "ok"
    for wait in (0, BATCH):
        clinic.server.move_clock(MONDAY + wait)
        later = [make_key(first.secret, first.keys[-1].rolling_start + 12, 1)]
        second = claimed(clinic, Patient([*first.keys, *later], first.secret))
        assert clinic.report(second) == "ok"
        clinic.server.move_clock(MONDAY + 2 * BATCH + wait)
        out = [key.data for content in clinic.published().key_files() for key in content.keys]
        assert [out.count(data) for data in second.datas] == [1] * 6


def test_tokens_are_good_for_their_week_and_the_two_after(clinic: Clinic) -> None:
    server, week = clinic.server, MONDAY // WEEK
    key = clinic.key()
    waiting = [clinic.patient(180) for _ in range(2)]
    fresh = make_key(bytes(32), ((week + 3) * WEEK - 7200) // 600)
    early = Patient([fresh], bytes(32))
    late = Patient([fresh._replace(data=bytes(16))], bytes(32))
    for patient in (early, late):
        patient.claim(server.ask, clinic.code(), key)
    assert clinic.send(early.sealed(key, server.config.region)) == "out_of_range"
    server.move_clock((week + 3) * WEEK - 1)
    assert clinic.send(early.sealed(key, server.config.region)) == "ok"
    assert clinic.send(waiting[0].sealed(key, server.config.region)) == "out_of_range"
    server.move_clock((week + 3) * WEEK)
    assert clinic.send(late.sealed(key, server.config.region)) == "unknown_key"
    server.move_clock((week + 3) * WEEK + BATCH)
    rows = _database(server.config.directory, "SELECT substr(payload, 34) FROM spent_tokens WHERE payload >= x'01'")
    # The one spent token of that week is forgotten together with its week; those of invented people, too.
    assert set(rows) == {((week + later).to_bytes(4, "big"),) for later in (1, 2, 3)}


def test_report_types_are_published_as_claimed(clinic: Clinic) -> None:
    patients = {
        kind: claimed(clinic, Patient.with_keys(MONDAY, 2), kind)
        for kind in (ReportType.CONFIRMED_TEST, ReportType.CONFIRMED_CLINICAL, ReportType.SELF_REPORT)
    }
    for kind, patient in patients.items():
        assert clinic.send(patient.sealed(clinic.key(kind), clinic.server.config.region)) == "ok"
    clinic.server.move_clock(MONDAY + BATCH)
    types = {key.data: key.report_type for content in clinic.published().key_files() for key in content.keys}
    assert all(types[data] == kind for kind, patient in patients.items() for data in patient.datas)


def test_a_withdrawal_before_publication_drops_the_keys(clinic: Clinic) -> None:
    patient, other = clinic.patient(6), clinic.patient(6)
    assert clinic.report(patient) == clinic.report(other) == "ok"
    assert clinic.withdraw(patient) == "ok"
    clinic.server.move_clock(MONDAY + 3 * BATCH)
    out = published_keys(clinic)
    assert not out & set(patient.datas)
    assert set(other.datas) <= out
    assert revised_keys(clinic, patient) == []
    data = (clinic.server.config.directory / "publisher.sqlite").read_bytes()
    assert not any(key in data for key in patient.datas)


def test_a_withdrawal_after_publication_revokes_the_keys_in_the_next_batch(clinic: Clinic) -> None:
    patient = clinic.patient(6)
    assert clinic.report(patient) == "ok"
    clinic.server.move_clock(MONDAY + BATCH)
    assert clinic.withdraw(patient) == "ok"
    clinic.server.move_clock(MONDAY + 2 * BATCH)
    assert revised_keys(clinic, patient) == sorted((data, 5) for data in patient.datas)
    # Again: granted, and nothing more happens.
    assert clinic.withdraw(patient) == "ok"
    clinic.server.move_clock(MONDAY + 3 * BATCH)
    assert len(revised_keys(clinic, patient)) == 6


def test_a_withdrawal_of_both_kinds(clinic: Clinic) -> None:
    clinic.server.move_clock(MONDAY + 6000)
    patient = clinic.patient(3, current=True)
    assert clinic.report(patient) == "ok"
    clinic.server.move_clock(MONDAY + BATCH)
    assert clinic.withdraw(patient) == "ok"
    assert clinic.withdraw(patient) == "unknown_report"  # its last key is gone as if it had never come
    clinic.server.move_clock(MONDAY + 3 * BATCH)
    assert sorted(data for data, _kind in revised_keys(clinic, patient)) == sorted(patient.datas[:3])
    assert patient.datas[3] not in published_keys(clinic)


def test_padding_cannot_be_withdrawn(clinic: Clinic) -> None:
    content = clinic.published().key_files()[0]
    stranger = Patient([make_key(bytes(32), 0)._replace(data=content.keys[0].data)], bytes(32))
    assert clinic.withdraw(stranger) == "unknown_report"


def test_a_report_cannot_wear_the_type_revoked_nor_a_withdrawal_another(clinic: Clinic) -> None:
    patient = Patient.with_keys(MONDAY, 2)
    revoked = clinic.key(ReportType.REVOKED)
    patient.claim(clinic.server.ask, clinic.code(ReportType.REVOKED), revoked)
    assert clinic.send(patient.sealed(revoked, clinic.server.config.region)) == "bad_token"
    reported = clinic.patient(2)
    assert clinic.report(reported) == "ok"
    signature = claim_token(clinic.server.ask, clinic.code(), report_message(reported.keys), clinic.key())
    withdrawal = reported.withdrawal(signature, clinic.key(), clinic.server.config.region)
    assert clinic.send(withdrawal) == "bad_token"


def test_an_ok_survives_a_restart(tmp_path: Path) -> None:
    with served(tmp_path / "server") as server:
        clinic = Clinic(server)
        patient = clinic.patient(5)
        assert clinic.report(patient) == "ok"
        sealed = patient.sealed(clinic.key(), server.config.region)
    with served(tmp_path / "server", now=MONDAY + 60, desk_key=server.desk_key) as server:
        clinic = Clinic(server)
        assert clinic.send(sealed) == "token_spent"
        assert clinic.withdraw(patient) == "ok"


def test_many_reports_share_commits_and_none_is_lost(clinic: Clinic) -> None:
    patients = [clinic.patient(168) for _ in range(20)]
    assert {clinic.report(patient) for patient in patients} == {"ok"}
    clinic.server.move_clock(MONDAY + BATCH)
    assert {data for patient in patients for data in patient.datas} <= published_keys(clinic)


def test_a_foreign_sealing_key_is_malformed(clinic: Clinic) -> None:
    patient = clinic.patient(2)
    report = Report(clinic.key().key_id, patient.signature, tuple(patient.keys))
    assert clinic.send(seal(report, b"\x09" + bytes(31), os.urandom)) == "malformed"


def _database(directory: Path, query: str) -> list[tuple[object, ...]]:
    """Rows of a copy of the publisher's database."""
    copy = directory / "copy.sqlite"
    copy.write_bytes((directory / "publisher.sqlite").read_bytes())
    database = sqlite3.connect(copy)
    rows = database.execute(query).fetchall()
    database.close()
    return rows
