"""The phone's own judgement of itself: facts, decision, and the journal of every change. specs/colour.md

It judges by the clock anchor's time when the wall clock was set back (specs/identifiers.md section 6): else those who
hold news back could turn back the clock too, and old data would be called fresh, or a rulebook that is over decide.
"""

from collections.abc import Callable

from ownhue.colour import CertificateFact, ClearanceFact, Decision, Facts, decide, decision_bytes, parse_decision
from ownhue.journal import JournalEntry, next_entry, parse_entry
from ownhue.records import record_bytes
from ownhue_client.phone.anchor import Anchor
from ownhue_client.phone.documents import Documents
from ownhue_client.phone.evidence import Evidence
from ownhue_client.phone.followed import Followed
from ownhue_client.phone.hearing import Hearing
from ownhue_client.phone.records import day_of, result_of
from ownhue_client.phone.store import Store

#: States: salt of finding ids (bytes); since when the phone has been listening, as far as the kept history does not say
#: better (unix seconds). Both are written when it is made.
SALT, OBSERVED_SINCE = "salt", "observed_since"
#: A clock that is corrected by so little is not called set back: it is judged by the second of the decision before.
SKEW_SECONDS = 60
_DECISION = "decision"


class Diary:
    """Decisions and journal in *store*."""

    def __init__(
        self,
        store: Store,
        hearing: Hearing,
        documents: Documents,
        home: Followed,
        anchor: Anchor,
        certificates: Callable[[], tuple[CertificateFact, ...]],
        clearances: Callable[[], tuple[ClearanceFact, ...]],
    ) -> None:
        """*certificates*, *clearances*: what the owner's papers mean now."""
        self._certificates = certificates
        self._clearances = clearances
        self._store = store
        self._hearing = hearing
        self._documents = documents
        self._home = home
        self._anchor = anchor

    def facts(self, now: int) -> Facts:
        """Everything that the phone knows at *now* (unix seconds) and a colour depends on."""
        evidence = Evidence(self._store, self._home.name)
        return Facts(
            salt=self._store.need(SALT),
            observed_since=self.observed_since(now),
            published_until=self._home.published_until,
            radio_share_percent=self._hearing.listening.share_percent(now),
            windows=tuple(evidence.windows()),
            withdrawn=evidence.withdrawn(),
            results=tuple(result_of(row.value) for row in self._store.rows("results")),
            certificates=self._certificates(),
            clearances=self._clearances(),
        )

    def decide(self, now: int) -> Decision:
        """The colour at *now*; a change goes into the journal."""
        now = self._anchor.now(now)
        # Whole: of two threads that decide at once, the second goes on from what the first wrote.
        with self._store.atomic():
            newest = self._store.newest("journal")
            # Whose owner erased the journal begins a new one.
            before = self.last_decision() if newest else None
            if before is not None and 0 < before.time - now <= SKEW_SECONDS:
                now = before.time
            after = decide(self._documents.rulebook_at(now), self.facts(now), now)
            entry = next_entry(parse_entry(newest.value) if newest else None, before, after)
            self._store.put(_DECISION, decision_bytes(after))
            if entry is not None:
                self._store.add_bytes("journal", day_of(now), record_bytes(entry))
        return after

    def observed_since(self, now: int) -> int:
        """Since when the phone has been listening without a gap of a day, unix seconds."""
        return min(self._hearing.listening.since(now, self._store.need(OBSERVED_SINCE)), now)

    def last_decision(self) -> Decision | None:
        """The newest decision; None before the first."""
        data = self._store.get(_DECISION)
        return None if data is None else parse_decision(data)

    def journal(self) -> list[JournalEntry]:
        """Every change so far; ``ownhue.journal.verify_chain`` checks that none was altered."""
        # In the order in which they were made: after a clock that was ahead days go back.
        rows = sorted(self._store.bytes_rows("journal"), key=lambda row: row.id)
        return [parse_entry(row.value) for row in rows]
