"""Two clients of one repository in memory: ours on ``ownhue.trust``, and python-tuf's ``ngclient`` on a folder.

Both are given the same files and the same second, and say whether a round of updates held and what they trust then.
"""

import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.ngclient._internal import trusted_metadata_set
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater

from ownhue.errors import OwnhueError, VerificationError
from ownhue.trust import update_root, update_snapshot, update_targets, update_timestamp
from ownhue.trust.state import TrustedState, next_file, start, trust_root

Files = Mapping[str, bytes]
_UPDATES = (("snapshot", update_snapshot), ("targets", update_targets))


class Ours:
    """A phone: it keeps every state that an update gave, also when the round fails later."""

    def __init__(self, root: bytes) -> None:
        self.state = trust_root(root)
        self.why = ""

    def round(self, files: Files, now: int) -> bool:
        """Whether the round held."""
        self.state, self.why = start(self.state), ""
        try:
            self._round(files, now)
        except OwnhueError as error:
            self.why = f"{type(error).__name__}: {error}"
            return False
        return True

    def _round(self, files: Files, now: int) -> None:
        while next_file(self.state) in files:
            self.state = update_root(self.state, files[next_file(self.state)])
        self.state = update_timestamp(self.state, _fetched(files, "timestamp.json"), now)
        for name, update in _UPDATES:
            # What a server does not have (any more) may be at hand from the last round.
            data = files.get(next_file(self.state)) or getattr(self.state, name)
            self.state = update(self.state, data, now)
        self.state = TrustedState.from_bytes(self.state.to_bytes())

    @property
    def trusted(self) -> dict[str, bytes]:
        """The files that are trusted, by role; a role of which nothing is known is left out."""
        state = self.state
        files = {"root": state.root, "timestamp": state.timestamp, "snapshot": state.snapshot, "targets": state.targets}
        return {name: data for name, data in files.items() if data}


def _fetched(files: Files, name: str) -> bytes:
    if name not in files:
        raise VerificationError(f"there is no {name}")
    return files[name]


class _Fetcher(FetcherInterface):
    def __init__(self, files: Files) -> None:
        self.files = files

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = unquote(url.rpartition("/")[2])
        if name not in self.files:
            raise DownloadHTTPError("not found", 404)
        return iter([self.files[name]])


class Theirs:
    """python-tuf's client, with its clock set."""

    def __init__(self, root: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.folder, self.monkeypatch = root, folder, monkeypatch
        self.why = ""

    def round(self, files: Files, now: int) -> bool:
        """Whether the round held."""
        moment = datetime.datetime.fromtimestamp(now, datetime.UTC)
        clock = SimpleNamespace(datetime=SimpleNamespace(now=lambda zone: moment), timezone=datetime.timezone)
        self.why = ""
        with self.monkeypatch.context() as patched:
            patched.setattr(trusted_metadata_set, "datetime", clock)
            try:
                self._updater(files).refresh()
            except (RepositoryError, DownloadError) as error:
                self.why = f"{type(error).__name__}: {error}"
                return False
        return True

    def _updater(self, files: Files) -> Updater:
        known = self.folder / "root.json"
        bootstrap = None if known.exists() else self.root
        return Updater(str(self.folder), "https://town.example/", fetcher=_Fetcher(files), bootstrap=bootstrap)

    @property
    def trusted(self) -> dict[str, Any]:
        """The files that are trusted, by role."""
        paths = {name: self.folder / f"{name}.json" for name in ("root", "timestamp", "snapshot", "targets")}
        return {name: path.read_bytes() for name, path in paths.items() if path.exists()}
