"""What one region's log, or its keys, showed that cannot hold together: kept at once, judged when more is known.

specs/publication.md sections 6 and 13

    suspicion.met(error, keys, root, fetch, now)         # a proof, or a doubt
    suspicion.ahead(note, keys, now)                     # the signed time of a head ahead of the clock, and kept
    suspicion.look_again(keys, root, note, fetch, now)   # True: what was said of the time was a lie

A doubt is settled by a proof, or by the log's own hashes that lead to what was doubted. Nothing that is withheld
settles it: else whoever showed one phone a special head would only have to hide the hashes afterwards.
"""

from ownhue.cosignature import timely_cosignatures
from ownhue.encoding import parse_canonical_json
from ownhue.errors import ForkError, OwnhueError, VerificationError
from ownhue.fork_evidence import contradiction
from ownhue.tree_head import TreeHead
from ownhue.tree_proofs import root_of
from ownhue_client.errors import NotWitnessedError, RollbackError
from ownhue_client.fetching import Fetch
from ownhue_client.phone.contradictions import (
    AHEAD,
    FORK,
    NOT_PROVEN,
    NOT_WITNESSED,
    OLD_COPY,
    TRUST_FORK,
    Contradictions,
    Doubt,
)
from ownhue_client.publication import RegionKeys, fork_evidence_of, without_strangers
from ownhue_client.publication.served_tree import with_served_hashes

#: Unix second up to which a clock anchor reaches. specs/identifiers.md section 6
_LAST_SECOND = 2**40 - 1


class Suspicion:
    """Proofs and doubts about *region*, in *contradictions*."""

    def __init__(self, contradictions: Contradictions, region: str) -> None:
        self._contradictions = contradictions
        self._region = region

    def met(self, error: VerificationError, keys: RegionKeys, root: bytes | None, fetch: Fetch, now: int) -> None:
        """Keep what *error* brought, if it brought statements. *root*: the root file that is trusted."""
        if isinstance(error, NotWitnessedError) and error.note:
            self._doubt(NOT_WITNESSED, keys, now, error.note)
        elif isinstance(error, ForkError) and error.kept and error.shown:
            # An old copy is innocent in itself; a smaller tree that is the later one proves a fork at sight.
            old = isinstance(error, RollbackError)
            try:
                proven = self._prove(error, keys, root, None if old else fetch, now)
            except OwnhueError:  # what the proof needs is out of reach
                proven = False
            if not proven:
                self._doubt(OLD_COPY if old else NOT_PROVEN, keys, now, error.kept, error.shown)

    def ahead(self, note: bytes, keys: RegionKeys, now: int) -> int | None:
        """The time of a head that is refused for being ahead of the wall clock, if enough witnesses saw it.

        It is kept: if it was the log that lied, it is one half of the proof.
        """
        try:
            head = keys.open_head(note)
            enough = len(timely_cosignatures(note, head, keys.policy, head.time)) >= keys.policy.threshold
        except OwnhueError:
            return None
        if not enough or head.time > _LAST_SECOND:
            return None
        self._doubt(AHEAD, keys, now, note)
        return head.time

    def look_again(self, keys: RegionKeys, root: bytes | None, note: bytes, fetch: Fetch, now: int) -> bool:
        """Judge heads that no witness had seen, or that were ahead, now that the log has come to *note*.

        Whether one that was ahead turned out to be a lie, or to be by a key that counts no more.
        """
        newest, lied = keys.open_head(note), False
        for doubt in self._contradictions.doubts():
            if doubt.region != self._region or doubt.kind not in {NOT_WITNESSED, AHEAD}:
                continue
            try:
                head = keys.open_head(doubt.statements[0])
            except OwnhueError:  # by a key that counts no more: nothing of today's log says what it was
                lied |= self._lost_its_key(doubt)
                continue
            try:
                settled = self._is_innocent(doubt, head, newest, fetch)
                if settled is False:
                    contradicting = ForkError("two histories", note, doubt.statements[0])
                    settled = self._prove(contradicting, keys, root, fetch, now)
                    lied |= settled and doubt.kind == AHEAD
            except OwnhueError:  # what is needed is withheld: another time
                continue
            if settled:
                self._contradictions.settle(doubt)
        return lied

    def _is_innocent(self, doubt: Doubt, head: TreeHead, newest: TreeHead, fetch: Fetch) -> bool | None:
        """Whether the log that signed *newest* begins with the doubted *head*; None: that cannot be told yet.

        Raises what *fetch* raises, and FormatError, VerificationError for hashes that do not lead to *newest*.
        """
        if contradiction(head, newest) is not None:
            return False
        if head.size > newest.size or (doubt.kind == AHEAD and head.time > newest.time):
            return None
        if head.size == newest.size:
            return True
        return with_served_hashes(fetch, newest, lambda read_hash: root_of(read_hash, head.size)) == head.root

    def _lost_its_key(self, doubt: Doubt) -> bool:
        self._contradictions.settle(doubt)
        if doubt.kind == AHEAD:
            return True
        # Else a log would only have to change its key, and what it showed one phone were forgotten.
        self._contradictions.doubt(NOT_PROVEN, doubt.region, doubt.time, *doubt.statements)
        return False

    def _doubt(self, kind: str, keys: RegionKeys, now: int, *statements: bytes) -> None:
        known = (without_strangers(statement, keys) for statement in statements)
        self._contradictions.doubt(kind, self._region, now, *known)

    def _prove(self, error: ForkError, keys: RegionKeys, root: bytes | None, fetch: Fetch | None, now: int) -> bool:
        """Keep the file that proves the fork of *error*; whether there is a proof. Raises what *fetch* raises."""
        proof = fork_evidence_of(error, keys, fetch, root)
        if proof is not None:
            is_trust = parse_canonical_json(proof)["format"] == "ownhue-trust-fork-1"
            self._contradictions.prove(TRUST_FORK if is_trust else FORK, self._region, proof, now)
        return proof is not None
