"""Trust: whose signatures count and which files are in force, after TUF, as a pure state machine. specs/trust.md

    state = trust_root(root_file)                       # came with the application
    state = start(state)                                # a new round, with the network or a USB stick
    while fetched := fetch(next_file(state)):           # "2.root.json", as long as there is one
        state = update_root(state, fetched)
    state = update_timestamp(state, fetch("timestamp.json"), now)
    state = update_snapshot(state, fetch(next_file(state)), now)
    state = update_targets(state, fetch(next_file(state)), now)
    rulebook = targets_at(state, now).current("rulebook", now).verify(data)

Invariants:

- A state is a frozen value. An update returns a new one or raises; then the old one is still whole and may be kept.
- Files are updated in the order root, timestamp, snapshot, targets; another order raises StateError. What did not
  change since the last round is given again.
- A root is followed one version at a time, signed by the old and by the new keys.
- What was trusted before bounds what is accepted now, as long as enough of today's keys signed it: when keys are
  rotated, versions that a thief had driven up are forgotten with the thief's signatures.
- Two files of one role and version with two contents are a fork: :class:`ownhue.errors.ForkError` brings both.
- Nothing counts at or after its expiry, also not what was trusted before: who holds news back can stop a phone, not
  keep it in the past.

Not handled here: fetching (stop at ``ownhue.trust.metadata.LIMITS``), and the clock, which is passed in as *now*.
"""

from dataclasses import replace

from ownhue.errors import LimitError, StateError, VerificationError
from ownhue.trust.checks import (
    check_named,
    check_own_signatures,
    refuse_expired,
    refuse_fork,
    refuse_rollback,
    remembered,
)
from ownhue.trust.metadata import TrustFile, check_signatures, parse_trust_file
from ownhue.trust.schema import Root, Signed, Snapshot, Targets, Timestamp
from ownhue.trust.state import MAX_ROTATIONS, Stage, TrustedState, trust_root
from ownhue.trust.targets import TrustedTargets


def update_root(state: TrustedState, data: bytes) -> TrustedState:
    """The state that trusts the next root file. Steps as numbered in specs/trust.md section 4.

    Expired ones in between are followed too. Raises StateError, LimitError, FormatError, VerificationError, ForkError.
    """
    _require(state, Stage.ROOT)
    if state.rotations >= MAX_ROTATIONS:
        raise LimitError(f"one round follows at most {MAX_ROTATIONS} roots")
    old, new = _root(state), parse_trust_file(data, Root)  # (1) the form of a root file
    check_signatures(old, new)  # (2) enough keys of the old root signed it
    refuse_fork(old, new)
    if new.signed.version != old.signed.version + 1:  # (3) the next version
        raise VerificationError("the root file is not of the next version")
    check_own_signatures(new)  # (4) and enough of its own
    return replace(state, root=data, rotations=state.rotations + 1)


def update_timestamp(state: TrustedState, data: bytes, now: int) -> TrustedState:
    """The state that trusts a timestamp file at *now* (unix seconds). Steps as numbered in specs/trust.md section 5.

    Raises StateError, LimitError, FormatError, VerificationError, ForkError.
    """
    _require(state, Stage.ROOT, Stage.TIMESTAMP)
    root = _root(state)
    refuse_expired(root, now)  # (1) the root is in force
    new = parse_trust_file(data, Timestamp)  # (2) the form of a timestamp file
    check_signatures(root, new)  # (3) enough keys signed it
    old = remembered(root, state.timestamp, Timestamp)
    if old is not None:
        refuse_rollback(old.signed.version, new.signed.version, "timestamp")  # (4) it does not go back
        refuse_fork(old, new)  # (5) it is no second one of its version
        # (6) it does not lead back
        refuse_rollback(old.signed.meta.snapshot.version, new.signed.meta.snapshot.version, "snapshot")
    refuse_expired(new, now)  # (7) it is in force
    return replace(state, timestamp=data, stage=Stage.TIMESTAMP)


def update_snapshot(state: TrustedState, data: bytes, now: int) -> TrustedState:
    """The state that trusts a snapshot file at *now* (unix seconds). Steps as numbered in specs/trust.md section 6.

    Raises StateError, LimitError, FormatError, VerificationError, ForkError.
    """
    _require(state, Stage.TIMESTAMP)
    root, timestamp = _root(state), parse_trust_file(state.timestamp, Timestamp)
    refuse_expired(root, now)  # (1) what came before is in force
    refuse_expired(timestamp, now)
    new = parse_trust_file(data, Snapshot)  # (2) the form of a snapshot file
    check_signatures(root, new)  # (3) enough keys signed it
    old = remembered(root, state.snapshot, Snapshot)
    if old is not None:  # (4) it is no second one of its version
        refuse_fork(old, new)
    check_named(timestamp.signed.meta.snapshot, new)  # (5) it is the one that the timestamp names
    if old is not None:  # (6) it does not lead back
        refuse_rollback(old.signed.meta.targets.version, new.signed.meta.targets.version, "targets")
    refuse_expired(new, now)  # (7) it is in force
    return replace(state, snapshot=data, stage=Stage.SNAPSHOT)


def update_targets(state: TrustedState, data: bytes, now: int) -> TrustedState:
    """The state that trusts a targets file at *now* (unix seconds). Steps as numbered in specs/trust.md section 7.

    Raises StateError, LimitError, FormatError, VerificationError, ForkError.
    """
    _require(state, Stage.SNAPSHOT)
    root, snapshot = _root(state), parse_trust_file(state.snapshot, Snapshot)
    for before in (root, parse_trust_file(state.timestamp, Timestamp), snapshot):
        refuse_expired(before, now)  # (1) what came before is in force
    new = parse_trust_file(data, Targets)  # (2) the form of a targets file
    check_signatures(root, new)  # (3) enough keys signed it
    old = remembered(root, state.targets, Targets)
    if old is not None:  # (4) it is no second one of its version
        refuse_fork(old, new)
    check_named(snapshot.signed.meta.targets, new)  # (5) it is the one that the snapshot names
    refuse_expired(new, now)  # (6) it is in force
    return replace(state, targets=data, stage=Stage.TARGETS)


def targets_at(state: TrustedState, now: int) -> TrustedTargets:
    """The files that are in force at *now* (unix seconds). Steps as numbered in specs/trust.md section 9.

    Raises StateError while a round is under way, VerificationError when any of the four files has expired.
    """
    files = _files(state)
    for file in files:
        refuse_expired(file, now)
    return TrustedTargets.of(parse_trust_file(state.targets, Targets).signed)


def expires_at(state: TrustedState) -> int:
    """The unix second from which on the state says nothing any more. Raises StateError while a round is under way."""
    return min(file.signed.expires_at for file in _files(state))


def verify_trust_fork(root: bytes, model: type[Signed], first: bytes, second: bytes) -> None:
    """Check that two files of one role and version with two contents were both signed under *root*: proof of a fork.

    For anyone who has the root; specs/trust.md section 8. Raises FormatError, LimitError, VerificationError.
    """
    delegator = _root(trust_root(root))
    files = [parse_trust_file(data, model) for data in (first, second)]
    for file in files:
        check_signatures(delegator, file)
    if files[0].signed.version != files[1].signed.version or files[0].signed.payload == files[1].signed.payload:
        raise VerificationError("the two files do not contradict each other")


def _root(state: TrustedState) -> TrustFile[Root]:
    return parse_trust_file(state.root, Root)


def _files(state: TrustedState) -> list[TrustFile[Signed]]:
    """The four files of a round that is over."""
    _require(state, Stage.TARGETS)
    files: tuple[tuple[bytes, type[Signed]], ...] = (
        (state.root, Root),
        (state.timestamp, Timestamp),
        (state.snapshot, Snapshot),
        (state.targets, Targets),
    )
    return [parse_trust_file(data, model) for data, model in files]


def _require(state: TrustedState, *stages: Stage) -> None:
    if state.stage not in stages:
        raise StateError(f"after the {state.stage.name.lower()} file something else is due")
