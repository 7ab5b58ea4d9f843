"""Before there is a phone: which regions there are, and by what to know the one that was chosen.

    directory = directory_of(start, source, now)                 # signed by the keys of a region that one trusts
    region = chosen_region(directory, "coast", source, now)      # its file and root, by the digests in the directory

specs/region.md sections 3 and 4. The region that is trusted first comes as a file: with the application, or from where
its owner trusts it. From there on nothing is believed that is not signed, logged or named by its digest.
"""

from pathlib import Path
from typing import NamedTuple

from ownhue.documents import MAX_DOCUMENT_BYTES
from ownhue.errors import StateError, VerificationError
from ownhue.region import MAX_REGION_BYTES, Region, parse_region
from ownhue.regions import Regions, open_region_file, regions_of_body
from ownhue.trust.metadata import LIMITS
from ownhue.trust.state import trust_root
from ownhue_client.fetching import Fetch, mirror_fetch
from ownhue_client.phone.documents import REGIONS
from ownhue_client.phone.ledger import Ledger, LedgerLine
from ownhue_client.phone.sources import REGION_FILE, Source
from ownhue_client.phone.store import Row, Store
from ownhue_client.phone.visits import TRUST_FOLDER, check_root
from ownhue_client.publication import PublicationState, catch_up, named_documents, read_entry


class Chosen(NamedTuple):
    """A region and its root of trust."""

    region: Region
    root: bytes | None
    """The first root file; None: the region file's keys count for ever."""


class FirstLedger(Ledger):
    """The ledger of requests that leave before there is a store for them; then they are written into it."""

    def __init__(self) -> None:
        self._lines: list[LedgerLine] = []

    def sending(self, line: LedgerLine) -> Row:
        """As ``Ledger.sending``."""
        self._lines.append(line)
        return Row(len(self._lines) - 1, 0, line)

    def complete(self, row: Row, line: LedgerLine) -> None:
        """As ``Ledger.complete``."""
        self._lines[row.id] = line

    def lines(self) -> list[LedgerLine]:
        """Every line, oldest first."""
        return list(self._lines)

    def hand_over(self, store: Store) -> None:
        """Write every line into the ledger of *store*."""
        ledger = Ledger(store)
        for line in self._lines:
            ledger.sending(line)


def read_region(path: Path, root: Path | None) -> Chosen:
    """The region of a file, and its *root* file. Raises FormatError, VerificationError, OSError."""
    region = parse_region(_read(path, MAX_REGION_BYTES))
    if root is None:
        return Chosen(region, None)
    data = _read(root, LIMITS.root)
    trust_root(data)
    return Chosen(region, data)


def directory_of(start: Chosen, source: Source, now: int) -> Regions:
    """The directory of regions that *start* publishes, at *now* (unix seconds).

    Raises StateError when it publishes none, and as ``catch_up``: what is not in its log, or signed by others, is none.
    """
    fetch = _fetch(start.region.name, (start.region.url,), source, now)
    state, keys, entries = catch_up(fetch, start.region, PublicationState(), now, root=start.root)
    named = named_documents(fetch, state, REGIONS, now)
    if named:
        data = named[0].data
    else:
        listed = [entry for entry in entries if entry.kind == REGIONS]
        if not listed:
            raise StateError("this region publishes no directory of regions; give the region's own file")
        data = read_entry(fetch, listed[-1], MAX_DOCUMENT_BYTES)
    directory = regions_of_body(keys.open_document(data, REGIONS))
    if directory.home != start.region.name:
        raise VerificationError("the directory is of another region than the one that publishes it")
    return directory


def chosen_region(directory: Regions, name: str, source: Source, now: int) -> Chosen:
    """The region *name* of *directory*: its file and root from its own servers, by the digests of the directory.

    Raises StateError when it is not listed, VerificationError for other files, UnreachableError, MissingError.
    """
    entry = directory.entry(name)
    fetch = _fetch(name, entry.urls, source, now)
    region = open_region_file(entry, fetch(REGION_FILE))
    return Chosen(region, check_root(entry, fetch(f"{TRUST_FOLDER}/1.root.json")))


def _fetch(name: str, urls: tuple[str, ...], source: Source, now: int) -> Fetch:
    return mirror_fetch(source.copies(name, urls, now))


def _read(path: Path, limit: int) -> bytes:
    """A file of at most one byte more than *limit*: its reader refuses what is too long."""
    with path.open("rb") as file:
        return file.read(limit + 1)
