"""The log's tree as it is served: entries from bundles, hashes from tiles. specs/publication.md sections 2 and 10

- Nothing read here is trusted. Entries are proven by whoever appends them and meets the signed root; hashes are checked
  against the signed root before they are given away.
- A reader that needs a few hashes reads a few tiles. Where a copy has none, all entries do as well.
"""

from collections.abc import Callable
from typing import TypeVar

from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.log import BUNDLE_WIDTH, LogEntry, bundle_path, decode_bundle
from ownhue.tiles import Tile, VerifiedTiles
from ownhue.tree_head import TreeHead
from ownhue.tree_proofs import ReadHash, StoredTree
from ownhue_client.errors import MissingError
from ownhue_client.fetching import Fetch

#: Most entries taken at once: more than a log of 2 h batches writes in ten years, and at most 32 MiB to fetch.
#: specs/publication.md section 6
MAX_NEW_ENTRIES = 1 << 17

T = TypeVar("T")


def read_leaves(fetch: Fetch, start: int, end: int) -> list[bytes]:
    """Encoded entries *start* up to but not including *end*, as they are served. Nothing of them is verified.

    Raises what *fetch* raises, FormatError, LimitError.
    """
    leaves: list[bytes] = []
    if start == end:
        return leaves
    for index in range(start // BUNDLE_WIDTH, -(-end // BUNDLE_WIDTH)):
        first = index * BUNDLE_WIDTH
        bundle = _bundle(fetch, index, min(end - first, BUNDLE_WIDTH))
        leaves.extend(bundle[max(start - first, 0) :])
    return leaves


def _bundle(fetch: Fetch, index: int, width: int) -> list[bytes]:
    """The first *width* entries of bundle *index*."""
    try:
        return decode_bundle(fetch(bundle_path(index, width)), width)
    except MissingError:
        if width == BUNDLE_WIDTH:
            raise
        # Partial bundles go once the full one is there, which may happen between the head and this request.
        return decode_bundle(fetch(bundle_path(index)), BUNDLE_WIDTH)[:width]


def with_served_hashes(fetch: Fetch, head: TreeHead, use: Callable[[ReadHash], T]) -> T:
    """What *use* makes of the hashes of the tree that *head* signed; *use* may be called twice.

    They come from hash tiles, and from all entries where those are missing or wrong. Raises UnreachableError,
    MissingError, LimitError, FormatError, or VerificationError when neither leads to the signed root.
    """
    try:
        return use(VerifiedTiles(lambda tile: _tile(fetch, tile), head.size, head.root).hash)
    except (MissingError, FormatError, VerificationError):
        return use(_tree_of_entries(fetch, head).hash)


def _tile(fetch: Fetch, tile: Tile) -> bytes:
    """The bytes of a tile, or of the full one that has taken the place of a partial one."""
    try:
        return fetch(tile.path)
    except MissingError:
        if tile.is_full:
            raise
        return fetch(tile.full.path)


def _tree_of_entries(fetch: Fetch, head: TreeHead) -> StoredTree:
    if head.size > MAX_NEW_ENTRIES:
        raise LimitError(f"a tree of {head.size} entries is not read whole")
    tree = StoredTree(LogEntry.decode(leaf).leaf_hash() for leaf in read_leaves(fetch, 0, head.size))
    if tree.root(head.size) != head.root:
        raise VerificationError("the entries do not lead to the signed root")
    return tree
