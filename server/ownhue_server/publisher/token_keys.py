"""Report-token keys that the publisher accepts: those of this week and of the two before. specs/report.md

They come from the authority's signed documents "report-keys", each of which the publisher has published; so it knows
every key that a phone can have used. A process that did not close the batch finds them in the database: at its next
tick, or when it meets a key that it does not know.
"""

import contextlib
from collections.abc import Iterable, Sequence

from sqlalchemy import select

from ownhue.documents import open_document
from ownhue.errors import VerificationError
from ownhue.report import ReportTokenKey, is_accepted_week, report_keys_from_body, week_of
from ownhue.report.token import TOKEN_WEEKS_BACK
from ownhue_server.frames import RefusedError
from ownhue_server.publisher.tables import FILES, newest_batch
from ownhue_server.storage.writer import Transaction


class TokenKeys:
    """Keys by their id, from documents signed by one of *authority_keys* (Ed25519, 32 bytes each)."""

    def __init__(self, authority_keys: Sequence[bytes]) -> None:
        self._authority_keys = authority_keys
        self._keys: dict[bytes, ReportTokenKey] = {}
        self._read_until = -1

    def learn(self, documents: Iterable[bytes], now: int) -> None:
        """Take up the keys of *documents* and drop those that are over. Raises FormatError, VerificationError."""
        oldest, keys = oldest_week(now), dict(self._keys)
        for document in documents:
            for key in report_keys_from_body(open_document(document, "report-keys", self._authority_keys)):
                keys[key.key_id] = key
        # In one step: requests look while the writer's thread learns.
        self._keys = {key_id: key for key_id, key in keys.items() if key.week >= oldest}

    def learn_published(self, transaction: Transaction, now: int) -> None:
        """Take up what was published since the last call, by whatever process. Cheap when no batch was closed since."""
        newest = newest_batch(transaction.connection)
        if newest is None or newest == self._read_until:
            return
        published = (FILES.c.kind == "report-keys") & (FILES.c.batch > self._read_until)
        documents = select(FILES.c.content).where(published).order_by(FILES.c.batch)
        for document in transaction.connection.execute(documents).scalars().all():
            # A list by a key that was dropped meanwhile says nothing any more: perhaps a thief made it.
            with contextlib.suppress(VerificationError):
                self.learn([document], now)
        self._read_until = newest

    def knows(self, key_id: bytes) -> bool:
        """Whether there is a key with *key_id* (32 bytes), accepted or not."""
        return key_id in self._keys

    def find(self, key_id: bytes, now: int) -> ReportTokenKey:
        """The key with *key_id* (32 bytes). Raises RefusedError "unknown_key" unless it is accepted at *now*."""
        key = self._keys.get(key_id)
        if key is None or not is_accepted_week(key.week, now):
            raise RefusedError("unknown_key")
        return key


def oldest_week(now: int) -> int:
    """The oldest week whose tokens are accepted."""
    return week_of(now) - TOKEN_WEEKS_BACK
