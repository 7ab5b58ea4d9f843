"""A server or a mirror over HTTP as the source of an audit."""

import asyncio
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import httpx

from ownhue.errors import LimitError
from ownhue_server.audit.folder import FolderSource
from ownhue_server.audit.sources import AbsentError, Budget, Source, UnreadableError

#: Seconds that one file may take.
FILE_SECONDS = 300
#: Seconds without a byte after which a server counts as gone.
SILENCE_SECONDS = 30


class UrlSource:
    """A server or a mirror, asked one file after the other."""

    lists = False

    def __init__(self, url: str, budget: Budget, file_seconds: float = FILE_SECONDS) -> None:
        self.name = url
        self._url = url.rstrip("/").removesuffix("/published")
        self._budget = budget
        self._file_seconds = file_seconds
        self._runner = asyncio.Runner()
        self._http = httpx.AsyncClient(
            timeout=SILENCE_SECONDS, trust_env=False, follow_redirects=False, headers={"Accept-Encoding": "identity"}
        )

    def copy(self, path: str, limit: int, to: BinaryIO) -> None:
        """As Source.copy."""
        self._runner.run(self._fetch(f"published/{path}", limit, to))

    def beside(self, name: str, limit: int) -> bytes:
        """As Source.beside."""
        data = BytesIO()
        self._runner.run(self._fetch(name, limit, data))
        return data.getvalue()

    def close(self) -> None:
        """As Source.close."""
        self._runner.run(self._http.aclose())
        self._runner.close()

    def paths(self) -> Iterator[tuple[str, bool]]:
        """As Source.paths: a web server does not tell."""
        return iter(())

    async def _fetch(self, path: str, limit: int, to: BinaryIO) -> None:
        self._budget.spend(0)
        try:
            # httpx's own timeouts begin anew with every byte; this one holds for all of the exchange.
            async with asyncio.timeout(self._file_seconds):
                async with self._http.stream("GET", f"{self._url}/{path}") as answer:
                    await self._take(answer, path, limit, to)
        except TimeoutError as error:
            raise UnreadableError(f"{path} did not come within {self._file_seconds:g} seconds") from error
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise UnreadableError(f"{path} cannot be had: {type(error).__name__}") from error

    async def _take(self, answer: httpx.Response, path: str, limit: int, to: BinaryIO) -> None:
        if answer.status_code in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
            raise AbsentError(f"there is no {path}")
        if answer.status_code != httpx.codes.OK:
            raise UnreadableError(f"the server answers {answer.status_code} to {path}")
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise UnreadableError(f"{path} comes compressed, which nobody asked for")
        left = limit
        async for piece in answer.aiter_raw():
            left -= len(piece)
            self._budget.spend(len(piece))
            if left < 0:
                raise LimitError(f"{path} is longer than {limit} bytes")
            to.write(piece)


def open_source(name: str, budget: Budget) -> Source:
    """The source of a URL or of a folder. Raises StateError for a folder that is none."""
    if name.startswith(("http://", "https://")):
        return UrlSource(name, budget)
    return FolderSource(Path(name), budget)
