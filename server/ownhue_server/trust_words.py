"""What a file of trust metadata says, in plain words: shown to people before they sign it. specs/trust.md section 11"""

from collections.abc import Iterator
from datetime import UTC, datetime

from ownhue.encoding import base64url_encode
from ownhue.trust.ceremony import missing_signatures, role_keys
from ownhue.trust.metadata import parse_any_trust_file, parse_trust_file
from ownhue.trust.schema import ROLES, RoleName, Root, Snapshot, Targets, Timestamp
from ownhue.trust.targets import Target, TrustedTargets

#: What each role is for.
MEANING = {
    "root": "decides whose signatures count, and who follows it",
    "timestamp": "a server: says which release is the newest",
    "snapshot": "a server: says what belongs to a release",
    "targets": "decides which rules and keys are in force",
}


def words(data: bytes, root: bytes | None = None, before: bytes | None = None) -> list[str]:
    """Lines on a file: what it says, what changes from *before* (a file of its role), whose signatures are missing.

    *root*: the root under which a file that is no root is judged. Raises FormatError, LimitError, VerificationError.
    """
    signed = parse_any_trust_file(data).signed
    lines = [f"{signed.role} file, version {signed.version}, void from {_time(signed.expires_at)}"]
    if before is not None:
        earlier = parse_any_trust_file(before).signed
        lines.append(f"it follows version {earlier.version}, void from {_time(earlier.expires_at)}")
    if isinstance(signed, Root):
        lines += _root(data, before)
    elif isinstance(signed, Targets):
        lines += _targets(data, before)
    elif isinstance(signed, Timestamp):
        lines.append(f"the newest snapshot is version {signed.meta.snapshot.version}")
    elif isinstance(signed, Snapshot):
        lines.append(f"the newest targets file is version {signed.meta.targets.version}")
    return [*lines, *_missing(data, signed.role, root, before)]


def _root(data: bytes, before: bytes | None) -> Iterator[str]:
    new = parse_trust_file(data, Root).signed
    old = parse_trust_file(before, Root).signed if before is not None else None
    for name in ROLES:
        who = role_keys(new, name)
        yield f"{name} ({MEANING[name]}): {who.threshold} of {len(who.keys)} keys"
        known = role_keys(old, name) if old else who
        if known.threshold != who.threshold:
            yield f"  CHANGED: {known.threshold} signatures were needed before"
        for key in sorted({*who.keys, *known.keys}):
            yield f"  {base64url_encode(key)}{_mark(key in known.keys, key in who.keys)}"


def _targets(data: bytes, before: bytes | None) -> Iterator[str]:
    new = _by_path(data)
    old = _by_path(before) if before is not None else new
    for path in sorted({*new, *old}):
        target = new.get(path) or old[path]
        changed = path in new and path in old and new[path].since != old[path].since
        since = f"  CHANGED: before from {_time(old[path].since)}" if changed else ""
        yield f"{path}, in force from {_time(target.since)}{_mark(path in old, path in new)}{since}"


def _missing(data: bytes, role: RoleName, root: bytes | None, before: bytes | None) -> Iterator[str]:
    if role != "root" and root is None:
        yield "whether enough people signed it cannot be told without the root file"
        return
    missing = missing_signatures(data, before if role == "root" else root)
    names = {"previous root": "of the keys of the root before", "root": "of its own root keys"}
    for name, count in missing.items():
        whose = names.get(name, f"of the keys of {name}") if role == "root" else f"of the keys of {role}"
        yield f"signatures {whose}: {'complete' if not count else f'{count} missing'}"
    if role == "root" and before is None and parse_trust_file(data, Root).signed.version > 1:
        yield "whether the keys of the root before signed it cannot be told without that root file"


def _by_path(data: bytes) -> dict[str, Target]:
    return {target.path: target for target in TrustedTargets.of(parse_trust_file(data, Targets).signed).targets}


def _mark(before: bool, after: bool) -> str:
    return "" if before == after else "  NEW" if after else "  REMOVED"


def _time(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M UTC")
