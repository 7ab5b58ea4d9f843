"""Fetching published files: over HTTP, from mirrors, from a copy of the folder. specs/publication.md sections 1 and 6

    fetch = retrying(http_fetch(client, region.url, cache=HeadCache()), Retries(time.sleep, random.random))
    fetch = folder_fetch(Path("/media/stick/published"))

A fetch is a callable from a path to bytes. It promises nothing about what the bytes are, only how many there are at
most; ``ownhue_client.publication`` checks the rest, so any mirror will do.
"""

from ownhue_client.fetching.client import SILENCE_SECONDS, open_client
from ownhue_client.fetching.folder import folder_fetch, is_folder
from ownhue_client.fetching.http import HeadCache, check_status, etag_of, http_fetch
from ownhue_client.fetching.limits import (
    FILE_SECONDS,
    HTTP_TROUBLE,
    MAX_FILE_BYTES,
    Deadline,
    Fetch,
    file_deadline,
    limit_of,
    read_limited,
)
from ownhue_client.fetching.mirrors import Mirror, mirror_fetch, try_mirrors
from ownhue_client.fetching.retries import Retries, retrying

__all__ = [
    "FILE_SECONDS",
    "HTTP_TROUBLE",
    "MAX_FILE_BYTES",
    "SILENCE_SECONDS",
    "Deadline",
    "Fetch",
    "HeadCache",
    "Mirror",
    "Retries",
    "check_status",
    "etag_of",
    "file_deadline",
    "folder_fetch",
    "http_fetch",
    "is_folder",
    "limit_of",
    "mirror_fetch",
    "open_client",
    "read_limited",
    "retrying",
    "try_mirrors",
]
