"""Where the publisher gets the documents that the other roles want published."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import httpx

from ownhue.documents import open_document
from ownhue.errors import OwnhueError
from ownhue_server import logs
from ownhue_server.config import Config, Role
from ownhue_server.online_keys import public_keys

#: Paths of a role's documents, by kind, for a publisher in another process. specs/http-api.md
PATHS = {
    Role.AUTHORITY: {
        "report-keys": "/authority/v1/documents/report-keys",
        "rulebook": "/authority/v1/documents/rulebook",
        "certificate-trust": "/authority/v1/documents/certificate-trust",
        "regions": "/authority/v1/documents/regions",
    },
    Role.ISSUER: {"epochs": "/issuer/v1/epochs", "past-epochs": "/issuer/v1/past-epochs"},
}
#: Seconds that a role may take to answer.
FETCH_SECONDS = 10
#: Longest document that is taken.
MAX_BYTES = 1 << 20

_log = logs.get("publisher")


class Document(NamedTuple):
    """A file to be published that is named after its content."""

    folder: str
    """Folder below the published one; for most the kind of the document."""
    content: bytes
    """The file."""


class Source(Protocol):
    """A role in this process that has documents."""

    def documents(self, now: int) -> Sequence[Document]:
        """Documents to be published at *now* (unix seconds)."""


class DocumentSources:
    """The authority and the issuer, each in this process or at its url."""

    def __init__(self, config: Config, local: Mapping[Role, Source | None]) -> None:
        self._config = config
        self._local = local
        self._http = httpx.AsyncClient(timeout=FETCH_SECONDS, trust_env=False)

    async def documents(self, now: int) -> Sequence[Document]:
        """All documents for *now*.

        One that cannot be had or is not signed by its role is left out: what was published of it goes on to hold.
        """
        documents: list[Document] = []
        for role, paths in PATHS.items():
            source = self._local[role]
            if source is not None:
                documents += await self._ask(role, source, now)
                continue
            for kind, path in paths.items():
                content = await self._fetch(role, kind, path)
                documents += [] if content is None else [Document(kind, content)]
        return documents

    async def _ask(self, role: Role, source: Source, now: int) -> Sequence[Document]:
        """The documents of a role in this process; none when it fails, as when it cannot be reached."""
        try:
            return await asyncio.to_thread(source.documents, now)
        except Exception as error:  # noqa: BLE001 - whatever one role suffers from
            # A damaged key of one role must not keep back the keys of those who are ill.
            _log.error("the documents of a role cannot be had", role=role.value, error=type(error).__name__)
            return []

    async def close(self) -> None:
        """Close connections."""
        await self._http.aclose()

    async def _fetch(self, role: Role, kind: str, path: str) -> bytes | None:
        url, body = self._config.url_of(role) + path, bytearray()
        try:
            async with self._http.stream("GET", url) as answer:
                if answer.status_code == 404:
                    _log.info("nothing to publish yet", kind=kind)
                    return None
                answer.raise_for_status()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_BYTES:
                        _log.warning("a document is too long", kind=kind)
                        return None
            # What a broken front answers in the role's place would stay in the log for ever.
            open_document(bytes(body), kind, public_keys(self._config, role.value))
        except (httpx.HTTPError, OwnhueError) as error:
            _log.warning("a document cannot be had", kind=kind, error=type(error).__name__)
            return None
        return bytes(body)
