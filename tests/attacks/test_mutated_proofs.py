"""Every proof and tile, changed field by field: each numbered step of specs/publication.md section 10 fails."""

from collections.abc import Callable
from random import Random
from typing import Any

from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.tiles import Tile, VerifiedTiles, tile_bytes, tiles_of
from ownhue.tree import leaf_hash, verify_consistency, verify_inclusion
from ownhue.tree_proofs import StoredTree, prove_consistency, prove_inclusion
from tests.conformance.mutate import Tally, flipped, mutations

TREE = StoredTree(leaf_hash(number.to_bytes(2, "big")) for number in range(700))
SIZES = (2, 3, 5, 8, 13, 64, 100)


def _step(call: Callable[[], None], steps: dict[str, str]) -> str | None:
    """The step that refused, by the words of its error; None when nothing did."""
    try:
        call()
    except VerificationError as error:
        return next(step for words, step in steps.items() if words in str(error))
    return None


def _typed(mutant: Any, original: dict[str, Any]) -> bool:
    """Whether *mutant* still has the fields and the kinds that the function is called with."""
    if mutant.keys() != original.keys():
        return False
    if not all(type(mutant[name]) is type(value) for name, value in original.items()):
        return False
    return all(type(item) is bytes for item in mutant["proof"])


INCLUSION = {
    "outside the tree": "1",
    "32 bytes": "2",
    "too long": "3 long",
    "too short": "3 short",
    "does not lead": "4",
}


def test_inclusion_proofs() -> None:
    random, tally = Random(1), Tally()
    for size in SIZES:
        for index in range(0, size, 1 + size // 6):
            right: dict[str, Any] = {
                "leaf": TREE.hash(0, index),
                "index": index,
                "size": size,
                "proof": prove_inclusion(TREE.hash, index, size),
                "root": TREE.root(size),
            }
            verify_inclusion(**right)
            for _, mutant in mutations(right, random, rounds=4):
                if _typed(mutant, right):
                    step = _step(lambda mutant=mutant: verify_inclusion(**mutant), INCLUSION)  # type: ignore[misc]
                    assert step is not None or _same_place(right, mutant), (right, mutant)
                    tally.add(step or "holds")
    tally.require(list(INCLUSION.values()))


def _same_place(right: dict[str, Any], mutant: dict[str, Any]) -> bool:
    """Some proofs have the same shape in a tree of another size; then the size is not theirs to prove (the head is)."""
    return {**mutant, "size": right["size"]} == right


CONSISTENCY = {
    "never shrinks": "1 shrunk",
    "root of nothing": "1 nothing",
    "32 bytes": "2",
    "too long": "3 long",
    "too short": "3 short",
    "does not lead": "4",
}


def test_consistency_proofs() -> None:
    random, tally = Random(2), Tally()
    for new in SIZES:
        for old in range(0, new + 1, 1 + new // 6):
            right: dict[str, Any] = {
                "old_size": old,
                "old_root": TREE.root(old),
                "new_size": new,
                "new_root": TREE.root(new),
                "proof": prove_consistency(TREE.hash, old, new),
            }
            verify_consistency(**right)
            for _, mutant in mutations(right, random, rounds=6):
                if _typed(mutant, right):
                    step = _step(lambda mutant=mutant: verify_consistency(**mutant), CONSISTENCY)  # type: ignore[misc]
                    assert step is not None or _still_true(right, mutant), (right, mutant)
                    tally.add(step or "holds")
    tally.require(list(CONSISTENCY.values()))


def _still_true(right: dict[str, Any], mutant: dict[str, Any]) -> bool:
    """What still holds: nothing is a beginning of any tree; and a size that has the same shape of proof, as above."""
    roots = {name: mutant[name] for name in ("old_root", "new_root", "proof")}
    return mutant["old_size"] == 0 or roots == {name: right[name] for name in roots}


def test_tiles_of_a_server() -> None:
    random, tally = Random(3), Tally()
    size = 700
    root, files = TREE.root(size), {tile.path: tile_bytes(tile, TREE.hash) for tile in tiles_of(size)}
    for _ in range(20):
        for path, mutant in mutations(files, random):
            name = path.split("'")[1] if "'" in path else ""
            if mutant.keys() == files.keys() and isinstance(mutant[name], bytes):
                tally.add(_read_tiles(mutant, size, root, random))
        name = random.choice(list(files))
        tally.add(_read_tiles({**files, name: flipped(files[name], random)}, size, root, random))
    for _ in range(120):
        tally.add(_read_tiles(files, size, flipped(root, random), random))
        full = {**files, "tile/0/000": flipped(files["tile/0/000"], random)}
        tally.add(_read_tiles(full, size, root, random))
        tally.add(_read_tiles({**files, "tile/0/001": bytes(8193)}, size, root, random))
    tally.require(["1 limit", "1 width", "2", "3"])
    assert not tally.counts["holds"]


def _read_tiles(files: dict[str, bytes], size: int, root: bytes, random: Random) -> str:
    """The step that refused while a few hashes of every tile were read."""

    def read_tile(tile: Tile) -> bytes:
        return files[tile.path]

    try:
        tiles = VerifiedTiles(read_tile, size, root)
        for index in range(0, size, 50):
            assert tiles.hash(0, index) == TREE.hash(0, index)
    except LimitError:
        return "1 limit"
    except FormatError:
        return "1 width"
    except VerificationError as error:
        return "2" if "do not lead" in str(error) else "3"
    return "holds"
