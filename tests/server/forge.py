"""Publishing anything at all with the real keys of a deployment: so that one lie is the only thing that is wrong.

forge = Forge.of(config)                       # what the server has published
forge.items[5] = ...                           # another file, another order, another batch
forge.write(folder)                            # bundles, tiles, head: signed by the log's own key
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from ownhue.documents import sign_document
from ownhue.key_file import KeyFile, SignatureInfo, read_key_file, write_key_file
from ownhue.log import BUNDLE_WIDTH, LogEntry, bundle_path, decode_bundle, encode_bundle
from ownhue.signed_note import parse_note
from ownhue.tiles import new_tiles, tile_bytes
from ownhue.tree import leaf_hash
from ownhue.tree_head import TreeHead, parse_tree_head, sign_tree_head
from ownhue.tree_proofs import StoredTree
from ownhue.trust.metadata import parse_any_trust_file
from ownhue_server.config import Config, Role
from ownhue_server.online_keys import KEY_FILES, LOG, SIGNING
from ownhue_server.storage.key_folder import load_p256

STRANGER = SigningKey(b"\x09" * 32)


@dataclass(frozen=True)
class Item:
    """A leaf and its file."""

    folder: str
    data: bytes
    batch: int
    ending: str = "json"
    written: bool = True
    """Whether the file is there."""
    known: LogEntry | None = None
    """The entry of a file that is gone, which nobody can make again."""

    @property
    def entry(self) -> LogEntry:
        return self.known or LogEntry.of(self.folder, self.data, self.ending, self.batch)

    @property
    def kind(self) -> str:
        return self.folder.partition("/")[0]


@dataclass
class Forge:
    """A log in the making."""

    config: Config
    items: list[Item]
    names: dict[str, bytes]
    """Files below trust/ under their names."""
    log_key: SigningKey = field(default=STRANGER)

    @classmethod
    def of(cls, config: Config) -> "Forge":
        """What is published."""
        folder = config.published
        size = parse_tree_head(parse_note((folder / "head").read_bytes()).text).size
        assert size < BUNDLE_WIDTH
        leaves = decode_bundle((folder / bundle_path(0, size)).read_bytes(), size)
        items = [_item(folder, LogEntry.decode(leaf)) for leaf in leaves]
        names = {path.name: path.read_bytes() for path in (folder / "trust").iterdir() if len(path.stem) < 60}
        return cls(config, items, names, SigningKey(config.keys(Role.PUBLISHER).load(LOG)))

    def copy(self) -> "Forge":
        """One that can be changed."""
        return replace(self, items=list(self.items), names=dict(self.names))

    # Where things are.

    @property
    def first(self) -> int:
        return self.items[0].batch

    @property
    def last(self) -> int:
        return self.items[-1].batch

    def closing(self, batch: int) -> int:
        return (batch + 1) * self.config.region.batch_seconds

    @property
    def now(self) -> int:
        return self.closing(self.last)

    def at(self, kind: str, number: int = -1) -> int:
        """Place of the *number*-th item of *kind*."""
        return [place for place, item in enumerate(self.items) if item.kind == kind][number]

    # Changes.

    def add(self, item: Item) -> None:
        """One more entry in front of the key file of its batch."""
        place = next(place for place, one in enumerate(self.items) if (one.kind, one.batch) == ("keys", item.batch))
        self.items.insert(place, item)

    def key(self, role: Role) -> SigningKey:
        """The signing key of a role."""
        return SigningKey(self.config.keys(role).load(SIGNING))

    def add_document(self, kind: str, body: dict[str, Any], role: Role, batch: int | None = None) -> None:
        """One more document by the real key."""
        batch = self.last if batch is None else batch
        self.add(Item("area" if kind == "area-notice" else kind, sign_document(kind, body, self.key(role)), batch))

    def change_keys(self, change: Callable[[KeyFile], KeyFile], number: int = -2, key: object = None) -> None:
        """Another key file by the real key in the place of the *number*-th."""
        place = self.at("keys", number)
        item = self.items[place]
        content = change(read_key_file(item.data, self.config.region.key_file_public_key))
        self.items[place] = replace(item, data=self.key_file(content, key))

    def key_file(self, content: KeyFile, key: object = None) -> bytes:
        """The file of a content."""
        region = self.config.region
        signing = key or load_p256(self.config.keys(Role.PUBLISHER).load(KEY_FILES))
        info = SignatureInfo(region.key_file_id, region.key_file_version)
        return write_key_file(content, signing, info)  # type: ignore[arg-type]

    # Publishing.

    def note(self, size: int | None = None, key: SigningKey | None = None) -> bytes:
        """The signed head of the first *size* entries."""
        size = len(self.items) if size is None else size
        tree = StoredTree(leaf_hash(item.entry.encode()) for item in self.items[:size])
        time = self.closing(self.items[size - 1].batch)
        head = TreeHead(self.config.region.origin, size, tree.root(size), time)
        return sign_tree_head(head, key or self.log_key)

    def write(self, folder: Path) -> Path:
        """Publish into *folder*, which is emptied."""
        shutil.rmtree(folder, ignore_errors=True)
        for item in self.items:
            if item.written:
                put(folder, item.entry.path, item.data)
        for path, data in self._log_files():
            put(folder, path, data)
        put(folder, "head", self.note())
        for name, data in self.names.items():
            put(folder, f"trust/{name}", data)
        return folder

    def _log_files(self) -> Sequence[tuple[str, bytes]]:
        leaves = [item.entry.encode() for item in self.items]
        tree = StoredTree(map(leaf_hash, leaves))
        size = len(leaves)
        sizes = sorted({0, size, *(place for place, item in enumerate(self.items, 1) if item.kind == "keys")})
        tiles = {tile for old, new in pairwise(sizes) for tile in new_tiles(old, new)}
        files = [(tile.path, tile_bytes(tile, tree.hash)) for tile in tiles if tile.is_full or tile.full not in tiles]
        full = size // BUNDLE_WIDTH * BUNDLE_WIDTH
        spans = [(start, BUNDLE_WIDTH) for start in range(0, full, BUNDLE_WIDTH)]
        spans += [(full, one - full) for one in sizes if one > full]
        bundles = [
            (bundle_path(start // BUNDLE_WIDTH, width), encode_bundle(leaves[start : start + width]))
            for start, width in spans
        ]
        return [*files, *bundles]


def put(folder: Path, path: str, data: bytes) -> None:
    """Write a file, and the folders above it."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(data)


def _item(folder: Path, entry: LogEntry) -> Item:
    parent, name = entry.path.rsplit("/", 1)
    path = folder / entry.path
    if not path.exists():
        return Item(parent, b"", entry.batch, written=False, known=entry)
    return Item(parent, path.read_bytes(), entry.batch, name.rpartition(".")[2])


def trust_item(forge: Forge, role: str) -> Item:
    """The newest trust file of a role."""
    found = [item for item in forge.items if item.kind == "trust"]
    return [item for item in found if parse_any_trust_file(item.data).signed.role == role][-1]
