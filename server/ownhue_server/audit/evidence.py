"""Evidence that outlives the audit: files that prove a fork to anyone. specs/publication.md sections 13 and 15

A fork of the log is two notes, as section 13 says. Of trust metadata it is

    {"files":[{...},{...}],"format":"ownhue-trust-fork-1","root":{...}}

whose two files are of one role and version and both signed under the root: what phones keep, too, and what ``ownhue
evidence verify`` reads.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from ownhue.encoding import canonical_json, parse_canonical_json
from ownhue.errors import OwnhueError
from ownhue.fork_evidence import make_fork_evidence
from ownhue.tree_proofs import ReadHash
from ownhue.trust import verify_trust_fork
from ownhue.trust.metadata import TrustFile, parse_any_trust_file
from ownhue.trust.schema import Root

#: Name of the format of evidence of a fork of trust metadata. specs/publication.md section 13
TRUST_FORK = "ownhue-trust-fork-1"


@dataclass
class Evidence:
    """Collects evidence."""

    files: list[bytes] = field(default_factory=list)

    def of_heads(self, origin: str, key: bytes, notes: tuple[bytes, bytes], read_hash: ReadHash) -> bool:
        """Keep the evidence that two notes contradict each other; whether they do. *read_hash*: of the larger tree."""
        try:
            self.files.append(make_fork_evidence(origin, key, *notes, read_hash))
        except OwnhueError:
            return False
        return True

    def of_trust(self, roots: list[TrustFile[Root]], pairs: list[tuple[bytes, bytes]]) -> None:
        """Keep what proves a fork of trust metadata: pairs that are signed under one of the *roots*."""
        for first, second in pairs:
            for root in roots:
                with suppress(OwnhueError):
                    verify_trust_fork(root.data, type(parse_any_trust_file(first).signed), first, second)
                    files = [parse_canonical_json(data) for data in sorted((first, second))]
                    value = {"files": files, "format": TRUST_FORK, "root": parse_canonical_json(root.data)}
                    self.files.append(canonical_json(value))
                    break

    def write(self, path: Path) -> list[Path]:
        """Write each to a file that is not there yet: *path*, or one beside it with a number."""
        return [_write(path, data) for data in self.files]


def _write(path: Path, data: bytes) -> Path:
    for candidate in _names(path):
        try:
            with candidate.open("xb") as file:
                file.write(data)
        except FileExistsError:
            continue
        return candidate
    raise AssertionError("names do not end")


def _names(path: Path) -> Iterator[Path]:
    yield path
    yield from (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
