"""publisher/token_keys.py: which report-token keys a process knows, also one that closed no batch."""

import os
from pathlib import Path

from ownhue.report import Report, seal
from ownhue_server.clock import RehearsalClock
from tests.server.clinic import WEEK, Clinic
from tests.server.patient import REPORT, Patient
from tests.server.served import MONDAY, Served, deployment, served

DAY = 86_400


def move(server: Served, now: int) -> None:
    """Move the clock of a process in which nothing closes batches."""
    assert isinstance(server.clock, RehearsalClock)
    server.clock.move(now)


def test_a_process_that_closed_no_batch_learns_a_new_key_when_it_meets_one(tmp_path: Path) -> None:
    directory = tmp_path / "server"
    _config, desk_key = deployment(directory, batch_seconds=DAY)
    with served(directory, desk_key=desk_key) as closing, served(directory, desk_key=desk_key) as other:
        # So late that no list of the start had the key.
        now = MONDAY + 3 * WEEK
        closing.move_clock(now)
        clinic = Clinic(closing)
        patient, later = clinic.patient(3), clinic.patient(3)
        move(other, now)
        assert other.ask(REPORT, {"sealed": patient.sealed(clinic.key(), other.config.region)}) == {"ok": True}
        # Known from now on, and what was spent there is spent here.
        assert clinic.report(patient) == "token_spent"
        assert other.ask(REPORT, {"sealed": later.sealed(clinic.key(), other.config.region)}) == {"ok": True}


def test_a_key_that_nobody_published_stays_unknown(server: Served) -> None:
    """The attack: make the server look for keys that do not exist. It looks at the number of the last batch only."""
    clinic, patient = Clinic(server), Patient.with_keys(MONDAY, 2)
    for key_id in (bytes(32), os.urandom(32)):
        report = Report(key_id, bytes(256), tuple(patient.keys))
        assert clinic.send(seal(report, server.config.region.publisher_key_bytes, os.urandom)) == "unknown_key"
    assert clinic.report(clinic.patient(1)) == "ok"
