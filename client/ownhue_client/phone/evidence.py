"""What was found when published keys were compared with what was heard: exposure windows and withdrawals.

- A key counts once, by its first publication: published again as new, it adds nothing. Only the home region's word
  takes the place of another's: its rulebook decides, so its report of a key does too.
- A revised key changes what is kept of it: REVOKED withdraws it, another report type replaces the old one. A region
  revises what it published itself; else a visited region could take back what the home region reported.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ownhue.exposure import ExposureWindow
from ownhue.key_file import ExposureKey
from ownhue.params import ReportType
from ownhue_client.phone.records import day_of, window_of, window_record
from ownhue_client.phone.store import Row, Store


class Evidence:
    """Windows and withdrawals in *store*, of the regions that a phone of the region *home* follows.

    Writing is the caller's transaction.
    """

    def __init__(self, store: Store, home: str) -> None:
        self._store = store
        self._home = home

    def windows(self) -> list[ExposureWindow]:
        """Every window, withdrawn ones too."""
        return [window for _, _, window in self._kept()]

    def withdrawn(self) -> dict[bytes, int]:
        """Withdrawn key -> unix second at which its withdrawal was published."""
        return {bytes(row.value[0]): int(row.value[1]) for row in self._store.rows("withdrawn")}

    def add(self, windows: Iterable[ExposureWindow], region: str) -> int:
        """Keep the windows of keys that *region* is the first to publish; how many these were."""
        found = list(windows)
        if not found:
            return 0
        if region == self._home:
            self._replace_foreign({window.source for window in found})
        known = {window.source for window in self.windows()}
        fresh = [window for window in found if window.source not in known]
        for window in fresh:
            self._store.add("windows", day_of(window.start), [region, *window_record(window)])
        return len(fresh)

    def revise(self, keys: Sequence[ExposureKey], published_at: int, region: str) -> int:
        """Apply revised keys of *region* to what it published; how many of them this phone had heard."""
        revised = {key.data: key for key in keys}
        if not revised:
            return 0
        withdrawn = self.withdrawn()
        met: set[bytes] = set()
        for row, publisher, window in self._kept():
            key = revised.get(window.source)
            if key is None or publisher != region:
                continue
            if key.report_type != ReportType.REVOKED:
                changed = replace(window, report_type=int(key.report_type), days_since_onset=key.days_since_onset)
                self._store.replace("windows", row, [region, *window_record(changed)])
            elif key.data not in withdrawn:
                self._store.add("withdrawn", row.day, [key.data, published_at])
                withdrawn[key.data] = published_at
            met.add(key.data)
        return len(met)

    def _replace_foreign(self, sources: set[bytes]) -> None:
        """Forget what other regions said of keys that the home region publishes now."""
        foreign = {window.source for _, region, window in self._kept() if region != self._home} & sources
        for row, region, window in self._kept() if foreign else ():
            if region != self._home and window.source in foreign:
                self._store.delete("windows", row)
        for row in self._store.rows("withdrawn") if foreign else ():
            if row.value[0] in foreign:
                self._store.delete("withdrawn", row)

    def _kept(self) -> list[tuple[Row, str, ExposureWindow]]:
        """Every row of a window, the region that published it, and the window."""
        return [(row, str(row.value[0]), window_of(row.value[1:])) for row in self._store.rows("windows")]
