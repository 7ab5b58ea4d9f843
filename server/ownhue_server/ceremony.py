"""The key ceremony: offline keys and what they sign, on machines that share only files. specs/trust.md section 11

Nothing here needs a server, a deployment or a network. Files are written with mode 0600 and never over another one.

    {"format":"ownhue-root-key-1","public":"34f0...","sealed":{"box":"...","memory":268435456,"operations":3,"salt":"..."}}

is a key file under a passphrase (argon2id, then XSalsa20-Poly1305); without one it has "seed" in the place of "sealed".
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nacl import pwhash
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from nacl.signing import SigningKey

from ownhue.encoding import base64url_decode, base64url_encode, canonical_json, parse_canonical_json
from ownhue.errors import FormatError, StateError, VerificationError
from ownhue.log import LogEntry
from ownhue.trust.ceremony import RoleKeys, new_root, new_targets, next_root, role_keys
from ownhue.trust.metadata import parse_trust_file
from ownhue.trust.schema import ROLES, RoleName, Root, Targets
from ownhue.trust.targets import Target, TrustedTargets
from ownhue_server.storage.key_folder import write_private
from ownhue_server.trust_store import read_bounded

#: Format of a key file.
KEY_FORMAT = "ownhue-root-key-1"
#: How hard a passphrase is to guess: argon2id with 256 MiB, about a second for each guess.
OPERATIONS, MEMORY_BYTES = pwhash.argon2id.OPSLIMIT_MODERATE, pwhash.argon2id.MEMLIMIT_MODERATE

_KEY_BYTES = 32
_PUBLIC = re.compile(rb"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class KeyFile:
    """A key file that may be sealed."""

    public: bytes
    """Ed25519, 32 bytes."""
    seed: bytes | None = field(repr=False)
    """The private key; None when it is sealed."""
    sealed: Mapping[str, Any] | None
    """What opens with the passphrase."""

    def open(self, passphrase: str = "") -> SigningKey:
        """The private key. Raises VerificationError for a wrong passphrase, FormatError for a damaged file."""
        seed = self.seed if self.sealed is None else _unseal(self.sealed, passphrase)
        if seed is None or bytes(SigningKey(seed).verify_key) != self.public:
            raise FormatError("the key file is damaged: its two halves are not of one key")
        return SigningKey(seed)


def new_key_file(path: Path, passphrase: str = "") -> bytes:
    """Make a key and store it at *path*, sealed unless *passphrase* is empty; return its public half (32 bytes)."""
    seed = os.urandom(_KEY_BYTES)
    public = bytes(SigningKey(seed).verify_key)
    secret = {"sealed": _seal(seed, passphrase)} if passphrase else {"seed": base64url_encode(seed)}
    write_new(path, canonical_json({"format": KEY_FORMAT, "public": base64url_encode(public), **secret}))
    return public


def read_key_file(path: Path) -> KeyFile:
    """The key file at *path*; also one of a server, which is 32 bytes, no more. Raises FormatError, LimitError."""
    data = read_bounded(path)
    if len(data) == _KEY_BYTES:
        return KeyFile(bytes(SigningKey(data).verify_key), data, None)
    match parse_canonical_json(data.strip()):
        case {"format": str(name), "public": str(public), "seed": str(seed), **rest} if name == KEY_FORMAT and not rest:
            return KeyFile(_public(public), _public(seed), None)
        case {"format": str(name), "public": str(public), "sealed": dict(sealed), **rest} if (
            name == KEY_FORMAT and not rest
        ):
            return KeyFile(_public(public), None, sealed)
    raise FormatError(f"{path} is no key file")


def public_key(text: str) -> bytes:
    """A public key (32 bytes) out of its text (base64url), or out of a file with that text, or out of a key file.

    Raises FormatError, LimitError.
    """
    path = Path(text)
    if not path.is_file():
        return _public(text)
    found = read_bounded(path).strip()
    return _public(found.decode("ascii")) if _PUBLIC.fullmatch(found) else read_key_file(path).public


def write_new(path: Path, data: bytes) -> None:
    """Write a file (mode 0600). Raises StateError when there is one already."""
    try:
        write_private(path, data)
    except FileExistsError as error:
        raise StateError(f"{path} is there already, and nothing is written over it") from error


def first_root(keys: Mapping[RoleName, Sequence[bytes]], thresholds: Mapping[RoleName, int], expires: int) -> bytes:
    """The unsigned first root. A threshold that is not said is 1. Raises FormatError, also for a key named twice."""
    for name, listed in keys.items():
        if len({*listed}) < len(listed):
            raise FormatError(f"a key is named twice for {name}: are those two people one?")
    return new_root({name: RoleKeys(tuple(keys.get(name, ())), thresholds.get(name, 1)) for name in ROLES}, expires)


@dataclass(frozen=True)
class Changes:
    """What the next root changes."""

    add: Mapping[RoleName, Sequence[bytes]]
    """Keys that come to a role."""
    remove: Mapping[RoleName, Sequence[bytes]]
    """Keys that go."""
    thresholds: Mapping[RoleName, int]
    """How many have to sign; of other roles it stays."""


def changed_root(before: bytes, changes: Changes, expires: int) -> bytes:
    """The unsigned root after *before*. Raises FormatError: also for a key that is removed and was not there."""
    root = parse_trust_file(before, Root).signed
    changed = {name: _changed(name, role_keys(root, name), changes) for name in ROLES}
    return next_root(before, changed, expires)


def changed_targets(before: bytes | None, add: Sequence[Target], drop: Sequence[str], now: int, expires: int) -> bytes:
    """The unsigned targets after *before* (None: the first): with *add*, without the paths *drop*.

    Of each folder what is in force at *now* and what is ahead stays; what was in force before goes. Raises FormatError.
    """
    version, kept = 1, {}
    if before is not None:
        signed = parse_trust_file(before, Targets).signed
        version, kept = signed.version + 1, {target.path: target for target in TrustedTargets.of(signed).targets}
    if unknown := set(drop) - kept.keys():
        raise FormatError(f"the targets do not name {min(unknown)}")
    # A file that is named already gets the time that is said now.
    listed = [*(target for path, target in kept.items() if path not in drop), *add]
    by_path = {target.path: target for target in listed}
    return new_targets(_not_past(tuple(by_path.values()), now), expires, version)


def target_of(kind: str, data: bytes, since: int) -> Target:
    """The target of a document's file, in force from unix second *since* on. Raises FormatError."""
    entry = LogEntry.of(kind, data, "json", 0)
    return Target(entry.path, entry.sha256, entry.length, since)


def _not_past(targets: tuple[Target, ...], now: int) -> list[Target]:
    current = TrustedTargets(targets)
    return [target for target in targets if target.since > now or target == current.current(target.folder, now)]


def _changed(name: RoleName, before: RoleKeys, changes: Changes) -> RoleKeys:
    keys = list(before.keys)
    for key in changes.remove.get(name, ()):
        if key not in keys:
            raise FormatError(f"{base64url_encode(key)} is no key of {name}")
        keys.remove(key)
    for key in changes.add.get(name, ()):
        if key in keys:
            raise FormatError(f"{base64url_encode(key)} is a key of {name} already")
        keys.append(key)
    return RoleKeys(tuple(keys), changes.thresholds.get(name, before.threshold))


def _seal(seed: bytes, passphrase: str) -> dict[str, Any]:
    salt = os.urandom(pwhash.argon2id.SALTBYTES)
    box = SecretBox(_stretched(passphrase, salt, OPERATIONS, MEMORY_BYTES)).encrypt(seed)
    return {
        "box": base64url_encode(bytes(box)),
        "memory": MEMORY_BYTES,
        "operations": OPERATIONS,
        "salt": base64url_encode(salt),
    }


def _unseal(sealed: Mapping[str, Any], passphrase: str) -> bytes:
    match sealed:
        case {"box": str(box), "memory": int(memory), "operations": int(operations), "salt": str(salt)} if (
            memory <= MEMORY_BYTES and operations <= OPERATIONS
        ):
            key = _stretched(passphrase, base64url_decode(salt), operations, memory)
            try:
                return SecretBox(key).decrypt(base64url_decode(box))
            except (CryptoError, ValueError) as error:
                raise VerificationError("the passphrase does not open the key file") from error
    raise FormatError("the key file is damaged")


def _stretched(passphrase: str, salt: bytes, operations: int, memory: int) -> bytes:
    try:
        return pwhash.argon2id.kdf(SecretBox.KEY_SIZE, passphrase.encode(), salt, opslimit=operations, memlimit=memory)
    except (CryptoError, ValueError) as error:
        raise FormatError("the key file is damaged") from error


def _public(text: str) -> bytes:
    data = base64url_decode(text)
    if len(data) != _KEY_BYTES:
        raise FormatError("a key has 32 bytes, as 43 letters of base64url, or it is the name of a key file")
    return data
