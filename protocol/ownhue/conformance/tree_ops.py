"""Operations of specs/publication.md sections 2 and 10 on vectors: hashes, frontiers, proofs, tiles."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ownhue.errors import StateError
from ownhue.tiles import Tile, VerifiedTiles, new_tiles, tile_bytes
from ownhue.tree import Frontier, leaf_hash, node_hash, verify_consistency, verify_inclusion, verify_node
from ownhue.tree_proofs import StoredTree, prove_consistency, prove_inclusion

Question = Mapping[str, Any]


def _hashes(question: Question) -> Any:
    """Leaf hashes, the root at every size, and the frontier at the end."""
    leaves = [leaf_hash(leaf) for leaf in _bytes(question["leaves"])]
    frontier, roots = Frontier(), [Frontier().root()]
    for leaf in leaves:
        frontier = frontier.append(leaf)
        roots.append(frontier.root())
    return {"leaf_hashes": _hex(leaves), "roots": _hex(roots), "frontier": frontier.to_bytes().hex()}


def _node_hash(question: Question) -> Any:
    return node_hash(bytes.fromhex(question["left"]), bytes.fromhex(question["right"])).hex()


def _read_frontier(question: Question) -> Any:
    frontier = Frontier.from_bytes(bytes.fromhex(question["frontier"]))
    return {"size": frontier.size, "hashes": _hex(frontier.hashes), "root": frontier.root().hex()}


def _prove_inclusion(question: Question) -> Any:
    tree, size = _tree(question), question["size"]
    proof = prove_inclusion(tree.hash, question["index"], size, question.get("level", 0))
    return {"proof": _hex(proof), "root": tree.root(size).hex()}


def _verify_inclusion(question: Question) -> Any:
    leaf, root = bytes.fromhex(question["leaf_hash"]), bytes.fromhex(question["root"])
    verify_inclusion(leaf, question["index"], question["size"], _bytes(question["proof"]), root)
    return True


def _verify_node(question: Question) -> Any:
    node, root = bytes.fromhex(question["hash"]), bytes.fromhex(question["root"])
    verify_node(node, question["level"], question["index"], question["size"], _bytes(question["proof"]), root)
    return True


def _prove_consistency(question: Question) -> Any:
    tree, old, new = _tree(question), question["old_size"], question["new_size"]
    proof = prove_consistency(tree.hash, old, new)
    return {"old_root": tree.root(old).hex(), "new_root": tree.root(new).hex(), "proof": _hex(proof)}


def _verify_consistency(question: Question) -> Any:
    old_root, new_root = bytes.fromhex(question["old_root"]), bytes.fromhex(question["new_root"])
    verify_consistency(question["old_size"], old_root, question["new_size"], new_root, _bytes(question["proof"]))
    return True


def _tile_path(question: Question) -> Any:
    return Tile(question["level"], question["index"], question["width"]).path


def _read_tile_path(question: Question) -> Any:
    tile = Tile.from_path(question["path"])
    return {"level": tile.level, "index": tile.index, "width": tile.width}


def _new_tiles(question: Question) -> Any:
    return [tile.path for tile in new_tiles(question["old_size"], question["new_size"])]


def _tile(question: Question) -> Any:
    return tile_bytes(Tile.from_path(question["path"]), _tree(question).hash).hex()


def _read_hash(question: Question) -> Any:
    """A hash of a signed tree, read from tiles that may have been changed on their way."""
    tree, size, read = _tree(question), question["size"], []

    def read_tile(tile: Tile) -> bytes:
        read.append(tile.path)
        if tile.path in question["missing"]:
            raise StateError("the tile is missing")
        data = bytearray(tile_bytes(tile, tree.hash))
        if tile.path in question["flipped"]:
            data[question["flipped"][tile.path]] ^= 1
        return bytes(data[: question["cut"].get(tile.path)])

    root = bytes.fromhex(question["root"]) if "root" in question else tree.root(size)
    found = VerifiedTiles(read_tile, size, root).hash(question["level"], question["index"])
    return {"hash": found.hex(), "read": read}


def _tree(question: Question) -> StoredTree:
    """The tree of "leaves", or of "leaf_count" leaves that are the numbers from 0 on, each in 4 bytes big-endian."""
    if "leaves" in question:
        return StoredTree(leaf_hash(leaf) for leaf in _bytes(question["leaves"]))
    return StoredTree(leaf_hash(number.to_bytes(4, "big")) for number in range(question["leaf_count"]))


def _bytes(texts: Iterable[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def _hex(items: Iterable[bytes]) -> list[str]:
    return [item.hex() for item in items]


OPERATIONS: dict[str, Callable[[Question], Any]] = {
    "hashes": _hashes,
    "node_hash": _node_hash,
    "read_frontier": _read_frontier,
    "prove_inclusion": _prove_inclusion,
    "verify_inclusion": _verify_inclusion,
    "verify_node": _verify_node,
    "prove_consistency": _prove_consistency,
    "verify_consistency": _verify_consistency,
    "tile_path": _tile_path,
    "read_tile_path": _read_tile_path,
    "new_tiles": _new_tiles,
    "tile": _tile,
    "read_hash": _read_hash,
}
