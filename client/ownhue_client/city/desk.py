"""The health authority's desk as a city needs it: hands out claim codes and tickets, uploads sealed reports.

Speaks the desk endpoints of specs/http-api.md. It never sees a key, a place or a colour.
"""

from typing import Any

import httpx

from ownhue.params import ReportType
from ownhue_client.errors import UnreachableError


class Desk:
    """A health worker with a desk key, at a server's *url*."""

    def __init__(self, url: str, desk_key: str, http: httpx.Client) -> None:
        self._url = url
        self._http = http
        self._headers = {"Authorization": f"Bearer {desk_key}"}

    def claim_code(self, report_type: ReportType = ReportType.CONFIRMED_TEST, length: str = "short") -> str:
        """A one-time code for a person with a positive result (or, of type REVOKED, for one whose result was wrong)."""
        answer = self._post("claim-codes", json={"report_type": int(report_type), "length": length})
        return str(answer["code"])

    def ticket(self) -> str:
        """A one-time enrolment ticket for a phone."""
        return str(self._post("tickets", json={})["ticket"])

    def upload(self, sealed: bytes) -> dict[str, Any]:
        """Hand a sealed report on to the publisher, unread. The answer is {"ok": bool, "error": word}."""
        return self._post("sealed-reports", content=sealed)

    def _post(self, name: str, **body: Any) -> dict[str, Any]:
        answer = self._http.post(f"{self._url}/authority/v1/{name}", headers=self._headers, **body)
        if answer.status_code not in {httpx.codes.OK, httpx.codes.CREATED}:
            raise UnreachableError(f"the desk was refused: {answer.status_code}")
        return dict(answer.json())
