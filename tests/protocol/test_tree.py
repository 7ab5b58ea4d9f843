"""Merkle tree: published values, all proofs of small trees, proofs that must fail. specs/publication.md section 2"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.conformance.operations import answer
from ownhue.conformance.tree_ops import OPERATIONS
from ownhue.conformance.vectors import parse_vectors
from ownhue.errors import FormatError, VerificationError
from ownhue.tree import (
    EMPTY_ROOT,
    HASH_BYTES,
    Frontier,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
    verify_node,
)
from ownhue.tree_proofs import (
    StoredTree,
    consistency_proof,
    inclusion_proof,
    prove_consistency,
    prove_inclusion,
    range_hash,
    root_of,
    subtrees,
)
from tests.shared import SPECS

MANY = [leaf_hash(index.to_bytes(2, "big")) for index in range(33)]


@pytest.mark.parametrize("name", ["rfc6962.json", "tree.json"])
def test_vectors(name: str) -> None:
    """Published values of others, and ours from the definitions of RFC 6962."""
    cases = parse_vectors((SPECS / "vectors" / name).read_bytes()).cases
    assert len(cases) > 20
    for case in cases:
        assert case.judge(answer(OPERATIONS, case)), case.name


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


def test_a_proof_is_made_from_few_hashes_whatever_the_size() -> None:
    tree = StoredTree(MANY)
    read: list[tuple[int, int]] = []

    def read_hash(level: int, index: int) -> bytes:
        read.append((level, index))
        return tree.hash(level, index)

    for size in range(1, len(MANY) + 1):
        for index in range(size):
            read.clear()
            assert prove_inclusion(read_hash, index, size) == inclusion_proof(MANY[:size], index)
            assert len(read) <= 2 * size.bit_length()
        for old in range(size + 1):
            read.clear()
            assert prove_consistency(read_hash, old, size) == consistency_proof(MANY[:size], old)
            assert len(read) <= 2 * size.bit_length()


def test_every_stored_hash_is_proven_to_be_in_the_tree_and_nowhere_else() -> None:
    tree = StoredTree(MANY)
    for size in (1, 2, 6, 13, 32, 33):
        root = tree.root(size)
        for level in range(size.bit_length()):
            for index in range(size >> level):
                proof = prove_inclusion(tree.hash, index, size, level)
                verify_node(tree.hash(level, index), level, index, size, proof, root)
                for other in (index - 1, index + 1):
                    with pytest.raises(VerificationError):
                        verify_node(tree.hash(level, index), level, other, size, proof, root)
                with pytest.raises(VerificationError):
                    verify_node(leaf_hash(b"other"), level, index, size, proof, root)


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_a_range_is_made_up_of_perfect_subtrees(start: int, length: int) -> None:
    start <<= length.bit_length()
    parts = list(subtrees(start, start + length))
    assert sum(1 << level for level, _ in parts) == length
    assert [level for level, _ in parts] == sorted({level for level, _ in parts}, reverse=True)
    assert all(index << level >= start for level, index in parts)


def test_hashes_that_a_tree_does_not_have_are_a_format_error() -> None:
    tree = StoredTree(MANY[:5])
    for level, index in ((-1, 0), (0, 5), (0, -1), (1, 2), (2, 1), (3, 0), (9, 0)):
        with pytest.raises(FormatError):
            tree.hash(level, index)
    with pytest.raises(FormatError):
        tree.root(6)
    with pytest.raises(FormatError):
        root_of(tree.hash, -1)
    assert root_of(tree.hash, 0) == EMPTY_ROOT
    assert range_hash(tree.hash, 4, 5) == MANY[4]


def test_a_root_of_nothing_has_no_second_spelling() -> None:
    """A first head with any root beside size 0 would let a log choose its past later."""
    with pytest.raises(VerificationError, match="root of nothing"):
        verify_consistency(0, MANY[0], 3, tree_root(MANY[:3]), [])
    with pytest.raises(VerificationError, match="root of nothing"):
        verify_consistency(0, EMPTY_ROOT, 0, MANY[0], [])
    verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])


@pytest.mark.parametrize("length", [0, 31, 33, 64])
@pytest.mark.parametrize("size", [0, 1, 2, 3])
def test_what_is_no_leaf_hash_is_not_appended(size: int, length: int) -> None:
    """Where a node is made of it at once, its length would not show any more."""
    with pytest.raises(FormatError):
        Frontier().extend(MANY[:size]).append(bytes(length))


@pytest.mark.parametrize(("start", "end"), [(0, 0), (2, 1), (-1, 1)])
def test_a_range_without_leaves_has_no_hash(start: int, end: int) -> None:
    with pytest.raises(FormatError):
        range_hash(StoredTree(MANY).hash, start, end)
