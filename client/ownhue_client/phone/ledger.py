"""The ledger: every request that left this phone, when, to whom, why, and how many bytes each way.

A line is in the store before its request is sent; one without an answer says so. Lines go with the history of their
day: after 14 days, or when the owner forgets it.
"""

from typing import NamedTuple

from ownhue_client.phone.records import day_of
from ownhue_client.phone.store import Row, Store


class LedgerLine(NamedTuple):
    """One request. Times in unix seconds."""

    time: int
    #: Host and port as they stand in the request.
    host: str
    #: Why it was sent, in plain words.
    purpose: str
    #: Bytes of the whole HTTP request: line, header and body.
    bytes_out: int
    #: Bytes of the whole HTTP answer; None when none came.
    bytes_in: int | None


class Ledger:
    """The ledger in *store*."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def sending(self, line: LedgerLine) -> Row:
        """Write *line* before its request is sent; the row to complete."""
        day = day_of(line.time)
        return Row(self._store.add("ledger", day, list(line)), day, line)

    def answered(self, row: Row, bytes_in: int) -> None:
        """Complete the row of :meth:`sending`."""
        self._store.replace("ledger", row, list(row.value._replace(bytes_in=bytes_in)))

    def lines(self) -> list[LedgerLine]:
        """Every line, oldest first."""
        return [LedgerLine(*row.value) for row in self._store.rows("ledger")]
