"""A witness's folder: its name, its key, the logs that it watches.

witness.json            the name and the logs, canonical JSON (mode 0600)
keys/witness.key        mode 0600: the Ed25519 key by which it cosigns
state/<log>.state       what it has seen of each log (store.py)
evidence/ refused/      what it did not cosign (store.py)
lock                    held by the one process that uses the folder

The key alone is worth a backup. A state out of a backup has forgotten what was cosigned since: a witness that lost its
state MUST be replaced by one with another key.
"""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from nacl.signing import SigningKey
from pydantic import AfterValidator, Field, model_validator

from ownhue.cosignature import WitnessKey
from ownhue.encoding import base64url_decode, base64url_encode
from ownhue.errors import FormatError, StateError
from ownhue.records import Record, parse_record, record_bytes
from ownhue.signed_note import check_key
from ownhue_server.storage.key_folder import KeyFolder, new_seed, sync_folder, write_private

#: Most logs of one witness. specs/publication.md section 12
MAX_LOGS = 1000
#: Most keys of one log: two while it changes its key, and room for a third. specs/publication.md section 12
MAX_LOG_KEYS = 4

_MAX_CONFIG_BYTES = 1 << 20
_KEY_NAME = "witness"


def _is_a_key(text: str) -> str:
    check_key("key", base64url_decode(text))
    return text


class WatchedLog(Record):
    """A log that is watched."""

    keys: Annotated[
        tuple[Annotated[str, Field(max_length=64), AfterValidator(_is_a_key)], ...],
        Field(min_length=1, max_length=MAX_LOG_KEYS),
    ]
    """Ed25519 keys by which it signs, base64url, sorted: the old and the new one while they change."""
    origin: Annotated[str, Field(pattern=r"^[!-*,-~]{1,100}\z")]
    """Its name."""

    @property
    def key_bytes(self) -> list[bytes]:
        """The keys, 32 bytes each."""
        return [base64url_decode(key) for key in self.keys]


class WitnessConfig(Record):
    """What stands in witness.json."""

    format: Literal["ownhue-witness-1"] = "ownhue-witness-1"
    logs: Annotated[tuple[WatchedLog, ...], Field(max_length=MAX_LOGS)] = ()
    """By origin."""
    name: Annotated[str, Field(pattern=r"^[!-*,-~]{1,100}\z")]
    """Name in its lines, by custom an address without scheme."""
    rehearsal: bool = False
    """It has no clock: its time is that of the head that it is shown. For rehearsals, and for nothing else."""

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        origins = [log.origin for log in self.logs]
        if origins != sorted(set(origins)) or any(list(log.keys) != sorted(set(log.keys)) for log in self.logs):
            raise ValueError("logs and their keys stand in order, each once")
        return self

    def log(self, origin: str) -> WatchedLog | None:
        """The log of this name, if it is watched."""
        return next((log for log in self.logs if log.origin == origin), None)


def create_witness(folder: Path, name: str, *, rehearsal: bool = False) -> WitnessKey:
    """Make a witness with a new key in *folder*. Raises StateError when there is one, FormatError for a bad name."""
    check_key(name, bytes(32))
    if (folder / "witness.json").exists():
        raise StateError(f"{folder} holds a witness already")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = SigningKey(KeyFolder(folder / "keys").load_or_create(_KEY_NAME, new_seed))
    # Written last: a folder with a configuration is a whole witness.
    save_config(folder, WitnessConfig(name=name, rehearsal=rehearsal))
    return WitnessKey(name, bytes(key.verify_key))


def load_witness(folder: Path) -> tuple[WitnessConfig, SigningKey]:
    """The witness in *folder*. Raises StateError when there is none, FormatError for a damaged one."""
    try:
        data = (folder / "witness.json").read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StateError(f"{folder} holds no witness; make one with: ownhue-server witness init") from error
    config = parse_record(WitnessConfig, data, "a witness's configuration", _MAX_CONFIG_BYTES)
    return config, SigningKey(KeyFolder(folder / "keys").load(_KEY_NAME))


def with_log(config: WitnessConfig, origin: str, key: bytes, own: WitnessKey) -> WitnessConfig:
    """*config* with one more log, or one more key of a log. Raises FormatError for a bad name, key or too many."""
    check_key(origin, key)
    if key == own.key:
        raise FormatError("a log whose key is the witness's own watches itself")
    log = config.log(origin)
    keys = sorted({*(log.keys if log else ()), base64url_encode(key)})
    return _replaced(config, WatchedLog.model_construct(keys=tuple(keys), origin=origin), origin)


def without_log(config: WitnessConfig, origin: str, key: bytes | None = None) -> WitnessConfig:
    """*config* without a log, or without one *key* of it. Raises StateError when it has none."""
    log = config.log(origin)
    if log is None or (key is not None and key not in log.key_bytes):
        raise StateError(f"the witness does not watch {origin} with this key")
    keys = tuple(text for text in log.keys if key is not None and base64url_decode(text) != key)
    return _replaced(config, WatchedLog(keys=keys, origin=origin) if keys else None, origin)


def save_config(folder: Path, config: WitnessConfig) -> None:
    """Replace witness.json, whole or not at all."""
    replace_file(folder / "witness.json", record_bytes(config))


def replace_file(path: Path, data: bytes) -> None:
    """Put *data* at *path*, mode 0600: the old file or the new one is there, and the new one for good on return."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    write_private(draft, data)
    draft.replace(path)
    sync_folder(path.parent)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold *folder* alone. Raises StateError when another process does."""
    with (folder / "lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateError(f"the witness in {folder} is in use by another process") from error
        yield


def _replaced(config: WitnessConfig, log: WatchedLog | None, origin: str) -> WitnessConfig:
    """*config* with *log* in place of that of *origin*, looked at as a whole again."""
    others = [other for other in config.logs if other.origin != origin]
    logs = sorted([*others, *([log] if log else [])], key=lambda item: item.origin)
    changed = config.model_copy(update={"logs": tuple(logs)})
    return parse_record(WitnessConfig, record_bytes(changed), "a witness's configuration", _MAX_CONFIG_BYTES)
