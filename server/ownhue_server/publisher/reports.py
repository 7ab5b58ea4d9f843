"""Taking reports and withdrawals: check the token, spend it and store the keys in one transaction. specs/report.md

- Everything that can be refused is checked before anything is written. What is refused spends no token.
- A key that is known already is passed over: the first report of it stands.
- Of a spent token its hash and its week are kept; of the moment, nothing.
"""

import contextlib
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from nacl.public import PrivateKey
from sqlalchemy import Connection, Table

from ownhue.errors import FormatError, VerificationError
from ownhue.params import ReportType
from ownhue.report import (
    Report,
    ReportKey,
    ReportTokenKey,
    Withdrawal,
    check_times,
    commitment_of,
    open_sealed,
    verify_token,
)
from ownhue_server.clock import Clock
from ownhue_server.frames import RefusedError, fields
from ownhue_server.publisher.pending import PendingKeys
from ownhue_server.publisher.tables import PUBLISHED_KEYS, REVISED_KEYS, StoredKey, spent_token
from ownhue_server.publisher.token_keys import TokenKeys
from ownhue_server.storage.slots import Slots
from ownhue_server.storage.writer import Transaction, Writer


class Reports:
    """The way in for keys: *pending* and *spent* are written through *writer* only.

    *next_closing* says when the next batch is closed (unix seconds)."""

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        private_keys: Sequence[PrivateKey],
        token_keys: TokenKeys,
        pending: PendingKeys,
        spent: Slots,
        next_closing: Callable[[Connection], int],
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._private_keys = private_keys
        self._token_keys = token_keys
        self._pending = pending
        self._spent = spent
        self._next_closing = next_closing

    async def report(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"sealed"} -> {}. Raises RefusedError with the words of specs/http-api.md section 4."""
        (sealed,) = fields(body, sealed=bytes)
        now = self._clock.now()
        opened = self._open(sealed)
        if not self._token_keys.knows(opened.key_id):
            # Another process may have published it a moment ago.
            await self._writer.run(lambda transaction: self._token_keys.learn_published(transaction, now))
        token = self._check_token(opened, now)
        if isinstance(opened, Report):
            _check_range(opened.keys, now)
            keys = _stored_keys(opened.keys, int(token.report_type))
            await self._writer.run(lambda transaction: self._store(transaction, opened, token.week, keys))
        else:
            await self._writer.run(lambda transaction: self._withdraw(transaction, opened, token.week))
        return {}

    def _open(self, sealed: bytes) -> Report | Withdrawal:
        """What is sealed to one of the keys: while they change, phones use this one and that."""
        for private_key in self._private_keys:
            with contextlib.suppress(VerificationError):
                return open_sealed(sealed, private_key)
        raise FormatError("not sealed to this publisher")

    def _check_token(self, opened: Report | Withdrawal, now: int) -> ReportTokenKey:
        key = self._token_keys.find(opened.key_id, now)
        if isinstance(opened, Withdrawal) != (key.report_type == ReportType.REVOKED):
            raise RefusedError("bad_token")
        try:
            verify_token(opened.message(), opened.signature, key)
        except (FormatError, VerificationError) as error:
            raise RefusedError("bad_token") from error
        return key

    def _store(self, transaction: Transaction, report: Report, week: int, keys: Sequence[StoredKey]) -> None:
        self._spend(transaction, report.signature, week)
        out = _published(transaction, PUBLISHED_KEYS, [key.data for key in keys])
        self._pending.add(transaction, [key for key in keys if key.data not in out] if out else keys)

    def _withdraw(self, transaction: Transaction, withdrawal: Withdrawal, week: int) -> None:
        """Free the slots of keys that still wait; queue those that are out as revoked."""
        dropped, revoked = self._find(transaction, withdrawal)
        self._spend(transaction, withdrawal.signature, week)
        self._pending.remove(transaction, dropped)
        # Until then, as the keys that invented people take back: else the time would tell which are real.
        self._pending.add(transaction, revoked, not_before=self._next_closing(transaction.connection))

    def _find(self, transaction: Transaction, withdrawal: Withdrawal) -> tuple[list[bytes], list[StoredKey]]:
        """What waits, and what is out and not yet revoked. Raises RefusedError when a key or its secret is unknown."""
        names = [data for data, _secret in withdrawal.keys]
        waiting = self._pending.found(transaction, names)
        published = _published(transaction, PUBLISHED_KEYS, names)
        revised = _published(transaction, REVISED_KEYS, names)
        dropped, revoked = [], []
        for data, secret in withdrawal.keys:
            key = waiting.get(data) or published.get(data)
            if key is None or key.commitment != commitment_of(secret):
                raise RefusedError("unknown_report")
            if data not in waiting and data not in revised:
                revoked.append(key.revoked())
            elif data in waiting and key.report_type != ReportType.REVOKED:
                dropped.append(data)
        return dropped, revoked

    def _spend(self, transaction: Transaction, signature: bytes, week: int) -> None:
        if not self._spent.add_new(transaction, [spent_token(sha256(signature).digest(), week)]):
            raise RefusedError("token_spent")


def _stored_keys(keys: Sequence[ReportKey], report_type: int) -> list[StoredKey]:
    return [
        StoredKey(data, start, period, report_type, days, commitment) for data, start, period, days, commitment in keys
    ]


def _check_range(keys: Sequence[ReportKey], now: int) -> None:
    try:
        check_times(keys, now)
    except VerificationError as error:
        raise RefusedError("out_of_range") from error


def _published(transaction: Transaction, table: Table, names: Sequence[bytes]) -> dict[bytes, StoredKey]:
    """Those of *names* that *table* has. For the driver: SQLAlchemy would take longer than SQLite."""
    marks = ",".join("?" * len(names))
    query = f"SELECT data, content FROM {table.name} WHERE data IN ({marks})"  # noqa: S608 - a table of ours
    rows = transaction.driver.execute(query, names)
    return {data: StoredKey.of(data, content) for data, content in rows}
