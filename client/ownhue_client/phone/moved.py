"""A phone that went to another device: it goes silent for good, so that no two devices ever send one key.

    mark_moved(store, now)         # after the file was written and read back (transfer.py)
    refuse_moved(store)            # StateError from then on

What only one device may have is destroyed here, not merely refused: even a program that does not ask cannot send it.
The history stays for its owner to read, or to erase. Going back is by importing a file into an empty folder.
"""

from ownhue.errors import StateError
from ownhue_client.phone.schema import STATE, STATE_DAY
from ownhue_client.phone.store import Store

_MOVED = "moved"
#: What another device goes on with: enrolment, unsent reports and withdrawals, pretended reports.
_STATES = ("device", "enrolled", "passes_asked", "claim", "report", "withdrawal", "outgoing", "decoy", "decoy_at")
_TABLES = ("own_keys", "passes", "pass_requests", "pending")


def mark_moved(store: Store, now: int) -> None:
    """Make the phone in *store* silent for good, at *now* (unix seconds); on the disk when this returns."""
    names = {(STATE, STATE_DAY)}
    with store.atomic(durable=True):
        for name in _STATES:
            store.drop(name)
        for table in _TABLES:
            names |= store.empty(table)
        store.put(_MOVED, now)
        store.renew(names)
    store.flush()


def moved_at(store: Store) -> int | None:
    """When the phone went to another device (unix seconds); None: it did not."""
    moved: int | None = store.get(_MOVED)
    return moved


def refuse_moved(store: Store) -> None:
    """Raise StateError if the phone went to another device."""
    if moved_at(store) is not None:
        raise StateError("this phone has moved to another device, and is silent here; erase it, or import it again")
