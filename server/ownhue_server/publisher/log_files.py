"""The log as files: bundles of entries and hash tiles, made from the leaves in the database.

For each head there are the partial bundle and the partial tiles of its size, until the full ones are there: who read
that head finds them. specs/publication.md sections 1, 2 and 10
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import Connection, select

from ownhue.log import BUNDLE_WIDTH, bundle_path, encode_bundle
from ownhue.tiles import Tile, new_tiles, tile_bytes
from ownhue.tree import leaf_hash, tree_root
from ownhue_server.publisher.tables import LEAVES


@dataclass(frozen=True)
class Growth:
    """What the log grew by."""

    before: int
    """Size at first."""
    sizes: Sequence[int]
    """Size at each head since then, ascending; not empty."""


def log_files(connection: Connection, growth: Growth) -> Iterator[tuple[str, bytes]]:
    """Path and content of all bundles and tiles that *growth* makes new, and of no partial one that became full."""
    yield from _bundles(connection, growth)
    hashes = _Hashes(connection)
    for tile in _tiles(growth):
        yield tile.path, tile_bytes(tile, hashes.read)


def _bundles(connection: Connection, growth: Growth) -> Iterator[tuple[str, bytes]]:
    size = growth.sizes[-1]
    open_at = size // BUNDLE_WIDTH * BUNDLE_WIDTH
    for start in range(growth.before // BUNDLE_WIDTH * BUNDLE_WIDTH, open_at, BUNDLE_WIDTH):
        yield bundle_path(start // BUNDLE_WIDTH), encode_bundle(_leaves(connection, start, start + BUNDLE_WIDTH))
    newest = _leaves(connection, open_at, size)
    for width in sorted({one - open_at for one in growth.sizes if one > open_at}):
        yield bundle_path(open_at // BUNDLE_WIDTH, width), encode_bundle(newest[:width])


def _tiles(growth: Growth) -> list[Tile]:
    """Full ones, and partial ones of a head that did not become full since."""
    tiles = {tile for old, new in pairwise([growth.before, *growth.sizes]) for tile in new_tiles(old, new)}
    return sorted(tile for tile in tiles if tile.is_full or tile.full not in tiles)


def _leaves(connection: Connection, start: int, end: int) -> list[bytes]:
    numbers = (LEAVES.c.number >= start) & (LEAVES.c.number < end)
    return list(connection.execute(select(LEAVES.c.entry).where(numbers).order_by(LEAVES.c.number)).scalars())


class _Hashes:
    """Hashes of perfect subtrees, put together from the leaves. Those of one tile are asked for in their order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._first = -1
        self._leaf_hashes: list[bytes] = []
        self._upper: dict[tuple[int, int], bytes] = {}

    def read(self, level: int, index: int) -> bytes:
        """Hash (32 bytes) of the subtree over the leaves from index * 2^level on."""
        if level:
            if (level, index) not in self._upper:
                leaves = _leaves(self._connection, index << level, index + 1 << level)
                self._upper[level, index] = tree_root(map(leaf_hash, leaves))
            return self._upper[level, index]
        first = index // BUNDLE_WIDTH * BUNDLE_WIDTH
        if first != self._first:
            leaves = _leaves(self._connection, first, first + BUNDLE_WIDTH)
            self._first, self._leaf_hashes = first, [leaf_hash(leaf) for leaf in leaves]
        return self._leaf_hashes[index - first]
