"""Operations of specs/trust.md on vectors: rounds of updates, targets, states, ceremonies, roles."""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from nacl.signing import SigningKey

from ownhue.trust import targets_at, update_root, update_snapshot, update_targets, update_timestamp, verify_trust_fork
from ownhue.trust.ceremony import (
    RoleKeys,
    missing_signatures,
    new_root,
    new_snapshot,
    new_targets,
    new_timestamp,
    next_root,
    sign_trust_file,
)
from ownhue.trust.metadata import parse_any_trust_file
from ownhue.trust.roles import keys_of, parse_trust_roles
from ownhue.trust.schema import MODELS, Key
from ownhue.trust.state import Stage, TrustedState, start, trust_root
from ownhue.trust.targets import Target

Question = Mapping[str, Any]


def _key_id(question: Question) -> Any:
    return Key.of(bytes.fromhex(question["key"])).keyid


def _read_file(question: Question) -> Any:
    file = parse_any_trust_file(question["file"].encode())
    return {"role": file.signed.role, "version": file.signed.version, "expires": file.signed.expires_at}


def _update(question: Question) -> Any:
    """What is trusted after a sequence of steps that starts from a root file."""
    return _state_object(_after(question))


def _targets(question: Question) -> Any:
    """The targets of a folder after such a sequence: in force, and announced."""
    now = question["now"]
    targets = targets_at(_after(question), now)
    ahead = targets.upcoming(question["folder"], now)
    return {"current": targets.current(question["folder"], now).path, "upcoming": [target.path for target in ahead]}


def _verify_target(question: Question) -> Any:
    targets = targets_at(_after(question), question["now"])
    targets.verify(question["path"], bytes.fromhex(question["data"]))
    return True


def _store_state(question: Question) -> Any:
    return _after(question).to_bytes().hex()


def _read_state(question: Question) -> Any:
    return _state_object(TrustedState.from_bytes(bytes.fromhex(question["state"])))


def _verify_fork(question: Question) -> Any:
    files = [question[name].encode() for name in ("root", "first", "second")]
    verify_trust_fork(files[0], MODELS[question["role"]], files[1], files[2])
    return True


def _new_root(question: Question) -> Any:
    return new_root(_roles(question["roles"]), question["expires"], question["version"]).decode()


def _next_root(question: Question) -> Any:
    return next_root(question["before"].encode(), _roles(question["changes"]), question["expires"]).decode()


def _new_targets(question: Question) -> Any:
    targets = [
        Target(item["path"], bytes.fromhex(item["sha256"]), item["length"], item["from"])
        for item in question["targets"]
    ]
    return new_targets(targets, question["expires"], question["version"]).decode()


def _new_snapshot(question: Question) -> Any:
    return new_snapshot(question["targets"].encode(), question["expires"], question["version"]).decode()


def _new_timestamp(question: Question) -> Any:
    return new_timestamp(question["snapshot"].encode(), question["expires"], question["version"]).decode()


def _sign(question: Question) -> Any:
    keys = [SigningKey(bytes.fromhex(seed)) for seed in question["seeds"]]
    return sign_trust_file(question["file"].encode(), *keys).decode()


def _missing_signatures(question: Question) -> Any:
    before = question["before"]
    return missing_signatures(question["file"].encode(), None if before is None else before.encode())


def _trust_roles(question: Question) -> Any:
    roles = parse_trust_roles(question["file"].encode(), question["region"])
    return {
        "log_keys": [key.hex() for key in keys_of(roles.log_keys)],
        "authority_keys": [key.hex() for key in keys_of(roles.authority_keys)],
        "issuer_keys": [key.hex() for key in keys_of(roles.issuer_keys)],
        "policy": roles.policy.sentence(),
    }


def _after(question: Question) -> TrustedState:
    return reduce(_step, question["steps"], trust_root(question["root"].encode()))


def _step(state: TrustedState, step: Question) -> TrustedState:
    """One of {"start": true}, {"root": file}, {"timestamp": file, "now": second} ..."""
    if "start" in step:
        return start(state)
    if "root" in step:
        return update_root(state, step["root"].encode())
    updates = {"timestamp": update_timestamp, "snapshot": update_snapshot, "targets": update_targets}
    role = next(name for name in updates if name in step)
    return updates[role](state, step[role].encode(), step["now"])


def _state_object(state: TrustedState) -> Any:
    """Versions of what is trusted; of what is remembered from earlier rounds too."""
    files = {"root": state.root, "timestamp": state.timestamp, "snapshot": state.snapshot, "targets": state.targets}
    versions = {name: parse_any_trust_file(data).signed.version for name, data in files.items() if data}
    return {"stage": Stage(state.stage).name.lower(), "rotations": state.rotations, "versions": versions}


def _roles(roles: Question) -> dict[Any, RoleKeys]:
    return {
        name: RoleKeys(tuple(bytes.fromhex(key) for key in role["keys"]), role["threshold"])
        for name, role in roles.items()
    }


OPERATIONS: dict[str, Callable[[Question], Any]] = {
    "key_id": _key_id,
    "read_file": _read_file,
    "update": _update,
    "targets": _targets,
    "verify_target": _verify_target,
    "store_state": _store_state,
    "read_state": _read_state,
    "verify_fork": _verify_fork,
    "new_root": _new_root,
    "next_root": _next_root,
    "new_targets": _new_targets,
    "new_snapshot": _new_snapshot,
    "new_timestamp": _new_timestamp,
    "sign": _sign,
    "missing_signatures": _missing_signatures,
    "trust_roles": _trust_roles,
}
