"""An auditor beside the city: follows the log like any client and looks at every key file that was published."""

from dataclasses import dataclass

import httpx

from ownhue.key_file import KeyFile, read_key_file
from ownhue.log import LogEntry
from ownhue.region import Region
from ownhue_client.fetching import http_fetch
from ownhue_client.publication import LogState, follow, read_entry


@dataclass(frozen=True)
class SeenFile:
    """A published key file: its place in the log, its bytes, and what it says."""

    entry: LogEntry
    data: bytes
    content: KeyFile


class Auditor:
    """Looks at *region*'s publication through *http*."""

    def __init__(self, region: Region, http: httpx.Client) -> None:
        self._region = region
        self._fetch = http_fetch(http, region.url)
        self._state = LogState()

    def new_key_files(self, now: int) -> list[SeenFile]:
        """The key files published since the last look, all verified. Raises as ``publication.follow``."""
        self._state, entries = follow(self._fetch, self._region, self._state, now)
        files = [(entry, read_entry(self._fetch, entry)) for entry in entries if entry.kind == "keys"]
        return [SeenFile(entry, data, read_key_file(data, self._region.key_file_public_key)) for entry, data in files]
