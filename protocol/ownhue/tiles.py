"""Hash tiles: the tree's hashes as static files, and proofs made from them. specs/publication.md section 10

    tile/0/x001/x234/067        256 leaf hashes, from leaf 1234067 * 256 on
    tile/1/000.p/17             the first 17 hashes of level 8, each over one full tile below

    tiles = VerifiedTiles(read_tile, size, root)                  # size and root of a signed tree head
    prove_inclusion(tiles.hash, index=2, size=size)               # tree_proofs; every tile is checked before it counts

- These are the tiles of C2SP tlog-tiles: height 8, so that a tile holds the hashes of the levels 0, 8, 16 ...; the
  levels between follow from them.
- The widths of the partial tiles of a size are its digits to the base 256. Together they hold each leaf once, so they
  lead to the root; every full tile has its hash in a tile above. So nothing that a server sends is used unchecked.
- What grows is written once: :func:`new_tiles` names the files between two sizes.

Not handled here: fetching. *read_tile* is given a :class:`Tile` and returns its bytes or those of the full tile, whose
first hashes are the same; it may raise whatever it likes.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.tree import HASH_BYTES, MAX_SIZE, node_hash
from ownhue.tree_proofs import ReadHash, root_of

#: Levels of the tree in one tile. specs/publication.md section 10
TILE_HEIGHT = 8
#: Hashes of a full tile. specs/publication.md section 10
TILE_WIDTH = 256
#: Bytes of a full tile, the longest there is. specs/publication.md section 10
MAX_TILE_BYTES = 8192

_TOP_LEVEL = 7  # A tree of 2^63 - 1 leaves has no tile above it.
_GROUP = 1000
_PATH = re.compile(r"tile/(0|[1-9][0-9]?)/((?:x[0-9]{3}/)*)([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """Name of one tile. Raises FormatError for one that no tree has."""

    level: int
    """0 for leaf hashes; its hashes cover 256^level leaves each."""
    index: int
    """Number within the level."""
    width: int = TILE_WIDTH
    """Number of hashes, 1..256; below 256 the tile is partial."""

    def __post_init__(self) -> None:
        if not 0 <= self.level <= _TOP_LEVEL or not 1 <= self.width <= TILE_WIDTH:
            raise FormatError("no such tile")
        last = self.index * TILE_WIDTH + self.width
        if self.index < 0 or last << self.level * TILE_HEIGHT > MAX_SIZE:
            raise FormatError("no tree has this tile")

    @property
    def path(self) -> str:
        """Path below ``published/``."""
        return f"tile/{self.level}/{index_path(self.index)}" + ("" if self.is_full else f".p/{self.width}")

    @property
    def is_full(self) -> bool:
        """Whether it has all its 256 hashes."""
        return self.width == TILE_WIDTH

    @property
    def full(self) -> "Tile":
        """The full tile in whose beginning this one lies."""
        return Tile(self.level, self.index)

    @classmethod
    def from_path(cls, path: str) -> "Tile":
        """The tile of a path. Raises FormatError for anything that :attr:`path` does not write."""
        match = _PATH.fullmatch(path)
        if match is None or len(path) > len("tile/0/" + "x000/" * _TOP_LEVEL + "000.p/255"):
            raise FormatError("not the path of a tile")
        index = int(match[2].replace("x", "").replace("/", "") + match[3])
        tile = cls(int(match[1]), index, int(match[4] or TILE_WIDTH))
        if tile.path != path:
            raise FormatError("not the one path of a tile")
        return tile


def index_path(index: int) -> str:
    """A number in groups of three digits, all but the last behind ``x``: ``x001/x234/067``. C2SP tlog-tiles

    Raises FormatError for a negative one.
    """
    if index < 0:  # it would never end: -1 // 1000 is -1
        raise FormatError("no tile has a negative index")
    groups = [f"{index % _GROUP:03d}"]
    while index := index // _GROUP:
        groups.insert(0, f"x{index % _GROUP:03d}")
    return "/".join(groups)


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of the tree of *size* leaves, level by level."""
    return new_tiles(0, size)


def new_tiles(old_size: int, new_size: int) -> Iterator[Tile]:
    """The tiles that a log writes when it grows from *old_size* to *new_size* leaves, level by level.

    Full ones that became full, and for each level the partial one of the new size. Raises FormatError unless the log
    grows or stays.
    """
    if not 0 <= old_size <= new_size <= MAX_SIZE:
        raise FormatError("a log never shrinks")
    for level in range(_TOP_LEVEL + 1):
        old, new = (size >> level * TILE_HEIGHT for size in (old_size, new_size))
        if old == new:
            return
        yield from (Tile(level, index) for index in range(old // TILE_WIDTH, new // TILE_WIDTH))
        if new % TILE_WIDTH:
            yield Tile(level, new // TILE_WIDTH, new % TILE_WIDTH)


def partial_tiles(size: int) -> Iterator[Tile]:
    """The partial tiles of the tree of *size* leaves, lowest level first. C2SP tlog-tiles, section "Partial Tiles\""""
    for level in range(_TOP_LEVEL + 1):
        hashes = size >> level * TILE_HEIGHT
        if hashes % TILE_WIDTH:
            yield Tile(level, hashes // TILE_WIDTH, hashes % TILE_WIDTH)


def tile_bytes(tile: Tile, read_hash: ReadHash) -> bytes:
    """The content of *tile*, from the tree's hashes."""
    first, level = tile.index * TILE_WIDTH, tile.level * TILE_HEIGHT
    return b"".join(read_hash(level, first + offset) for offset in range(tile.width))


class VerifiedTiles:
    """The hashes of one signed tree, read from tiles of a server that is not trusted. Keeps what it has checked.

    Steps as numbered in specs/publication.md section 10. Raises FormatError or LimitError (not a tile of this width),
    VerificationError (not a tile of the signed tree), and what *read_tile* raises.
    """

    def __init__(self, read_tile: Callable[[Tile], bytes], size: int, root: bytes) -> None:
        """*size* and *root* (32 bytes) of a signed tree head; reads the partial tiles."""
        if not 0 <= size <= MAX_SIZE:
            raise FormatError("no tree has this size")
        self._read_tile, self.size = read_tile, size
        self._checked = {(tile.level, tile.index): self._read(tile) for tile in partial_tiles(size)}
        # (2): the partial tiles lead to the root. It is put together from hashes that all lie in them.
        if root_of(self.hash, size) != root:
            raise VerificationError("the partial tiles do not lead to the signed root")

    def hash(self, level: int, index: int) -> bytes:
        """Hash (32 bytes) of the perfect subtree (level, index). Raises FormatError for one that the tree has not."""
        if level < 0 or not 0 <= index < self.size >> level:
            raise FormatError(f"the tree has no hash {index} at level {level}")
        below = level % TILE_HEIGHT
        first = index << below
        hashes = self._tile(level // TILE_HEIGHT, first // TILE_WIDTH)
        return _fold(hashes[first % TILE_WIDTH : first % TILE_WIDTH + (1 << below)])

    def _tile(self, level: int, index: int) -> list[bytes]:
        """The hashes of a tile, checked."""
        known = self._checked.get((level, index))
        if known is None:
            hashes = self._read(Tile(level, index))
            # (3): the hash over a full tile stands in the tile above it.
            if _fold(hashes) != self._tile(level + 1, index // TILE_WIDTH)[index % TILE_WIDTH]:
                raise VerificationError(f"{Tile(level, index).path} is not a tile of the signed tree")
            known = self._checked[level, index] = hashes
        return known

    def _read(self, tile: Tile) -> list[bytes]:
        """The hashes of a tile as a server gives them."""
        data = self._read_tile(tile)
        if len(data) > MAX_TILE_BYTES:  # (1): as many hashes as the size demands, or a full tile in place of a partial
            raise LimitError(f"a tile has at most {MAX_TILE_BYTES} bytes")
        if len(data) not in (tile.width * HASH_BYTES, MAX_TILE_BYTES):
            raise FormatError(f"{tile.path} has not {tile.width} hashes")
        return [data[at : at + HASH_BYTES] for at in range(0, tile.width * HASH_BYTES, HASH_BYTES)]


def _fold(hashes: list[bytes]) -> bytes:
    """Root over a power of two of hashes."""
    while len(hashes) > 1:
        hashes = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]
