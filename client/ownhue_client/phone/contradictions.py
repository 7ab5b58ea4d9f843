"""What a phone keeps when a log, or the holders of keys, showed it two histories. specs/publication.md section 13

    contradictions.fork(region, error, proof)     # a file that proves it to anyone, or the bare statements
    contradictions.proofs()                       # [("fork-of-demo-5d1f0c2a.json", b"..."), ...]

- Proofs and doubts are kept apart. A proof convinces anybody who knows the region's keys. A doubt (an old head shown
  again, a head that no witness saw, a fork without its proof) does not: each of them can be innocent.
- What is kept is never replaced by something that came later, and never makes room for it.
- A head that no witness saw, or that was ahead of the clock, is looked at again when the log has gone beyond it: then
  it is innocent, or a proof.
"""

import hashlib
from typing import Any, NamedTuple

from ownhue_client.phone.store import Store

#: States: [[kind, region, unix second, proof], ...] and [[kind, region, unix second, [statement, ...]], ...].
_PROOFS, _DOUBTS = "fork_proofs", "fork_doubts"
FORK, TRUST_FORK = "fork", "trust-fork"
OLD_COPY, NOT_WITNESSED, NOT_PROVEN, AHEAD = "old-copy", "not-witnessed", "not-proven", "ahead"
#: Most proofs and doubts that are kept of each kind and region: the first ones. Another region, or a thief of one key,
#: must not fill the place of what proves something else.
_MOST_PROOFS, _MOST_DOUBTS = 16, 2
_NAME_LETTERS = 8


class Doubt(NamedTuple):
    """Statements of a region that contradict something, and prove nothing to others."""

    kind: str
    """OLD_COPY, NOT_WITNESSED, NOT_PROVEN or AHEAD."""
    region: str
    """Name of the region."""
    time: int
    """Unix second at which it was met."""
    statements: list[bytes]
    """Signed notes or files: the one that was known, the one that was shown; or the latter alone."""


class Contradictions:
    """Proofs and doubts in *store*."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def prove(self, kind: str, region: str, proof: bytes, now: int) -> None:
        """Keep a file that proves a fork (*kind*: FORK or TRUST_FORK)."""
        kept = self._store.get(_PROOFS, [])
        alike = [item for item in kept if item[:2] == [kind, region]]
        if len(alike) < _MOST_PROOFS and all(data != proof for *_, data in kept):
            with self._store.atomic(durable=True):
                self._store.put(_PROOFS, [*kept, [kind, region, now, proof]])

    def doubt(self, kind: str, region: str, now: int, *statements: bytes) -> None:
        """Keep what proves nothing (yet)."""
        kept = self.doubts()
        alike = [item for item in kept if (item.kind, item.region) == (kind, region)]
        if all(item.statements != list(statements) for item in alike):
            if kind == AHEAD and len(alike) == _MOST_DOUBTS:  # the first and the newest: it moved the clock's anchor
                kept.remove(alike[-1])
            elif len(alike) >= _MOST_DOUBTS:
                return
            self._put([*kept, Doubt(kind, region, now, list(statements))])

    def settle(self, doubt: Doubt) -> None:
        """Forget a doubt that turned out to be innocent, or was proven."""
        self._put([item for item in self.doubts() if item != doubt])

    def proofs(self) -> list[tuple[str, bytes]]:
        """File name and content of every proof, in the order in which they were met."""
        return [
            (f"{kind}-of-{region}-{_digest(proof)}.json", bytes(proof))
            for kind, region, _, proof in self._store.get(_PROOFS, [])
        ]

    def doubts(self) -> list[Doubt]:
        """Every doubt, in the order in which they were met."""
        return [Doubt(*record) for record in self._store.get(_DOUBTS, [])]

    def doubt_files(self) -> list[tuple[str, bytes]]:
        """File name and content of every statement that is doubted."""
        return [
            (f"{doubt.kind}-of-{doubt.region}-{_digest(statement)}.txt", statement)
            for doubt in self.doubts()
            for statement in doubt.statements
        ]

    def _put(self, doubts: list[Doubt]) -> None:
        records: list[list[Any]] = [list(doubt) for doubt in doubts]
        with self._store.atomic(durable=True):
            self._store.put(_DOUBTS, records)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:_NAME_LETTERS]
