"""Log: the leaves of the public log and the bundles they are served in. specs/publication.md sections 1 and 2

- A leaf is the deterministic CBOR array ``[path, sha256, length, batch]`` of one published file:
  ``["keys/490800/<sha256>.zip", h'...', 41234, 490800]``.
- The file's name is its own SHA-256, so one path never stands for two contents.
- Bundles are those of C2SP tlog-tiles: 256 leaves, each behind its length (u16 big-endian); the last one of a head
  may be partial and says its width in its path: ``tile/entries/x001/234``, ``tile/entries/000.p/37``.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import FormatError, LimitError
from ownhue.tiles import index_path
from ownhue.tree import MAX_SIZE, leaf_hash

#: Leaves of a full bundle. C2SP tlog-tiles
BUNDLE_WIDTH = 256
#: Longest path of a published file, in letters. specs/publication.md section 1
MAX_PATH = 200
#: Longest encoded leaf in bytes: path, hash, two integers. specs/publication.md section 2
MAX_ENTRY_BYTES = 247
#: Longest bundle in bytes. specs/publication.md section 2
MAX_BUNDLE_BYTES = BUNDLE_WIDTH * (2 + MAX_ENTRY_BYTES)

_LENGTH_BYTES = 2
_MAX_NUMBER = (1 << 32) - 1
_PATH = re.compile(r"(?:[a-z0-9][a-z0-9-]*/)+([0-9a-f]{64})(?:\.[a-z0-9]{1,8})?")


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One published file as the log names it. Raises FormatError for values that break the rules.

    The numbered steps are those of specs/publication.md section 2.
    """

    path: str
    """Below ``published/``: lower-case folders, then the SHA-256 in hex as the file's name."""
    sha256: bytes
    """SHA-256 of the file, 32 bytes."""
    length: int
    """Length of the file in bytes."""
    batch: int
    """Number of the batch that published it; unix second of its closing = (batch + 1) * batch seconds."""

    def __post_init__(self) -> None:
        # (3) a path that leads nowhere else, (4) named after the content, (5) numbers of 32 bits
        match = _PATH.fullmatch(self.path)
        if match is None or len(self.path) > MAX_PATH:
            raise FormatError("a path is lower-case folders and a SHA-256 with an ending")
        if len(self.sha256) != 32 or match[1] != self.sha256.hex():
            raise FormatError("a published file is named after its SHA-256")
        if not 0 <= self.length <= _MAX_NUMBER or not 0 <= self.batch <= _MAX_NUMBER:
            raise FormatError("length and batch are integers of 32 bits")

    @classmethod
    def of(cls, folder: str, data: bytes, ending: str, batch: int) -> "LogEntry":
        """The entry of the file *data* in *folder*: ``LogEntry.of("keys/490800", zip_bytes, "zip", 490800)``."""
        digest = hashlib.sha256(data).digest()
        return cls(f"{folder}/{digest.hex()}.{ending}", digest, len(data), batch)

    @property
    def kind(self) -> str:
        """First folder of the path: ``keys``, ``rulebook``, ``epochs``, ``report-keys``."""
        return self.path.partition("/")[0]

    def encode(self) -> bytes:
        """The leaf's bytes."""
        return cbor_encode([self.path, self.sha256, self.length, self.batch])

    @classmethod
    def decode(cls, data: bytes) -> "LogEntry":
        """The entry of a leaf's bytes. Raises FormatError or LimitError.

        (1) bounded, (2) deterministic CBOR of the four parts, and what any entry has to be: (3) to (5).
        """
        if len(data) > MAX_ENTRY_BYTES:
            raise LimitError(f"a log entry has at most {MAX_ENTRY_BYTES} bytes")
        value = cbor_decode(data)
        # bool is an int in Python and true has its own spelling in CBOR, so the types are compared exactly.
        if not isinstance(value, list) or [type(item) for item in value] != [str, bytes, int, int]:
            raise FormatError("a log entry is [path, sha256, length, batch]")
        return cls(*value)

    def leaf_hash(self) -> bytes:
        """Hash (32 bytes) of this leaf. RFC 6962 section 2.1"""
        return leaf_hash(self.encode())


def bundle_path(index: int, width: int = BUNDLE_WIDTH) -> str:
    """Path of bundle *index* (its first leaf is 256 * index) with *width* leaves, 1..256. C2SP tlog-tiles

    Raises FormatError for an index or a width that no bundle has.
    """
    if index < 0 or not 1 <= width <= BUNDLE_WIDTH or index * BUNDLE_WIDTH + width > MAX_SIZE:
        raise FormatError("no such bundle")
    return f"tile/entries/{index_path(index)}" + ("" if width == BUNDLE_WIDTH else f".p/{width}")


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """The bundle of 1..256 encoded leaves. Raises LimitError for more, or for a leaf that is too long."""
    if not 1 <= len(entries) <= BUNDLE_WIDTH or any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise LimitError("a bundle holds 1 to 256 log entries")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def decode_bundle(data: bytes, count: int) -> list[bytes]:
    """The *count* (1..256) encoded leaves of a bundle, not looked into.

    Raises FormatError unless *data* is exactly that many, LimitError for a bundle or a leaf that is too long.
    """
    if len(data) > MAX_BUNDLE_BYTES:
        raise LimitError(f"a bundle has at most {MAX_BUNDLE_BYTES} bytes")
    entries: list[bytes] = []
    at = 0
    while at < len(data) and len(entries) < count:
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        entries.append(data[start:at])
    # An entry that ends behind the data leaves `at` beyond its end, a half length field too.
    if at != len(data) or len(entries) != count or not 1 <= count <= BUNDLE_WIDTH:
        raise FormatError(f"not a bundle of {count} log entries")
    if max(map(len, entries)) > MAX_ENTRY_BYTES:
        raise LimitError(f"a log entry has at most {MAX_ENTRY_BYTES} bytes")
    return entries
