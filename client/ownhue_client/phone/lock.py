"""One program at a time: a lock that dies with its process, and says who holds it.

    lock = FolderLock(directory)      # raises StateError: "another program uses this phone (process 1234)"
    lock.release()

- The operating system's lock on an open file (flock): it ends with the process, however that ends, so nothing is left
  over that somebody has to remove by hand. The number in the file is for the error's sentence only.
- The file stays as long as the phone does. Removing it would let a third process lock a new one beside the second's.
"""

import os
from pathlib import Path

from ownhue.errors import StateError

try:
    import fcntl
except ImportError:  # pragma: no cover - there SQLite's own exclusive lock stands alone
    fcntl = None  # type: ignore[assignment]

LOCK_NAME = "phone.lock"


class FolderLock:
    """The lock of a phone's folder, held from here until :meth:`release`."""

    def __init__(self, directory: Path) -> None:
        """Take it. Raises StateError when a program (this one, too) holds it, or nothing can be written."""
        try:
            # Never to a child process: it would hold the phone for as long as it lives.
            self._file = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(f"the phone's folder cannot be written: {error.strerror}") from error
        try:
            if fcntl is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._sign()
        except BlockingIOError as error:
            holder = _holder(self._file)
            self.release()
            raise StateError(f"another program uses this phone{holder}; stop it, or ask it") from error
        except OSError as error:
            self.release()
            raise StateError(f"the phone's folder cannot be locked: {error.strerror}") from error

    def release(self) -> None:
        """Let the folder go. Does nothing the second time."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _sign(self) -> None:
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, str(os.getpid()).encode(), 0)


def _holder(file: int) -> str:
    """The process that holds the lock, as words; nothing when its number cannot be read."""
    number = os.pread(file, 20, 0)
    return f" (process {number.decode()})" if number.isdigit() else ""
