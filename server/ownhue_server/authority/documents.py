"""The authority's documents that come out of files: rulebook.json, certificate-trust.json, regions.json.

Each file is canonical JSON without signatures; the document of it is signed here. A file is read again when it changes,
without a restart. One that is broken is not taken: the document of before goes on to hold, and the log says so.
"""

import os
from pathlib import Path

from nacl.signing import SigningKey

from ownhue.documents import sign_document
from ownhue.errors import OwnhueError, StateError
from ownhue_server import logs
from ownhue_server.config import Config, naming
from ownhue_server.document_bodies import READERS, RULEBOOK
from ownhue_server.documents import Document

#: State of a file as far as it can be seen without reading it: inode, time of its last change, bytes.
_Stamp = tuple[int, int, int]

_log = logs.get("authority")


class FileDocuments:
    """The signed documents of the files in a deployment. Raises StateError, FormatError for a rulebook that is none."""

    def __init__(self, config: Config, signing_key: SigningKey) -> None:
        self._region = config.region.name
        self._signing_key = signing_key
        self._files = {kind: config.directory / f"{kind}.json" for kind in READERS}
        self._seen: dict[str, _Stamp] = {}
        self._documents: dict[str, bytes] = {}
        # A server that starts with a rulebook that nobody can read is stopped here, where its operator looks.
        if not self._files[RULEBOOK].exists():
            raise StateError(f"{self._files[RULEBOOK]} is missing")
        for kind, path in self._files.items():
            with naming(path):
                self._read(kind, path)

    def documents(self) -> list[Document]:
        """The documents as the files are now."""
        for kind, path in self._files.items():
            try:
                self._read(kind, path)
            except (OwnhueError, OSError) as error:
                _log.error("a document's file is broken; the one before holds", kind=kind, error=type(error).__name__)
        return [Document(kind, content) for kind, content in self._documents.items()]

    def _read(self, kind: str, path: Path) -> None:
        """Take up the file if it is another one than before; a file that is gone changes nothing."""
        try:
            with path.open("rb") as file:
                found = os.fstat(file.fileno())
                stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
                if self._seen.get(kind) == stamp:
                    return
                self._seen[kind] = stamp  # Also of a broken one: it is spoken of once.
                body = READERS[kind](file.read().strip(), self._region)
        except FileNotFoundError:
            return
        self._documents[kind] = sign_document(kind, body, self._signing_key)
