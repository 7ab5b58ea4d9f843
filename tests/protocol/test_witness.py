"""Witness: it cosigns what continues what it has seen, and nothing else. specs/publication.md section 12"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from ownhue.cosignature import WitnessKey, WitnessPolicy, check_cosignatures
from ownhue.encoding import cbor_encode
from ownhue.errors import ForkError, FormatError, LimitError, OwnhueError, StateError, VerificationError
from ownhue.tree import EMPTY_ROOT, leaf_hash
from ownhue.tree_head import TreeHead, open_tree_head, sign_tree_head
from ownhue.tree_proofs import StoredTree, prove_consistency
from ownhue.witness import (
    MAX_PROOF_HASHES,
    MAX_WITNESS_REQUEST_BYTES,
    WitnessRequest,
    WitnessState,
    cosign,
    next_state,
)

ORIGIN = "demo.ownhue.example/log"
LOG, WITNESS = SigningKey(bytes([1]) * 32), SigningKey(bytes([2]) * 32)
LOG_KEY = bytes(LOG.verify_key)
NAME = "witness.example/w1"
TIME = 1_767_232_800
TREE = StoredTree(leaf_hash(bytes([number])) for number in range(40))
OTHER = StoredTree(leaf_hash(b"other" if number == 2 else bytes([number])) for number in range(40))
NEW = WitnessState(ORIGIN, LOG_KEY)


def _note(size: int, time: int | None = None, tree: StoredTree = TREE, key: SigningKey = LOG) -> bytes:
    """The log's head of one size; it closes a batch a minute."""
    return sign_tree_head(TreeHead(ORIGIN, size, tree.root(size), TIME + 60 * size if time is None else time), key)


def _now(size: int) -> int:
    return TIME + 60 * size


def _seen(size: int) -> WitnessState:
    return next_state(NEW, _note(size), [], _now(size))


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8).map(sorted))
def test_a_log_that_grows_is_cosigned_at_every_step(sizes: list[int]) -> None:
    state = NEW
    policy = WitnessPolicy(1, (WitnessKey(NAME, bytes(WITNESS.verify_key)),))
    for size in sizes:
        state = next_state(state, _note(size), prove_consistency(TREE.hash, state.head.size, size), _now(size))
        state = WitnessState.from_bytes(state.to_bytes())
        head = TreeHead(ORIGIN, size, TREE.root(size), _now(size))
        assert state.head == head
        note = state.note + cosign(state, NAME, WITNESS, _now(size)).encode()
        assert check_cosignatures(note, open_tree_head(note, ORIGIN, LOG_KEY), policy, _now(size))


def test_a_witness_that_has_seen_nothing_signs_nothing() -> None:
    assert NEW.head == TreeHead(ORIGIN, 0, EMPTY_ROOT, 0)
    with pytest.raises(StateError):
        cosign(NEW, NAME, WITNESS, TIME)


def test_a_fork_of_one_size_is_refused_and_both_notes_are_kept() -> None:
    state = _seen(10)
    with pytest.raises(ForkError, match="two-roots") as caught:
        next_state(state, _note(10, tree=OTHER), [], _now(10))
    assert (caught.value.kept, caught.value.shown) == (_note(10), _note(10, tree=OTHER))


def test_a_log_that_shrinks_is_refused() -> None:
    with pytest.raises(ForkError, match="order"):
        next_state(_seen(10), _note(9, time=_now(11)), [], _now(11))


def test_two_sizes_at_one_second_are_refused() -> None:
    with pytest.raises(ForkError, match="order"):
        next_state(_seen(10), _note(11, time=_now(10)), prove_consistency(TREE.hash, 10, 11), _now(10))


def test_an_old_head_shown_again_is_refused_and_is_no_fork() -> None:
    for size in (0, 5, 9):
        with pytest.raises(VerificationError, match="older") as caught:
            next_state(_seen(10), _note(size), [], _now(10))
        assert not isinstance(caught.value, ForkError)


def test_a_rewritten_past_has_no_proof() -> None:
    state = _seen(10)
    for proof in (prove_consistency(TREE.hash, 10, 20), prove_consistency(OTHER.hash, 10, 20), []):
        with pytest.raises(VerificationError):
            next_state(state, _note(20, tree=OTHER), proof, _now(20))


def test_a_first_head_needs_no_proof_and_takes_none() -> None:
    assert _seen(7).head.size == 7
    with pytest.raises(VerificationError, match="too long"):
        next_state(NEW, _note(7), [bytes(32)], _now(7))


def test_a_head_from_the_future_or_by_another_key_is_refused() -> None:
    with pytest.raises(VerificationError, match="ahead"):
        next_state(NEW, _note(7), [], _now(7) - 601)
    with pytest.raises(VerificationError, match="not signed once"):
        next_state(NEW, _note(7, key=WITNESS), [], _now(7))


def test_a_proof_that_never_ends_is_not_read() -> None:
    with pytest.raises(LimitError):
        next_state(_seen(4), _note(9), [bytes(32)] * (MAX_PROOF_HASHES + 1), _now(9))


def test_the_old_state_is_whole_after_a_refusal() -> None:
    state = _seen(10)
    before = state.to_bytes()
    with pytest.raises(ForkError):
        next_state(state, _note(10, tree=OTHER), [], _now(10))
    assert state.to_bytes() == before
    assert next_state(state, _note(11), prove_consistency(TREE.hash, 10, 11), _now(11)).head.size == 11


def test_a_memory_of_another_log_or_key_is_refused() -> None:
    note = _note(5)
    with pytest.raises(VerificationError):
        WitnessState("other.example/log", LOG_KEY, note)
    with pytest.raises(VerificationError):
        WitnessState(ORIGIN, bytes(WITNESS.verify_key), note)
    for name, key in (("a b", LOG_KEY), (ORIGIN, b"short")):
        with pytest.raises(FormatError):
            WitnessState(name, key)


@given(st.binary(max_size=200))
def test_no_other_error_leaves_the_parser_of_states(data: bytes) -> None:
    for value in (data, cbor_encode([ORIGIN, LOG_KEY, data]), cbor_encode([data, LOG_KEY, b""])):
        try:
            state = WitnessState.from_bytes(value)
        except OwnhueError:
            continue
        assert state.to_bytes() == value


def test_a_flipped_bit_of_the_memory_is_found() -> None:
    data = _seen(5).to_bytes()
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
        with pytest.raises(OwnhueError):
            WitnessState.from_bytes(changed)


@given(st.binary(max_size=100), st.lists(st.binary(min_size=32, max_size=32), max_size=4), st.integers(0, 2**63 - 1))
def test_a_request_survives_its_body(note: bytes, proof: list[bytes], size: int) -> None:
    request = WitnessRequest(size, tuple(proof), note)
    assert WitnessRequest.from_bytes(request.to_bytes()) == request


@given(st.binary(max_size=200))
def test_a_request_is_canonical(data: bytes) -> None:
    for body in (data, b"old 4\n" + data, b"old 4\n\n" + data):
        try:
            request = WitnessRequest.from_bytes(body)
        except FormatError:
            continue
        assert request.to_bytes() == body


def test_requests_have_limits() -> None:
    assert WitnessRequest(0, (bytes(32),) * MAX_PROOF_HASHES, b"").to_bytes()
    with pytest.raises(LimitError):
        WitnessRequest(0, (bytes(32),) * (MAX_PROOF_HASHES + 1), b"")
    with pytest.raises(LimitError):
        WitnessRequest(0, (), bytes(8193))
    with pytest.raises(LimitError):
        WitnessRequest.from_bytes(b"old 0\n\n" + bytes(MAX_WITNESS_REQUEST_BYTES))
    longest = WitnessRequest(2**63 - 1, (bytes(32),) * MAX_PROOF_HASHES, bytes(8192)).to_bytes()
    assert len(longest) <= MAX_WITNESS_REQUEST_BYTES


def test_a_log_that_thinks_of_another_size_is_told_the_right_one() -> None:
    request = WitnessRequest(3, (), _note(7))
    with pytest.raises(StateError, match="seen 5 entries"):
        request.check_size(_seen(5))
    request.check_size(_seen(3))


def test_a_log_may_change_its_key_and_its_memory_goes_on() -> None:
    new_key = SigningKey(bytes([3]) * 32)
    public = bytes(new_key.verify_key)
    moved = _note(20, key=new_key)
    proof = prove_consistency(TREE.hash, 10, 20)
    with pytest.raises(VerificationError):
        next_state(_seen(10), moved, proof, _now(20))
    state = next_state(_seen(10), moved, proof, _now(20), public)
    assert WitnessState.from_bytes(state.to_bytes()) == state == WitnessState(ORIGIN, public, moved)
    assert next_state(state, _note(20), [], _now(20), LOG_KEY).log_key == LOG_KEY
    with pytest.raises(ForkError) as forked:
        next_state(state, _note(20, tree=OTHER), [], _now(20), LOG_KEY)
    assert (forked.value.kept, forked.value.shown) == (moved, _note(20, tree=OTHER))
