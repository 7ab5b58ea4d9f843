"""A file as long as an attacker likes."""

import io
from collections.abc import Iterator


class Endless(io.RawIOBase):
    """A file of *size* bytes that is made while it is read."""

    def __init__(self, head: bytes, piece: bytes, size: int, tail: bytes = b"") -> None:
        super().__init__()
        self._parts: Iterator[bytes] = (
            part for parts in ((head,), (piece for _ in range(size // len(piece))), (tail,)) for part in parts
        )
        self._rest = b""
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = next(self._parts, b"")
        data, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(data)] = data
        self.given += len(data)
        return len(data)
