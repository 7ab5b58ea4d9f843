"""Merkle tree of RFC 6962: hashes, checks of proofs, and the frontier of a growing tree. specs/publication.md section 2

    frontier = Frontier().extend(leaf_hash(leaf) for leaf in leaves)
    verify_inclusion(leaf_hash(leaves[2]), 2, frontier.size, proof, frontier.root())      # raises, or holds

- Leaf and node hashes carry different prefixes, so no node passes for a leaf.
- A proof that is not exactly as long as the sizes demand is refused: there is one proof per statement.
- A :class:`Frontier` holds the perfect subtrees of a tree; whoever appends every leaf to it and meets the
  signed root has checked inclusion and consistency of everything at once.

The checks are those of RFC 9162 sections 2.1.3.2 and 2.1.4.2. Not handled here: how proofs are made
(``tree_proofs.py``), where leaves come from (``log.py``) and who signed a root (``tree_head.py``).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ownhue.errors import FormatError, VerificationError

#: Length of every hash in bytes (SHA-256). specs/publication.md section 2
HASH_BYTES = 32
#: Root of the tree without leaves: SHA-256 of nothing. RFC 6962 section 2.1
EMPTY_ROOT = hashlib.sha256(b"").digest()
#: Most leaves of a tree: sizes are signed 64-bit integers in RFC 9162. specs/publication.md section 2
MAX_SIZE = (1 << 63) - 1

_SIZE_BYTES = 8


def leaf_hash(data: bytes) -> bytes:
    """Hash (32 bytes) of the leaf *data*. RFC 6962 section 2.1"""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash (32 bytes) of a node above *left* and *right* (32 bytes each). RFC 6962 section 2.1"""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The perfect subtrees of a tree, largest first: all that is needed to append and to know the root.

    Raises FormatError when the hashes do not fit the size.
    """

    size: int = 0
    """Number of leaves."""
    hashes: tuple[bytes, ...] = ()
    """One hash (32 bytes) for each bit that is set in ``size``, most significant bit first."""

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE or len(self.hashes) != self.size.bit_count():
            raise FormatError("a frontier has one hash for each bit set in its size")
        if any(len(item) != HASH_BYTES for item in self.hashes):
            raise FormatError("a frontier's hashes have 32 bytes")

    def append(self, leaf: bytes) -> "Frontier":
        """The frontier after one more leaf, given by its leaf hash (32 bytes). Raises FormatError."""
        if len(leaf) != HASH_BYTES:  # else it would vanish in a hash above
            raise FormatError("a leaf hash has 32 bytes")
        hashes, size = list(self.hashes), self.size
        while size & 1:
            leaf = node_hash(hashes.pop(), leaf)
            size >>= 1
        return Frontier(self.size + 1, (*hashes, leaf))

    def extend(self, leaves: Iterable[bytes]) -> "Frontier":
        """The frontier after several more leaves, given by their leaf hashes."""
        frontier = self
        for leaf in leaves:
            frontier = frontier.append(leaf)
        return frontier

    def root(self) -> bytes:
        """Root (32 bytes) of the tree as it is now."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = node_hash(left, root)
        return root

    def to_bytes(self) -> bytes:
        """Size (u64 big-endian), then the hashes."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Frontier":
        """The frontier of :meth:`to_bytes`. Raises FormatError."""
        size, rest = int.from_bytes(data[:_SIZE_BYTES], "big"), data[_SIZE_BYTES:]
        if len(data) < _SIZE_BYTES or len(rest) % HASH_BYTES:
            raise FormatError("a frontier is a size and whole hashes")
        return cls(size, tuple(rest[at : at + HASH_BYTES] for at in range(0, len(rest), HASH_BYTES)))


def tree_root(leaf_hashes: Iterable[bytes]) -> bytes:
    """Root (32 bytes) of the tree over *leaf_hashes* (32 bytes each). RFC 6962 section 2.1"""
    return Frontier().extend(leaf_hashes).root()


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf hash *leaf* stands at *index* in the tree of *size* leaves with *root*.

    Steps as numbered in specs/publication.md section 10. Raises VerificationError. RFC 9162 section 2.1.3.2
    """
    verify_node(leaf, 0, index, size, proof, root)


def verify_node(node: bytes, level: int, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that *node* is the hash at (*level*, *index*) of the tree of *size* leaves with *root*.

    It covers the leaves from index * 2^level up to (index + 1) * 2^level, all of which the tree has; a leaf is a node
    of level 0. Raises VerificationError.
    """
    if level < 0 or not 0 <= index < size >> level:  # (1) it lies in the tree
        raise VerificationError("the index lies outside the tree")
    position, last, current = index, (size - 1) >> level, node
    for sibling in _hashes(proof):  # (2) hashes of the right length
        if last == 0:  # (3) as many as the sizes demand
            raise VerificationError("the inclusion proof is too long")
        if position & 1 or position == last:
            current = node_hash(sibling, current)
            # On the right edge levels without a sibling are passed at once.
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise VerificationError("the inclusion proof is too short")
    if current != root:  # (4) and they lead to the root
        raise VerificationError("the inclusion proof does not lead to the root")


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of *new_size* leaves begins with the leaves of the tree of *old_size*.

    Steps as numbered in specs/publication.md section 10. Raises VerificationError. RFC 9162 section 2.1.4.2
    """
    if not 0 <= old_size <= new_size:  # (1) it grew
        raise VerificationError("a log never shrinks")
    if any(size == 0 and root != EMPTY_ROOT for size, root in ((old_size, old_root), (new_size, new_root))):
        raise VerificationError("the root of nothing is another")
    path = _hashes(proof)  # (2) hashes of the right length
    if old_size in (0, new_size):
        if path:  # (3) as many as the sizes demand
            raise VerificationError("the consistency proof is too long")
        if old_size and old_root != new_root:  # (4) and they lead to both roots
            raise VerificationError("the consistency proof does not lead to both roots")
        return
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise VerificationError("the consistency proof is too short")
    if _walk(path, old_size - 1, new_size - 1) != (old_root, new_root):
        raise VerificationError("the consistency proof does not lead to both roots")


def _walk(path: Sequence[bytes], node: int, last: int) -> tuple[bytes, bytes]:
    """Old and new root that *path* leads to; *node* and *last* are the last indices of both trees."""
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise VerificationError("the consistency proof is too long")
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise VerificationError("the consistency proof is too short")
    return old, new


def _hashes(proof: Sequence[bytes]) -> list[bytes]:
    if any(len(item) != HASH_BYTES for item in proof):
        raise VerificationError("a proof's hashes have 32 bytes")
    return list(proof)
