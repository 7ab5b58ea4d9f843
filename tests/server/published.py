"""Reading what a server published the way a client must: head, bundles, root, every file by its hash."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from ownhue.key_file import KeyFile, read_key_file
from ownhue.log import BUNDLE_WIDTH, LogEntry, bundle_path, decode_bundle
from ownhue.region import Region
from ownhue.tree import leaf_hash, tree_root
from ownhue.tree_head import TreeHead, open_tree_head

#: Content of a published file by its path; raises when it is absent.
Fetch = Callable[[str], bytes]


@dataclass(frozen=True)
class Published:
    """A checked log."""

    head: TreeHead
    entries: list[LogEntry]
    fetch: Fetch
    region: Region

    def of_kind(self, kind: str) -> list[LogEntry]:
        """Entries of one kind, oldest first."""
        return [entry for entry in self.entries if entry.kind == kind]

    def file(self, entry: LogEntry) -> bytes:
        """The file of *entry*, checked against it."""
        data = self.fetch(entry.path)
        assert sha256(data).digest() == entry.sha256
        assert len(data) == entry.length
        return data

    def key_files(self) -> list[KeyFile]:
        """All key files, oldest first, verified."""
        return [read_key_file(self.file(entry), self.region.key_file_public_key) for entry in self.of_kind("keys")]


def read_published(fetch: Fetch, region: Region) -> Published:
    """The log as it is now; its root is recomputed from every entry."""
    head = open_tree_head(fetch("head"), region.origin, region.log_key_bytes)
    leaves: list[bytes] = []
    while len(leaves) < head.size:
        width = min(BUNDLE_WIDTH, head.size - len(leaves))
        leaves += decode_bundle(fetch(bundle_path(len(leaves) // BUNDLE_WIDTH, width)), width)
    assert tree_root(map(leaf_hash, leaves)) == head.root
    entries = [LogEntry.decode(leaf) for leaf in leaves]
    batches = [entry.batch for entry in entries]
    assert batches == sorted(batches)
    return Published(head, entries, fetch, region)
