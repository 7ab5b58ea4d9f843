"""The authority's documents that come out of files: rulebook.json, certificate-trust.json, regions.json.

Each file is canonical JSON without signatures; the document of it is signed here. A file is read again when it changes,
without a restart. One that is broken is not taken: the document of before goes on to hold, and the log says so.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from ownhue.certificate.trust_list import DOCUMENT_KIND, trust_body, trust_from_body
from ownhue.documents import sign_document
from ownhue.encoding import parse_canonical_json
from ownhue.errors import FormatError, OwnhueError, StateError
from ownhue.regions import parse_regions
from ownhue.rulebook import parse_rulebook, rulebook_bytes
from ownhue_server import logs
from ownhue_server.config import Config, naming
from ownhue_server.documents import Document

RULEBOOK, REGIONS = "rulebook", "regions"

#: State of a file as far as it can be seen without reading it: inode, time of its last change, bytes.
_Stamp = tuple[int, int, int]

_log = logs.get("authority")


def _rulebook(data: bytes, region: str) -> dict[str, Any]:
    rulebook = parse_rulebook(data)
    _check_region(rulebook.region, region)
    return dict(parse_canonical_json(rulebook_bytes(rulebook)))


def _certificate_trust(data: bytes, region: str) -> dict[str, Any]:
    trust = trust_from_body(_object(data))
    _check_region(trust.region, region)
    return trust_body(trust)


def _regions(data: bytes, region: str) -> dict[str, Any]:
    _check_region(parse_regions(data).home, region)
    return _object(data)


def _object(data: bytes) -> dict[str, Any]:
    body = parse_canonical_json(data)
    if not isinstance(body, dict):
        raise FormatError("not an object")
    return body


def _check_region(found: str, region: str) -> None:
    if found != region:
        raise FormatError("it is of another region")


#: What is made of the file of each kind.
READERS: Mapping[str, Callable[[bytes, str], dict[str, Any]]] = {
    RULEBOOK: _rulebook,
    DOCUMENT_KIND: _certificate_trust,
    REGIONS: _regions,
}


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
