"""Alarm: a code shows that its phone follows another log than the checkpoint. specs/publication.md section 7

    try:
        checkpoint.verify_text(text, now)
    except ForkMet as met:
        Path("alarm.json").write_bytes(met.alarm.to_bytes())         # nothing about the holder is in it

The two notes, of the phone and of the checkpoint, make the evidence; the checkpoint's is in the alarm, the phone keeps
its own. ``publication.fork_evidence_of(ForkError("", note, other_note), keys, fetch)`` makes the file.
"""

from contextlib import suppress
from dataclasses import dataclass

from ownhue.code import Statement
from ownhue.encoding import canonical_json
from ownhue.errors import ForkError
from ownhue.trust.state import TrustedState
from ownhue.verify import CodeRefused, Refusal
from ownhue_client.checkpoint.bundle import Bundle
from ownhue_client.errors import RollbackError, UnreachableError
from ownhue_client.fetching import Fetch
from ownhue_client.publication import fork_evidence_of


@dataclass(frozen=True, slots=True)
class ForkAlarm:
    """What to keep of the meeting: two statements about one log that cannot both hold. Nothing of the code's pass."""

    tree_size: int
    """Size of the tree that the phone's code names."""
    shown_prefix: bytes
    """First 8 bytes of the root that the phone knows for that size."""
    known_root: bytes | None
    """The root (32 bytes) that the checkpoint knows for that size; None: the log never had a head of it."""
    note: bytes
    """The checkpoint's newest tree head, with its cosignatures."""

    def to_bytes(self) -> bytes:
        """Canonical JSON of it."""
        return canonical_json(
            {
                "format": "ownhue-fork-alarm-1",
                "known_root": None if self.known_root is None else self.known_root.hex(),
                "note": self.note.decode(),
                "shown_prefix": self.shown_prefix.hex(),
                "tree_size": self.tree_size,
            }
        )


class ForkMet(CodeRefused):
    """The code was refused because its phone was shown another log, or this checkpoint was."""

    def __init__(self, alarm: ForkAlarm) -> None:
        super().__init__(Refusal.OTHER_LOG)
        self.alarm = alarm


def evidence_of(error: ForkError, bundle: Bundle, fetch: Fetch, root: bytes | None) -> bytes | None:
    """The file that proves the fork of *error*, which *fetch* led to from *bundle*; None when nothing is proven.

    *root*: the root file that was installed. An old copy is asked for nothing more: it can prove by itself at most.
    """
    trust = bundle.publication.trust
    trusted = TrustedState.from_bytes(trust).root if trust else root
    with suppress(UnreachableError):
        return fork_evidence_of(error, bundle.keys, None if isinstance(error, RollbackError) else fetch, trusted)
    return None


def alarm_of(statement: Statement, bundle: Bundle) -> ForkAlarm:
    """The alarm about a *statement* whose signature held, and which contradicts *bundle*."""
    known = bundle.heads.get(statement.tree_size)
    root = None if known is None else known[0]
    return ForkAlarm(statement.tree_size, statement.root_prefix, root, bundle.log.note)
