"""Trusted state: what a phone or a checkpoint keeps of trust metadata. specs/trust.md sections 3 and 8

    state = trust_root(root_file)                       # came with the application
    state = TrustedState.from_bytes(stored)             # every file is verified again
    next_file(start(state))                             # "2.root.json"

- A state is a frozen value that holds the four files as they came, and how far the present round of updates is.
- What a round has not reached yet is remembered from earlier ones and bounds what is accepted (``trust.py``).
- A stored state that was tampered with is refused, unless somebody signed what was put into it.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import FormatError, StateError
from ownhue.trust.checks import check_named, check_own_signatures
from ownhue.trust.metadata import check_signatures, parse_trust_file
from ownhue.trust.schema import Root, Snapshot, Targets, Timestamp

#: Most roots that one round follows. specs/trust.md section 3
MAX_ROTATIONS = 256

_FILES = 4


class Stage(IntEnum):
    """The last file that was updated in the present round."""

    ROOT = 0
    TIMESTAMP = 1
    SNAPSHOT = 2
    TARGETS = 3


@dataclass(frozen=True, slots=True)
class TrustedState:
    """What is trusted. Build it with :func:`trust_root` or :meth:`from_bytes`; the fields hold files as they came."""

    root: bytes
    """The newest root file."""
    timestamp: bytes = b""
    """The newest timestamp file; empty when none was seen."""
    snapshot: bytes = b""
    """The newest snapshot file; empty when none was seen."""
    targets: bytes = b""
    """The newest targets file; empty when none was seen."""
    stage: Stage = Stage.ROOT
    """How far the present round has come."""
    rotations: int = 0
    """Roots that were followed in the present round."""

    def to_bytes(self) -> bytes:
        """The state for storing."""
        files = [self.root, self.timestamp, self.snapshot, self.targets]
        return cbor_encode([*files, int(self.stage), self.rotations])

    @classmethod
    def from_bytes(cls, data: bytes) -> "TrustedState":
        """The state of :meth:`to_bytes`, verified again as far as its round had come; expiry is not looked at.

        Raises FormatError, LimitError, VerificationError.
        """
        value = cbor_decode(data)
        if not isinstance(value, list) or [type(item) for item in value] != [bytes] * _FILES + [int] * 2:
            raise FormatError("not a state of trust")
        root, timestamp, snapshot, targets, stage, rotations = value
        if stage not in list(Stage) or not 0 <= rotations <= MAX_ROTATIONS:
            raise FormatError("a state of trust has no such stage")
        state = cls(root, timestamp, snapshot, targets, Stage(stage), rotations)
        _check(state)
        return state


def trust_root(data: bytes) -> TrustedState:
    """The state that trusts a root file, which comes with the application. Its expiry does not matter yet.

    Raises FormatError, LimitError, VerificationError (its own keys did not sign it).
    """
    check_own_signatures(parse_trust_file(data, Root))
    return TrustedState(data)


def start(state: TrustedState) -> TrustedState:
    """The same trust at the beginning of a new round."""
    return replace(state, stage=Stage.ROOT, rotations=0)


def next_file(state: TrustedState) -> str:
    """Name of the file that the round needs next. When there is no newer root, "timestamp.json" is due instead of it.

    Raises StateError when the round is over.
    """
    if state.stage is Stage.ROOT:
        return f"{parse_trust_file(state.root, Root).signed.version + 1}.root.json"
    if state.stage is Stage.TIMESTAMP:
        return f"{parse_trust_file(state.timestamp, Timestamp).signed.meta.snapshot.version}.snapshot.json"
    if state.stage is Stage.SNAPSHOT:
        return f"{parse_trust_file(state.snapshot, Snapshot).signed.meta.targets.version}.targets.json"
    raise StateError("the round is over")


def _check(state: TrustedState) -> None:
    """Every file has its form, and those that the round has reached are signed and name each other."""
    root = parse_trust_file(trust_root(state.root).root, Root)
    timestamp = parse_trust_file(state.timestamp, Timestamp) if _expected(state, Stage.TIMESTAMP) else None
    snapshot = parse_trust_file(state.snapshot, Snapshot) if _expected(state, Stage.SNAPSHOT) else None
    targets = parse_trust_file(state.targets, Targets) if _expected(state, Stage.TARGETS) else None
    if timestamp and state.stage >= Stage.TIMESTAMP:
        check_signatures(root, timestamp)
    if timestamp and snapshot and state.stage >= Stage.SNAPSHOT:
        check_signatures(root, snapshot)
        check_named(timestamp.signed.meta.snapshot, snapshot)
    if snapshot and targets and state.stage >= Stage.TARGETS:
        check_signatures(root, targets)
        check_named(snapshot.signed.meta.targets, targets)


def _expected(state: TrustedState, stage: Stage) -> bool:
    """Whether the file of *stage* is there. Raises FormatError when the round has reached it and it is not."""
    there = bool((state.root, state.timestamp, state.snapshot, state.targets)[stage])
    if not there and stage <= state.stage:
        raise FormatError("a state of trust lacks a file of its stage")
    return there
