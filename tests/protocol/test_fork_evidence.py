"""Fork evidence: it proves a fork to anyone, and nobody can make it against an honest log. publication.md section 13"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from ownhue.encoding import canonical_json
from ownhue.errors import FormatError, LimitError, OwnhueError, StateError, VerificationError
from ownhue.fork_evidence import (
    MAX_EVIDENCE_BYTES,
    contradiction,
    make_fork_evidence,
    parse_fork_evidence,
    verify_fork_evidence,
)
from ownhue.records import record_bytes
from ownhue.tree import leaf_hash
from ownhue.tree_head import TreeHead, sign_tree_head
from ownhue.tree_proofs import StoredTree

ORIGIN = "demo.ownhue.example/log"
LOG, THIEF = SigningKey(bytes([1]) * 32), SigningKey(bytes([2]) * 32)
LOG_KEY = bytes(LOG.verify_key)
TIME = 1_767_232_800
TREE = StoredTree(leaf_hash(bytes([number])) for number in range(20))
OTHER = StoredTree(leaf_hash(b"other" if number == 2 else bytes([number])) for number in range(20))


def _note(size: int, time: int | None = None, tree: StoredTree = TREE, key: SigningKey = LOG) -> bytes:
    return sign_tree_head(TreeHead(ORIGIN, size, tree.root(size), TIME + 60 * size if time is None else time), key)


FORKS: dict[str, tuple[bytes, bytes, StoredTree | None]] = {
    "two-roots": (_note(8), _note(8, tree=OTHER), None),
    "order": (_note(8, time=TIME + 900), _note(9, time=TIME + 900), None),
    "rewritten": (_note(8), _note(9, tree=OTHER), OTHER),
}


def _make(kind: str) -> bytes:
    first, second, tree = FORKS[kind]
    return make_fork_evidence(ORIGIN, LOG_KEY, first, second, tree.hash if tree else None)


@pytest.mark.parametrize("kind", FORKS)
def test_evidence_is_made_in_either_order_and_proves_the_fork(kind: str) -> None:
    data = _make(kind)
    first, second, tree = FORKS[kind]
    assert make_fork_evidence(ORIGIN, LOG_KEY, second, first, tree.hash if tree else None) == data
    assert verify_fork_evidence(data, ORIGIN, LOG_KEY) == kind
    assert record_bytes(parse_fork_evidence(data)) == data


@given(st.integers(0, 20), st.integers(0, 20))
def test_an_honest_log_cannot_be_accused(first: int, second: int) -> None:
    notes = _note(first), _note(second)
    with pytest.raises(StateError):
        make_fork_evidence(ORIGIN, LOG_KEY, *notes)
    with pytest.raises(StateError):
        make_fork_evidence(ORIGIN, LOG_KEY, *notes, TREE.hash)
    smaller, larger = sorted((first, second))
    value = json.loads(_make("rewritten"))
    for kind, prefix in (("two-roots", None), ("order", None), ("rewritten", value["prefix"])):
        accused = _evidence(kind, [_note(smaller), _note(larger)], prefix)
        with pytest.raises(VerificationError):
            verify_fork_evidence(accused, ORIGIN, LOG_KEY)


def _evidence(kind: str, notes: list[bytes], prefix: Any) -> bytes:
    value = json.loads(_make("two-roots"))
    return canonical_json(
        {**value, "contradiction": kind, "notes": [note.decode() for note in notes], "prefix": prefix}
    )


@given(st.integers(3, 19), st.integers(1, 19))
def test_every_rewritten_past_can_be_proven(old: int, growth: int) -> None:
    new = min(old + growth, 20)
    if new == old:
        return
    data = make_fork_evidence(ORIGIN, LOG_KEY, _note(old), _note(new, tree=OTHER), OTHER.hash)
    assert verify_fork_evidence(data, ORIGIN, LOG_KEY) == "rewritten"


def test_what_was_never_rewritten_cannot_be_proven_to_be() -> None:
    """The two trees differ from their third leaf on."""
    for old in (0, 1, 2):
        with pytest.raises(StateError):
            make_fork_evidence(ORIGIN, LOG_KEY, _note(old), _note(10, tree=OTHER), OTHER.hash)


def test_hashes_of_another_tree_prove_nothing() -> None:
    with pytest.raises(VerificationError, match="not those of the larger tree"):
        make_fork_evidence(ORIGIN, LOG_KEY, _note(8), _note(9, tree=OTHER), TREE.hash)


def test_a_forged_note_proves_nothing() -> None:
    with pytest.raises(VerificationError, match="not signed once"):
        make_fork_evidence(ORIGIN, LOG_KEY, _note(8), _note(8, tree=OTHER, key=THIEF))
    thief = bytes(THIEF.verify_key)
    forged = make_fork_evidence(ORIGIN, thief, _note(8, key=THIEF), _note(8, tree=OTHER, key=THIEF))
    with pytest.raises(VerificationError, match="another log"):
        verify_fork_evidence(forged, ORIGIN, LOG_KEY)


def test_a_later_head_of_one_tree_is_no_contradiction() -> None:
    first, second = (TreeHead(ORIGIN, 8, TREE.root(8), time) for time in (TIME, TIME + 1))
    assert contradiction(first, second) is None
    assert contradiction(second, first) is None


def test_evidence_has_a_limit() -> None:
    with pytest.raises(LimitError):
        parse_fork_evidence(_make("order") + b" " * MAX_EVIDENCE_BYTES)


@given(st.binary(max_size=200))
def test_no_other_error_leaves_the_parser(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_fork_evidence(data)


@given(st.sampled_from(sorted(FORKS)), st.integers(0, 5000), st.binary(max_size=2), st.integers(0, 2))
def test_mutated_evidence_is_refused_or_the_same(kind: str, at: int, inserted: bytes, removed: int) -> None:
    data = _make(kind)
    at %= len(data)
    changed = data[:at] + inserted + data[at + removed :]
    try:
        verify_fork_evidence(changed, ORIGIN, LOG_KEY)
    except OwnhueError:
        return
    assert changed == data
