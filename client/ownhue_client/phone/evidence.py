"""What was found when published keys were compared with what was heard: exposure windows and withdrawals.

- A key counts once, by its first publication: published again as new, it adds nothing.
- A revised key changes what is kept of it: REVOKED withdraws it, another report type replaces the old one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ownhue.exposure import ExposureWindow
from ownhue.key_file import ExposureKey
from ownhue.params import ReportType
from ownhue_client.phone.records import day_of, window_of, window_record
from ownhue_client.phone.store import Store


class Evidence:
    """Windows and withdrawals in *store*. Writing is the caller's transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def windows(self) -> list[ExposureWindow]:
        """Every window, withdrawn ones too."""
        return [window_of(row.value) for row in self._store.rows("windows")]

    def withdrawn(self) -> dict[bytes, int]:
        """Withdrawn key -> unix second at which its withdrawal was published."""
        return {bytes(row.value[0]): int(row.value[1]) for row in self._store.rows("withdrawn")}

    def add(self, windows: Iterable[ExposureWindow]) -> int:
        """Keep the windows of keys that are not known yet; how many these were."""
        found = list(windows)
        known = {window.source for window in self.windows()} if found else set()
        fresh = [window for window in found if window.source not in known]
        for window in fresh:
            self._store.add("windows", day_of(window.start), window_record(window))
        return len(fresh)

    def revise(self, keys: Sequence[ExposureKey], published_at: int) -> int:
        """Apply revised keys to what is kept; how many of them this phone had heard."""
        revised = {key.data: key for key in keys}
        withdrawn = self.withdrawn()
        met: set[bytes] = set()
        for row in self._store.rows("windows") if revised else ():
            window = window_of(row.value)
            key = revised.get(window.source)
            if key is None:
                continue
            if key.report_type != ReportType.REVOKED:
                changed = replace(window, report_type=int(key.report_type), days_since_onset=key.days_since_onset)
                self._store.replace("windows", row, window_record(changed))
            elif key.data not in withdrawn:
                self._store.add("withdrawn", row.day, [key.data, published_at])
                withdrawn[key.data] = published_at
            met.add(key.data)
        return len(met)
