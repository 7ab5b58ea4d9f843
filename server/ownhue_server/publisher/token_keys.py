"""Report-token keys that the publisher accepts: those of this week and of the two before. specs/report.md

They come from the authority's signed documents "report-keys", each of which the publisher has published; so it knows
every key that a phone can have used.
"""

from collections.abc import Iterable

from ownhue.documents import open_document
from ownhue.report import ReportTokenKey, is_accepted_week, report_keys_from_body, week_of
from ownhue.report.token import TOKEN_WEEKS_BACK
from ownhue_server.frames import RefusedError


class TokenKeys:
    """Keys by their id, from documents signed by *authority_key* (Ed25519, 32 bytes)."""

    def __init__(self, authority_key: bytes) -> None:
        self._authority_key = authority_key
        self._keys: dict[bytes, ReportTokenKey] = {}

    def learn(self, documents: Iterable[bytes], now: int) -> None:
        """Take up the keys of *documents* and drop those that are over. Raises FormatError, VerificationError."""
        for document in documents:
            for key in report_keys_from_body(open_document(document, "report-keys", [self._authority_key])):
                self._keys[key.key_id] = key
        oldest = oldest_week(now)
        self._keys = {key_id: key for key_id, key in self._keys.items() if key.week >= oldest}

    def find(self, key_id: bytes, now: int) -> ReportTokenKey:
        """The key with *key_id* (32 bytes). Raises RefusedError "unknown_key" unless it is accepted at *now*."""
        key = self._keys.get(key_id)
        if key is None or not is_accepted_week(key.week, now):
            raise RefusedError("unknown_key")
        return key


def oldest_week(now: int) -> int:
    """The oldest week whose tokens are accepted."""
    return week_of(now) - TOKEN_WEEKS_BACK
