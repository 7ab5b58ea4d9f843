"""Merkle tree: published values, all proofs of small trees, proofs that must fail. specs/publication.md section 2"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.errors import FormatError, VerificationError
from ownhue.tree import (
    EMPTY_ROOT,
    HASH_BYTES,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from tests.shared import SPECS

VECTORS = json.loads((SPECS / "vectors" / "tree.json").read_text())["rfc6962"]
LEAVES = [leaf_hash(bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]
MANY = [leaf_hash(index.to_bytes(2, "big")) for index in range(33)]


def _hex(hashes: list[bytes]) -> list[str]:
    return [item.hex() for item in hashes]


def _bytes(hashes: list[str]) -> list[bytes]:
    return [bytes.fromhex(item) for item in hashes]


def test_published_leaf_hashes_and_roots() -> None:
    assert _hex(LEAVES) == VECTORS["leaf_hashes"]
    assert [tree_root(LEAVES[:size]).hex() for size in range(9)] == VECTORS["roots"]
    assert EMPTY_ROOT.hex() == VECTORS["roots"][0]


@pytest.mark.parametrize("case", VECTORS["inclusion"])
def test_published_inclusion_proofs(case: dict[str, object]) -> None:
    index, size, proof = case["index"], case["size"], case["proof"]
    assert isinstance(index, int)
    assert isinstance(size, int)
    assert isinstance(proof, list)
    assert _hex(inclusion_proof(LEAVES[:size], index)) == proof
    verify_inclusion(LEAVES[index], index, size, _bytes(proof), bytes.fromhex(VECTORS["roots"][size]))


@pytest.mark.parametrize("case", VECTORS["consistency"])
def test_published_consistency_proofs(case: dict[str, object]) -> None:
    old, new, proof = case["old_size"], case["new_size"], case["proof"]
    assert isinstance(old, int)
    assert isinstance(new, int)
    assert isinstance(proof, list)
    assert _hex(consistency_proof(LEAVES[:new], old)) == proof
    roots = _bytes(VECTORS["roots"])
    verify_consistency(old, roots[old], new, roots[new], _bytes(proof))


def test_a_frontier_has_the_root_of_the_tree_at_every_size() -> None:
    frontier = Frontier()
    for size, leaf in enumerate(MANY):
        assert (frontier.size, frontier.root()) == (size, _slow_root(MANY[:size]))
        assert Frontier.from_bytes(frontier.to_bytes()) == frontier
        frontier = frontier.append(leaf)


def _slow_root(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962 section 2.1 writes it, by another way than the frontier's."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(_slow_root(leaves[:split]), _slow_root(leaves[split:]))


def test_every_proof_of_small_trees_holds() -> None:
    for size in range(len(MANY)):
        leaves, root = MANY[:size], tree_root(MANY[:size])
        for index in range(size):
            verify_inclusion(leaves[index], index, size, inclusion_proof(leaves, index), root)
        for old in range(size + 1):
            verify_consistency(old, tree_root(MANY[:old]), size, root, consistency_proof(leaves, old))


@given(size=st.integers(1, 33), data=st.data())
def test_an_inclusion_proof_changed_anywhere_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof, root = inclusion_proof(MANY[:size], index), tree_root(MANY[:size])
    for at in range(len(proof)):
        changed = [*proof[:at], leaf_hash(b"other"), *proof[at + 1 :]]
        with pytest.raises(VerificationError):
            verify_inclusion(MANY[index], index, size, changed, root)
        with pytest.raises(VerificationError):
            verify_inclusion(MANY[index], index, size, proof[:at], root)
    with pytest.raises(VerificationError):
        verify_inclusion(MANY[index], index, size, [*proof, root], root)
    with pytest.raises(VerificationError):
        verify_inclusion(leaf_hash(b"other"), index, size, proof, root)


def test_an_inclusion_proof_holds_for_one_index_only() -> None:
    for size in range(2, 17):
        root = tree_root(MANY[:size])
        for index in range(size):
            proof = inclusion_proof(MANY[:size], index)
            for other in range(-1, size + 2):
                if other != index:
                    with pytest.raises(VerificationError):
                        verify_inclusion(MANY[index], other, size, proof, root)


@given(sizes=st.tuples(st.integers(1, 33), st.integers(1, 33)).map(sorted), data=st.data())
def test_a_consistency_proof_changed_anywhere_is_refused(sizes: list[int], data: st.DataObject) -> None:
    old, new = sizes
    proof = consistency_proof(MANY[:new], old)
    old_root, new_root = tree_root(MANY[:old]), tree_root(MANY[:new])
    bad = leaf_hash(b"other")
    wrong = [(bad, new_root, proof), (old_root, bad, proof), (old_root, new_root, [*proof, bad])]
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        wrong += [(old_root, new_root, [*proof[:at], bad, *proof[at + 1 :]]), (old_root, new_root, proof[:at])]
    for first, second, path in wrong:
        with pytest.raises(VerificationError):
            verify_consistency(old, first, new, second, path)


def test_a_log_that_changed_an_old_leaf_has_no_consistency_proof() -> None:
    rewritten = [*MANY[:3], leaf_hash(b"rewritten"), *MANY[4:]]
    for new in range(7, 33):
        with pytest.raises(VerificationError):
            verify_consistency(
                6, tree_root(MANY[:6]), new, tree_root(rewritten[:new]), consistency_proof(MANY[:new], 6)
            )
        with pytest.raises(VerificationError):
            verify_consistency(
                6, tree_root(MANY[:6]), new, tree_root(rewritten[:new]), consistency_proof(rewritten[:new], 6)
            )


def test_sizes_that_shrink_and_odd_empty_proofs_are_refused() -> None:
    root = tree_root(MANY[:4])
    with pytest.raises(VerificationError, match="never shrinks"):
        verify_consistency(5, root, 4, root, [])
    with pytest.raises(VerificationError):
        verify_consistency(0, root, 4, root, [])
    with pytest.raises(VerificationError):
        verify_consistency(3, tree_root(MANY[:3]), 4, root, [])
    with pytest.raises(VerificationError, match="32 bytes"):
        verify_inclusion(MANY[0], 0, 2, [b"short"], root)


def test_proofs_longer_or_shorter_than_the_sizes_demand_are_refused_though_their_hashes_fit() -> None:
    one, two, extra = MANY[0], MANY[1], leaf_hash(b"extra")
    pair = node_hash(one, two)
    with pytest.raises(VerificationError, match="too long"):
        verify_inclusion(one, 0, 1, [extra], node_hash(extra, one))
    with pytest.raises(VerificationError, match="too long"):
        verify_consistency(1, one, 2, node_hash(extra, pair), [two, extra])
    with pytest.raises(VerificationError):
        verify_inclusion(one, 0, 4, [two], pair)
    with pytest.raises(VerificationError, match="too short"):
        verify_consistency(1, one, 4, pair, [two])


def test_a_leaf_does_not_pass_for_a_node() -> None:
    left, right = MANY[:2]
    assert leaf_hash(left + right) != node_hash(left, right)


def test_proofs_of_leaves_that_do_not_exist_are_a_format_error() -> None:
    for index in (-1, 4):
        with pytest.raises(FormatError):
            inclusion_proof(MANY[:4], index)
    for old in (-1, 5):
        with pytest.raises(FormatError):
            consistency_proof(MANY[:4], old)


@pytest.mark.parametrize(
    "data",
    [b"", bytes(7), bytes(9), bytes(8 + HASH_BYTES), (1).to_bytes(8, "big"), b"\xff" * 8 + bytes(HASH_BYTES * 64)],
)
def test_bytes_that_are_no_frontier_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        Frontier.from_bytes(data)


@given(st.binary(max_size=200))
def test_a_frontier_is_canonical(data: bytes) -> None:
    try:
        frontier = Frontier.from_bytes(data)
    except FormatError:
        return
    assert frontier.to_bytes() == data
