"""Catching up: trust, then the log, then proof that both fit. specs/publication.md section 6, specs/trust.md

    state, keys, entries = catch_up(fetch, region, state, now, root=root_file, policy=policy, keep=store)
    store(state)                                          # only now; if it raised, the next call begins where this did

- Without a root of trust the keys of the region file count, and nobody can replace them (:func:`trust_words`).
- With one, every file of trust that was used has to be a leaf of the log: what one client was shown alone is refused.
- After a day or a year offline the steps are the same: roots one by one, entries from the kept frontier on.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import sha256

from ownhue.cosignature import NO_WITNESSES, WitnessPolicy
from ownhue.errors import StateError, VerificationError
from ownhue.log import LogEntry
from ownhue.region import Region
from ownhue.trust import targets_at
from ownhue.trust.metadata import parse_trust_file
from ownhue.trust.roles import TRUST_ROLES_FOLDER, parse_trust_roles
from ownhue.trust.schema import Targets
from ownhue.trust.state import TrustedState
from ownhue.trust.targets import TrustedTargets
from ownhue_client.errors import NotLoggedError
from ownhue_client.fetching import Fetch
from ownhue_client.publication.keys import RegionKeys
from ownhue_client.publication.log import follow
from ownhue_client.publication.state import PublicationState
from ownhue_client.publication.trust_round import begin, trust_round

Keep = Callable[[PublicationState], None]
"""Stores a state at once."""


def catch_up(
    fetch: Fetch,
    region: Region,
    state: PublicationState,
    now: int,
    *,
    root: bytes | None = None,
    policy: WitnessPolicy = NO_WITNESSES,
    keep: Keep = lambda _state: None,
) -> tuple[PublicationState, RegionKeys, list[LogEntry]]:
    """The present state of *region*, the keys in force, and the entries that are new since *state*.

    *root*: the root file that came with the application, if it has one. *policy*: the witnesses of one's own
    configuration; with "0 of 0" those of the trust roles are asked for. *now*: unix seconds, read once. *keep* is
    called with a state that must be stored whatever happens next: a newer root was followed. Raises as ``follow`` and
    ``trust_round``, and

    - NotLoggedError: a file of trust is signed and not in the log: made for this client alone, or the log is behind;
    - ForkError with two files of trust attached (``evidence.py`` tells the kinds apart).
    """
    state, trusted = _with_trust(fetch, state, now, root, keep)  # (1) the trust round
    state = _with_roles(fetch, region, state, trusted, now)  # (2) and the keys that it leads to
    keys = keys_in_force(state, region, policy)
    log, entries = follow(fetch, keys, state.log, now)  # (3) the log, by its keys and the witnesses
    in_use = _in_use(state, trusted)
    state = state.with_log(log, entries, in_use | _named(trusted))
    known = {leaf.sha256 for leaf in state.leaves}
    if any(digest not in known for digest in in_use):  # (4) everything that was used is in the log
        raise NotLoggedError("a file of trust is not in the log: made for this client alone, or the log is behind")
    return replace(state, taken=()), keys, entries


def keys_in_force(state: PublicationState, region: Region, policy: WitnessPolicy = NO_WITNESSES) -> RegionKeys:
    """The keys by which what *state* has taken is judged: those of the trust roles, or without trust the region file's.

    Expiry is not looked at: what was taken stays until something newer replaces it. Raises StateError before the first
    whole round, FormatError, LimitError, VerificationError for roles that the kept targets do not name.
    """
    if not state.trust:
        return RegionKeys.of_region(region, policy)
    if not state.roles:
        raise StateError("the region's trust is not known yet; synchronise first")
    targets = parse_trust_file(TrustedState.from_bytes(state.trust).targets, Targets).signed
    data = TrustedTargets.of(targets).verify(_roles_path(state.roles), state.roles)
    return RegionKeys.of_roles(parse_trust_roles(data, region.name), region, policy)


def targets_of(state: PublicationState, now: int) -> TrustedTargets | None:
    """The targets in force at *now* (unix seconds); None without a root of trust.

    Raises StateError before a whole round, VerificationError when one of the four files is void.
    """
    return targets_at(TrustedState.from_bytes(state.trust), now) if state.trust else None


def trust_words(root: bytes | None, policy: WitnessPolicy) -> tuple[str, ...]:
    """What a client has to say about whom it trusts, in plain words, for people. specs/publication.md section 11"""
    rooted = (
        "The keys of this region can be replaced by the holders of its offline root."
        if root is not None
        else "No root of trust: the keys of the region file count, and only a new file can replace a stolen one."
    )
    return rooted, policy.sentence()


def _with_trust(
    fetch: Fetch, state: PublicationState, now: int, root: bytes | None, keep: Keep
) -> tuple[PublicationState, TrustedState | None]:
    trusted = begin(state.trust, root)
    if trusted is None:
        return state, None
    taken = list(state.taken)

    def kept(newer: TrustedState) -> None:
        taken.append(sha256(newer.root).digest())
        keep(replace(state, trust=_stored(newer), taken=tuple(taken)))

    trusted = trust_round(fetch, trusted, now, kept)
    return replace(state, trust=_stored(trusted), taken=tuple(taken)), trusted


def _stored(trusted: TrustedState) -> bytes:
    """What is kept of it: not how many roots this round followed, so that equal trust is equal bytes."""
    return replace(trusted, rotations=0).to_bytes()


def _with_roles(
    fetch: Fetch, region: Region, state: PublicationState, trusted: TrustedState | None, now: int
) -> PublicationState:
    if trusted is None:
        return state
    try:
        target = targets_at(trusted, now).current(TRUST_ROLES_FOLDER, now)
    except StateError as error:
        raise VerificationError("the trust metadata names no trust roles in force") from error
    known = sha256(state.roles).digest() == target.sha256
    roles = state.roles if known else target.verify(fetch(target.path))
    parse_trust_roles(roles, region.name)
    return replace(state, roles=roles)


def _in_use(state: PublicationState, trusted: TrustedState | None) -> set[bytes]:
    """Digests of every file of trust that this round rests on."""
    if trusted is None:
        return set()
    files: Iterable[bytes] = (trusted.root, trusted.timestamp, trusted.snapshot, trusted.targets, state.roles)
    return {*state.taken, *(sha256(data).digest() for data in files)}


def _named(trusted: TrustedState | None) -> set[bytes]:
    """Digests of the files that targets name: no flood of other leaves must make a client forget that it met them."""
    if trusted is None:
        return set()
    listed = parse_trust_file(trusted.targets, Targets).signed
    return {target.sha256 for target in TrustedTargets.of(listed).targets}


def _roles_path(roles: bytes) -> str:
    return f"{TRUST_ROLES_FOLDER}/{sha256(roles).hexdigest()}.json"
