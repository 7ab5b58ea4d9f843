"""Targets: which published files are in force. specs/trust.md section 9

    targets = targets_at(state, now)                               # trust.py
    newest = targets.current("rulebook", now)                      # the rulebook in force; raises when there is none
    newest.verify(data)                                            # raises unless *data* is exactly that file
    targets.upcoming("trust-roles", now)                           # what is announced and will count later

- A target is named by its path in the published folder, which holds its SHA-256: one path never has two contents.
- Folders are kinds. In each folder the target with the latest ``from`` that has come is in force; those ahead are the
  next versions, announced so that nobody is surprised by a new key or rule.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from ownhue.errors import StateError, VerificationError
from ownhue.trust.schema import Targets


@dataclass(frozen=True, slots=True)
class Target:
    """One published file that a targets file names."""

    path: str
    """Path in the published folder."""
    sha256: bytes
    """Its digest, 32 bytes."""
    length: int
    """Its bytes."""
    since: int
    """Unix second from which on it counts."""

    @property
    def folder(self) -> str:
        """First part of the path: what kind of file it is."""
        return self.path.partition("/")[0]

    def verify(self, data: bytes) -> bytes:
        """*data*, if it is exactly this file. Raises VerificationError."""
        if len(data) != self.length or sha256(data).digest() != self.sha256:
            raise VerificationError(f"{self.folder}: the file is not the one that is trusted")
        return data


@dataclass(frozen=True, slots=True)
class TrustedTargets:
    """The files that a region's trust metadata names."""

    targets: tuple[Target, ...]
    """By their paths."""

    @classmethod
    def of(cls, signed: Targets) -> "TrustedTargets":
        """The targets of a file that was verified."""
        return cls(tuple(_targets(signed)))

    def find(self, path: str) -> Target:
        """The target of *path*. Raises VerificationError for a file that nobody vouches for."""
        for target in self.targets:
            if target.path == path:
                return target
        raise VerificationError("the trust metadata does not name this file")

    def verify(self, path: str, data: bytes) -> bytes:
        """*data*, if it is the file of *path*. Raises VerificationError."""
        return self.find(path).verify(data)

    def current(self, folder: str, now: int) -> Target:
        """The target of *folder* that is in force at *now* (unix seconds). Raises StateError when none is."""
        due = [target for target in self.targets if target.folder == folder and target.since <= now]
        if not due:
            raise StateError(f"no file of {folder} is in force")
        return max(due, key=lambda target: target.since)

    def upcoming(self, folder: str, now: int) -> tuple[Target, ...]:
        """The targets of *folder* that will be in force after *now*, the next one first."""
        ahead = [target for target in self.targets if target.folder == folder and target.since > now]
        return tuple(sorted(ahead, key=lambda target: target.since))


def _targets(signed: Targets) -> Iterator[Target]:
    for path, target in sorted(signed.targets.items()):
        yield Target(path, bytes.fromhex(target.hashes.sha256), target.length, target.custom.since)
