"""Shortcuts over a served application: codes handed out, patients who claimed, what is published."""

from dataclasses import dataclass, field

import httpx

from ownhue.params import ReportType
from ownhue.report import ReportTokenKey
from tests.server.patient import REPORT, Patient, claim_token, revoke_message, token_key
from tests.server.published import Published, read_published
from tests.server.served import Served

#: Seconds of the week for which one report-token key signs.
WEEK = 7 * 86400


@dataclass
class Clinic:
    """A desk, and patients who do what they are told."""

    server: Served
    _keys: dict[tuple[ReportType, int], ReportTokenKey] = field(default_factory=dict)

    def code(self, report_type: ReportType = ReportType.CONFIRMED_TEST, length: str = "short") -> str:
        """A new claim code."""
        return str(self.server.desk("claim-codes", {"report_type": int(report_type), "length": length})["code"])

    def key(self, report_type: ReportType = ReportType.CONFIRMED_TEST) -> ReportTokenKey:
        """This week's token key."""
        week = self.server.now() // WEEK
        if (report_type, week) not in self._keys:
            document = self.server.request("GET", "/authority/v1/documents/report-keys").content
            self._keys[report_type, week] = token_key(document, self.server.config.region, report_type, week)
        return self._keys[report_type, week]

    def patient(self, count: int = 14, *, current: bool = False) -> Patient:
        """Somebody with keys and a token for them."""
        patient = Patient.with_keys(self.server.now(), count, current=current)
        patient.claim(self.server.ask, self.code(), self.key())
        return patient

    def send(self, sealed: bytes) -> str:
        """ "ok", or the word of the refusal."""
        answer = self.server.ask(REPORT, {"sealed": sealed})
        return "ok" if answer["ok"] else str(answer["error"])

    def report(self, patient: Patient) -> str:
        """Report the patient's keys with their token."""
        return self.send(patient.sealed(self.key(), self.server.config.region))

    def withdraw(self, patient: Patient) -> str:
        """Take the patient's keys back with a new code."""
        key = self.key(ReportType.REVOKED)
        message = revoke_message(patient.datas)
        signature = claim_token(self.server.ask, self.code(ReportType.REVOKED), message, key)
        return self.send(patient.withdrawal(signature, key, self.server.config.region))

    def published(self) -> Published:
        """Everything that is published, checked."""
        return read_published(self.fetch, self.server.config.region)

    def fetch(self, path: str) -> bytes:
        """A published file over HTTP."""
        answer = self.server.request("GET", f"/published/{path}")
        assert answer.status_code == httpx.codes.OK, path
        return answer.content
