"""What the radio heard and when it listened. specs/exposure.md section 1, specs/identifiers.md section 6

A scan in which somebody was heard is noted by its sightings; :meth:`Hearing.note_scans` is for the others, and for
those that were planned and did not run (listening.py). Every sighting is kept with what the clock anchor said then.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

from ownhue.errors import FormatError
from ownhue.identifiers import Beacon
from ownhue.matching import Sighting
from ownhue.params import RETENTION_DAYS
from ownhue_client.phone.anchor import Anchor
from ownhue_client.phone.listening import Listening
from ownhue_client.phone.records import day_of, pack_sightings, unpack_sightings
from ownhue_client.phone.store import Store


class Hearing:
    """Sightings and scans in *store*, bounded by *anchor*."""

    def __init__(self, store: Store, anchor: Anchor) -> None:
        self._store = store
        self._anchor = anchor
        self.listening = Listening(store)

    def hear(self, sightings: Iterable[Sighting]) -> None:
        """Keep *sightings*, all or none, each not before its own ``not_before`` or, where that is 0, the anchor's.

        A radio that hands over late stamps them itself. Raises FormatError for one that no radio gives.
        """
        bound = self._anchor.not_before()
        heard = list(sightings)
        groups = groupby(heard, lambda item: (day_of(item.time), item.not_before or bound))
        packed = [(day, pack_sightings(group, not_before)) for (day, not_before), group in groups]
        try:
            with self._store.atomic():
                for day, group in packed:
                    self._store.add_bytes("sightings", day, group)
                self.listening.note((sighting.time for sighting in heard), ran=True)
        except BaseException:
            self.listening.forget()
            raise

    def note_scans(self, times: Iterable[int], *, ran: bool) -> None:
        """Note planned scans at *times* (unix seconds) that heard nobody, or did not run; all or none."""
        try:
            self.listening.note(times, ran=ran)
        except BaseException:
            self.listening.forget()
            raise

    def identifiers(self, now: int) -> int:
        """How many different identifiers were heard and are still kept."""
        return len({sighting.rpi for sighting in self.sightings(day_of(now) - RETENTION_DAYS, day_of(now))})

    def sightings(self, first: int, last: int) -> Iterator[Sighting]:
        """Everything heard on the UTC days *first* to *last*."""
        for row in self._store.bytes_rows("sightings", first, last):
            yield from unpack_sightings(row.value)


def sighting_of(
    beacon: Beacon, rssi: int, scan_id: int, scan_seconds: int, now: int, rssi_correction: int = 0
) -> Sighting:
    """A heard beacon as a sighting. Raises FormatError for numbers that no radio gives."""
    if not -128 <= rssi <= 127 or not 0 <= scan_seconds <= 65535:
        raise FormatError("a received strength is -128 to 127 dBm, a scan 0 to 65535 seconds")
    return Sighting(beacon.rpi, beacon.aem, now, rssi, scan_id, scan_seconds, rssi_correction)
