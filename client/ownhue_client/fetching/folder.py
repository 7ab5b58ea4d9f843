"""Fetching published files from a copy of the folder: a mirror's disk, a USB stick. specs/publication.md section 1

- Only what lies in the folder itself is read: no link that leads out of it, no device, no pipe.
- A stick that is pulled out in the middle is UnreachableError, not a missing file.
"""

import os
import stat
from pathlib import Path

from ownhue.errors import LimitError
from ownhue_client.errors import MissingError, UnreachableError
from ownhue_client.fetching.limits import MAX_FILE_BYTES, Fetch, limit_of


def folder_fetch(folder: Path, limit: int = MAX_FILE_BYTES) -> Fetch:
    """Fetch from a copy of ``published/`` in *folder*, never more than *limit* bytes."""

    def fetch(path: str) -> bytes:
        most = min(limit, limit_of(path))
        try:
            data = _read(folder, path, most)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            if not is_folder(folder):
                raise UnreachableError("the folder is not there") from error
            raise MissingError(f"the folder has no {path}") from error
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
            raise UnreachableError(f"the folder cannot be read: {type(error).__name__}") from error
        if len(data) > most:
            raise LimitError(f"{path} is longer than {most} bytes")
        return data

    return fetch


def is_folder(path: Path) -> bool:
    """Whether *path* is a folder. Raises UnreachableError where a broken stick does not say."""
    try:
        return path.is_dir()
    except OSError as error:
        raise UnreachableError(f"the folder cannot be read: {type(error).__name__}") from error


def _read(folder: Path, path: str, most: int) -> bytes:
    """Up to one byte more than *most* of a file in *folder*."""
    root = folder.resolve(strict=True)
    found = (root / path).resolve(strict=True)
    if not found.is_relative_to(root):
        raise UnreachableError(f"{path} leads out of the folder")
    descriptor = os.open(found, os.O_RDONLY | os.O_NONBLOCK)  # a pipe without a writer would wait for ever
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileNotFoundError(path)
        return file.read(most + 1)
