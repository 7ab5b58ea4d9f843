"""Moving a phone to another device: one encrypted file with all that it needs to go on. specs/phone.md section 3

    passphrase = spoken_passphrase(os.urandom)              # shown once, spoken, typed in on the other device
    for part in export_phone(phone.store, passphrase, now): file.write(part)
    check_phone(file, passphrase)                           # read back: it is whole, and the passphrase opens it
    mark_moved(phone.store, now)                            # from here on the old phone is silent

    import_phone(file, passphrase, directory, random=os.urandom)       # a folder without a phone

- The file holds the opened records, not the old keys: on the new device each day is sealed anew, and what the old one
  forgot is not in it.
- The two never send one identifier: in the file the own key of the moment ends with the interval of *now*, and that
  interval counts as having been on the air. So it also holds when the old phone is never told.
- An import is whole or not at all. A file of an older program is brought to today's version.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import FormatError, StateError
from ownhue.identifiers import interval_number
from ownhue_client.phone.migrations import migrate
from ownhue_client.phone.moved import mark_moved, moved_at
from ownhue_client.phone.passphrase import Stretch
from ownhue_client.phone.schema import SCHEMA_VERSION, TABLES
from ownhue_client.phone.sealed_stream import open_stream, seal_stream
from ownhue_client.phone.spoken import spoken_passphrase
from ownhue_client.phone.store import Row, Store
from ownhue_client.phone.transfer_records import END, PHONE, ROW, STATE, frame, frames
from ownhue_client.phone.unlock import MasterKeySource

__all__ = ["Moved", "check_phone", "export_phone", "import_phone", "mark_moved", "spoken_passphrase"]

_ON_AIR = "on_air"


class Moved(NamedTuple):
    """What a file holds."""

    exported_at: int
    """Unix second at which it was made."""
    records: int
    """How many records (rows and states) it has."""


def export_phone(store: Store, passphrase: str, now: int, stretch: Stretch | None = None) -> Iterator[bytes]:
    """The file of the phone in *store* at *now* (unix seconds), piece by piece.

    Raises StateError: the passphrase is too short, or this phone has moved already. *stretch*: argon2id's parameters,
    never used for another file.
    """
    if moved_at(store) is not None:
        raise StateError("this phone has moved already; what it could hand on is not here any more")
    return seal_stream(_frames(store, now), passphrase, stretch or Stretch.new(store.random))


def import_phone(
    file: BinaryIO,
    passphrase: str,
    directory: Path,
    *,
    random: Callable[[int], bytes],
    unlock: MasterKeySource | None = None,
) -> Moved:
    """Make the phone of *file* in *directory*, opened by *unlock* (default a key file) from here on.

    Raises StateError (wrong passphrase; a phone is there already), FormatError, VerificationError; nothing is there
    then.
    """
    with Store.creating(directory, random, unlock) as store:
        version, moved = _read(file, passphrase, store)
        store.claim_version(version)
        migrate(store)
    return moved


def check_phone(file: BinaryIO, passphrase: str) -> Moved:
    """Read *file* to its end and keep nothing; errors as :func:`import_phone`'s."""
    return _read(file, passphrase, None)[1]


def _frames(store: Store, now: int) -> list[bytes]:
    """Every record in a frame, all of one moment. Nobody else waits while they are sealed and written."""
    with store.atomic():
        states = dict(store.states()) | {_ON_AIR: _on_air(store, now)}
        records = [frame([STATE, name, value]) for name, value in states.items()]
        for table in TABLES:
            rows = store.bytes_rows(table)
            if table == "own_keys":
                rows = (row._replace(value=_own_key(row.value, now)) for row in rows)
            records += [frame([ROW, table, *row]) for row in rows]
    return [frame([PHONE, SCHEMA_VERSION, now]), *records, frame([END, len(records)])]


def _on_air(store: Store, now: int) -> bytes:
    """The intervals whose identifiers were on the air, that of *now* among them: the old device may yet send it."""
    return cbor_encode(sorted({*store.get(_ON_AIR, []), interval_number(now)}))


def _own_key(value: bytes, now: int) -> bytes:
    """An own key, ended with the interval of *now*."""
    data, start, period = cbor_decode(value)
    return cbor_encode([data, start, max(min(period, interval_number(now) + 1 - start), 1)])


def _read(file: BinaryIO, passphrase: str, store: Store | None) -> tuple[int, Moved]:
    """Keep every record of *file* in *store*, if there is one; the version that wrote it, and what it was."""
    records = frames(open_stream(file, passphrase))
    version, exported_at = _beginning(next(records, None))
    for count, record in enumerate(records):
        if record == [END, count] and next(records, None) is None:
            return version, Moved(exported_at, count)
        _keep(record, store)
    raise FormatError("the file of a phone does not end as it has to")


def _beginning(record: list[object] | None) -> tuple[int, int]:
    match record:
        case [tag, int(version), int(exported_at)] if tag == PHONE:
            if version > SCHEMA_VERSION:
                raise StateError("the file was made by a newer program; bring this one up to date first")
            return version, exported_at
    raise FormatError("the file of a phone does not begin as it has to")


def _keep(record: list[object], store: Store | None) -> None:
    match record:
        case [tag, str(name), bytes(value)] if tag == STATE:
            if store is not None:
                store.restore_state(name, value)
        case [tag, str(table), int(identity), int(day), bytes(value)] if tag == ROW and table in TABLES:
            if store is not None:
                store.restore_row(table, Row(identity, day, value))
        case _:
            raise FormatError("the file of a phone holds a record of no known kind")
