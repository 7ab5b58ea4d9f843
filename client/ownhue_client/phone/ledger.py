"""The ledger: every request that left this phone, when, to whom, why, how many bytes each way, and what came of it.

A line is in the store before its request is sent, so what failed stands there too: no connection, no answer, an answer
that was broken off. Lines go with the history of their day: after 14 days, or when the owner forgets it. What lies
below HTTP is not in it: asking for the server's address by its name (DNS), setting up TLS.
"""

from typing import Literal, NamedTuple

from ownhue_client.phone.records import day_of
from ownhue_client.phone.store import Row, Store

#: What came of a request. "sending": the phone was stopped meanwhile, so nobody knows. "read": from a folder.
Outcome = Literal["sending", "answered", "no connection", "no answer", "broken off", "read"]


class LedgerLine(NamedTuple):
    """One request. Times in unix seconds."""

    time: int
    #: Host and port as they stand in the request.
    host: str
    #: Why it was sent, in plain words.
    purpose: str
    #: Bytes of the whole HTTP request: line, header and body.
    bytes_out: int
    #: Bytes of the whole HTTP answer; None when none came whole.
    bytes_in: int | None
    #: What came of it. Bytes of a request without a connection stayed here.
    outcome: Outcome = "sending"


class Ledger:
    """The ledger in *store*."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def sending(self, line: LedgerLine) -> Row:
        """Write *line* before its request is sent; the row to complete."""
        day = day_of(line.time)
        return Row(self._store.add("ledger", day, list(line)), day, line)

    def answered(self, row: Row, bytes_in: int, outcome: Outcome = "answered") -> None:
        """Complete the row of :meth:`sending`."""
        self.complete(row, row.value._replace(bytes_in=bytes_in, outcome=outcome))

    def failed(self, row: Row, outcome: Outcome) -> None:
        """Say in the row of :meth:`sending` how far it came."""
        self.complete(row, row.value._replace(outcome=outcome))

    def complete(self, row: Row, line: LedgerLine) -> None:
        """Write *line* in place of the one of *row*."""
        self._store.replace("ledger", row, list(line))

    def lines(self) -> list[LedgerLine]:
        """Every line, oldest first."""
        return [LedgerLine(*row.value) for row in self._store.rows("ledger")]
