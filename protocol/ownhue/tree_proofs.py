"""Proofs of the Merkle tree, made from a few stored hashes. specs/publication.md section 10

    tree = StoredTree(leaf_hash(leaf) for leaf in leaves)
    prove_inclusion(tree.hash, index=2, size=1000)       # 10 hashes, of which each is read or put together from few

- A hash is named by (level, index): it covers the leaves from index * 2^level up to (index + 1) * 2^level. Only such
  perfect subtrees are stored; what a proof needs besides is put together from them.
- Making a proof reads at most about level x level / 2 hashes, whatever the size: no leaf is touched for it.
- :class:`StoredTree` keeps the hashes in memory; ``tiles.py`` reads them from the files of a server.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from ownhue.errors import FormatError
from ownhue.tree import EMPTY_ROOT, node_hash

ReadHash = Callable[[int, int], bytes]
"""(level, index) -> hash (32 bytes) of a perfect subtree that the tree has."""


class StoredTree:
    """Every hash of a growing tree, level by level: two hashes a leaf in memory."""

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        for leaf in leaf_hashes:
            self.append(leaf)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0])

    def append(self, leaf: bytes) -> None:
        """One more leaf, given by its leaf hash (32 bytes)."""
        self._levels[0].append(leaf)
        level = 0
        while len(self._levels[level]) % 2 == 0:
            left, right = self._levels[level][-2:]
            if level + 1 == len(self._levels):
                self._levels.append([])
            level += 1
            self._levels[level].append(node_hash(left, right))

    def hash(self, level: int, index: int) -> bytes:
        """Hash (32 bytes) of a perfect subtree. Raises FormatError for one that the tree does not have (yet)."""
        if not 0 <= level < len(self._levels) or not 0 <= index < len(self._levels[level]):
            raise FormatError(f"the tree has no hash {index} at level {level}")
        return self._levels[level][index]

    def root(self, size: int) -> bytes:
        """Root (32 bytes) of the tree when it had *size* leaves. Raises FormatError."""
        return root_of(self.hash, size)


def subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """(level, index) of the perfect subtrees that make up the leaves *start* up to *end*, from the left.

    *start* must be a multiple of the largest of them, as it is everywhere in a proof.
    """
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def range_hash(read_hash: ReadHash, start: int, end: int) -> bytes:
    """Hash (32 bytes) over the leaves *start* up to *end*. MTH of RFC 6962 section 2.1

    Raises FormatError unless *end* is behind *start*, and what *read_hash* raises.
    """
    if not 0 <= start < end:
        raise FormatError(f"a tree has no hash over the leaves {start} up to {end}")
    hashes = [read_hash(level, index) for level, index in subtrees(start, end)]
    current = hashes.pop()
    while hashes:
        current = node_hash(hashes.pop(), current)
    return current


def root_of(read_hash: ReadHash, size: int) -> bytes:
    """Root (32 bytes) of the tree of *size* leaves. Raises FormatError for a negative size."""
    if size < 0:
        raise FormatError("a tree has no negative size")
    return range_hash(read_hash, 0, size) if size else EMPTY_ROOT


def prove_inclusion(read_hash: ReadHash, index: int, size: int, level: int = 0) -> list[bytes]:
    """Hashes that lead from leaf *index* to the root of the tree of *size* leaves. RFC 6962 section 2.1.1

    With *level* the proof of an inner hash (level, index). Raises FormatError for one that the tree does not have.
    """
    if level < 0 or not 0 <= index < size >> level:
        raise FormatError(f"a tree of {size} leaves has no hash {index} at level {level}")
    start, end = index << level, (index + 1) << level
    first, last = 0, size
    proof = []
    while (first, last) != (start, end):
        split = first + _split(last - first)
        if start < split:
            proof.append(range_hash(read_hash, split, last))
            last = split
        else:
            proof.append(range_hash(read_hash, first, split))
            first = split
    return proof[::-1]


def prove_consistency(read_hash: ReadHash, old_size: int, new_size: int) -> list[bytes]:
    """Hashes that prove the first *old_size* leaves unchanged. RFC 6962 section 2.1.2. Empty for old size 0.

    Raises FormatError for an old size that is larger than the new one.
    """
    if not 0 <= old_size <= new_size:
        raise FormatError(f"a tree of {new_size} leaves never had size {old_size}")
    first, last = 0, new_size
    proof: list[bytes] = []
    while old_size and old_size != last:
        split = first + _split(last - first)
        if old_size <= split:
            proof.append(range_hash(read_hash, split, last))
            last = split
        else:
            proof.append(range_hash(read_hash, first, split))
            first = split
    # A subtree from the very left is the old tree itself, whose root the verifier knows.
    if first:
        proof.append(range_hash(read_hash, first, last))
    return proof[::-1]


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """As :func:`prove_inclusion`, from all leaf hashes (32 bytes each) of the tree."""
    tree = StoredTree(leaf_hashes)
    return prove_inclusion(tree.hash, index, tree.size)


def consistency_proof(leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """As :func:`prove_consistency`, from all leaf hashes (32 bytes each) of the larger tree."""
    tree = StoredTree(leaf_hashes)
    return prove_consistency(tree.hash, old_size, tree.size)


def _split(size: int) -> int:
    """The largest power of two below *size* (at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)
