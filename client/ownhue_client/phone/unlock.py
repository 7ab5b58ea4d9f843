"""How a phone's master key is kept: in a file, under a passphrase, or in the system's keyring. specs/phone.md section 2

    source = Passphrase(ask)                        # or KeyFile(), Keyring()
    Phone.create(directory, ..., unlock=source)
    Phone.open(directory, ..., unlock=source_of(directory, ask))
    rewrap(directory, source, Keyring(), os.urandom)     # the phone closed; nothing else of it changes

- unlock.json says the kind, in the clear; without it there is a key file. The last step of every change is to replace
  it, so a crash leaves the old way or the new one; what is left of the other goes when the phone is opened next.
- A changed kind keeps the master key. Who has a copy of the old key file can open the store as before.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ownhue.errors import StateError
from ownhue_client.phone.lock import FolderLock
from ownhue_client.phone.unlock_keyring import Backend, Keyring
from ownhue_client.phone.unlock_passphrase import Passphrase
from ownhue_client.phone.unlock_record import (
    MASTER_KEY_BYTES,
    MasterKeySource,
    Random,
    Record,
    read_record,
    shred,
    write_record,
    write_whole,
)

__all__ = [
    "KeyFile",
    "Keyring",
    "MasterKeySource",
    "Passphrase",
    "change_passphrase",
    "kind_of",
    "rewrap",
    "source_of",
]

MASTER_KEY_NAME = "master.key"
_LEAVING = "leaving"


class KeyFile:
    """The master key in a file beside the store, readable by its owner only."""

    kind = "key-file"

    def create(self, directory: Path, random: Random) -> bytes:
        """Make the key and the file."""
        master_key = random(MASTER_KEY_BYTES)
        write_record(directory, self.keep(directory, master_key, random))
        return master_key

    def keep(self, directory: Path, master_key: bytes, random: Random) -> Record:
        """Write the file."""
        write_whole(directory / MASTER_KEY_NAME, master_key)
        return {"kind": self.kind}

    def load(self, directory: Path) -> bytes:
        """The 32 bytes of the file. Raises StateError when it is absent or not a key."""
        path = directory / MASTER_KEY_NAME
        try:
            with path.open("rb") as file:
                key = file.read(MASTER_KEY_BYTES + 1)
        except FileNotFoundError as error:
            raise StateError(f"there is no phone in {directory}") from error
        except OSError as error:
            raise StateError(f"{MASTER_KEY_NAME} cannot be read: {error.strerror}") from error
        if len(key) != MASTER_KEY_BYTES:
            raise StateError(f"{path.name} is not a key of {MASTER_KEY_BYTES} bytes")
        return key

    def destroy(self, directory: Path) -> None:
        """Overwrite and remove the file."""
        shred(directory / (MASTER_KEY_NAME + ".part"))
        shred(directory / MASTER_KEY_NAME)


def kind_of(directory: Path) -> str:
    """ "key-file", "passphrase" or "keyring": how the phone in *directory* is opened. Raises StateError."""
    record = read_record(directory)
    return KeyFile.kind if record is None else str(record["kind"])


def source_of(directory: Path, ask: Callable[[], str] | None = None, keyring: Backend | None = None) -> MasterKeySource:
    """The source that the phone in *directory* was made with or changed to.

    *ask*: gives the passphrase, where one is needed. *keyring*: the backend, default the system's. Raises StateError.
    """
    record = read_record(directory) or {"kind": KeyFile.kind}
    if _LEAVING in record:
        # The kind was changed, and the program ended before the old key was gone.
        _leave(directory, record, keyring)
    return _source(str(record["kind"]), ask, keyring)


def rewrap(directory: Path, old: MasterKeySource, new: MasterKeySource, random: Random) -> None:
    """Keep the master key in *new* instead of *old*. The phone has to be closed. Raises StateError."""
    lock = FolderLock(directory)
    try:
        master_key = old.load(directory)
        former = read_record(directory) or {"kind": KeyFile.kind}
        record = new.keep(directory, master_key, random)
        write_record(directory, record | {_LEAVING: former})
        _leave(directory, record | {_LEAVING: former}, None, old)
    finally:
        lock.release()


def change_passphrase(directory: Path, old: Callable[[], str], new: Callable[[], str], random: Random) -> None:
    """Another passphrase from now on. Raises StateError: "wrong passphrase", or the new one is too short."""
    rewrap(directory, Passphrase(old), Passphrase(new), random)


def _source(kind: str, ask: Callable[[], str] | None, keyring: Backend | None) -> MasterKeySource:
    if kind == KeyFile.kind:
        return KeyFile()
    if kind == Keyring.kind:
        return Keyring(keyring)
    if kind != Passphrase.kind:
        raise StateError(f"unlock.json names a way that this program does not know: {kind[:20]!r}")
    if ask is None:
        raise StateError("this phone is opened with a passphrase, and nobody was asked for it")
    return Passphrase(ask)


def _leave(directory: Path, record: Record, backend: Backend | None, old: MasterKeySource | None = None) -> None:
    """Destroy what is left of the former kind, then forget that there was one."""
    former = record[_LEAVING]
    kept = {name: value for name, value in record.items() if name != _LEAVING}
    kind = former.get("kind") if isinstance(former, dict) else None
    if kind == KeyFile.kind and kept["kind"] != KeyFile.kind:
        KeyFile().destroy(directory)
    if kind == Keyring.kind:
        # A keyring that is gone or locked keeps its entry: no reason to keep the owner out of the phone.
        with suppress(StateError):
            ring = old if isinstance(old, Keyring) else Keyring(backend)
            ring.remove(former)
            write_record(directory, kept)
        return
    write_record(directory, kept)
