"""Trust: rounds, their order, states that are kept, targets. specs/trust.md sections 4 to 9"""

import dataclasses
import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ownhue.conformance.operations import answer
from ownhue.conformance.trust_ops import OPERATIONS
from ownhue.conformance.vectors import parse_vectors
from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import ForkError, FormatError, LimitError, OwnhueError, StateError, VerificationError
from ownhue.trust import (
    expires_at,
    targets_at,
    update_root,
    update_snapshot,
    update_targets,
    update_timestamp,
    verify_trust_fork,
)
from ownhue.trust.metadata import LIMITS, parse_any_trust_file, parse_trust_file
from ownhue.trust.schema import MODELS, Root, Timestamp, format_time, parse_time
from ownhue.trust.state import MAX_ROTATIONS, Stage, TrustedState, next_file, start, trust_root
from tests.conformance.trust_by_hand import DAY, NOW, Town, keyid, path, root_body, sign, target, when
from tests.shared import SPECS


def _town() -> Town:
    town = Town()
    town.release({"rulebook": b"first", "epochs": b"[]"})
    return town


def _whole(town: Town, state: TrustedState | None = None, now: int = NOW) -> TrustedState:
    """One round."""
    state = start(state or trust_root(town.files["1.root.json"]))
    while next_file(state) in town.files:
        state = update_root(state, town.files[next_file(state)])
    state = update_timestamp(state, town.newest["timestamp"], now)
    state = update_snapshot(state, town.newest["snapshot"], now)
    return update_targets(state, town.newest["targets"], now)


def _nested(children: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3)


MUTATED = [Town().root, *_town().newest.values()]
STATE = _whole(_town()).to_bytes()


def test_vectors() -> None:
    cases = parse_vectors((SPECS / "vectors" / "trust.json").read_bytes()).cases
    assert len(cases) > 150
    for case in cases:
        assert case.judge(answer(OPERATIONS, case)), case.name


def test_a_round_tells_which_file_is_next_and_ends() -> None:
    town = _town()
    state = start(trust_root(town.root))
    assert next_file(state) == "2.root.json"
    state = update_timestamp(state, town.newest["timestamp"], NOW)
    assert (state.stage, next_file(state)) == (Stage.TIMESTAMP, "1.snapshot.json")
    state = update_snapshot(state, town.newest["snapshot"], NOW)
    assert (state.stage, next_file(state)) == (Stage.SNAPSHOT, "1.targets.json")
    state = update_targets(state, town.newest["targets"], NOW)
    assert state.stage is Stage.TARGETS
    with pytest.raises(StateError):
        next_file(state)


def test_what_did_not_change_is_given_again() -> None:
    town = _town()
    state = _whole(town)
    assert _whole(town, state) == state
    town.put_timestamp(NOW + 2 * DAY)
    again = start(state)
    again = update_timestamp(again, town.newest["timestamp"], NOW + DAY)
    again = update_targets(update_snapshot(again, state.snapshot, NOW + DAY), state.targets, NOW + DAY)
    assert targets_at(again, NOW + DAY) == targets_at(state, NOW)


def test_updates_in_another_order_are_a_wrong_call() -> None:
    town = _town()
    fresh = trust_root(town.root)
    files = town.newest
    stamped = update_timestamp(fresh, files["timestamp"], NOW)
    shot = update_snapshot(stamped, files["snapshot"], NOW)
    whole = update_targets(shot, files["targets"], NOW)
    second = town.rotate()
    for state in (stamped, shot, whole):
        with pytest.raises(StateError):
            update_root(state, second)
    for state in (shot, whole):
        with pytest.raises(StateError):
            update_timestamp(state, files["timestamp"], NOW)
    for state in (fresh, shot, whole):
        with pytest.raises(StateError):
            update_snapshot(state, files["snapshot"], NOW)
    for state in (fresh, stamped, whole):
        with pytest.raises(StateError):
            update_targets(state, files["targets"], NOW)
    for state in (fresh, stamped, shot):
        with pytest.raises(StateError):
            targets_at(state, NOW)
        with pytest.raises(StateError):
            expires_at(state)


def test_a_newer_timestamp_may_come_before_the_snapshot() -> None:
    town = _town()
    state = update_timestamp(trust_root(town.root), town.newest["timestamp"], NOW)
    town.release()
    state = update_timestamp(state, town.newest["timestamp"], NOW)
    assert next_file(state) == "2.snapshot.json"


def test_a_state_cannot_be_changed_and_survives_its_bytes() -> None:
    state = _whole(_town())
    with pytest.raises(dataclasses.FrozenInstanceError):
        state.root = b""  # type: ignore[misc]
    assert TrustedState.from_bytes(state.to_bytes()) == state
    assert TrustedState.from_bytes(start(state).to_bytes()) == start(state)


def test_an_expired_state_can_still_be_read_and_bounds_what_comes() -> None:
    town = _town()
    state = TrustedState.from_bytes(_whole(town).to_bytes())
    old = dict(town.newest)
    with pytest.raises(VerificationError, match="expired"):
        targets_at(state, NOW + 30 * DAY)
    town.release(timestamp=NOW + 31 * DAY, snapshot=NOW + 31 * DAY)
    later = _whole(town, state, NOW + 30 * DAY)
    assert later.timestamp != state.timestamp
    with pytest.raises(VerificationError, match="goes back"):
        update_timestamp(start(later), old["timestamp"], NOW)


def test_more_roots_than_a_round_follows_are_left_for_the_next() -> None:
    town = _town()
    state = dataclasses.replace(start(trust_root(town.root)), rotations=MAX_ROTATIONS)
    second = town.rotate()
    with pytest.raises(LimitError):
        update_root(state, second)
    assert update_root(start(state), second).rotations == 1


def test_other_signatures_below_the_same_content_are_no_fork() -> None:
    town = _town()
    state = _whole(town)
    body = json.loads(town.newest["timestamp"])["signed"]
    more = sign(body, "timestamp 1", "zeta")
    assert update_timestamp(start(state), more, NOW).timestamp == more


def test_a_fork_brings_both_files_and_is_proven_to_anyone_with_the_root() -> None:
    town = _town()
    state = _whole(town)
    body = json.loads(town.newest["timestamp"])["signed"]
    other = sign({**body, "expires": when(NOW + 2 * DAY)}, "timestamp 1")
    with pytest.raises(ForkError) as caught:
        update_timestamp(start(state), other, NOW)
    assert (caught.value.kept, caught.value.shown) == (town.newest["timestamp"], other)
    verify_trust_fork(town.root, Timestamp, caught.value.kept, caught.value.shown)


def test_the_first_second_of_the_expiry_is_too_late() -> None:
    state = _whole(_town())
    assert expires_at(state) == NOW + DAY
    assert targets_at(state, NOW + DAY - 1).targets
    for now in (NOW + DAY, NOW + DAY + 1, NOW + 6 * DAY):
        with pytest.raises(VerificationError, match="timestamp file has expired"):
            targets_at(state, now)


def test_targets_are_found_by_folder_and_time() -> None:
    town = _town()
    old, new = b"old", b"new"
    town.targets = {path("rulebook", old): target(old, NOW - 1), path("rulebook", new): target(new, NOW + 60)}
    town.release()
    targets = targets_at(_whole(town), NOW)
    assert targets.current("rulebook", NOW).verify(old) == old
    assert targets.current("rulebook", NOW + 59).verify(old) == old
    assert targets.current("rulebook", NOW + 60).verify(new) == new
    assert [target.path for target in targets.upcoming("rulebook", NOW)] == [path("rulebook", new)]
    assert targets.upcoming("rulebook", NOW + 60) == ()
    assert targets.verify(path("rulebook", new), new) == new
    with pytest.raises(StateError):
        targets.current("rulebook", NOW - 2)
    with pytest.raises(StateError):
        targets.current("epochs", NOW)
    with pytest.raises(VerificationError):
        targets.verify(path("rulebook", new), old)
    with pytest.raises(VerificationError, match="does not name"):
        targets.find(path("rulebook", b"strange"))


def test_limits_are_those_of_the_bytes() -> None:
    town = _town()
    for name, data in town.newest.items():
        padded = data + b" " * (getattr(LIMITS, name) + 1 - len(data))
        with pytest.raises(LimitError):
            parse_trust_file(padded, MODELS[name])
    with pytest.raises(LimitError):
        parse_any_trust_file(bytes(LIMITS.targets + 1))
    with pytest.raises(LimitError):
        parse_trust_file(bytes(LIMITS.root + 1), Root)


@given(st.binary(max_size=200))
def test_no_other_error_leaves_the_parser_of_files(data: bytes) -> None:
    with pytest.raises(OwnhueError):
        parse_any_trust_file(data)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), _nested, max_leaves=8))
def test_no_other_error_leaves_the_reader_of_json(value: object) -> None:
    data = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
    for text in (data, b'{"signatures":[],"signed":' + data + b"}", b'{"signatures":' + data + b',"signed":{}}'):
        with pytest.raises(OwnhueError):
            parse_any_trust_file(text)


@settings(max_examples=300)
@given(st.integers(0, 3), st.integers(0, 5000), st.binary(max_size=2), st.integers(0, 2))
def test_a_mutated_file_is_refused_or_is_the_same(which: int, at: int, inserted: bytes, removed: int) -> None:
    data = MUTATED[which]
    at %= len(data)
    changed = data[:at] + inserted + data[at + removed :]
    try:
        file = parse_any_trust_file(changed)
    except OwnhueError:
        return
    assert file.data == changed
    value = json.loads(changed)
    assert json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == changed


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.binary(max_size=60))
def test_a_mutated_state_is_refused_or_is_canonical(seed: int, junk: bytes) -> None:
    data, random = STATE, Random(seed)
    value = cbor_decode(data)
    value[random.randrange(6)] = random.choice([junk, 0, -1, 4, b"", True, None])
    candidates = [junk, data[:-1], data + b"\0", cbor_encode(junk), cbor_encode(value)]
    at = random.randrange(len(data))
    candidates.append(data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :])
    for candidate in candidates:
        try:
            state = TrustedState.from_bytes(candidate)
        except OwnhueError:
            continue
        assert state.to_bytes() == candidate


def test_a_state_that_claims_more_than_it_holds_is_refused() -> None:
    state = _whole(_town())
    for lacking in (
        dataclasses.replace(state, timestamp=b""),
        dataclasses.replace(state, snapshot=b""),
        dataclasses.replace(state, targets=b""),
    ):
        with pytest.raises(FormatError, match="lacks"):
            TrustedState.from_bytes(lacking.to_bytes())


def test_a_stored_file_of_a_round_that_is_over_must_be_signed_and_named() -> None:
    town = _town()
    state = _whole(town)
    body = json.loads(state.targets)["signed"]
    for forged in (sign(body, "alpha"), sign({**body, "version": 2}, "alpha", "beta")):
        with pytest.raises(VerificationError):
            TrustedState.from_bytes(dataclasses.replace(state, targets=forged).to_bytes())


def test_what_is_remembered_needs_no_signature_of_today_s_keys() -> None:
    """After a rotation it bounds nothing, and a later round replaces it."""
    town = _town()
    state = _whole(town)
    town.rotate(timestamp=(("timestamp 2",), 1), snapshot=(("snapshot 2",), 1))
    state = update_root(start(state), town.root)
    assert TrustedState.from_bytes(state.to_bytes()) == state
    town.versions.update(timestamp=0, snapshot=0)
    town.release()
    assert _whole(town, state).timestamp == town.newest["timestamp"]


@given(st.integers(0, 253_402_300_799))
def test_a_time_has_one_spelling(time: int) -> None:
    assert parse_time(format_time(time)) == time
    assert format_time(time) == when(time)


@given(st.text("0123456789-T:Z", max_size=22) | st.text(max_size=22))
def test_no_other_error_leaves_the_parser_of_times(text: str) -> None:
    try:
        parse_time(text)
    except FormatError:
        return


def test_times_that_cannot_be_written() -> None:
    for time in (-1, 253_402_300_800, 2**63, 2**200):
        with pytest.raises(FormatError):
            format_time(time)


def test_a_root_that_does_not_sign_itself_is_trusted_by_nobody() -> None:
    body = root_body(1, {**Town().roles, "root": (("alpha", "beta"), 2)})
    for signers in ((), ("alpha",), ("alpha", "zeta")):
        with pytest.raises(VerificationError, match="its own keys"):
            trust_root(sign(body, *signers))
    assert trust_root(sign(body, "alpha", "beta")).stage is Stage.ROOT


def test_secrets_and_files_stay_out_of_the_words_of_errors() -> None:
    """An error names a field, never what stood in it."""
    data = Town().root.replace(keyid("alpha").encode(), b"x" * 64)
    with pytest.raises(OwnhueError) as caught:
        parse_any_trust_file(data)
    assert "x" * 10 not in str(caught.value)
