"""Fetching published files: from a server over HTTP, or from a copy of the folder. specs/publication.md section 1

A fetch is a callable from a path to bytes. It promises nothing about what the bytes are, only how many there are at
most; ``publication.py`` checks the rest, so any mirror will do.
"""

from collections.abc import Callable
from pathlib import Path

import httpx

from ownhue.errors import LimitError
from ownhue_client.errors import MissingError, UnreachableError

#: Gives the bytes of a path below ``published/``. Raises UnreachableError, MissingError or LimitError.
Fetch = Callable[[str], bytes]

#: Longest published file in bytes. specs/publication.md section 1
MAX_FILE_BYTES = 64 << 20


def http_fetch(client: httpx.Client, url: str, limit: int = MAX_FILE_BYTES) -> Fetch:
    """Fetch below ``{url}/published/`` over HTTP, never more than *limit* bytes (LimitError)."""

    def fetch(path: str) -> bytes:
        data = bytearray()
        try:
            with client.stream("GET", f"{url}/published/{path}", headers={"Accept-Encoding": "identity"}) as answer:
                if answer.status_code in (404, 410):
                    raise MissingError(f"the server has no {path}")
                if answer.status_code != 200:
                    raise UnreachableError(f"the server answered {answer.status_code}")
                for chunk in answer.iter_bytes():
                    data += chunk
                    if len(data) > limit:
                        raise LimitError(f"{path} is longer than {limit} bytes")
        except httpx.HTTPError as error:
            raise UnreachableError(f"the server could not be reached: {type(error).__name__}") from error
        return bytes(data)

    return fetch


def folder_fetch(folder: Path, limit: int = MAX_FILE_BYTES) -> Fetch:
    """Fetch from a copy of ``published/`` in *folder* (a mirror, a USB stick)."""

    def fetch(path: str) -> bytes:
        try:
            with (folder / path).open("rb") as file:
                data = file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise MissingError(f"the folder has no {path}") from error
        except OSError as error:
            raise UnreachableError(f"the folder cannot be read: {type(error).__name__}") from error
        if len(data) > limit:
            raise LimitError(f"{path} is longer than {limit} bytes")
        return data

    return fetch
