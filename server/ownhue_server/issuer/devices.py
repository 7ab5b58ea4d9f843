"""Enrolled devices and how many passes each took for a day. specs/pass.md sections 6 and 12

- A ticket enrols one device; the same device may present it again. Spent tickets are kept until the end of their last
  day. Of that end only the day is known here: its second would be the one in which a desk gave the ticket away.
- A request for passes counts once, however often it is repeated; what it asked for is kept as a hash until its epoch
  is over.
- A device that was reported as lost is stopped for good: it gets no more passes and enrols no more (stopping.py).
"""

from hashlib import sha256

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from ownhue.device import device_number
from ownhue.encoding import cbor_encode
from ownhue.params import EPOCH_SECONDS, PASSES_PER_EPOCH
from ownhue.passes import epoch_of
from ownhue.ticket import Ticket
from ownhue_server.frames import RefusedError
from ownhue_server.storage.writer import Transaction

TABLES = MetaData()

_DEVICES = Table(
    "devices",
    TABLES,
    Column("device", LargeBinary, primary_key=True),
    Column("number", LargeBinary, nullable=False, index=True),
    Column("stopped", Boolean, nullable=False),
    sqlite_with_rowid=False,
)
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
    """Spend *ticket* on *device* (32 bytes).

    Raises RefusedError: "ticket_spent" when another device had it, "stopped_device" (then nothing is spent).
    """
    connection = transaction.connection
    is_stopped = _stopped(connection, device)
    if is_stopped:
        raise RefusedError("stopped_device")
    nonce_hash = sha256(ticket.nonce).digest()
    owner = connection.execute(select(_TICKETS.c.device).where(_TICKETS.c.nonce_hash == nonce_hash)).scalar()
    if owner is None:
        connection.execute(delete(_TICKETS).where(_TICKETS.c.expires <= now))
        midnight = (epoch_of(ticket.expires) + 1) * EPOCH_SECONDS
        connection.execute(insert(_TICKETS).values(nonce_hash=nonce_hash, device=device, expires=midnight))
        if is_stopped is None:
            number = device_number(device)
            connection.execute(insert(_DEVICES).values(device=device, number=number, stopped=False))
    elif owner != device:
        raise RefusedError("ticket_spent")


def count_passes(transaction: Transaction, device: bytes, epoch: int, blinded: list[bytes], now: int) -> None:
    """Count a request of *device* against its quota, once.

    Raises RefusedError: "unknown_device", "stopped_device", or "quota" when it would have more passes for *epoch* than
    a day has.
    """
    connection = transaction.connection
    is_stopped = _stopped(connection, device)
    if is_stopped is None:
        raise RefusedError("unknown_device")
    if is_stopped:
        raise RefusedError("stopped_device")
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


def stop(transaction: Transaction, number: bytes) -> None:
    """Stop the device with this *number* (8 bytes) for good; again: no difference.

    Raises RefusedError "unknown_device" when none has it.
    """
    found = transaction.connection.execute(update(_DEVICES).where(_DEVICES.c.number == number).values(stopped=True))
    if not found.rowcount:
        raise RefusedError("unknown_device")


def _stopped(connection: Connection, device: bytes) -> bool | None:
    """Whether *device* was stopped; None: it is not enrolled."""
    found: bool | None = connection.execute(select(_DEVICES.c.stopped).where(_DEVICES.c.device == device)).scalar()
    return found
