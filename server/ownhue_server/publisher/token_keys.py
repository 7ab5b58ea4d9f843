"""Report-token keys that the publisher accepts: those of this week and of the two before. specs/report.md

They come from the authority's signed documents "report-keys", each of which the publisher has published; so it knows
every key that a phone can have used.
"""

from collections.abc import Iterable

from ownhue.documents import open_document
from ownhue.report import ReportTokenKey, report_keys_from_body, week_of
from ownhue_server.frames import RefusedError

#: Weeks before the present one whose tokens are accepted.
WEEKS_BACK = 2


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
        if key is None or not oldest_week(now) <= key.week <= week_of(now):
            raise RefusedError("unknown_key")
        return key


def oldest_week(now: int) -> int:
    """The oldest week whose tokens are accepted."""
    return week_of(now) - WEEKS_BACK
