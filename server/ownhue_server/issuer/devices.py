"""Enrolled devices and how many passes each took for a day. specs/pass.md section 6

- A ticket enrols one device; the same device may present it again. Spent tickets are kept until the end of their last
  day. Of that end only the day is known here: its second would be the one in which a desk gave the ticket away.
- A request for passes counts once, however often it is repeated; what it asked for is kept as a hash until its epoch
  is over.
"""

from hashlib import sha256

from sqlalchemy import Column, Connection, Integer, LargeBinary, MetaData, Table, delete, func, insert, select

from ownhue.encoding import cbor_encode
from ownhue.params import EPOCH_SECONDS, PASSES_PER_EPOCH
from ownhue.passes import epoch_of
from ownhue.ticket import Ticket
from ownhue_server.frames import RefusedError
from ownhue_server.storage.writer import Transaction

TABLES = MetaData()

_DEVICES = Table("devices", TABLES, Column("device", LargeBinary, primary_key=True), sqlite_with_rowid=False)
_TICKETS = Table(
    "tickets",
    TABLES,
    Column("nonce_hash", LargeBinary, primary_key=True),
    Column("device", LargeBinary, nullable=False),
    Column("expires", Integer, nullable=False),
    sqlite_with_rowid=False,
)
_REQUESTS = Table(
    "pass_requests",
    TABLES,
    Column("epoch", Integer, primary_key=True),
    Column("device", LargeBinary, primary_key=True),
    Column("request_hash", LargeBinary, primary_key=True),
    Column("passes", Integer, nullable=False),
    sqlite_with_rowid=False,
)


def enrol(transaction: Transaction, ticket: Ticket, device: bytes, now: int) -> None:
    """Spend *ticket* on *device* (32 bytes). Raises RefusedError "ticket_spent" when another device had it."""
    connection = transaction.connection
    nonce_hash = sha256(ticket.nonce).digest()
    owner = connection.execute(select(_TICKETS.c.device).where(_TICKETS.c.nonce_hash == nonce_hash)).scalar()
    if owner is None:
        connection.execute(delete(_TICKETS).where(_TICKETS.c.expires <= now))
        midnight = (epoch_of(ticket.expires) + 1) * EPOCH_SECONDS
        connection.execute(insert(_TICKETS).values(nonce_hash=nonce_hash, device=device, expires=midnight))
        if not _is_enrolled(connection, device):
            connection.execute(insert(_DEVICES).values(device=device))
    elif owner != device:
        raise RefusedError("ticket_spent")


def count_passes(transaction: Transaction, device: bytes, epoch: int, blinded: list[bytes], now: int) -> None:
    """Count a request of *device* against its quota, once.

    Raises RefusedError: "unknown_device", or "quota" when it would have more passes for *epoch* than a day has.
    """
    connection = transaction.connection
    if not _is_enrolled(connection, device):
        raise RefusedError("unknown_device")
    request_hash = sha256(cbor_encode([epoch, blinded])).digest()
    mine = (_REQUESTS.c.epoch == epoch) & (_REQUESTS.c.device == device)
    if connection.execute(select(_REQUESTS.c.passes).where(mine, _REQUESTS.c.request_hash == request_hash)).scalar():
        return
    taken = connection.execute(select(func.coalesce(func.sum(_REQUESTS.c.passes), 0)).where(mine)).scalar_one()
    if taken + len(blinded) > PASSES_PER_EPOCH:
        raise RefusedError("quota")
    connection.execute(delete(_REQUESTS).where(_REQUESTS.c.epoch < epoch_of(now)))
    connection.execute(
        insert(_REQUESTS).values(epoch=epoch, device=device, request_hash=request_hash, passes=len(blinded))
    )


def _is_enrolled(connection: Connection, device: bytes) -> bool:
    return connection.execute(select(_DEVICES.c.device).where(_DEVICES.c.device == device)).scalar() is not None
