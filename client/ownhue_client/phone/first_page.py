"""A damaged first page: the table of contents, without which SQLite reads nothing of all the sound pages behind it.

Every store is made by the same steps, so the first page of an empty one leads to the same places. What is read that way
counts only if its boxes open: a wrong guess finds nothing.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ownhue.errors import StateError
from ownhue_client.phone.schema import create_schema
from ownhue_client.phone.store_errors import own_errors
from ownhue_client.phone.store_file import COPY_NAME, DATABASE_NAME, connect, new_file, shred_database

_PAGE_BYTES = 4096
#: Places in the header of an SQLite file (sqlite.org/fileformat.html): versions 1 or, with a write-ahead log, 2; number
#: of pages; first page and number of the free ones.
_VERSIONS, _PAGES, _FREE = slice(18, 20), slice(28, 32), slice(32, 40)


@contextmanager
def another_first_page(directory: Path) -> Iterator[Path]:
    """A copy of the store in *directory* with the first page of an empty one; it goes with the block.

    Raises StateError when there is no room for it.
    """
    copy = directory / COPY_NAME
    try:
        _make(directory, copy)
        yield copy
    except OSError as error:
        raise StateError(f"the store cannot be looked into: {error.strerror}") from error
    finally:
        shred_database(copy)


def _make(directory: Path, copy: Path) -> None:
    log = directory / (DATABASE_NAME + "-wal")
    first = bytearray(_empty_first_page(directory))
    shred_database(copy)
    shutil.copyfile(directory / DATABASE_NAME, copy)
    if log.exists():
        shutil.copyfile(log, copy.with_name(copy.name + "-wal"))
    first[_VERSIONS] = b"\2\2" if log.exists() else b"\1\1"
    first[_PAGES] = (copy.stat().st_size // _PAGE_BYTES).to_bytes(4, "big")
    first[_FREE] = bytes(8)
    with copy.open("r+b") as file:
        file.write(first)


def _empty_first_page(directory: Path) -> bytes:
    path = new_file(directory)
    database = connect(path)
    try:
        with own_errors():
            create_schema(database)
    finally:
        database.close()
    page = path.read_bytes()[:_PAGE_BYTES]
    shred_database(path)
    return page
