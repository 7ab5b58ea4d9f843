"""Which of several processes closes batches: the one that holds the lease. specs/publication.md section 1

    leader = Leader()                                        # one for each process
    await writer.run(lambda tx: leader.renew(tx, now))       # at each tick: True while this process is the leader
    leader.check(transaction, now)                           # in the transaction that closes: StateError otherwise

- The lease is a row of the publisher's database, so it is taken, renewed and checked in transactions: there are never
  two leaders, and a process that slept while another took over finds out before it writes anything.
- A leader that ends gives the lease up; of one that was killed it runs out.
- A lease that ends later than a new one would is by a clock that was wrong. It does not count, or a clock that stood a
  year ahead for a moment would stop publishing for a year.
"""

import os

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, delete, insert, select

from ownhue.errors import StateError
from ownhue_server.publisher.tables import TABLES
from ownhue_server.storage.writer import Transaction

#: Seconds for which a lease holds; its holder renews it every few. specs/publication.md section 1
LEASE_SECONDS = 30
_HOLDER_BYTES = 16

LEADER = Table(
    "leader",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("holder", LargeBinary, nullable=False),
    Column("until", BigInteger, nullable=False),
)


class Leader:
    """This process as a candidate. *alone*: nobody else can be one, so a lease left over does not count."""

    def __init__(self, *, alone: bool = False) -> None:
        self._alone = alone
        self._holder = os.urandom(_HOLDER_BYTES)

    def renew(self, transaction: Transaction, now: int) -> bool:
        """Take the lease at *now* (unix seconds) if nobody else holds it, or renew it; whether this process has it."""
        row = transaction.connection.execute(select(LEADER.c.holder, LEADER.c.until)).first()
        if row is not None and not self._alone and row.holder != self._holder and _holds(row.until, now):
            return False
        transaction.connection.execute(delete(LEADER))
        transaction.connection.execute(insert(LEADER).values(id=1, holder=self._holder, until=now + LEASE_SECONDS))
        return True

    def check(self, transaction: Transaction, now: int) -> None:
        """Raises StateError unless this process has the lease at *now*, or can take it."""
        if not self.renew(transaction, now):
            raise StateError("another process closes the batches now")

    def resign(self, transaction: Transaction) -> None:
        """Give the lease up, so that another process need not wait for its end."""
        transaction.connection.execute(delete(LEADER).where(LEADER.c.holder == self._holder))


def _holds(until: int, now: int) -> bool:
    return now < until <= now + LEASE_SECONDS
