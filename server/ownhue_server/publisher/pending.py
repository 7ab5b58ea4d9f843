"""Keys that wait for their batch, in slots without order, and how a million of them go out in constant memory.

    pending = PendingKeys()
    writer.run(lambda tx: pending.add(tx, keys))
    writer.run(lambda tx: pending.publish(tx, batch, closing, padding))

A payload, of 60 bytes as every slot's:

| bytes | what |
|---|---|
| 1 | mark: 1 in use, 0 free |
| 16 | the key |
| 4 | unix second, big-endian, from which it may be published: its end plus the embargo, or later |
| 39 | everything else about it, as the key tables have it (tables.py) |

What goes out is sorted in one array (moving.py) and forgotten inside SQLite: Python never has an object for each key.
"""
# ruff: noqa: S608 - the only names that are put into statements are those of our own tables

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ownhue.params import EMBARGO_SECONDS, ReportType
from ownhue_server.publisher.moving import Rows
from ownhue_server.publisher.tables import (
    CONTENT_BYTES,
    KEY_BYTES,
    METADATA_BYTES,
    PENDING_KEYS,
    PUBLISHED_KEYS,
    REPORT_TYPE_AT,
    REVISED_KEYS,
    StoredKey,
    metadata_of,
)
from ownhue_server.storage.slots import FIRST_SLOTS, Slots
from ownhue_server.storage.writer import Transaction

#: Slots that are read by one statement while a batch is closed.
_SLOTS_AT_ONCE = 4096
#: Keys whose metadata is looked at: they lie in random places, so of more these are a fair sample.
SAMPLED_KEYS = 65_536

_TIME_BYTES = 4
_SLOT_BYTES = KEY_BYTES + _TIME_BYTES + CONTENT_BYTES

#: Behind every payload in use.
_ALL = b"\x02"
_NO_LIMIT = 2**62

Metadata = tuple[int, int, int, int | None]

# Places in a payload, as SQL counts them: from 1, where the mark is.
_READY_AT = 2 + KEY_BYTES
_CONTENT_AT = _READY_AT + _TIME_BYTES
_TYPE_AT = _CONTENT_AT + REPORT_TYPE_AT
_REVOKED = f"x'{int(ReportType.REVOKED):02x}'"
_TABLE = PENDING_KEYS.name

_READY = f"payload >= x'01' AND payload < :end AND substr(payload, {_READY_AT}, {_TIME_BYTES}) <= :closing"
_METADATA = (
    f"SELECT metadata, count(*) FROM ("
    f"SELECT substr(payload, {_CONTENT_AT}, {METADATA_BYTES}) AS metadata FROM {_TABLE} "
    f"WHERE {_READY} AND substr(payload, {_TYPE_AT}, 1) <> {_REVOKED} LIMIT {SAMPLED_KEYS}) GROUP BY metadata"
)
_END = (
    f"SELECT substr(payload, 1, 1 + {KEY_BYTES}) AS begin FROM {_TABLE} WHERE {_READY} "
    "ORDER BY begin LIMIT 1 OFFSET :most"
)
_COUNT = f"SELECT count(*), coalesce(sum(substr(payload, {_TYPE_AT}, 1) = {_REVOKED}), 0) FROM {_TABLE} WHERE {_READY}"
# One row for many keys. The aggregate joins bytes as they are, but as a text.
_JOINED = (
    f"SELECT CAST(group_concat(substr(payload, 2), '') AS BLOB) FROM {_TABLE} "
    f"WHERE slot >= :first AND slot < :behind AND {_READY} AND substr(payload, {_TYPE_AT}, 1) <> {_REVOKED}"
)
_SLOTS = f"SELECT coalesce(max(slot), 0) + 1 FROM {_TABLE}"
_REVISE = (
    f"INSERT OR FAIL INTO {REVISED_KEYS.name} (batch, data, content) "
    f"SELECT :batch, substr(payload, 2, {KEY_BYTES}) AS data, substr(payload, {_CONTENT_AT}) FROM {_TABLE} "
    f"WHERE {_READY} AND substr(payload, {_TYPE_AT}, 1) = {_REVOKED} ORDER BY data"
)
_FORGET = f"UPDATE OR FAIL {_TABLE} SET payload = CAST(x'00' || randomblob({_SLOT_BYTES}) AS BLOB) WHERE {_READY}"


class Ready(NamedTuple):
    """How much may be published at a time."""

    keys: int
    """Number of keys that are not revoked."""
    revised: int
    """Number of those that are."""
    end: bytes = _ALL
    """Behind the last of them: payloads in use that are smaller."""


class PendingKeys:
    """The table pending_keys. Used by writer jobs only."""

    def __init__(self, first_slots: int = FIRST_SLOTS) -> None:
        self._slots = Slots(PENDING_KEYS, key_bytes=KEY_BYTES, content_bytes=_SLOT_BYTES, first_slots=first_slots)

    def has(self, transaction: Transaction, data: bytes) -> bool:
        """Whether the key *data* (16 bytes) waits."""
        return self._slots.has(transaction, data)

    def get(self, transaction: Transaction, data: bytes) -> StoredKey | None:
        """The key *data*, or None."""
        return self.found(transaction, [data]).get(data)

    def found(self, transaction: Transaction, datas: Iterable[bytes]) -> dict[bytes, StoredKey]:
        """Those of *datas* that wait."""
        contents = self._slots.found(transaction, datas)
        return {data: StoredKey.of(data, content[KEY_BYTES + _TIME_BYTES :]) for data, content in contents.items()}

    def add(self, transaction: Transaction, keys: Sequence[StoredKey], not_before: int = 0) -> None:
        """Let *keys* wait until their embargo is over, and until *not_before* (unix seconds).

        A key that waits already is passed over: the first report of it stands."""
        contents = [key.data + _time(max(key.end + EMBARGO_SECONDS, not_before)) + key.content for key in keys]
        self._slots.add_new(transaction, contents)

    def remove(self, transaction: Transaction, datas: Iterable[bytes]) -> None:
        """Forget *datas*; those that do not wait are passed over."""
        self._slots.remove(transaction, datas)

    def ready(self, transaction: Transaction, closing: int, most: int) -> Ready:
        """What may be published at *closing* (unix seconds), at most *most*: those whose data come first."""
        db, time = transaction.driver, _time(closing)
        keys, revised = db.execute(_COUNT, {"closing": time, "end": _ALL}).fetchone()
        if keys <= most:
            return Ready(keys - revised, revised)
        (end,) = db.execute(_END, {"closing": time, "end": _ALL, "most": most}).fetchone()
        keys, revised = db.execute(_COUNT, {"closing": time, "end": end}).fetchone()
        return Ready(keys - revised, revised, end)

    def ready_metadata(
        self, transaction: Transaction, closing: int, ready: Ready | None = None
    ) -> list[tuple[Metadata, int]]:
        """What the keys say that are ready at *closing* and not revoked, and how many say it, sorted.

        Of each: rolling start, rolling period, report type, days since onset. Of at most SAMPLED_KEYS keys.
        *ready*: what :meth:`ready` said; default: all that is ready."""
        names = {"closing": _time(closing), "end": ready.end if ready else _ALL}
        return [(metadata_of(metadata), count) for metadata, count in transaction.driver.execute(_METADATA, names)]

    def publish(
        self,
        transaction: Transaction,
        batch: int,
        closing: int,
        padding: Sequence[StoredKey],
        ready: Ready | None = None,
    ) -> tuple[int, int]:
        """Move all that is ready at *closing* (unix seconds) to *batch*, together with *padding*; their slots are free.

        Rows are written in the order of the keys, so the pages too hold real ones and padding in one order. How many
        keys and how many revised keys the batch has. *ready*: as for :meth:`ready_metadata`."""
        ready = ready or self.ready(transaction, closing, _NO_LIMIT)
        db, names = transaction.driver, {"closing": _time(closing), "end": ready.end, "batch": batch}
        rows = Rows(ready.keys + len(padding))
        rows.add(b"".join(key.data + key.content for key in padding))
        (slots,) = db.execute(_SLOTS).fetchone()
        for first in range(0, slots, _SLOTS_AT_ONCE):
            (joined,) = db.execute(_JOINED, {**names, "first": first, "behind": first + _SLOTS_AT_ONCE}).fetchone()
            rows.add(joined or b"", skipped=_TIME_BYTES)
        rows.write(db, PUBLISHED_KEYS.name, batch)
        if ready.revised:
            db.execute(_REVISE, names)
        db.execute(_FORGET, names)
        return ready.keys + len(padding), ready.revised


def _time(seconds: int) -> bytes:
    return seconds.to_bytes(_TIME_BYTES, "big")
