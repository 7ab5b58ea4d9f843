"""What a client keeps of a region's publication: its trust, its log, and which files it met there.

    state = PublicationState()                            # nothing seen yet
    store(state.to_bytes())                               # after every catch_up, and whenever it says so
    state = PublicationState.from_bytes(stored)

- ``leaves`` remembers the files of the log that trust metadata may name later: a file that is named and signed counts
  only if everybody could see it there.
- ``taken`` are root files that were followed and not met in the log yet. They are kept at once, because a newer root
  may be all that protects from a stolen key; what they name is used once they are in the log.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import FormatError
from ownhue.log import LogEntry
from ownhue_client.publication.log import LogState

#: Kinds whose leaves are remembered: those that targets may name. A log can make up any number of others, and a phone
#: would keep them for ever. specs/trust.md section 9
REMEMBERED_KINDS = frozenset(
    ("trust", "trust-roles", "rulebook", "certificate-trust", "regions", "epochs", "past-epochs", "report-keys")
)
#: Newest leaves of a kind that are remembered, beside those in use. specs/publication.md section 6
KEPT_LEAVES = 512

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Leaf:
    """A file that the log named."""

    kind: str
    """Its first folder."""
    sha256: bytes
    """Its digest, 32 bytes."""
    batch: int
    """When it was published."""


@dataclass(frozen=True, slots=True)
class PublicationState:
    """What is known of one region. The default has seen nothing yet. To its keeper it is opaque."""

    log: LogState = field(default_factory=LogState)
    """The log, as far as it was followed."""
    trust: bytes = b""
    """``TrustedState.to_bytes()``; empty without a root of trust."""
    roles: bytes = b""
    """The file of trust roles in force; empty before the first whole round, and without a root of trust."""
    leaves: tuple[Leaf, ...] = ()
    """Files that targets may name, in the log's order."""
    taken: tuple[bytes, ...] = ()
    """SHA-256 of root files that were followed and not met in the log yet."""

    def to_bytes(self) -> bytes:
        """The state for storing."""
        leaves = [[leaf.kind, leaf.sha256, leaf.batch] for leaf in self.leaves]
        return cbor_encode([_VERSION, self.log.to_bytes(), self.trust, self.roles, leaves, list(self.taken)])

    @classmethod
    def from_bytes(cls, data: bytes) -> "PublicationState":
        """The state of :meth:`to_bytes`. Raises FormatError. Its trust is verified again when it is used."""
        value = cbor_decode(data)
        if not isinstance(value, list) or [type(item) for item in value] != [int, bytes, bytes, bytes, list, list]:
            raise FormatError("not the state of a publication")
        version, log, trust, roles, leaves, taken = value
        if version != _VERSION or any(type(item) is not bytes for item in taken):
            raise FormatError("not the state of a publication of this version")
        return cls(LogState.from_bytes(log), trust, roles, tuple(map(_leaf, leaves)), tuple(taken))

    def batch_of(self, sha256: bytes) -> int | None:
        """The batch in which the log first named the file of this digest; None when it did not, or long ago."""
        return next((leaf.batch for leaf in self.leaves if leaf.sha256 == sha256), None)

    def with_log(
        self, log: LogState, entries: Iterable[LogEntry], in_use: Collection[bytes] = ()
    ) -> "PublicationState":
        """The state after the log was followed to *log* by *entries*. Leaves with a digest *in_use* stay."""
        new = (Leaf(entry.kind, entry.sha256, entry.batch) for entry in entries if entry.kind in REMEMBERED_KINDS)
        return replace(self, log=log, leaves=_pruned([*self.leaves, *new], in_use))


def _leaf(item: Any) -> Leaf:
    if not isinstance(item, list) or [type(part) for part in item] != [str, bytes, int]:
        raise FormatError("not a leaf that is remembered")
    return Leaf(*item)


def _pruned(leaves: list[Leaf], in_use: Collection[bytes]) -> tuple[Leaf, ...]:
    """The newest leaves of each kind, and those in use, in their order."""
    count: dict[str, int] = {}
    kept = []
    for leaf in reversed(leaves):
        count[leaf.kind] = count.get(leaf.kind, 0) + 1
        if count[leaf.kind] <= KEPT_LEAVES or leaf.sha256 in in_use:
            kept.append(leaf)
    return tuple(reversed(kept))
