"""Taking reports and withdrawals: check the token, spend it and store the keys in one transaction. specs/report.md

- Everything that can be refused is checked before anything is written. What is refused spends no token.
- A key that is known already is passed over: the first report of it stands.
- Of a spent token its hash and its week are kept; of the moment, nothing.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from nacl.public import PrivateKey
from sqlalchemy import Table, select

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
from ownhue_server.publisher.tables import PUBLISHED_KEYS, REVISED_KEYS, StoredKey, spent_token
from ownhue_server.publisher.token_keys import TokenKeys
from ownhue_server.storage.slots import Slots
from ownhue_server.storage.writer import Transaction, Writer


class Reports:
    """The way in for keys: *pending* and *spent* are written through *writer* only."""

    def __init__(
        self, writer: Writer, clock: Clock, private_key: PrivateKey, token_keys: TokenKeys, pending: Slots, spent: Slots
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._private_key = private_key
        self._token_keys = token_keys
        self._pending = pending
        self._spent = spent

    async def report(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"sealed"} -> {}. Raises RefusedError with the words of specs/http-api.md section 4."""
        (sealed,) = fields(body, sealed=bytes)
        now = self._clock.now()
        try:
            opened = open_sealed(sealed, self._private_key)
        except VerificationError as error:
            raise FormatError("not sealed to this publisher") from error
        token = self._check_token(opened, now)
        if isinstance(opened, Report):
            _check_range(opened.keys, now)
            keys = [_stored_key(key, token.report_type) for key in opened.keys]
            await self._writer.run(lambda transaction: self._store(transaction, opened, token.week, keys))
        else:
            await self._writer.run(lambda transaction: self._withdraw(transaction, opened, token.week))
        return {}

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
        known = _published(transaction, PUBLISHED_KEYS, [key.data for key in keys])
        new = [key for key in keys if key.data not in known and not self._pending.has(transaction, key.data)]
        self._pending.add(transaction, [key.to_bytes() for key in new])

    def _withdraw(self, transaction: Transaction, withdrawal: Withdrawal, week: int) -> None:
        """Free the slots of keys that still wait; queue those that are out as revoked."""
        dropped, revoked = self._find(transaction, withdrawal)
        self._spend(transaction, withdrawal.signature, week)
        self._pending.remove(transaction, dropped)
        self._pending.add(transaction, [key.to_bytes() for key in revoked])

    def _find(self, transaction: Transaction, withdrawal: Withdrawal) -> tuple[list[bytes], list[StoredKey]]:
        """What waits, and what is out and not yet revoked. Raises RefusedError when a key or its secret is unknown."""
        names = [data for data, _secret in withdrawal.keys]
        published = _published(transaction, PUBLISHED_KEYS, names)
        revised = _published(transaction, REVISED_KEYS, names)
        dropped, revoked = [], []
        for data, secret in withdrawal.keys:
            content = self._pending.get(transaction, data)
            waiting = StoredKey.from_bytes(content) if content else None
            key = waiting or published.get(data)
            if key is None or key.commitment != commitment_of(secret):
                raise RefusedError("unknown_report")
            if waiting is None and data not in revised:
                revoked.append(key.revoked())
            elif waiting is not None and waiting.report_type != ReportType.REVOKED:
                dropped.append(data)
        return dropped, revoked

    def _spend(self, transaction: Transaction, signature: bytes, week: int) -> None:
        token_hash = sha256(signature).digest()
        if self._spent.has(transaction, token_hash):
            raise RefusedError("token_spent")
        self._spent.add(transaction, [spent_token(token_hash, week)])


def _stored_key(key: ReportKey, report_type: int) -> StoredKey:
    return StoredKey(
        key.data, key.rolling_start, key.rolling_period, int(report_type), key.days_since_onset, key.commitment
    )


def _check_range(keys: Sequence[ReportKey], now: int) -> None:
    try:
        check_times(keys, now)
    except VerificationError as error:
        raise RefusedError("out_of_range") from error


def _published(transaction: Transaction, table: Table, names: Sequence[bytes]) -> dict[bytes, StoredKey]:
    columns = (table.c[name] for name in StoredKey._fields)
    rows = transaction.connection.execute(select(*columns).where(table.c.data.in_(names)))
    return {row[0]: StoredKey(*row) for row in rows}
