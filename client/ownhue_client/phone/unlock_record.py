"""The plain file that says how a phone is opened, and the files of keys beside it. specs/phone.md section 2

    {"kind": "passphrase", "memory": 67108864, "passes": 3, "salt": "...", "version": 1, "wrapped": "..."}

It holds nothing that opens a phone by itself. It is replaced as a whole: a crash leaves the old one or the new one.
"""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from ownhue.encoding import base64url_decode
from ownhue.errors import FormatError, StateError

UNLOCK_NAME = "unlock.json"
#: Version of the file. specs/phone.md section 2
UNLOCK_VERSION = 1
#: Longest file that is read, in bytes. specs/phone.md section 2
UNLOCK_BYTES = 4096
#: Length of the master key in bytes.
MASTER_KEY_BYTES = 32

Record = dict[str, Any]
Random = Callable[[int], bytes]


class MasterKeySource(Protocol):
    """Where the key above all others of one phone comes from. Errors are StateError."""

    kind: str

    def create(self, directory: Path, random: Random) -> bytes:
        """Make the master key of a new phone in *directory*, keep it, and give it."""

    def load(self, directory: Path) -> bytes:
        """The master key that was kept."""

    def keep(self, directory: Path, master_key: bytes, random: Random) -> Record:
        """Keep *master_key*; what is to stand in unlock.json."""

    def destroy(self, directory: Path) -> None:
        """Make the master key unreadable for good. Does nothing where there is none any more."""


def read_record(directory: Path) -> Record | None:
    """What unlock.json says; None without one. Raises StateError when it cannot be understood."""
    try:
        with (directory / UNLOCK_NAME).open("rb") as file:
            data = file.read(UNLOCK_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"{UNLOCK_NAME} cannot be read: {error.strerror}") from error
    try:
        record = json.loads(data) if len(data) <= UNLOCK_BYTES else None
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict) or not isinstance(record.get("kind"), str):
        raise StateError(f"{UNLOCK_NAME} is damaged: it does not say how this phone is opened")
    if record.get("version") != UNLOCK_VERSION:
        raise StateError(f"{UNLOCK_NAME} is of another version; this program knows version {UNLOCK_VERSION}")
    return record


def write_record(directory: Path, record: Record) -> None:
    """Replace unlock.json by *record*, for good when this returns."""
    write_whole(directory / UNLOCK_NAME, json.dumps(record | {"version": UNLOCK_VERSION}, sort_keys=True).encode())


def field_bytes(record: Record, name: str) -> bytes:
    """The bytes of a field in base64url. Raises StateError."""
    try:
        return base64url_decode(record[name])
    except (KeyError, TypeError, AttributeError, FormatError) as error:
        raise StateError(f"{UNLOCK_NAME} is damaged: {name} is missing or wrong") from error


def field_number(record: Record, name: str) -> int:
    """A field's whole number. Raises StateError."""
    number = record.get(name)
    if not isinstance(number, int) or isinstance(number, bool):
        raise StateError(f"{UNLOCK_NAME} is damaged: {name} is missing or wrong")
    return number


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file by one that only its owner can read; the old or the new one after a crash. Raises StateError."""
    part = path.with_name(path.name + ".part")
    try:
        write_private(part, data)
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise StateError(f"{path.name} could not be written: {error.strerror}") from error


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that only its owner can read, and wait until it is on the disk. OSError as it comes."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(directory: Path) -> None:
    """Wait until names that were made, changed or removed in *directory* are on the disk."""
    folder = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def shred(path: Path) -> None:
    """Overwrite a file with zeros and remove it; nothing when it is not there. OSError as it comes.

    A disk that never writes twice in one place may keep the old bytes all the same (flash): SECURITY.md says so.
    """
    try:
        with path.open("r+b") as file:
            size = os.fstat(file.fileno()).st_size
            for begin in range(0, size, 1 << 20):
                file.write(bytes(min(1 << 20, size - begin)))
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:
        return
    path.unlink(missing_ok=True)
