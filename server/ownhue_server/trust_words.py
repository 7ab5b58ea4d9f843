"""What a file of trust metadata says, in plain words: shown to people before they sign it. specs/trust.md section 11"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from ownhue.encoding import base64url_encode
from ownhue.errors import StateError
from ownhue.trust.ceremony import missing_signatures, role_keys
from ownhue.trust.metadata import parse_any_trust_file, parse_trust_file
from ownhue.trust.schema import ROLES, Root, Snapshot, Targets, Timestamp
from ownhue.trust.targets import Target, TrustedTargets
from ownhue_server.document_words import document_words

#: What each role is for.
MEANING = {
    "root": "decides whose signatures count, and who follows it",
    "timestamp": "a server: says which release is the newest",
    "snapshot": "a server: says what belongs to a release",
    "targets": "decides which rules and keys are in force",
}

_YEAR_10000 = 253_402_300_800


def words(
    data: bytes, root: bytes | None = None, before: bytes | None = None, documents: Sequence[bytes] = ()
) -> list[str]:
    """Lines on a file: what it says, what changes from *before* (a file of its role), whose signatures are missing.

    *root*: the root under which a file that is no root is judged. *documents*: files that targets name, of which is
    shown what they say. Raises FormatError, LimitError, VerificationError, StateError (not the file just before it, or
    a document that is not named).
    """
    signed = parse_any_trust_file(data).signed
    lines = [f"{signed.role} file, version {signed.version}, void from {_time(signed.expires_at)}"]
    if before is not None:
        earlier = parse_any_trust_file(before).signed
        if (earlier.role, earlier.version + 1) != (signed.role, signed.version):
            raise StateError(f"the file before it is a {signed.role} file of version {signed.version - 1}")
        lines.append(f"it follows version {earlier.version}, void from {_time(earlier.expires_at)}")
    if isinstance(signed, Root):
        lines += _root(data, before)
    elif isinstance(signed, Targets):
        lines += [*_targets(data, before), *document_words(signed, documents)]
    elif isinstance(signed, Timestamp):
        lines.append(f"the newest snapshot is version {signed.meta.snapshot.version}")
    elif isinstance(signed, Snapshot):
        lines.append(f"the newest targets file is version {signed.meta.targets.version}")
    return [*lines, *missing_words(data, root, before)]


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
    changed = [path for path in sorted({*new, *old}) if new.get(path) != old.get(path)]
    # What changes comes last: in a long list nobody would see it.
    for path in (*(path for path in sorted(new) if path not in changed), *changed):
        target = new.get(path) or old[path]
        moved = path in new and path in old and path in changed
        since = f"  CHANGED: before from {_time(old[path].since)}" if moved else ""
        yield f"{path}, in force from {_time(target.since)}{_mark(path in old, path in new)}{since}"
    if before is not None:
        yield f"{len(new)} files are named; {len(changed)} lines above say what changes"


def missing_words(data: bytes, root: bytes | None, before: bytes | None) -> Iterator[str]:
    """Lines on whose signatures are missing; arguments and errors as for :func:`words`."""
    role = parse_any_trust_file(data).signed.role
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


def counting_keys(data: bytes, root: bytes | None, before: bytes | None) -> set[bytes] | None:
    """The keys (Ed25519) whose signature below the file counts; None where that cannot be told.

    *root*, *before* as for :func:`words`. Raises FormatError, LimitError, VerificationError.
    """
    role = parse_any_trust_file(data).signed.role
    judges = [root] if role != "root" else [data, before]
    if judges[0] is None or (judges[-1] is None and parse_trust_file(data, Root).signed.version > 1):
        return None
    files = [parse_trust_file(judge, Root).signed for judge in judges if judge is not None]
    return {key for file in files for key in role_keys(file, role).keys}


def _by_path(data: bytes) -> dict[str, Target]:
    return {target.path: target for target in TrustedTargets.of(parse_trust_file(data, Targets).signed).targets}


def _mark(before: bool, after: bool) -> str:
    return "" if before == after else "  NEW" if after else "  REMOVED"


def _time(second: int) -> str:
    if second >= _YEAR_10000:
        return f"second {second}, after the year 9999"
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M UTC")
