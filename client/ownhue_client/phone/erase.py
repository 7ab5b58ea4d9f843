"""Erasing: what there is, one kind or one day of it, or everything. The keys go first.

    for held in survey(store): print(held.kind, held.day, held.records)         # a dry run
    erase_kind(store, "places")
    erase_day(store, day)
    erase_everything(directory)                                                # no passphrase is needed for that

- Each call can be made again after a crash, and ends with the same.
- What is removed is overwritten, and what stays of the same days is sealed with new keys.
- Open the phone anew afterwards: it remembers some of what it has read.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ownhue.errors import FormatError, StateError
from ownhue_client.phone.lock import LOCK_NAME, FolderLock
from ownhue_client.phone.schema import STATE, STATE_DAY, TABLES
from ownhue_client.phone.store import Store
from ownhue_client.phone.store_file import COPY_NAME, DATABASE_NAME, UNFINISHED_NAME, shred_database
from ownhue_client.phone.unlock import MASTER_KEY_NAME, KeyFile, MasterKeySource, source_of
from ownhue_client.phone.unlock_record import UNLOCK_NAME, shred, sync_folder

#: What an owner can erase by name: the tables and the states that hold it.
_KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "sightings": (("sightings",), ()),
    "places": (("places",), ("place_by_hand",)),
    "scans": (("scans",), ("radio_since",)),
    "exposures": (("windows", "withdrawn"), ("discarded",)),
    "results": (("results",), ("claim", "report", "withdrawal", "outgoing")),
    "certificates": (("certificates", "clearances"), ("owner",)),
    "passes": (("passes", "pass_requests"), ()),
    "journal": (("journal",), ()),
    "ledger": (("ledger",), ()),
}
#: Kinds that :func:`erase_kind` takes.
KINDS = tuple(_KINDS)


@dataclass(frozen=True, order=True)
class Held:
    """How much of one kind there is."""

    kind: str
    """A name of KINDS, "own_keys" or "pending"."""
    day: int
    """UTC day (unix seconds // 86400)."""
    records: int
    """Records; of sightings: groups of them."""


def survey(store: Store, kind: str | None = None, day: int | None = None) -> list[Held]:
    """What would go: all there is, or of one *kind*, or of one *day*. Nothing is changed. Raises FormatError."""
    if kind is not None:
        _known(kind)
    found = []
    for table in TABLES:
        name = _kind_of(table)
        days = store.counts(table).items() if kind in (None, name) else ()
        found += [Held(name, its, count) for its, count in days if day in (None, its)]
    return sorted(found)


def erase_kind(store: Store, kind: str) -> int:
    """Erase everything of *kind* (one of KINDS); how many records. Raises FormatError for another word."""
    tables, states = _known(kind)
    count = sum(sum(store.counts(table).values()) for table in tables)
    with store.atomic(durable=True):
        names = {name for table in tables for name in store.empty(table)}
        for state in states:
            store.drop(state)
        store.renew(names | {(STATE, STATE_DAY)})
    store.flush()
    return count


def erase_day(store: Store, day: int) -> int:
    """Erase the history and the findings of a UTC day, own keys too; how many records."""
    count = sum(held.records for held in survey(store, day=day))
    store.forget_day(day)
    return count


def erase_everything(directory: Path, unlock: MasterKeySource | None = None) -> None:
    """Destroy the phone in *directory*: first the keys, then all its files. What is not the phone's stays.

    *unlock*: default what unlock.json says; only a keyring needs one, and a keyring that is gone keeps its entry, which
    opens nothing any more. Raises StateError: another program uses the phone, or a file cannot be removed.
    """
    if not directory.is_dir():
        return
    lock = FolderLock(directory)
    try:
        _destroy_key(directory, unlock)
        for name in (MASTER_KEY_NAME, MASTER_KEY_NAME + ".part"):
            shred(directory / name)
        for name in (DATABASE_NAME, UNFINISHED_NAME, COPY_NAME):
            shred_database(directory / name)
        for name in (UNLOCK_NAME + ".part", UNLOCK_NAME):
            shred(directory / name)
        (directory / LOCK_NAME).unlink(missing_ok=True)
        sync_folder(directory)
    except OSError as error:
        raise StateError(f"not everything could be erased: {error.strerror}; try again") from error
    finally:
        lock.release()


def _destroy_key(directory: Path, unlock: MasterKeySource | None) -> None:
    """The key first: without it the rest is noise, whatever happens next."""
    try:
        KeyFile().destroy(directory)
        source = unlock or source_of(directory)
    except StateError:
        # A passphrase keeps nothing outside unlock.json, and a keyring that cannot be asked cannot forget.
        return
    source.destroy(directory)


def _known(kind: str) -> tuple[Collection[str], Collection[str]]:
    if kind not in _KINDS:
        raise FormatError(f"there is no {kind[:20]!r} to erase; there are {', '.join(KINDS)}")
    return _KINDS[kind]


def _kind_of(table: str) -> str:
    return next((kind for kind, (tables, _) in _KINDS.items() if table in tables), table)
