"""A folder as the source of an audit: published/ itself, a copy of it on a stick, or a folder that holds it."""

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from ownhue.errors import LimitError, StateError
from ownhue_server.audit.sources import AbsentError, Budget, ExhaustedError, UnreadableError

#: Most files of a folder that are looked at.
MAX_LISTED = 1 << 20
#: Deepest folder that is looked at.
MAX_DEPTH = 12
#: Where a server writes files before it gives them their names. specs/publication.md section 1
DRAFTS = ".drafts/"
#: A file that was never finished, by its path.
DRAFT = re.compile(re.escape(DRAFTS) + r"[0-9a-f]{32}", re.ASCII)

_PIECE_BYTES = 1 << 16
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


class FolderSource:
    """A folder: published/ itself, or one that holds it."""

    lists = True

    def __init__(self, folder: Path, budget: Budget) -> None:
        inner = folder / "published"
        self.name = str(folder)
        self._root = folder if (folder / "head").exists() or not inner.is_dir() else inner
        self._budget = budget
        if not self._root.is_dir():
            raise StateError(f"{folder} is no folder")

    def copy(self, path: str, limit: int, to: BinaryIO) -> None:
        """As Source.copy."""
        self._take(self._root, path, limit, to)

    def _take(self, root: Path, path: str, limit: int, to: BinaryIO) -> None:
        descriptor = _open(root, path)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise UnreadableError(f"{path} is no file")
        with os.fdopen(descriptor, "rb") as file:
            self._copy(file, path, limit, to)

    def _copy(self, file: BinaryIO, path: str, limit: int, to: BinaryIO) -> None:
        left = limit
        while piece := file.read(min(_PIECE_BYTES, left + 1)):
            left -= len(piece)
            self._budget.spend(len(piece))
            if left < 0:
                raise LimitError(f"{path} is longer than {limit} bytes")
            to.write(piece)

    def beside(self, name: str, limit: int) -> bytes:
        """As Source.beside: in the folder above, or in this one."""
        for folder in (self._root.parent, self._root):
            data = BytesIO()
            try:
                self._take(folder, name, limit, data)
            except AbsentError:
                continue
            return data.getvalue()
        raise AbsentError(f"there is no {name} beside the folder")

    def close(self) -> None:
        """As Source.close: there is none."""

    def paths(self) -> Iterator[tuple[str, bool]]:
        """As Source.paths. The server's lock, and what it is writing at this moment, are passed over."""
        for listed, (path, is_file) in enumerate(self._walk(self._root, "", MAX_DEPTH), 1):
            if listed > MAX_LISTED:
                raise ExhaustedError(f"the folder has more than {MAX_LISTED} files")
            yield path, is_file

    def _walk(self, folder: Path, prefix: str, depth: int) -> Iterator[tuple[str, bool]]:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            yield prefix.rstrip("/"), False
            return
        for entry in entries:
            path = prefix + entry.name
            if prefix == DRAFTS and _is_servers(folder, entry.name):
                continue
            if entry.is_dir(follow_symlinks=False) and depth:
                yield from self._walk(folder / entry.name, f"{path}/", depth - 1)
            else:
                yield path, entry.is_file(follow_symlinks=False)


def _is_servers(folder: Path, name: str) -> bool:
    """Whether a name among the drafts is the server's empty lock, or a draft that is being written (it is locked)."""
    try:
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return True  # It has its name by now.
    except OSError:
        return False
    try:
        status = os.fstat(descriptor)
        if name == "lock":
            return stat.S_ISREG(status.st_mode) and not status.st_size
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    else:
        # Between the list and this look it may have got its name.
        return not os.path.lexists(folder / name)
    finally:
        os.close(descriptor)


def _open(root: Path, path: str) -> int:
    """A descriptor of the file at *path*, reached step by step so that no link is followed."""
    *parts, name = path.split("/")
    if not all(part and part not in {".", ".."} for part in [*parts, name]):
        raise AbsentError(f"{path} is no path")
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts:
            inner = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        # A pipe that nobody writes to would keep whoever opens it waiting.
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError as error:
        raise AbsentError(f"there is no {path}") from error
    except OSError as error:  # a link (ELOOP), a file in the place of a folder, no right to read
        raise UnreadableError(f"{path} cannot be read: {error.strerror}") from error
    finally:
        os.close(folder)
