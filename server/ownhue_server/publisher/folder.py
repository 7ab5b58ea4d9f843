"""The folder of published files: what everybody may fetch, and nothing else. specs/publication.md section 1

- A file appears whole or not at all (written beside, synced, renamed), and never changes afterwards; only ``head`` is
  replaced.
- Paths are lower-case words, digits, hyphens and dots between slashes; no part begins with a dot. Nothing outside the
  folder can be named.
"""

import os
import re
import shutil
from collections import OrderedDict
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from threading import Lock

from ownhue_server.storage.key_folder import sync_folder

HEAD = "head"
#: Bytes of file contents kept in memory for serving.
CACHE_BYTES = 64 << 20

_PATH = re.compile(r"[a-z0-9-][a-z0-9.-]*(?:/[a-z0-9-][a-z0-9.-]*)*")
_DRAFTS = ".drafts"


class PublishedFolder:
    """The folder at *root*, made when it is absent."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._cached_bytes = 0
        # Files are served by one thread and removed by another.
        self._cache_lock = Lock()
        (self._root / _DRAFTS).mkdir(parents=True, exist_ok=True)

    def clear_drafts(self) -> None:
        """Drop what a crash left half written: it was never visible and is made again. Only for the one writer."""
        for draft in (self._root / _DRAFTS).iterdir():
            draft.unlink()

    def read(self, path: str) -> bytes | None:
        """Content of the file at *path*; None when there is none or the path is no path of ours."""
        cached = self._cache.get(path)
        if cached is not None:
            return cached
        if len(path) > 200 or not _PATH.fullmatch(path):
            return None
        try:
            target = (self._root / path).resolve(strict=True)
            # A link that somebody planted must not lead out of the folder.
            if not target.is_relative_to(self._root):
                return None
            data = target.read_bytes()
        except OSError:
            return None
        if path != HEAD:
            self._remember(path, data)
        return data

    def holds(self, path: str, digest: bytes) -> bool:
        """Whether the file at *path* is there with this SHA-256 (32 bytes). Reads the disk."""
        try:
            return sha256((self._root / path).read_bytes()).digest() == digest
        except OSError:
            return False

    def put(self, path: str, data: bytes) -> None:
        """Write the file at *path*, whole or not at all."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = self._root / _DRAFTS / sha256(path.encode()).hexdigest()
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        sync_folder(target.parent)

    def put_head(self, note: bytes) -> None:
        """Replace the tree head, unless it is this one already."""
        if self.read(HEAD) != note:
            self.put(HEAD, note)

    def remove_batches_before(self, batch: int) -> None:
        """Delete the key files of batches below *batch*."""
        folders = (self._root / "keys").glob("*")
        self._remove(folder for folder in folders if folder.name.isdigit() and int(folder.name) < batch)

    def remove_partials_before(self, bundle: str) -> None:
        """Delete the partial bundles of which full ones exist; *bundle* is the path of the one still growing."""
        folders = (self._root / "tile").rglob("*.p")
        self._remove(folder for folder in folders if folder.with_suffix("") != self._root / bundle)

    def _remove(self, folders: Iterable[Path]) -> None:
        for folder in list(folders):
            shutil.rmtree(folder)
            with self._cache_lock:
                self._cache.clear()
                self._cached_bytes = 0

    def _remember(self, path: str, data: bytes) -> None:
        with self._cache_lock:
            self._cache[path] = data
            self._cached_bytes += len(data)
            while self._cached_bytes > CACHE_BYTES:
                self._cached_bytes -= len(self._cache.popitem(last=False)[1])
