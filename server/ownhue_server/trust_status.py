"""How it stands with a deployment's trust metadata: facts for ``ownhue-server doctor``. specs/trust.md section 11"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ownhue.errors import OwnhueError
from ownhue.trust.metadata import TrustFile, missing_signatures, parse_any_trust_file
from ownhue.trust.schema import ROLES, Root, Signed
from ownhue_server.config import Config
from ownhue_server.trust_store import TrustStore, read_bounded


@dataclass(frozen=True)
class TrustFact:
    """One file of trust metadata, or what is wrong with it."""

    file: str
    """root, timestamp, snapshot, targets; or the path of a file that cannot be read."""
    version: int
    """Its version; 0 when it is missing."""
    expires: int
    """Unix second from which on it is void; 0 when it is missing."""
    problem: str
    """Empty, "embedded", "missing", "void", "ends soon", "waits", "too few signatures" or "unreadable"."""


def trust_status(config: Config, now: int) -> list[TrustFact]:
    """The newest root in ``trust/``, and the newest published file of each other role, at *now* (unix seconds)."""
    try:
        roots = TrustStore(config.directory).roots()
    except (OwnhueError, OSError):
        return [TrustFact("root", 0, 0, "unreadable")]
    if not roots:
        return [TrustFact("root", 0, 0, "missing")]
    root = roots[-1]
    files = {file.signed.role: file for file in _published(config.published / "trust")}
    facts = [_fact(root, root, now, embedded=config.settings.embedded_trust)]
    facts += [
        _fact(root, files[role], now) if role in files else TrustFact(role, 0, 0, "missing") for role in ROLES[1:]
    ]
    return [*facts, *_waiting_root(root, files.get("root")), *_waiting(config, files.get("targets"))]


def _fact(root: TrustFile[Root], file: TrustFile[Any], now: int, *, embedded: bool = False) -> TrustFact:
    problem = "embedded" if embedded else ""
    # A timestamp lives for two days and is renewed after one: a quarter of a day left means that nobody renews it.
    soon = {"timestamp": 6 * 3600, "snapshot": 86_400}.get(file.signed.role, 14 * 86_400)
    if file.signed.expires_at <= now + soon:
        problem = "void" if file.signed.expires_at <= now else "ends soon"
    if missing_signatures(root, file):
        problem = "too few signatures"
    return TrustFact(file.signed.role, file.signed.version, file.signed.expires_at, problem)


def _published(folder: Path) -> Iterator[TrustFile[Signed]]:
    """The files of the folder, those of small versions first."""
    found = []
    for path in folder.glob("*.json"):
        try:
            found.append(parse_any_trust_file(read_bounded(path)))
        except (OwnhueError, OSError):
            continue
    yield from sorted(found, key=lambda file: file.signed.version)


def _waiting_root(root: TrustFile[Root], published: TrustFile[Signed] | None) -> list[TrustFact]:
    """A root that people put here and that is not published."""
    if published is None or published.signed.version >= root.signed.version:
        return []
    return [TrustFact("root", root.signed.version, root.signed.expires_at, "waits")]


def _waiting(config: Config, published: TrustFile[Signed] | None) -> list[TrustFact]:
    """A targets file that people put here and that is not published."""
    try:
        found = TrustStore(config.directory).newest_targets()
    except (OwnhueError, OSError):
        return [TrustFact("trust/targets", 0, 0, "unreadable")]
    if found is None or (published is not None and published.signed.version >= found.signed.version):
        return []
    return [TrustFact("targets", found.signed.version, found.signed.expires_at, "waits")]
