"""An auditor beside the city: follows the log like any client and looks at every key file that was published."""

from dataclasses import dataclass

import httpx

from ownhue.key_file import KeyFile
from ownhue.log import LogEntry
from ownhue.region import Region
from ownhue_client.fetching import http_fetch
from ownhue_client.publication import PublicationState, catch_up, read_entry


@dataclass(frozen=True)
class SeenFile:
    """A published key file: its place in the log, its bytes, and what it says."""

    entry: LogEntry
    data: bytes
    content: KeyFile


class Auditor:
    """Looks at *region*'s publication through *http*; *root*: the root file of trust, where the region has one."""

    def __init__(self, region: Region, http: httpx.Client, root: bytes | None = None) -> None:
        self._region = region
        self._root = root
        self._fetch = http_fetch(http, region.url)
        self._state = PublicationState()

    def new_key_files(self, now: int) -> list[SeenFile]:
        """The key files published since the last look, all verified. Raises as ``publication.catch_up``."""
        self._state, keys, entries = catch_up(self._fetch, self._region, self._state, now, root=self._root)
        files = [(entry, read_entry(self._fetch, entry)) for entry in entries if entry.kind == "keys"]
        return [SeenFile(entry, data, keys.read_key_file(data)) for entry, data in files]
