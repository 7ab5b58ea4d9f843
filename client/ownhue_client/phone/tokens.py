"""Turning a claim code into a token: the authority blind-signs what it cannot see. specs/report.md sections 2 and 3

- A claim lies in the store before it is sent. When its answer is lost, it is sent again byte by byte, because the
  authority binds a code to its first blinded message.
- A refused claim is dropped: nothing was signed.
"""

from collections.abc import Callable
from typing import Any

from ownhue.blind_rsa import load_pss_spki, pss_spki
from ownhue.claim_code import parse_claim_code
from ownhue.errors import FormatError
from ownhue.params import ReportType
from ownhue.report import ReportTokenKey, TokenRequest, finish_token, request_token
from ownhue_client.phone.documents import Documents
from ownhue_client.phone.door import Door, RefusedError
from ownhue_client.phone.store import Store

#: The authority's phone endpoint for claims.
CLAIM_PATH = "/authority/v1/claim"


class Tokens:
    """Claims of one phone; ``random(n)`` gives n bytes for blinding."""

    def __init__(self, store: Store, door: Door, documents: Documents, random: Callable[[int], bytes]) -> None:
        self._store = store
        self._door = door
        self._documents = documents
        self._random = random

    def prepare(self, code: str, message: bytes, now: int) -> dict[str, Any]:
        """The record of a claim of *code* for a token over *message* (32 bytes), to be stored before it is sent.

        Raises FormatError for a text that is no code, StateError while the authority's keys are not known.
        """
        canonical, report_type = parse_claim_code(code)
        key = self._documents.report_key(report_type, now)
        request = request_token(message, key, self._random)
        return {
            "code": canonical,
            "report_type": int(report_type),
            "week": key.week,
            "spki": pss_spki(key.public_key),
            "message": message,
            "blinded": request.blinded_message,
            "inverse": request.inverse.to_bytes(len(request.blinded_message), "big"),
        }

    def send(self, name: str, now: int) -> bytes:
        """Send the claim that lies in the state *name* under "claim"; the token of its answer, verified.

        Raises UnreachableError (call again), FormatError or VerificationError for an answer that gives no token, and
        RefusedError; then the state *name* is dropped.
        """
        claim = self._store.get(name)["claim"]
        key = token_key(claim)
        body = {"code": claim["code"], "blinded": claim["blinded"], "key_id": key.key_id}
        try:
            answer = self._door.post(CLAIM_PATH, body, "claim a token with a code", now)
        except RefusedError:
            self._store.drop(name)
            raise
        signature = answer.get("signature")
        if not isinstance(signature, bytes):
            raise FormatError("the authority's answer holds no signature")
        request = TokenRequest(claim["blinded"], int.from_bytes(claim["inverse"], "big"), claim["message"])
        return finish_token(request, key, signature)


def token_key(claim: dict[str, Any]) -> ReportTokenKey:
    """The authority's key that a claim was made for."""
    return ReportTokenKey(ReportType(claim["report_type"]), claim["week"], load_pss_spki(claim["spki"]))
