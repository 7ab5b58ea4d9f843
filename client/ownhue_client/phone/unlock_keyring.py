"""A master key in the operating system's keyring (Secret Service, KWallet ...), under a random name.

A backend that keeps secrets in the open, or nowhere, is refused: the owner would believe in a lock that is none.
"""

from pathlib import Path
from typing import Any, Protocol

from ownhue.encoding import base64url_decode, base64url_encode
from ownhue.errors import FormatError, StateError
from ownhue_client.phone.unlock_record import MASTER_KEY_BYTES, Random, Record, read_record, write_record

#: Name of the service in the keyring. specs/phone.md section 2
SERVICE = "ownhue-phone"
_ENTRY_BYTES = 8
#: Modules whose backends keep secrets in plain files, in memory that is lost, or not at all.
_REFUSED_MODULES = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
_REFUSED_NAMES = ("plaintext", "null", "fail")


class Backend(Protocol):
    """What is used of a keyring backend (the package keyring)."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...


class Keyring:
    """The entry of one phone in *backend*; None: the system's own."""

    kind = "keyring"

    def __init__(self, backend: Backend | None = None) -> None:
        """Raises StateError for a backend that does not keep a secret."""
        self._backend = _system_backend() if backend is None else backend
        for part in _parts(self._backend):
            _check_backend(part)

    def create(self, directory: Path, random: Random) -> bytes:
        """Make the master key and give it to the keyring."""
        master_key, record = random(MASTER_KEY_BYTES), self._new_record(random)
        # The name first: what a crash leaves behind can be found and removed by it.
        write_record(directory, record)
        self._hand_over(record, master_key)
        return master_key

    def keep(self, directory: Path, master_key: bytes, random: Random) -> Record:
        """Give *master_key* to the keyring under a new name, read it back, and tell the name."""
        record = self._new_record(random)
        self._hand_over(record, master_key)
        return record

    def load(self, directory: Path) -> bytes:
        """Ask the keyring. Raises StateError when it is locked, absent, or has lost the key."""
        record = read_record(directory)
        if record is None or record["kind"] != self.kind:
            raise StateError("this phone is not opened with the keyring")
        return self._read(record)

    def destroy(self, directory: Path) -> None:
        """Remove the entry that unlock.json names."""
        record = read_record(directory)
        if record is not None and record["kind"] == self.kind:
            self.remove(record)

    def remove(self, record: Record) -> None:
        """Remove the entry of *record*, if it is still there."""
        entry = _entry(record)
        if self._call("get_password", entry) is not None:
            self._call("delete_password", entry)

    def _new_record(self, random: Random) -> Record:
        return {"kind": self.kind, "entry": random(_ENTRY_BYTES).hex()}

    def _hand_over(self, record: Record, master_key: bytes) -> None:
        self._call("set_password", record["entry"], base64url_encode(master_key))
        if self._read(record) != master_key:
            raise StateError("the keyring did not keep the key")

    def _read(self, record: Record) -> bytes:
        text = self._call("get_password", _entry(record))
        if text is None:
            raise StateError("the keyring has no key for this phone")
        try:
            key = base64url_decode(text)
        except FormatError as error:
            raise StateError("the keyring's entry for this phone is no key") from error
        if len(key) != MASTER_KEY_BYTES:
            raise StateError("the keyring's entry for this phone is no key")
        return key

    def _call(self, method: str, *arguments: str) -> Any:
        try:
            return getattr(self._backend, method)(SERVICE, *arguments)
        except Exception as error:
            # Backends raise what their system gives them. The text could hold the entry; the kind is enough.
            raise StateError(
                f"the keyring cannot be used now ({type(error).__name__}); unlock it and try again"
            ) from error


def _entry(record: Record) -> str:
    entry = record.get("entry")
    if not isinstance(entry, str) or not entry:
        raise StateError("unlock.json is damaged: it does not name the keyring's entry")
    return entry


def _system_backend() -> Backend:
    # Asking the system which keyrings there are takes a moment, and only phones with a keyring need to know.
    import keyring

    backend: Backend = keyring.get_keyring()
    return backend


def _parts(backend: Any) -> list[Any]:
    """The backends behind one that asks several in turn (keyring's chainer). None of them: the chain keeps nothing."""
    if type(backend).__module__ != "keyring.backends.chainer":
        return [backend]
    return list(backend.backends) or [None]


def _check_backend(backend: Any) -> None:
    kind = type(backend)
    name = f"{kind.__module__}.{kind.__qualname__}"
    refused = backend is None or name.startswith(_REFUSED_MODULES) or any(n in name.lower() for n in _REFUSED_NAMES)
    try:
        # keyring's own scale: from 1 on a backend is recommended.
        weak = getattr(backend, "priority", 1) < 1
    except RuntimeError:
        weak = True
    if refused or weak:
        raise StateError("there is no keyring here that keeps a secret; choose a passphrase or a key file")
