"""Which documents count: those that targets name, and of other kinds the newest in the log. specs/trust.md section 9

    for document in named_documents(fetch, state, "rulebook", now) or ...:       # targets name rulebooks
        take(document.data)

- If the targets in force name any file of a folder, only the file that is in force there counts for its kind; the log
  alone proves nothing for it. The keys of such a kind may be stolen without harm as long as the offline ones are not.
- A named file counts only if it is a leaf of the log: what one client is shown alone is refused.
- Those that are named for later are given too: a client that is offline then knows them in time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from ownhue.documents import MAX_DOCUMENT_BYTES
from ownhue.errors import LimitError
from ownhue.trust.targets import Target, TrustedTargets
from ownhue_client.errors import NotLoggedError
from ownhue_client.fetching import Fetch
from ownhue_client.publication.catching_up import targets_of
from ownhue_client.publication.state import PublicationState


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """A document that targets name and the log holds."""

    data: bytes
    """The file."""
    since: int
    """Unix second from which on it counts; ahead for one that is announced."""
    batch: int
    """Batch in which it was published."""


def documents_in_force(targets: TrustedTargets | None, folder: str, now: int) -> Target | None:
    """The one file of *folder* that counts at *now* (unix seconds).

    None when the targets name no file of it, or there is no trust metadata: then the newest in the log counts. Raises
    StateError when all that are named are still ahead: then none counts.
    """
    if targets is None or all(target.folder != folder for target in targets.targets):
        return None
    return targets.current(folder, now)


def named_documents(
    fetch: Fetch, state: PublicationState, folder: str, now: int, known: Iterable[bytes] = ()
) -> tuple[NamedDocument, ...] | None:
    """The document of *folder* in force at *now* (unix seconds), and those announced after it.

    None when targets name no file of the folder. Call it after ``catch_up`` with its state. What is among the *known*
    files is not fetched again. Raises StateError when all that are named are still ahead, NotLoggedError (not in the
    log), VerificationError (another file, or void metadata), LimitError, UnreachableError, MissingError.
    """
    targets = targets_of(state, now)
    current = documents_in_force(targets, folder, now)
    if targets is None or current is None:
        return None
    held = {sha256(data).digest(): data for data in known}
    named = (current, *targets.upcoming(folder, now))
    return tuple(_document(fetch, state, target, held.get(target.sha256)) for target in named)


def _document(fetch: Fetch, state: PublicationState, target: Target, held: bytes | None) -> NamedDocument:
    batch = state.batch_of(target.sha256)
    if batch is None:
        raise NotLoggedError(f"{target.folder}: a file that is named is not in the log")
    if target.length > MAX_DOCUMENT_BYTES:
        raise LimitError(f"{target.folder}: a document has at most {MAX_DOCUMENT_BYTES} bytes")
    return NamedDocument(target.verify(fetch(target.path) if held is None else held), target.since, batch)
