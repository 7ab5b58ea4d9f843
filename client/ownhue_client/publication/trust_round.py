"""One round of trust metadata over a fetch: roots one by one, timestamp, snapshot, targets. specs/trust.md section 4

    trusted = trust_round(fetch, trust_root(root_file), now, keep=store)       # raises, or a round that is over

- Every new root is given to *keep* at once, before anything else is asked for: a phone that is switched off in the
  middle never goes back to keys that were revoked.
- A snapshot or targets file that is known already is not fetched again: it is named by its digest.
- One round has one reading of the clock.
"""

from collections.abc import Callable
from hashlib import sha256

from ownhue.trust import update_root, update_snapshot, update_targets, update_timestamp
from ownhue.trust.checks import refuse_fork
from ownhue.trust.metadata import parse_trust_file
from ownhue.trust.schema import MetaFile, Root, Snapshot, Timestamp
from ownhue.trust.state import TrustedState, next_file, start, trust_root
from ownhue_client.errors import MissingError
from ownhue_client.fetching import Fetch

#: Folder of trust metadata in the published folder. specs/trust.md section 1
TRUST_FOLDER = "trust"


def trust_round(
    fetch: Fetch, state: TrustedState, now: int, keep: Callable[[TrustedState], None] = lambda _state: None
) -> TrustedState:
    """The trust after one whole round at *now* (unix seconds). *keep* is called after every root that was followed.

    Raises UnreachableError, MissingError; FormatError, LimitError, VerificationError, ForkError as ``ownhue.trust``.
    """
    state = _follow_roots(fetch, start(state), keep)
    state = update_timestamp(state, fetch(f"{TRUST_FOLDER}/timestamp.json"), now)
    snapshot = parse_trust_file(state.timestamp, Timestamp).signed.meta.snapshot
    state = update_snapshot(state, _named(fetch, state, snapshot, state.snapshot), now)
    targets = parse_trust_file(state.snapshot, Snapshot).signed.meta.targets
    return update_targets(state, _named(fetch, state, targets, state.targets), now)


def begin(stored: bytes, root: bytes | None) -> TrustedState | None:
    """The trust to begin a round with: what is *stored*, and the *root* file that came with the application.

    A root of the application that is newer than the stored one takes its place: so a region that lost its root keys
    begins anew. None without either. Raises FormatError, LimitError, VerificationError.
    """
    if not stored:
        return trust_root(root) if root is not None else None
    trusted = TrustedState.from_bytes(stored)
    if root is None:
        return trusted
    refuse_fork(parse_trust_file(trusted.root, Root), parse_trust_file(root, Root))  # else two regions are mixed up
    if root_version(root) <= root_version(trusted.root):
        return trusted
    return TrustedState(trust_root(root).root, trusted.timestamp, trusted.snapshot, trusted.targets)


def root_version(root: bytes) -> int:
    """Version of a root file. Raises FormatError, LimitError, VerificationError."""
    return parse_trust_file(root, Root).signed.version


def _follow_roots(fetch: Fetch, state: TrustedState, keep: Callable[[TrustedState], None]) -> TrustedState:
    while True:
        try:
            data = fetch(f"{TRUST_FOLDER}/{next_file(state)}")
        except MissingError:  # the root that is known is the newest
            return state
        state = update_root(state, data)  # raises LimitError when there is no end; the next round goes on from there
        keep(state)


def _named(fetch: Fetch, state: TrustedState, named: MetaFile, known: bytes) -> bytes:
    """The file that is *named*: the *known* one where it is the same."""
    if sha256(known).hexdigest() == named.hashes.sha256:
        return known
    return fetch(f"{TRUST_FOLDER}/{next_file(state)}")
