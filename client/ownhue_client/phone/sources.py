"""Where a phone reads what is published: servers and mirrors, or a folder. specs/publication.md section 1

    source = ServerSource(lambda url: Door(client, url, ledger, settings), home="demo")
    source = FolderSource(Path("/media/stick"), ledger, home="demo")
    source.copies("demo", urls, now)              # for try_mirrors and mirror_fetch, in the order in which to try

- Any copy will do: what it gives is checked against signatures and the log. So the addresses of a directory are used
  for reading; what a phone sends goes to the address of its region file alone.
- A folder is read without a single byte leaving the phone. The ledger says so all the same, once for each region.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from ownhue_client.errors import MissingError
from ownhue_client.fetching import MAX_FILE_BYTES, Fetch, Mirror, Retries, folder_fetch, is_folder, limit_of, retrying
from ownhue_client.phone.budget import Budget
from ownhue_client.phone.door import Door
from ownhue_client.phone.ledger import Ledger, LedgerLine
from ownhue_client.phone.store import Row

#: The one name that a copy serves beside its published folder.
REGION_FILE = "region.json"
READ_FROM_A_FOLDER = "read from a folder; nothing left the phone"
_PUBLISHED = "published"


class Source(Protocol):
    """Gives the files of regions."""

    def copies(self, region: str, urls: Sequence[str], now: int) -> tuple[Mirror, ...]:
        """Copies of what *region* publishes, in the order in which to try. *urls*: where it publishes.

        Each fetches below the published folder, and REGION_FILE.
        """


class ServerSource:
    """The servers at the addresses of a region; *door* opens a door to one. *home*: name of the home region.

    With *retries* a file is asked for again where that may help; each request stands in the ledger. All that is asked
    for together, of all regions, stays within *budget*.
    """

    def __init__(
        self, door: Callable[[str], Door], home: str, retries: Retries | None = None, budget: Budget | None = None
    ) -> None:
        self._budget = budget
        self._door = door
        self._home = home
        self._retries = retries

    def copies(self, region: str, urls: Sequence[str], now: int) -> tuple[Mirror, ...]:
        """As :meth:`Source.copies`."""
        return tuple(Mirror(url, self._fetch(region, url, now)) for url in urls)

    def _fetch(self, region: str, url: str, now: int) -> Fetch:
        door = self._door(url)
        whose = "" if region == self._home else f" of {region}"

        def fetch(path: str) -> bytes:
            where = f"/{path}" if path == REGION_FILE else f"/{_PUBLISHED}/{path}"
            purpose = _purpose(path) + whose
            if self._budget is None:
                return door.fetch(where, purpose, now, limit_of(path))
            return self._budget.spend(lambda most: door.fetch(where, purpose, now, most), limit_of(path))

        return fetch if self._retries is None else retrying(fetch, self._retries)


class FolderSource:
    """A stick or a disk: ``published/`` of the home region *home*, and of others ``regions/<name>/published/`` with
    ``regions/<name>/region.json``. A folder without ``published/`` is taken for the home region's."""

    def __init__(self, folder: Path, ledger: Ledger, home: str, limit: int = MAX_FILE_BYTES) -> None:
        self._folder = folder
        self._ledger = ledger
        self._home = home
        self._limit = limit

    def copies(self, region: str, urls: Sequence[str], now: int) -> tuple[Mirror, ...]:
        """As :meth:`Source.copies`. The *urls* are not looked at."""
        del urls
        place = self._folder if region == self._home else self._folder / "regions" / region
        return (Mirror("the folder", self._fetch(place, now)),)

    def _fetch(self, place: Path, now: int) -> Fetch:
        has_folder = is_folder(place / _PUBLISHED)
        fetch_published = folder_fetch(place / _PUBLISHED if has_folder else place, self._limit)
        fetch_beside = folder_fetch(place, self._limit)
        row: Row | None = None
        total = 0

        def fetch(path: str) -> bytes:
            nonlocal row, total
            if row is None:
                if not is_folder(place):
                    raise MissingError("the folder holds nothing of this region")
                row = self._ledger.sending(LedgerLine(now, "", READ_FROM_A_FOLDER, 0, 0))
            data = fetch_beside(path) if path == REGION_FILE else fetch_published(path)
            total += len(data)
            self._ledger.answered(row, total, "read")
            return data

        return fetch


def _purpose(path: str) -> str:
    kind = path.partition("/")[0]
    names = {
        "head": "newest state of the log",
        "tile": "list of published files",
        "keys": "published keys",
        "trust": "whose signatures count",
        "trust-roles": "whose signatures count",
        REGION_FILE: "region file",
    }
    return names.get(kind, f"published {kind}")
