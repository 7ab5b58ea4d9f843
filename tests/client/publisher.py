"""A publisher in memory for tests: a dictionary of files, made with the protocol's own modules.

It can also lie in every way that a publisher or a mirror can: the tests tell it to.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.signing import SigningKey

from ownhue.documents import sign_document
from ownhue.encoding import base64url_encode
from ownhue.log import BUNDLE_WIDTH, LogEntry, bundle_path, encode_bundle
from ownhue.region import Region
from ownhue.tiles import new_tiles, tile_bytes
from ownhue.tree import Frontier
from ownhue.tree_head import TreeHead, sign_tree_head
from ownhue.tree_proofs import StoredTree
from ownhue_client.errors import MissingError

BATCH_SECONDS = 7200
#: 2026-03-02 00:00:00 UTC, the start of a batch and of an epoch.
START = 1_772_409_600
FIRST_BATCH = START // BATCH_SECONDS

LOG_KEY = SigningKey(bytes([1]) * 32)
AUTHORITY_KEY = SigningKey(bytes([2]) * 32)
ISSUER_KEY = SigningKey(bytes([3]) * 32)
ISSUER_NAME = "issuer.demo.ownhue.example"
KEY_FILE_KEY = ec.derive_private_key(11, ec.SECP256R1())


def region(**changes: Any) -> Region:
    """The region of this publisher."""
    fields: dict[str, Any] = {
        "name": "demo",
        "url": "https://demo.ownhue.example",
        "origin": "demo.ownhue.example/log",
        "log_key": base64url_encode(bytes(LOG_KEY.verify_key)),
        "key_file_key": base64url_encode(
            KEY_FILE_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ),
        "key_file_id": "demo",
        "key_file_version": "1",
        "publisher_key": base64url_encode(bytes(32)),
        "authority_key": base64url_encode(bytes(AUTHORITY_KEY.verify_key)),
        "issuer_key": base64url_encode(bytes(ISSUER_KEY.verify_key)),
        "issuer_name": ISSUER_NAME,
        "batch_seconds": BATCH_SECONDS,
    }
    return Region(**(fields | changes))


@dataclass
class Publisher:
    """Closes batches into ``files``; ``fetch`` is what a client is given."""

    batch: int = FIRST_BATCH
    files: dict[str, bytes] = field(default_factory=dict)
    entries: list[LogEntry] = field(default_factory=list)
    frontier: Frontier = field(default_factory=Frontier)
    fetched: list[str] = field(default_factory=list)
    time: int = START

    def fetch(self, path: str) -> bytes:
        """The bytes of *path*, as a web server would give them."""
        self.fetched.append(path)
        if path not in self.files:
            raise MissingError(f"no {path}")
        return self.files[path]

    def close(self, *documents: tuple[str, bytes], batch: int | None = None) -> int:
        """Close a batch with changed documents (kind, file) and a key file; returns its closing time."""
        batch = self.batch if batch is None else batch
        for kind, data in documents:
            self._add(LogEntry.of(kind, data, "json", batch), data)
        key_file = self.key_file(batch)
        self._add(LogEntry.of(f"keys/{batch}", key_file, "zip", batch), key_file)
        self.batch = batch + 1
        self.time = self.batch * BATCH_SECONDS
        self.publish()
        return self.time

    def key_file(self, batch: int) -> bytes:
        """The key file of *batch*: bytes that only the log is asked about."""
        return b"key file of batch %d" % batch

    def close_many(self, count: int) -> int:
        """Close *count* batches one after the other; returns the last closing time."""
        for _ in range(count):
            self.close()
        return self.time

    def publish(self) -> None:
        """Write the last bundle and the head again."""
        index, width = divmod(len(self.entries), BUNDLE_WIDTH)
        if width:
            self.files[bundle_path(index, width)] = self._bundle(index)
        if index:
            # As a publisher does: the full bundle comes, its partial ones go.
            self.files[bundle_path(index - 1)] = self._bundle(index - 1)
            for partial in range(1, BUNDLE_WIDTH):
                self.files.pop(bundle_path(index - 1, partial), None)
        self.files["head"] = self.head()

    def publish_tiles(self) -> None:
        """Write the hash tiles of the present size."""
        tree = StoredTree(entry.leaf_hash() for entry in self.entries)
        self.files |= {tile.path: tile_bytes(tile, tree.hash) for tile in new_tiles(0, tree.size)}

    def serve(self, folder: Path) -> Path:
        """Write everything into *folder*, as a USB stick would have it."""
        for path, data in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        return folder

    def head(self, *, key: SigningKey = LOG_KEY, **changes: Any) -> bytes:
        """A signed head of the present state, or of what *changes* say instead."""
        fields: dict[str, Any] = {
            "origin": "demo.ownhue.example/log",
            "size": len(self.entries),
            "root": self.frontier.root(),
            "time": self.time,
        }
        return sign_tree_head(TreeHead(**(fields | changes)), key)

    def _bundle(self, index: int) -> bytes:
        first = index * BUNDLE_WIDTH
        return encode_bundle([entry.encode() for entry in self.entries[first : first + BUNDLE_WIDTH]])

    def _add(self, entry: LogEntry, data: bytes) -> None:
        self.files[entry.path] = data
        self.entries.append(entry)
        self.frontier = self.frontier.append(entry.leaf_hash())


def document(kind: str, body: dict[str, Any], key: SigningKey) -> tuple[str, bytes]:
    """A signed document for :meth:`Publisher.close`."""
    return kind, sign_document(kind, body, key)
