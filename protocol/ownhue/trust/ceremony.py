"""Ceremony: making, signing and rotating trust metadata, as pure functions. specs/trust.md section 11

    root = new_root({"root": RoleKeys((a, b, c), 2), "targets": RoleKeys((a, b, c), 2), "snapshot": RoleKeys((d,), 1),
                     "timestamp": RoleKeys((d,), 1)}, expires=in_a_year)
    root = sign_trust_file(root, key_a)                           # on one machine that is not connected ...
    missing_signatures(root)                                      # {"root": 1}: one more of its own keys is needed
    root = sign_trust_file(root, key_b)                           # ... and on another
    second = next_root(root, {"timestamp": RoleKeys((e,), 1)}, expires=in_two_years)
    missing_signatures(second, before=root)                       # {"previous root": 2, "root": 2}

- What is made here passes the readers of ``metadata.py``, or the call raises.
- The same input gives the same bytes, in whichever order people sign.
- Nothing is stored, and no key but those given is touched: a ceremony can be held on machines that share only files.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from nacl.signing import SigningKey
from pydantic import ValidationError

from ownhue.encoding import canonical_json, parse_canonical_json
from ownhue.errors import FormatError, StateError
from ownhue.records import explanation
from ownhue.trust.metadata import missing_signatures as missing_under
from ownhue.trust.metadata import parse_any_trust_file, parse_trust_file
from ownhue.trust.schema import (
    ROLES,
    Custom,
    Hashes,
    Key,
    MetaFile,
    Role,
    RoleName,
    Roles,
    Root,
    Signed,
    Snapshot,
    SnapshotMeta,
    TargetFile,
    Targets,
    Timestamp,
    TimestampMeta,
    format_time,
)
from ownhue.trust.targets import Target


@contextmanager
def _forming(role: RoleName) -> Iterator[None]:
    """Values that no file can hold become FormatError."""
    try:
        yield
    except ValidationError as error:
        raise FormatError(f"no {role} file can be made of this: {explanation(error)}") from None


@dataclass(frozen=True, slots=True)
class RoleKeys:
    """Who signs a role."""

    keys: tuple[bytes, ...]
    """Ed25519 keys, 32 bytes each."""
    threshold: int
    """How many of them have to sign."""


@_forming("root")
def new_root(roles: Mapping[RoleName, RoleKeys], expires: int, version: int = 1) -> bytes:
    """The unsigned first root file with the four *roles*, void from unix second *expires* on. Raises FormatError."""
    if roles.keys() != set(ROLES):
        raise FormatError("a root names the keys of all four roles")
    made = {name: [Key.of(key) for key in who.keys] for name, who in roles.items()}
    fields = {
        name: Role(keyids=tuple(sorted({key.keyid for key in keys})), threshold=roles[name].threshold)
        for name, keys in made.items()
    }
    listed = {key.keyid: key for keys in made.values() for key in keys}
    return _unsigned(Root, expires, version, keys=dict(sorted(listed.items())), roles=Roles(**fields))


def next_root(before: bytes, changes: Mapping[RoleName, RoleKeys], expires: int) -> bytes:
    """The unsigned root file of the version after *before*, with *changes*. Raises FormatError, LimitError."""
    root = parse_trust_file(before, Root).signed
    kept = {name: role_keys(root, name) for name in ROLES}
    return new_root({**kept, **changes}, expires, root.version + 1)


def role_keys(root: Root, role: RoleName) -> RoleKeys:
    """Who signs *role* under *root*."""
    found: Role = getattr(root.roles, role)
    return RoleKeys(tuple(bytes.fromhex(root.keys[keyid].keyval.public) for keyid in found.keyids), found.threshold)


@_forming("targets")
def new_targets(targets: Iterable[Target], expires: int, version: int) -> bytes:
    """The unsigned targets file that names *targets*. Raises FormatError, LimitError."""
    listed = sorted(targets, key=lambda target: target.path)
    named = {
        target.path: TargetFile(
            custom=Custom(since=target.since), hashes=Hashes(sha256=target.sha256.hex()), length=target.length
        )
        for target in listed
    }
    if len(named) < len(listed):  # else the last one would take the others' place, and people would sign it so
        raise FormatError("a targets file names a path twice")
    return _unsigned(Targets, expires, version, targets=named)


@_forming("snapshot")
def new_snapshot(targets: bytes, expires: int, version: int) -> bytes:
    """The unsigned snapshot file that names a signed *targets* file. Raises FormatError, LimitError."""
    return _unsigned(Snapshot, expires, version, meta=SnapshotMeta(targets=_named(targets, Targets)))


@_forming("timestamp")
def new_timestamp(snapshot: bytes, expires: int, version: int) -> bytes:
    """The unsigned timestamp file that names a signed *snapshot* file. Raises FormatError, LimitError."""
    return _unsigned(Timestamp, expires, version, meta=TimestampMeta(snapshot=_named(snapshot, Snapshot)))


def sign_trust_file(data: bytes, *signing_keys: SigningKey) -> bytes:
    """*data* with a signature by each key; those it had stay. Raises FormatError, LimitError."""
    file = parse_any_trust_file(data)
    value = parse_canonical_json(data)
    signatures = {item["keyid"]: item["sig"] for item in value["signatures"]}
    for key in signing_keys:
        signatures[Key.of(bytes(key.verify_key)).keyid] = key.sign(file.signed.payload).signature.hex()
    return _checked({**value, "signatures": [{"keyid": name, "sig": sig} for name, sig in sorted(signatures.items())]})


def missing_signatures(data: bytes, before: bytes | None = None) -> dict[str, int]:
    """How many signatures are missing: of a root by its own keys ("root") and by those of the root *before*.

    Another file is judged by *before*, the root in force; without it the call raises StateError. Raises FormatError,
    LimitError.
    """
    file = parse_any_trust_file(data)
    if before is None and file.signed.role != "root":
        raise StateError("whose signatures count stands in the root file")
    missing = {} if before is None else {"previous root": missing_under(parse_trust_file(before, Root), file)}
    if file.signed.role != "root":
        return {file.signed.role: missing["previous root"]}
    return {**missing, "root": missing_under(parse_trust_file(data, Root), file)}


def _named(data: bytes, model: type[Signed]) -> MetaFile:
    version = parse_trust_file(data, model).signed.version
    return MetaFile(hashes=Hashes(sha256=sha256(data).hexdigest()), length=len(data), version=version)


def _unsigned(model: type[Signed], expires: int, version: int, **fields: Any) -> bytes:
    signed = model(expires=format_time(expires), version=version, **fields)
    return _checked({"signatures": [], "signed": signed.model_dump(mode="json", by_alias=True)})


def _checked(value: dict[str, Any]) -> bytes:
    """The file of *value*, in a form that readers accept."""
    return parse_any_trust_file(canonical_json(value)).data
