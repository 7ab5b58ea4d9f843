"""The folder in which a checkpoint keeps its bundle; several processes may share it. specs/publication.md section 7

- The file is replaced in one step: a crash leaves the old or the new one.
- It never goes back: under a lock on the folder, a writer that knows less than the file takes the file's bundle.
- Two processes that were shown two histories find out here: that is a fork, and both notes are attached.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from ownhue.cosignature import WitnessPolicy
from ownhue.errors import ForkError
from ownhue.region import Region
from ownhue.trust.state import TrustedState
from ownhue_client.checkpoint.bundle import Bundle
from ownhue_client.checkpoint.bundle_file import MAX_BUNDLE_BYTES, bundle_bytes, parse_bundle
from ownhue_client.publication.trust_round import root_version

_NAME = "bundle.json"


class BundleFolder:
    """The bundle of *region* under *policy* in *directory*."""

    def __init__(self, directory: Path, region: Region, policy: WitnessPolicy) -> None:
        self._directory, self._region, self._policy = directory, region, policy

    def load(self) -> Bundle | None:
        """The bundle that is kept; None when there is none. Raises as ``parse_bundle``."""
        path = self._directory / _NAME
        if not path.exists():
            return None
        with path.open("rb") as file:
            return parse_bundle(file.read(MAX_BUNDLE_BYTES + 1), self._region, self._policy)

    def save(self, bundle: Bundle) -> Bundle:
        """Keep *bundle*, or return the newer one that another process has kept. Raises ForkError, and as load."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with _locked(self._directory):
            other = self.load()
            if other is not None and _goes_further(other, bundle):
                return other
            _write(self._directory / _NAME, bundle_bytes(bundle))
        return bundle

    def keep_evidence(self, evidence: bytes) -> None:
        """Keep a file that proves a fork, beside the bundle. One that is there stays as it is."""
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / f"fork-{sha256(evidence).hexdigest()[:16]}.json"
        with _locked(self._directory):
            if not path.exists():
                _write(path, evidence)


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: half a file of evidence would stay for good."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _goes_further(other: Bundle, bundle: Bundle) -> bool:
    """Whether the *other* bundle knows more of the one log. Raises ForkError when it knows another log."""
    for one, two in ((other, bundle), (bundle, other)):
        known = one.heads.get(two.log.size)
        if two.log.note and known is not None and known[0] != two.log.root:
            raise ForkError("two checkpoints of one folder were shown two logs", other.log.note, bundle.log.note)
    return _progress(other) > _progress(bundle)


def _progress(bundle: Bundle) -> tuple[int, int, int]:
    """A newer root first: it may be all that protects from a stolen key, whose thief can make the log longer."""
    trust = bundle.publication.trust
    version = root_version(TrustedState.from_bytes(trust).root) if trust else 0
    return version, bundle.log.size, bundle.log.head_time


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Holds the lock of a folder: on the folder itself, so that it needs no file."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
