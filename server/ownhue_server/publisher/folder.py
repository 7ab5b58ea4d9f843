"""The folder of published files: what everybody may fetch, and nothing else. specs/publication.md section 1

- A file appears whole or not at all (written beside, synced, renamed), and does not change afterwards; only ``head``
  and ``trust/timestamp.json`` are replaced.
- Paths are lower-case words, digits, hyphens and dots between slashes; no part begins with a dot. Nothing outside the
  folder can be named, and no link that somebody planted is followed, neither to read nor to write.
- Several processes may write: what they write has the same bytes. What is replaced or removed is so under a lock.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path

from ownhue.errors import StateError

HEAD = "head"
#: Longest path that is looked at, in letters.
MAX_PATH = 200
#: Seconds to wait for another process to let go of the folder.
LOCK_SECONDS = 30

_PATH = re.compile(r"[a-z0-9-][a-z0-9.-]*(?:/[a-z0-9-][a-z0-9.-]*)*")
_DRAFTS, _LOCK = ".drafts", "lock"
_PIECE_BYTES = 1 << 20
_POLL_SECONDS = 0.05
#: What the system says of a file, a folder or a link in the place of something of ours.
_ELSE = frozenset({errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.ENOTEMPTY, errno.ENXIO})
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


class PublishedFolder:
    """The folder at *root*, made when it is absent."""

    def __init__(self, root: Path) -> None:
        with _told(""):
            root.mkdir(parents=True, exist_ok=True)
            self._root = root.resolve()
            (self._root / _DRAFTS).mkdir(exist_ok=True)

    # Reading.

    def open(self, path: str) -> BufferedReader | None:
        """The file at *path*, to be closed by the caller; None when there is none or the path is no path of ours."""
        if len(path) > MAX_PATH or not _PATH.fullmatch(path):
            return None
        *parts, name = path.split("/")
        with contextlib.suppress(OSError), self._inside(parts) as folder:
            # A pipe that somebody planted would keep who opens it waiting.
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return os.fdopen(descriptor, "rb")
            os.close(descriptor)
        return None

    def read(self, path: str) -> bytes | None:
        """Content of the file at *path*; None as for :meth:`open`."""
        file = self.open(path)
        if file is None:
            return None
        with file:
            return file.read()

    def holds(self, path: str, digest: bytes) -> bool:
        """Whether the file at *path* is there with this SHA-256 (32 bytes). Reads the disk, in pieces."""
        file = self.open(path)
        if file is None:
            return False
        with file:
            return hashlib.file_digest(file, "sha256").digest() == digest

    def names(self, path: str) -> list[str]:
        """Sorted names of what lies in the folder at *path* ("": in the whole); none when there is no such folder."""
        try:
            with self._inside(path.split("/") if path else []) as folder:
                return sorted(name for name in os.listdir(folder) if not name.startswith("."))
        except OSError:
            return []

    def paths(self, path: str = "") -> Iterator[str]:
        """Paths of all files in the folder at *path*, whatever they are."""
        for name in self.names(path):
            inner = f"{path}/{name}" if path else name
            # Whatever lies deeper than any of ours, it is enough to name its folder.
            if len(inner) <= MAX_PATH and (self._root / inner).is_dir() and not (self._root / inner).is_symlink():
                yield from self.paths(inner)
            else:
                yield inner

    # Writing.

    def put(self, path: str, data: bytes) -> None:
        """Write the file at *path*, whole or not at all. Raises StateError where something else is in its place."""
        *parts, name = path.split("/")
        draft = secrets.token_hex(16)
        with _told(path), self._inside([_DRAFTS]) as drafts, self._inside(parts, make=True) as target:
            descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644, dir_fd=drafts)
            try:
                # Held until it has its name: who clears drafts away sees by it that this one is no left-over.
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                _write(descriptor, data)
                os.fsync(descriptor)
                os.rename(draft, name, src_dir_fd=drafts, dst_dir_fd=target)
            except BaseException:
                # Else a full disk would be filled by each new attempt.
                with contextlib.suppress(OSError):
                    os.unlink(draft, dir_fd=drafts)
                raise
            finally:
                os.close(descriptor)
            os.fsync(target)

    def put_missing(self, path: str, data: bytes) -> None:
        """Write the file at *path* unless it is there with this content."""
        if not self.holds(path, hashlib.sha256(data).digest()):
            self.put(path, data)

    def remove(self, path: str) -> None:
        """Delete the file or the folder at *path*; harmless when there is none."""
        *parts, name = path.split("/")
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), self._inside(parts) as folder:
            _remove(name, folder)
            os.fsync(folder)

    def clear_drafts(self) -> None:
        """Drop what a crash left half written: it was never visible and is made again."""
        with _told(_DRAFTS), self._inside([_DRAFTS]) as drafts:
            for name in os.listdir(drafts):
                # It may get its name, or be cleared away by another process, at any moment.
                with contextlib.suppress(FileNotFoundError, BlockingIOError):
                    if name != _LOCK:
                        _remove_left_over(name, drafts)

    @contextlib.contextmanager
    def exclusively(self) -> Iterator[None]:
        """While open, no other process replaces or removes files. Raises StateError when one keeps it for too long."""
        with _told(f"{_DRAFTS}/{_LOCK}"), self._inside([_DRAFTS]) as drafts:
            descriptor = os.open(_LOCK, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600, dir_fd=drafts)
        try:
            _wait_for(descriptor)
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _inside(self, parts: Sequence[str], *, make: bool = False) -> Iterator[int]:
        """A descriptor of the folder *parts*, reached step by step; *make*: made when it is absent."""
        folder = os.open(self._root, _FOLDER)
        try:
            for part in parts:
                inner = _step(part, folder, make=make)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)


@contextlib.contextmanager
def _told(path: str) -> Iterator[None]:
    """While open, an error that something else is in the place of *path* becomes one that says so."""
    try:
        yield
    except OSError as error:
        if error.errno not in _ELSE:
            raise
        raise StateError(f"published/{path} cannot be written: something else is in its place") from error


def _step(name: str, folder: int, *, make: bool) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
    with contextlib.suppress(FileExistsError):  # Another process was quicker.
        os.mkdir(name, 0o755, dir_fd=folder)
        os.fsync(folder)
    return os.open(name, _FOLDER, dir_fd=folder)


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest[:_PIECE_BYTES]) :]


def _remove(name: str, folder: int) -> None:
    if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=folder)
        return
    inner = os.open(name, _FOLDER, dir_fd=folder)
    try:
        for inside in os.listdir(inner):
            _remove(inside, inner)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=folder)


def _remove_left_over(name: str, drafts: int) -> None:
    """Raises BlockingIOError for a draft that somebody is writing."""
    if not stat.S_ISREG(os.stat(name, dir_fd=drafts, follow_symlinks=False).st_mode):
        _remove(name, drafts)  # None of ours.
        return
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=drafts)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(name, dir_fd=drafts)
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int) -> None:
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > until:
                raise StateError("another process holds published/ and does not go on; end it") from error
            time.sleep(_POLL_SECONDS)
        else:
            return
