"""The regions that the owner visits, and by what they are known. specs/region.md sections 4 and 5

    visits.visit("coast", until=now + 21 * 86400, now=now)
    visits.leave("coast")
    visits.names(now)                            # ["coast"]

- The owner names them; nothing that is published adds one. At most MAX_VISITED at once.
- A visited region's file and root come from anywhere: the home region's directory names them by their digests.
- What was found in a region's key files stays when the region is left: it happened.
"""

from collections.abc import Callable
from typing import NamedTuple

from ownhue.errors import LimitError, StateError, VerificationError
from ownhue.regions import MAX_VISITED, RegionEntry, Regions, open_region_file
from ownhue.trust.metadata import parse_trust_file
from ownhue.trust.schema import Root
from ownhue_client.fetching import Fetch
from ownhue_client.phone.followed import state_name
from ownhue_client.phone.installed import Installed
from ownhue_client.phone.sources import REGION_FILE
from ownhue_client.phone.store import Store

#: State: [[name, since, until or 0], ...].
_VISITS = "visits"
#: Folder of trust metadata in a published folder. specs/trust.md section 1
TRUST_FOLDER = "trust"


class Visit(NamedTuple):
    """A region that the owner named. Times in unix seconds."""

    name: str
    """Short name of the region."""
    since: int
    """When the owner named it."""
    until: int | None
    """Until when it is followed; None: until the owner leaves it."""


class Visits:
    """The visited regions in *store*, of a phone of the region *home*."""

    def __init__(self, store: Store, home: str, directory: Callable[[], Regions | None]) -> None:
        self._store = store
        self._home = home
        self._directory = directory

    def visit(self, name: str, until: int | None, now: int) -> None:
        """Follow *name* from the next synchronisation on, until *until* (unix seconds). Named again: with the new end.

        Raises StateError: the home region, a region that the directory does not list, or an end that has passed;
        LimitError: more than MAX_VISITED.
        """
        if name == self._home:
            raise StateError("this is the home region; it is followed anyway")
        if until is not None and until <= now:
            raise StateError("the visit would be over already")
        directory = self._directory()
        if directory is None:
            raise StateError("the home region's directory is not known yet; synchronise first")
        directory.entry(name)
        others = [visit for visit in self.all() if visit.name != name and _runs(visit, now)]
        if len(others) >= MAX_VISITED:
            raise LimitError(f"a phone follows at most {MAX_VISITED} other regions; leave one first")
        self._put([*others, Visit(name, now, until)])

    def leave(self, name: str) -> None:
        """Follow *name* no more, and forget how far it was followed. Raises StateError when it is not visited."""
        visits = self.all()
        if name not in [visit.name for visit in visits]:
            raise StateError("this region is not visited")
        with self._store.atomic():
            self._put([visit for visit in visits if visit.name != name])
            self._forget(name)

    def running(self, now: int) -> list[Visit]:
        """The visits that go on at *now* (unix seconds). Those that are over are forgotten."""
        visits = self.all()
        with self._store.atomic():
            for visit in visits:
                if not _runs(visit, now):
                    self.leave(visit.name)
        return [visit for visit in visits if _runs(visit, now)]

    def all(self) -> list[Visit]:
        """Every visit that is kept, by name."""
        return sorted(Visit(name, since, until or None) for name, since, until in self._store.get(_VISITS, []))

    def installed(self, entry: RegionEntry, fetch: Fetch) -> Installed:
        """The region of *entry* by its own file and root, which *fetch* gives where they are not known yet.

        Raises VerificationError, FormatError for others than the directory names, and what *fetch* raises. A region
        whose root is withheld is not followed: its region file alone would bring back keys that were replaced.
        """
        named = [entry.region_sha256, list(entry.root_keys), entry.root_threshold]
        kept = self._store.get(_known_name(entry.name))
        if kept and kept[0] == named:
            return Installed.of_record(kept[1])
        installed = Installed(
            open_region_file(entry, fetch(REGION_FILE)), check_root(entry, fetch(f"{TRUST_FOLDER}/1.root.json"))
        )
        with self._store.atomic():
            if kept and Installed.of_record(kept[1]).root != installed.root:
                # Another root is another trust: what the old one led to binds nobody.
                self._forget(entry.name)
            self._store.put(_known_name(entry.name), [named, installed.record()])
        return installed

    def _forget(self, name: str) -> None:
        self._store.drop(state_name(name))
        self._store.drop(_known_name(name))
        for row in self._store.rows("pending"):
            if row.value[0] == name:
                self._store.delete("pending", row)

    def _put(self, visits: list[Visit]) -> None:
        self._store.put(_VISITS, [[visit.name, visit.since, visit.until or 0] for visit in visits])


def check_root(entry: RegionEntry, root: bytes) -> bytes:
    """*root*, if its root role has exactly the keys and the threshold that *entry* names. Raises VerificationError."""
    role = parse_trust_file(root, Root).signed.roles.root
    if (role.keyids, role.threshold) != (entry.root_keys, entry.root_threshold):
        raise VerificationError("the region's root of trust is not the one that the home region's directory names")
    return root


def _runs(visit: Visit, now: int) -> bool:
    return visit.until is None or now < visit.until


def _known_name(region: str) -> str:
    return f"visited.{region}"
