"""Where an audit reads: a server or mirror over HTTP, or a folder. Nothing that is read is trusted.

    source = open_source("https://health.example", Budget())          # or a folder
    read(source, "head", MAX_NOTE_BYTES)

- Every file has a limit in bytes and in seconds, also against a server that sends one byte a minute, be it of its
  header lines. All files together have limits, too: :class:`Budget`.
- No redirect is followed, no compressed answer unfolded, no proxy of the environment used.
- In a folder no link is followed on any step, and only files are opened: no pipe, no device.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO, Protocol

from ownhue.errors import OwnhueError


class AbsentError(OwnhueError):
    """There is no such file."""


class UnreadableError(OwnhueError):
    """The file cannot be had: no answer, an error of the server, a link where a file should be."""


class ExhaustedError(OwnhueError):
    """The audit as a whole needs more bytes or time than it may."""


@dataclass
class Budget:
    """What all files of an audit may cost together."""

    bytes_left: int = 64 << 30
    """Bytes that may still be read."""
    seconds: float = 6 * 3600
    """Seconds from the making of this value to the end."""
    monotonic: Callable[[], float] = time.monotonic
    _until: float = field(init=False)

    def __post_init__(self) -> None:
        self._until = self.monotonic() + self.seconds

    def spend(self, count: int) -> None:
        """*count* bytes were read. Raises ExhaustedError."""
        self.bytes_left -= count
        if self.bytes_left < 0 or self.monotonic() > self._until:
            raise ExhaustedError("the server has more than an audit reads, or is too slow")


class Source(Protocol):
    """Something that has published files."""

    name: str
    """What to call it."""
    lists: bool
    """Whether it can tell which files it has."""

    def copy(self, path: str, limit: int, to: BinaryIO) -> None:
        """Copy the file at *path* (below ``published/``) of at most *limit* bytes.

        Raises AbsentError, UnreadableError, LimitError, ExhaustedError.
        """

    def beside(self, name: str, limit: int) -> bytes:
        """The file *name* beside ``published/``. Raises as :meth:`copy`."""

    def close(self) -> None:
        """Let go of connections."""

    def paths(self) -> Iterator[tuple[str, bool]]:
        """Every path there is, and whether it is a file (else a link, a pipe ...). Empty for what cannot tell."""


def read(source: Source, path: str, limit: int) -> bytes:
    """The bytes of a small file. Raises as :meth:`Source.copy`."""
    data = BytesIO()
    source.copy(path, limit, data)
    return data.getvalue()
