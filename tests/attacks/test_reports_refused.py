"""Hostile reports at the running publisher: nothing is spent or stored by them. Each test names its attack.

A phone of the library cannot make such reports, so their CBOR is written by hand.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from nacl.public import PublicKey, SealedBox

from ownhue.encoding import cbor_encode, frame
from ownhue.report import ReportKey
from ownhue.report.sealed import PLAIN_BYTES
from tests.server.clinic import Clinic
from tests.server.patient import Patient, make_key
from tests.server.served import BATCH, MONDAY, served

NOW = MONDAY // 600


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with served(tmp_path / "server") as server:
        yield Clinic(server)


def by_hand(clinic: Clinic, patient: Patient, keys: Sequence[ReportKey]) -> bytes:
    """A sealed report of any *keys* under the patient's token."""
    body: dict[str, Any] = {"kind": "report", "key_id": clinic.key().key_id, "signature": patient.signature}
    plain = frame(cbor_encode({**body, "keys": [list(key) for key in keys]}), PLAIN_BYTES)
    return SealedBox(PublicKey(clinic.server.config.region.publisher_key_bytes)).encrypt(plain)


def check_refused(clinic: Clinic, patient: Patient, keys: Sequence[ReportKey], word: str) -> None:
    """Refused with *word*; afterwards the patient's own keys go through, and the others were never stored."""
    assert clinic.send(by_hand(clinic, patient, keys)) == word
    assert clinic.report(patient) == "ok"
    clinic.server.move_clock(MONDAY + 2 * BATCH)
    out = [key.data for content in clinic.published().key_files() for key in content.keys]
    assert [out.count(data) for data in patient.datas] == [1] * len(patient.datas)
    assert not {key.data for key in keys} - set(patient.datas) & set(out)


def test_overlapping_keys_spend_nothing(clinic: Clinic) -> None:
    """Of two keys for one time one is somebody else's."""
    patient = clinic.patient(3)
    last = patient.keys[-1]
    overlapping = make_key(patient.secret, last.rolling_start + last.rolling_period - 1, 1)
    check_refused(clinic, patient, [*patient.keys, overlapping], "malformed")


def test_keys_out_of_the_order_of_time_spend_nothing(clinic: Clinic) -> None:
    """Order could carry a mark."""
    patient = clinic.patient(3)
    check_refused(clinic, patient, patient.keys[::-1], "malformed")


def test_one_key_twice_in_a_report_spends_nothing(clinic: Clinic) -> None:
    patient = clinic.patient(3)
    again = patient.keys[0]._replace(rolling_start=patient.keys[-1].rolling_start + 12, rolling_period=1)
    check_refused(clinic, patient, [*patient.keys, again], "malformed")


def test_a_key_that_is_not_over_is_refused_when_it_runs_on_and_waits_when_it_was_just_ended(clinic: Clinic) -> None:
    """The attack: have a key published with which somebody can still be impersonated."""
    secret = os.urandom(32)
    # Still in use for two hours: no phone ends it at once, so it is refused.
    running = Patient([make_key(secret, NOW, 12)], secret)
    running.claim(clinic.server.ask, clinic.code(), clinic.key())
    assert clinic.report(running) == "out_of_range"
    # Ended in this interval: taken, and published only when its embargo is over.
    clinic.server.move_clock(MONDAY + BATCH - 600)
    current = clinic.patient(2, current=True)
    assert clinic.report(current) == "ok"
    clinic.server.move_clock(MONDAY + BATCH)
    out = {key.data for content in clinic.published().key_files() for key in content.keys}
    assert [data in out for data in current.datas] == [True, True, False]
    clinic.server.move_clock(MONDAY + 2 * BATCH)
    out = {key.data for content in clinic.published().key_files() for key in content.keys}
    assert set(current.datas) <= out
    assert not set(running.datas) & out
