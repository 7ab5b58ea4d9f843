"""Bringing a store of an older program to today's version, all of it or nothing. specs/phone.md section 1

| from | to | what changes |
|---|---|---|
| 3 | 4 | tables for certificates and clearances; copies of the keys; scans as bits of five minutes, not hourly counts |
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ownhue.errors import StateError
from ownhue_client.phone.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from ownhue_client.phone.store import Store

#: Of version 4: seconds of a slot of the table scans, and the state with the second of the first scan.
_SLOT_SECONDS, _DAY_SLOTS, _BEGUN = 300, 288, "radio_since"
_HOUR_SLOTS = 12


def migrate(store: "Store") -> None:
    """Bring *store* to version SCHEMA_VERSION. Raises StateError for a newer one, or one before all that are known."""
    version = store.version
    if version == SCHEMA_VERSION:
        return
    if version > SCHEMA_VERSION:
        raise StateError(f"this store has version {version}, of a newer program; this one knows up to {SCHEMA_VERSION}")
    if version not in _STEPS:
        raise StateError(f"this store has version {version}; this program knows versions from {min(_STEPS)} on")
    with store.atomic(durable=True):
        for step in range(version, SCHEMA_VERSION):
            _STEPS[step](store)
        store.claim_version(SCHEMA_VERSION)


def _to_4(store: "Store") -> None:
    for name in ("certificates", "clearances"):
        store.make_table(name)
    store.make_copies()
    first: int | None = None
    for row in store.rows("scans"):
        bits = _slots(row.value)
        store.replace("scans", row, bits.to_bytes(_DAY_SLOTS // 8, "little"))
        if bits and first is None:
            first = row.day * 86400 + ((bits & -bits).bit_length() - 1) * _SLOT_SECONDS
    if first is not None:
        store.put(_BEGUN, min(first, store.get(_BEGUN) or first))


def _slots(hours: Any) -> int:
    """Counts of each hour, [that ran, that did not], as bits of five minutes.

    In which five minutes of an hour a scan ran is not known: the first ones are taken, as many as there were scans.
    """
    bits = 0
    for hour, (ran, _) in enumerate(hours):
        bits |= ((1 << min(ran, _HOUR_SLOTS)) - 1) << hour * _HOUR_SLOTS
    return bits


_STEPS: Mapping[int, Callable[["Store"], None]] = {3: _to_4}
