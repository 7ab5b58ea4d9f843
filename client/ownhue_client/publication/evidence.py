"""Evidence: a file that proves to anyone that a log, or the holders of keys, showed two histories.

specs/publication.md section 13

    except ForkError as error:
        keep(fork_evidence_of(error, keys, fetch, root))     # canonical JSON, or None when nothing is proven

- Two heads make a file of ``ownhue.fork_evidence``; for a past that was rewritten the proof comes from the hash tiles.
- Two files of trust metadata make a file of the two and the root under which both were signed.
- An old head that is shown again proves nothing, and neither does a second key of an epoch: those two lists are
  documents of the log, which keeps them.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from ownhue.encoding import canonical_json, parse_canonical_json
from ownhue.errors import ForkError, FormatError, OwnhueError, VerificationError
from ownhue.fork_evidence import contradiction, make_fork_evidence
from ownhue.records import Record, parse_record, record_bytes
from ownhue.signed_note import parse_note
from ownhue.tree_proofs import ReadHash
from ownhue.trust import verify_trust_fork
from ownhue.trust.metadata import parse_any_trust_file
from ownhue_client.errors import UnreachableError
from ownhue_client.fetching import Fetch
from ownhue_client.publication.keys import RegionKeys
from ownhue_client.publication.served_tree import with_served_hashes

#: Longest file about a fork of trust, in bytes: a root and two targets files. specs/publication.md section 13
MAX_TRUST_FORK_BYTES = 1 << 20


class TrustFork(Record):
    """Two files of one role and version with two contents, and the root file under which both were signed."""

    files: Annotated[tuple[dict[str, Any], ...], Field(min_length=2, max_length=2)]
    """The two files, by their bytes."""
    format: Literal["ownhue-trust-fork-1"]
    """Name of this format."""
    root: dict[str, Any]
    """The root file."""


def fork_evidence_of(
    error: ForkError, keys: RegionKeys, fetch: Fetch | None = None, root: bytes | None = None
) -> bytes | None:
    """The file that proves the fork of *error*; None when its two statements prove none to others.

    *fetch* serves the log of the note that was shown: without it a rewritten past cannot be proven. *root*: the root
    file that was trusted, for forks of trust metadata. Raises UnreachableError.
    """
    if not error.kept or not error.shown:
        return None
    if _is_note(error.kept):
        return _log_fork(error, keys, fetch)
    return None if root is None else _trust_fork(root, error.kept, error.shown)


def without_strangers(statement: bytes, keys: RegionKeys) -> bytes:
    """A signed note without lines of others than the log and the witnesses of *keys*; anything else as it is."""
    return keys.without_strangers(statement) if _is_note(statement) else statement


def verify_trust_fork_file(data: bytes, root: bytes) -> str:
    """Check that *data* proves a fork under *root*, and return the role whose holders made it.

    Raises LimitError, FormatError, VerificationError (another root; no contradiction; too few signatures).
    """
    evidence = parse_record(TrustFork, data, "evidence of a fork of trust", MAX_TRUST_FORK_BYTES)
    files = [canonical_json(file) for file in evidence.files]
    if canonical_json(evidence.root) != root:
        raise VerificationError("the evidence is about another root")
    if files != sorted(files):
        raise FormatError("the two files are not in their order")
    model = type(parse_any_trust_file(files[0]).signed)
    verify_trust_fork(root, model, *files)
    return model.role


def _log_fork(error: ForkError, keys: RegionKeys, fetch: Fetch | None) -> bytes | None:
    kept, shown = (without_strangers(note, keys) for note in (error.kept, error.shown))

    def made(read_hash: ReadHash | None = None) -> bytes:
        return make_fork_evidence(keys.origin, keys.log_key_of(shown), kept, shown, read_hash)

    try:
        first, second = (keys.open_head(note) for note in (error.kept, error.shown))
        if contradiction(first, second) is not None or fetch is None:
            return made()
        return with_served_hashes(fetch, max(first, second, key=lambda head: head.size), made)
    except UnreachableError:
        raise
    except OwnhueError:  # no contradiction, nothing that proves one, or a key that counts no more: a file has one key
        return None


def _trust_fork(root: bytes, first: bytes, second: bytes) -> bytes | None:
    files = sorted((first, second))
    try:
        parsed = [parse_canonical_json(data) for data in (root, *files)]
        data = record_bytes(TrustFork(files=tuple(parsed[1:]), format="ownhue-trust-fork-1", root=parsed[0]))
        verify_trust_fork_file(data, root)
    except OwnhueError:
        return None
    return data


def _is_note(data: bytes) -> bool:
    try:
        parse_note(data)
    except FormatError:
        return False
    return True
