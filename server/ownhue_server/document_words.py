"""What the documents that a targets file names say: targets themselves hold digests only. specs/trust.md section 11

Whoever signs targets answers for keys and rules that are in other files. What is shown here was compared with the
digest that is signed.
"""

from collections.abc import Iterator, Sequence

from ownhue.encoding import parse_canonical_json
from ownhue.errors import OwnhueError, StateError
from ownhue.trust.roles import TRUST_ROLES_FOLDER, TrustRoles, parse_trust_roles
from ownhue.trust.schema import Targets
from ownhue.trust.targets import TrustedTargets
from ownhue_server.documents import Document
from ownhue_server.trust_store import document_path


def document_words(targets: Targets, documents: Sequence[bytes]) -> Iterator[str]:
    """Lines on each of *documents*. Raises StateError for one that *targets* do not name."""
    shown = set()
    for data in documents:
        kind = next((found.folder for found in TrustedTargets.of(targets).targets if _is(found.path, data)), None)
        if kind is None:
            raise StateError("a document is not the one that the targets name")
        path = document_path(Document(kind, data))
        shown.add(path)
        yield f"{path} says:"
        yield from (f"  {_plain(line)}" for line in (_roles(data) if kind == TRUST_ROLES_FOLDER else _body(kind, data)))
    if hidden := len(targets.targets) - len(shown):
        yield f"of {hidden} of these files you see no more than the digest; --document FILE shows what one says"


def _is(path: str, data: bytes) -> bool:
    return document_path(Document(path.partition("/")[0], data)) == path


def _roles(data: bytes) -> Iterator[str]:
    try:
        value = parse_canonical_json(data)
        roles: TrustRoles = parse_trust_roles(data, str(value.get("region")) if isinstance(value, dict) else "")
    except OwnhueError as error:
        raise StateError(f"phones would refuse these trust roles: {error}") from error
    yield f"region {roles.region}, log {roles.origin}"
    yield from (f"log key {key}" for key in roles.log_keys)
    yield from (f"authority key {key} ({roles.authority_threshold} must sign)" for key in roles.authority_keys)
    yield from (f"issuer key {key} ({roles.issuer_threshold} must sign)" for key in roles.issuer_keys)
    yield from (f"key of key files {key.version} {key.key}" for key in roles.key_file_keys)
    yield f"reports are sealed to {roles.publisher_key}"
    yield from (f"witness {vkey}" for vkey in roles.witnesses)
    yield f"witnesses that must have cosigned: {roles.witness_threshold}"


def _body(kind: str, data: bytes) -> Iterator[str]:
    match parse_canonical_json(data):
        case {"signed": {"version": int(version), "region": str(region), **_rest}}:
            yield f"{kind} of {region}, version {version}; read the file itself"
        case _:
            yield f"{kind}, {len(data)} bytes; read the file itself"


def _plain(line: str) -> str:
    """Nothing that moves a terminal's cursor."""
    return line if line.isprintable() else ascii(line)
