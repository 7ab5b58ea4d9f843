"""Sightings that belonged to a published key and did not count: how many, and why. specs/identifiers.md section 7

Kept by the UTC day on which they were compared, for 14 days, as numbers: which key or when it was heard is not kept. A
state: [[day, [count of each reason, in the order of DISCARD_REASONS]], ...].
"""

from collections.abc import Mapping

from ownhue.matching import DISCARD_REASONS
from ownhue.params import RETENTION_DAYS
from ownhue_client.phone.store import Store

_STATE = "discarded"
_WORDS = {
    "out_of_tolerance": "heard hours before or after it was sent: replayed",
    "clock_turned_back": "heard while the clock was set back",
    "after_publication": "heard after anybody could send it",
    "bad_metadata": "changed on the way",
    "relayed": "sent at another place: relayed",
}


class Discarded:
    """Counts in *store*. Writing is the caller's transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, day: int, counts: Mapping[str, int]) -> None:
        """Add *counts* (by reason) to those of *day*, and forget what is older than 14 days."""
        if not any(counts.values()):
            return
        kept = {at: numbers for at, numbers in self._kept().items() if day - RETENTION_DAYS <= at}
        before = kept.get(day, [0] * len(DISCARD_REASONS))
        kept[day] = [number + counts.get(reason, 0) for reason, number in zip(DISCARD_REASONS, before, strict=True)]
        self._put(kept)

    def counts(self, today: int) -> dict[str, int]:
        """The sum of the last 14 days, by reason."""
        kept = [numbers for day, numbers in self._kept().items() if today - RETENTION_DAYS <= day <= today]
        return {reason: sum(numbers[at] for numbers in kept) for at, reason in enumerate(DISCARD_REASONS)}

    def forget(self, day: int) -> None:
        """Forget the counts of *day*."""
        kept = self._kept()
        if kept.pop(day, None) is not None:
            self._put(kept)

    def _kept(self) -> dict[int, list[int]]:
        return {int(day): list(numbers) for day, numbers in self._store.get(_STATE, [])}

    def _put(self, kept: Mapping[int, list[int]]) -> None:
        self._store.put(_STATE, [[day, numbers] for day, numbers in sorted(kept.items())])


def discarded_words(counts: Mapping[str, int]) -> list[str]:
    """*counts* (by reason) in plain lines, for `why`; none where all counted."""
    return [
        f"not counted: {count} sighting{'' if count == 1 else 's'} of a published key, {_WORDS[reason]}"
        for reason, count in counts.items()
        if count
    ]
