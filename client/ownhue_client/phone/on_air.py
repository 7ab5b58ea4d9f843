"""Which of the phone's own identifiers were ever on the air: none of them goes there twice. specs/phone.md

It is kept by interval, and as long as the keys: without its key an identifier cannot come again, whatever the clock
says. A mark that only the newest interval is kept of would silence a phone for years after its clock was once ahead.
"""

from ownhue.identifiers import interval_number, rpi_at
from ownhue.params import MATCH_TOLERANCE
from ownhue_client.phone.keys import OwnKeys
from ownhue_client.phone.records import interval_day
from ownhue_client.phone.store import Store

_STATE = "on_air"


class OnAir:
    """What was sent, in *store*."""

    def __init__(self, store: Store, keys: OwnKeys) -> None:
        self._store = store
        self._keys = keys

    def was(self, interval: int) -> bool:
        """Whether the identifier of *interval* (ENIN) was noted."""
        return interval in self._store.get(_STATE, [])

    def note(self, interval: int) -> None:
        """The identifier of *interval* goes on the air now. What belongs to forgotten keys is forgotten with them."""
        days = {row.day for row in self._store.rows("own_keys")}
        kept = {one for one in self._store.get(_STATE, []) if interval_day(one) in days}
        self._store.put(_STATE, sorted(kept | {interval}))

    def identifiers(self, now: int) -> frozenset[bytes]:
        """The identifiers with which this phone could be heard around *now* and be believed. Makes no keys."""
        middle = interval_number(now)
        intervals = range(middle - MATCH_TOLERANCE, middle + MATCH_TOLERANCE + 1)
        keys = self._keys.of_days(interval_day(intervals[0]), interval_day(intervals[-1]))
        return frozenset(rpi_at(key, one) for key in keys for one in intervals if key.covers(one))
