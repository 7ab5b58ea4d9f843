"""The phone's own temporary exposure keys and the beacon of the moment. specs/identifiers.md, specs/report.md

- A new random key per aligned period of 12 intervals (2 h); no two keys of one phone overlap.
- A key is in the store before its first beacon is handed out.
- The current key can be ended at once (before it is reported): it stays valid to the end of the current interval,
  because its identifier of that interval is already in the air; the next interval gets a new key.
"""

from collections.abc import Callable

from ownhue.identifiers import Beacon, Metadata, TemporaryExposureKey, interval_number, period_start
from ownhue.params import KEY_PERIOD
from ownhue.place_tag import beacon_in
from ownhue.report import withdrawal_secret
from ownhue_client.phone.records import interval_day
from ownhue_client.phone.store import Store

TEK_BYTES = 16
#: The state under which the secret lies that every withdrawal secret is derived from.
PHONE_SECRET = "phone_secret"  # noqa: S105 - a name


class OwnKeys:
    """Own keys in *store*; ``random(n)`` gives n bytes."""

    def __init__(self, store: Store, random: Callable[[int], bytes], transmit_power: int) -> None:
        """*transmit_power* in dBm, -50 to 20; FormatError otherwise."""
        self._store = store
        self._random = random
        self._metadata = Metadata(transmit_power=transmit_power)
        self._beacon: tuple[int, Beacon] | None = None

    def beacon_at(self, now: int, cell: int | None = None) -> Beacon:
        """What the radio sends in the interval of *now* (unix seconds), begun in *cell* (resolution 7; None: unknown).

        The first call in an interval decides: what is on the air is not changed in the middle of it.
        """
        interval = interval_number(now)
        if self._beacon is None or self._beacon[0] != interval:
            self._beacon = (interval, beacon_in(self.key_at(interval), interval, self._metadata, cell))
        return self._beacon[1]

    def key_at(self, interval: int) -> TemporaryExposureKey:
        """The key that covers *interval*, made and stored if there is none."""
        # Whole: the radio asks for it while a claim looks at the periods in another thread.
        with self._store.atomic():
            known = self.of_day(interval_day(interval))
            for key in known:
                if key.covers(interval):
                    return key
            start = period_start(interval)
            begin = max([start, *(key.end for key in known if key.end <= interval)])
            end = min([start + KEY_PERIOD, *(key.rolling_start for key in known if key.rolling_start > interval)])
            key = TemporaryExposureKey(self._random(TEK_BYTES), begin, end - begin)
            self._store.add("own_keys", interval_day(interval), [key.data, key.rolling_start, key.rolling_period])
            return key

    def of_day(self, day: int) -> list[TemporaryExposureKey]:
        """The keys of a UTC day (unix // 86400), oldest first. A period never reaches into a second day."""
        return self.of_days(day, day)

    def of_days(self, first: int, last: int) -> list[TemporaryExposureKey]:
        """The keys of the days *first* to *last*, oldest first."""
        keys = [TemporaryExposureKey(*row.value) for row in self._store.rows("own_keys", first, last)]
        return sorted(keys, key=lambda key: key.rolling_start)

    def end_current(self, now: int) -> None:
        """Cut the key of *now* to the end of the current interval."""
        end = interval_number(now) + 1
        day = interval_day(end - 1)
        for row in self._store.rows("own_keys", day, day):
            data, start, period = row.value
            if start < end < start + period:
                self._store.replace("own_keys", row, [data, start, end - start])

    def secret_of(self, key_data: bytes) -> bytes:
        """The secret that can withdraw a reported key (32 bytes)."""
        return withdrawal_secret(self._store.need(PHONE_SECRET), key_data)

    def forget_beacon(self) -> None:
        """Look into the store again for the next beacon: the key of the present one was forgotten."""
        self._beacon = None
