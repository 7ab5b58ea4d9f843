"""Finds keys that are published twice, and revised keys that never were, among any number of files.

    with KeyRegister() as register:
        register.add(batch, b"".join(datas), revised=False)
        for batch, again in register.twice(): ...

Rows of 21 bytes (key, batch, group) go to files by the first bits of the key and are compared one file after the other,
so memory holds one part of 64 of them: 84 bytes of disk for four keys, whatever the number of files.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ownhue.identifiers import KEY_BYTES

#: Files that the rows are spread over.
PARTS = 64

#: Texts of bytes compare without the zeros at their end, which tells apart any two of the same length.
_ROW = np.dtype([("data", f"S{KEY_BYTES}"), ("batch", ">u4"), ("revised", "u1")])
_Rows = NDArray[np.void]


class KeyRegister:
    """Keys by batch, on the disk. Use it in a ``with`` block."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        make = tempfile.TemporaryFile
        self._parts: list[BinaryIO] = [self._stack.enter_context(make()) for _part in range(PARTS)]

    def __enter__(self) -> "KeyRegister":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self, batch: int, datas: bytes, *, revised: bool) -> None:
        """Keys of *batch*, 16 bytes each one after the other."""
        rows = np.zeros(len(datas) // KEY_BYTES, dtype=_ROW)
        rows["data"] = np.frombuffer(datas, dtype=f"S{KEY_BYTES}")
        rows["batch"] = batch
        rows["revised"] = revised
        first = np.frombuffer(datas, dtype=np.uint8)[::KEY_BYTES] // (256 // PARTS)
        for part in np.unique(first):
            self._parts[part].write(rows[first == part].tobytes())

    def twice(self) -> Iterator[tuple[int, int]]:
        """Batches of each key that was published in two of them."""
        for rows in self._sorted():
            new = rows[rows["revised"] == 0]
            same = new["data"][1:] == new["data"][:-1]
            for before, after in zip(new[:-1][same], new[1:][same], strict=True):
                yield int(before["batch"]), int(after["batch"])

    def unknown(self) -> Iterator[int]:
        """Batch of each revised key that no file before it published."""
        for rows in self._sorted():
            new, revised = (rows[rows["revised"] == group] for group in (0, 1))
            at = np.searchsorted(new["data"], revised["data"])  # the first of equal ones, which is the earliest
            known = at < len(new)
            where = at[known]
            known[known] = (new["data"][where] == revised["data"][known]) & (
                new["batch"][where] < revised["batch"][known]
            )
            yield from map(int, revised["batch"][~known])

    def _sorted(self) -> Iterator[_Rows]:
        """The rows of each part by key, batch and group."""
        for part in self._parts:
            part.seek(0)
            rows = np.frombuffer(part.read(), dtype=_ROW)
            yield rows[np.lexsort((rows["revised"], rows["batch"], rows["data"]))]
