"""The phone's own judgement of itself: facts, decision, and the journal of every change. specs/colour.md

It judges by the clock anchor's time when the wall clock was set back (specs/identifiers.md section 6): else those who
hold news back could turn back the clock too, and old data would be called fresh, or a rulebook that is over decide.
"""

from ownhue.colour import Decision, Facts, decide, decision_bytes, parse_decision
from ownhue.journal import JournalEntry, next_entry, parse_entry
from ownhue.records import record_bytes
from ownhue_client.phone.anchor import Anchor
from ownhue_client.phone.documents import Documents
from ownhue_client.phone.evidence import Evidence
from ownhue_client.phone.followed import Followed
from ownhue_client.phone.hearing import Hearing
from ownhue_client.phone.records import day_of, result_of
from ownhue_client.phone.store import Store

#: States written when a phone is made: salt of finding ids (bytes), and since when it has been listening (unix).
SALT, OBSERVED_SINCE = "salt", "observed_since"
_DECISION = "decision"


class Diary:
    """Decisions and journal in *store*."""

    def __init__(self, store: Store, hearing: Hearing, documents: Documents, home: Followed, anchor: Anchor) -> None:
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
            observed_since=self._store.need(OBSERVED_SINCE),
            published_until=self._home.published_until,
            radio_share_percent=self._hearing.share_percent(now),
            windows=tuple(evidence.windows()),
            withdrawn=evidence.withdrawn(),
            results=tuple(result_of(row.value) for row in self._store.rows("results")),
        )

    def decide(self, now: int) -> Decision:
        """The colour at *now*; a change goes into the journal. Raises StateError when time went back."""
        now = self._anchor.now(now)
        before = self.last_decision()
        after = decide(self._documents.rulebook_at(now), self.facts(now), now)
        newest = self._store.newest("journal")
        entry = next_entry(parse_entry(newest.value) if newest else None, before, after)
        with self._store.atomic():
            self._store.put(_DECISION, decision_bytes(after))
            if entry is not None:
                self._store.add_bytes("journal", day_of(now), record_bytes(entry))
        return after

    def last_decision(self) -> Decision | None:
        """The newest decision; None before the first."""
        data = self._store.get(_DECISION)
        return None if data is None else parse_decision(data)

    def journal(self) -> list[JournalEntry]:
        """Every change so far; ``ownhue.journal.verify_chain`` checks that none was altered."""
        return [parse_entry(row.value) for row in self._store.bytes_rows("journal")]
