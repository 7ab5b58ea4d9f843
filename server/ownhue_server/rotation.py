"""Changing an online key without a gap: make the next one, use it, drop the old one. specs/trust.md section 11

| step | on the disk | then |
|---|---|---|
| make | `<name>-next` appears | the next trust roles (timestamp, snapshot: the next root) list both |
| switch | `<name>` becomes `<name>-old`, `<name>-next` becomes `<name>` | the new one signs; both are still listed |
| drop | `<name>-old` goes | the next trust roles list the new one alone |

A running server has read its keys when it started: after each step it is started again. With embedded trust the trust
metadata follows by itself; else people sign it before a step is taken, and a step that comes too early is refused.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from ownhue.encoding import base64url_encode
from ownhue.errors import OwnhueError, StateError
from ownhue.signed_note import key_hash, parse_note
from ownhue.trust.ceremony import RoleKeys, next_root, role_keys, sign_trust_file
from ownhue.trust.metadata import parse_trust_file
from ownhue.trust.roles import TRUST_ROLES_FOLDER, TrustRoles, parse_trust_roles
from ownhue.trust.schema import RoleName, Root
from ownhue.trust.targets import TrustedTargets
from ownhue_server.config import Config
from ownhue_server.online_keys import IN_USE, LOG, NEXT, OLD, ONLINE_KEYS, check_public, public_half
from ownhue_server.region_roles import listed_keys
from ownhue_server.storage.key_folder import sync_folder, write_private
from ownhue_server.trust_store import ROOT, TrustStore, embedded_key, newest_targets

#: Keys that the root lists itself; the others stand in the trust roles.
IN_ROOT = frozenset({"timestamp", "snapshot"})


def make_next(config: Config, key: str, now: int, public: bytes | None = None) -> bytes:
    """Step 1: make the next key of *key*, or take the *public* half of one that a role elsewhere has made.

    Returns its public half. Raises StateError while a change of this key is under way, FormatError for no such key.
    """
    _refuse_second(config, key, now)
    online = ONLINE_KEYS[key]
    folder = config.keys(online.role)
    if public is not None:
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(folder.path / f"{online.name}{NEXT}.pub", check_public(key, public))
        made = public
    elif online.name in folder.names():
        made = online.public(folder.load_or_create(online.name + NEXT, online.create))
    else:
        raise StateError(f"this server has no {key} key; give the public half of the one that its own server made")
    if key in IN_ROOT and config.settings.embedded_trust:
        _sign_root(config, key, now, (IN_USE, NEXT))
    return made


def switch(config: Config, key: str, now: int) -> None:
    """Step 2: use the next key. Raises StateError when there is none, or when phones do not know it yet."""
    online = ONLINE_KEYS[key]
    made = public_half(config, key, NEXT)
    if made is None:
        raise StateError(f"there is no next {key} key")
    if made not in _listed(config, key, now):
        raise StateError(f"phones do not know the next {key} key yet: publish trust metadata that lists it")
    folder = config.keys(online.role).path
    _keep_old(config, key, folder)
    ending = "key" if (folder / f"{online.name}{NEXT}.key").exists() else "pub"
    (folder / f"{online.name}{NEXT}.{ending}").replace(folder / f"{online.name}.{ending}")
    sync_folder(folder)


def drop(config: Config, key: str, now: int) -> None:
    """Step 3: forget the old key. Raises StateError while it is needed: before the switch, or by the newest head."""
    online = ONLINE_KEYS[key]
    if public_half(config, key, OLD) is None or public_half(config, key, NEXT) is not None:
        raise StateError(f"there is no old {key} key to drop: switch first")
    if key == LOG and not _signed_by_new(config):
        raise StateError("the newest head is signed by the old key: start the server and wait for a batch")
    folder = config.keys(online.role).path
    # First: after a crash in between the command can be given again, and no root goes on listing a key that is gone.
    if key in IN_ROOT and config.settings.embedded_trust:
        _sign_root(config, key, now, (IN_USE,))
    for ending in ("key", "pub"):
        (folder / f"{online.name}{OLD}.{ending}").unlink(missing_ok=True)
    sync_folder(folder)


def roles_in_force(config: Config, now: int) -> TrustRoles | None:
    """The trust roles that phones know; None before the first were published. Raises StateError, VerificationError."""
    newest = newest_targets(config.published / "trust")
    if newest is None:
        return None
    target = TrustedTargets.of(newest.signed).current(TRUST_ROLES_FOLDER, now)
    data = target.verify((config.published / target.path).read_bytes())
    return parse_trust_roles(data, config.region.name)


def _listed(config: Config, key: str, now: int) -> list[bytes]:
    """The keys of *key* that phones know."""
    if key in IN_ROOT:
        root = TrustStore(config.directory).roots()[-1].signed
        return list(role_keys(root, "timestamp" if key == "timestamp" else "snapshot").keys)
    roles = roles_in_force(config, now)
    return [] if roles is None else listed_keys(roles)[key]


def _keep_old(config: Config, key: str, folder: Path) -> None:
    """Give the key in use its second name; harmless when a crash came in between."""
    name = ONLINE_KEYS[key].name
    in_use = public_half(config, key, IN_USE)
    for ending in ("key", "pub"):
        if (folder / f"{name}.{ending}").exists() and not (folder / f"{name}{OLD}.{ending}").exists():
            os.link(folder / f"{name}.{ending}", folder / f"{name}{OLD}.{ending}")
    if in_use is not None and public_half(config, key, OLD) is None:
        write_private(folder / f"{name}{OLD}.pub", in_use)


def _refuse_second(config: Config, key: str, now: int) -> None:
    """Raise StateError while a change of *key* is under way, unless making its next root was cut off."""
    made = public_half(config, key, NEXT)
    if made is None and public_half(config, key, OLD) is None:
        return
    if made is not None and key in IN_ROOT and config.settings.embedded_trust and made not in _listed(config, key, now):
        return
    named = f" to {base64url_encode(made)}" if made is not None else ""  # for those who lost what step 1 printed
    raise StateError(f"a change of {key}{named} is under way: switch and drop first")


def _sign_root(config: Config, key: str, now: int, states: Sequence[str]) -> None:
    """The next embedded root, which lists the keys of *key* in these *states*; none when the newest does already."""
    store = TrustStore(config.directory)
    before = store.roots()[-1]
    halves = [public_half(config, key, state) for state in states]
    keys = tuple(dict.fromkeys(half for half in halves if half is not None))
    expires = max(before.signed.expires_at, now + 1)
    role: RoleName = "timestamp" if key == "timestamp" else "snapshot"
    if {*role_keys(before.signed, role).keys} == {*keys}:
        return
    made = next_root(before.data, {role: RoleKeys(keys, 1)}, expires)
    data = sign_trust_file(made, embedded_key(config, ROOT))
    store.put(f"{parse_trust_file(data, Root).signed.version}.root.json", data)


def _signed_by_new(config: Config) -> bool:
    new = public_half(config, "log", IN_USE)
    try:
        note = parse_note((config.published / "head").read_bytes())
    except (OwnhueError, OSError):
        return False
    return new is not None and bool(note.by(config.region.origin, key_hash(config.region.origin, new)))
