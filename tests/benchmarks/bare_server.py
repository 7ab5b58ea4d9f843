"""The real server with the checks and the cryptography of the report endpoint taken out, for comparison.

It still reads the frame and stores as many rows in the same tables with the same durability:
``python -m tests.benchmarks.bare_server rehearse ...`` takes the arguments of ``ownhue-server``.
"""

import os
from typing import Any

from ownhue.params import KEY_PERIOD, ReportType
from ownhue_server import cli
from ownhue_server.publisher.reports import Reports
from ownhue_server.publisher.tables import StoredKey, spent_token
from ownhue_server.storage.writer import Transaction
from tests.benchmarks import KEYS_PER_REPORT


async def _store_anything(self: Reports, _body: dict[str, Any]) -> dict[str, Any]:
    start = self._clock.now() // 600 - 1000
    keys = [
        StoredKey(os.urandom(16), start, KEY_PERIOD, int(ReportType.CONFIRMED_TEST), 0, os.urandom(32)).to_bytes()
        for _ in range(KEYS_PER_REPORT)
    ]

    def store(transaction: Transaction) -> None:
        self._spent.add(transaction, [spent_token(os.urandom(32), 1)])
        self._pending.add(transaction, keys)

    await self._writer.run(store)
    return {}


if __name__ == "__main__":
    Reports.report = _store_anything  # type: ignore[method-assign, assignment]
    cli.main()
