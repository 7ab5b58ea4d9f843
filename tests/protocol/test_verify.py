"""ownhue.verify: what a verdict says, the edges of each step, and the memory of passes."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ownhue.code import encode_code
from ownhue.errors import StateError, VerificationError
from ownhue.params import CODE_TOLERANCE_SECONDS, EPOCH_SECONDS
from ownhue.passes import EpochKey
from ownhue.verify import CheckpointView, CodeRefused, Refusal, Seen, Verdict, verify_code
from tests.conformance.scripted import CHALLENGE, EPOCH, NOW, code, head, make_pass, root_of, view

HOLDER = make_pass("holder")
MIDNIGHT = (EPOCH + 1) * EPOCH_SECONDS


def check(text: str, now: int = NOW, **changes: Any) -> Verdict:
    return verify_code(text, view(), now, **changes)


def refused(text: str, now: int = NOW, known: CheckpointView | None = None, **changes: Any) -> Refusal:
    with pytest.raises(CodeRefused) as raised:
        verify_code(text, known or view(), now, **changes)
    return raised.value.refusal


def test_a_verdict_tells_colour_ages_and_cross_check() -> None:
    assert check(encode_code(code(HOLDER, colour=2))) == Verdict(
        colour=2,
        age_seconds=5,
        cross_checked=True,
        seen_before_seconds=None,
        rulebook_version=3,
        data_age_seconds=60,
    )


def test_data_newer_than_the_checkpoints_is_accepted_and_said_to_be_unchecked() -> None:
    verdict = check(encode_code(code(HOLDER, **head(124))))
    assert not verdict.cross_checked
    assert verdict.data_age_seconds is None


def test_a_newer_rulebook_than_the_checkpoints_is_accepted() -> None:
    assert check(encode_code(code(HOLDER, rulebook_version=4))).rulebook_version == 4


@pytest.mark.parametrize(
    ("shift", "refusal"),
    [(-61, Refusal.TOO_OLD), (-60, None), (0, None), (60, None), (61, Refusal.IN_FUTURE)],
)
def test_a_time_counts_for_a_minute_on_either_side(shift: int, refusal: Refusal | None) -> None:
    text = encode_code(code(HOLDER, time=NOW + shift))
    if refusal is None:
        assert check(text).age_seconds == max(-shift, 0)
    else:
        assert refused(text) is refusal


def test_an_answered_challenge_stands_in_for_the_phones_clock() -> None:
    text = encode_code(code(HOLDER, time=NOW - 5000, challenge=CHALLENGE))
    assert check(text, challenge=CHALLENGE).age_seconds == 5000
    assert check(encode_code(code(HOLDER, time=NOW + 5000, challenge=CHALLENGE)), challenge=CHALLENGE).age_seconds == 0


def test_a_challenge_of_another_length_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(StateError):
        check(encode_code(code(HOLDER)), challenge=bytes(8))


@pytest.mark.parametrize(
    ("shift", "is_open"), [(-61, False), (-60, True), (EPOCH_SECONDS + 59, True), (EPOCH_SECONDS + 60, False)]
)
def test_an_epoch_is_open_for_its_day_and_a_tolerance_around_it(shift: int, is_open: bool) -> None:
    now = EPOCH * EPOCH_SECONDS + shift
    known = replace(view(), heads={123: (root_of(123), now)}, signed_time=0)
    text = encode_code(code(HOLDER, time=now))
    if is_open:
        assert verify_code(text, known, now).colour == 0
    else:
        assert refused(text, now, known) is Refusal.EPOCH_CLOSED


def test_data_is_accepted_up_to_its_longest_age() -> None:
    known = replace(view(), heads={123: (root_of(123), NOW - 86400)})
    assert verify_code(encode_code(code(HOLDER)), known, NOW).data_age_seconds == 86400
    assert refused(encode_code(code(HOLDER)), NOW, replace(known, max_age_seconds=86399)) is Refusal.OLD_DATA


def test_the_checkpoints_clock_may_equal_its_newest_head_but_not_precede_it() -> None:
    text = encode_code(code(HOLDER, time=NOW - 60))
    assert check(text, NOW - 60).data_age_seconds == 0
    assert refused(text, NOW - 61) is Refusal.CLOCK_WRONG


def test_a_checkpoint_without_any_head_says_that_nothing_was_cross_checked() -> None:
    known = replace(view(), heads={}, signed_time=0)
    assert not verify_code(encode_code(code(HOLDER)), known, NOW).cross_checked
    assert refused(encode_code(code(HOLDER, tree_size=0)), NOW, known) is Refusal.OLD_DATA


def test_a_screen_says_how_long_ago_the_same_pass_was_seen() -> None:
    seen = Seen()
    assert check(encode_code(code(HOLDER)), seen=seen).seen_before_seconds is None
    assert check(encode_code(code(HOLDER, time=NOW + 40)), NOW + 40, seen=seen).seen_before_seconds == 40
    assert check(encode_code(code(HOLDER, time=NOW + 55)), NOW + 55, seen=seen).seen_before_seconds == 15
    assert check(encode_code(code(make_pass("other"))), seen=seen).seen_before_seconds is None
    assert len(seen) == 2


def test_a_refused_code_is_not_remembered() -> None:
    seen = Seen(refuse_same=True)
    assert refused(encode_code(code(HOLDER, rulebook_version=1)), seen=seen) is Refusal.OLD_RULEBOOK
    assert len(seen) == 0
    assert check(encode_code(code(HOLDER)), seen=seen).seen_before_seconds is None


def test_passes_of_closed_epochs_are_forgotten_and_those_of_open_ones_are_not() -> None:
    seen = Seen(refuse_same=True)
    assert seen.note(EPOCH, b"a" * 32, MIDNIGHT - 30) is None
    # Around midnight both days are open: a pass of the new day does not wipe out the old day's memory.
    assert seen.note(EPOCH + 1, b"b" * 32, MIDNIGHT + 10) is None
    with pytest.raises(CodeRefused):
        seen.note(EPOCH, b"a" * 32, MIDNIGHT + 20)
    assert len(seen) == 2
    assert seen.note(EPOCH + 1, b"c" * 32, MIDNIGHT + CODE_TOLERANCE_SECONDS) is None
    assert len(seen) == 2


def test_nothing_of_a_code_is_in_the_memory_or_in_a_refusal() -> None:
    seen = Seen(refuse_same=True)
    made = code(HOLDER)
    check(encode_code(made), seen=seen)
    kept = repr(vars(seen))
    with pytest.raises(CodeRefused) as raised:
        check(encode_code(made), seen=seen)
    for part in (made.public_key, made.pass_signature, made.signature):
        assert repr(part[:8])[2:-1] not in kept + str(raised.value)
    assert str(raised.value) == Refusal.SAME_PASS.words


def test_every_refusal_has_a_step_and_a_sentence_of_its_own() -> None:
    assert len({refusal.words for refusal in Refusal}) == len(Refusal)
    assert {refusal.step for refusal in Refusal} == set(range(1, 12))
    assert [refusal.step for refusal in Refusal] == sorted(refusal.step for refusal in Refusal)
    assert all(refusal.words.endswith(".") for refusal in Refusal)
    assert Refusal.TOO_OLD.value == str(Refusal.TOO_OLD) == "too-old"
    assert issubclass(CodeRefused, VerificationError)


def test_an_epoch_key_is_parsed_once_however_many_codes_are_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    known = view()
    monkeypatch.setattr("ownhue.passes.load_pss_spki", lambda spki: pytest.fail("the key was parsed again"))
    for age in range(20):
        assert verify_code(encode_code(code(HOLDER, time=NOW - age)), known, NOW).age_seconds == age
    with pytest.raises(pytest.fail.Exception):
        EpochKey(EPOCH, HOLDER.key_id)


# Properties of the steps that compare with the checkpoint's own log and memory.

ROOT = st.binary(min_size=32, max_size=32)


@given(
    heads=st.dictionaries(st.integers(1, 60), st.tuples(ROOT, st.integers(-200_000, 0)), min_size=1, max_size=6),
    size=st.integers(0, 70),
    lie=st.booleans(),
    flipped=st.integers(0, 63),
)
@settings(max_examples=150, deadline=None)
def test_a_root_is_compared_at_exactly_its_size(
    heads: dict[int, tuple[bytes, int]], size: int, lie: bool, flipped: int
) -> None:
    """Cross-checked means: the log has a head of this size, young enough, whose root begins as the code says."""
    known = replace(view(), heads={size: (root, NOW + age) for size, (root, age) in heads.items()}, signed_time=0)
    root = heads[size][0] if size in heads else bytes(32)
    prefix = (int.from_bytes(root[:8], "big") ^ (1 << flipped if lie else 0)).to_bytes(8, "big")
    text = encode_code(code(HOLDER, tree_size=size, root_prefix=prefix))
    if size > max(heads):
        verdict = verify_code(text, known, NOW)
        assert (verdict.cross_checked, verdict.data_age_seconds) == (False, None)
    elif size < min(heads) or (size in heads and -heads[size][1] > known.max_age_seconds):
        assert refused(text, known=known) is Refusal.OLD_DATA
    elif size not in heads or lie:
        assert refused(text, known=known) is Refusal.OTHER_LOG
    else:
        verdict = verify_code(text, known, NOW)
        assert (verdict.cross_checked, verdict.data_age_seconds) == (True, -heads[size][1])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 50)), min_size=1, max_size=25), st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_pass_is_let_through_a_gate_once_and_told_on_a_screen(visits: list[tuple[int, int]], gate: bool) -> None:
    """Against a memory that keeps everything: nothing is forgotten within an epoch, nothing is taken for another."""
    seen, last, now = Seen(refuse_same=gate), dict[int, int](), NOW
    for person, later in visits:
        now += later
        key = bytes((person,)) * 32
        if gate and person in last:
            with pytest.raises(CodeRefused) as raised:
                seen.note(EPOCH, key, now)
            assert raised.value.refusal is Refusal.SAME_PASS
            continue
        assert seen.note(EPOCH, key, now) == (now - last[person] if person in last else None)
        last[person] = now
    assert len(seen) == len(last)


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_an_answer_counts_for_its_own_challenge_only_whatever_the_phones_clock_says(
    asked: bytes, answered: bytes, time: int
) -> None:
    text = encode_code(code(HOLDER, challenge=answered, time=time))
    if asked == answered:
        assert check(text, challenge=asked).age_seconds == max(NOW - time, 0)
    else:
        assert refused(text, challenge=asked) is Refusal.WRONG_CHALLENGE
    assert refused(text) is Refusal.WRONG_CHALLENGE


def test_a_fresh_challenge_does_not_make_a_pass_fresh() -> None:
    gate, fresh = Seen(refuse_same=True), bytes(range(16))
    check(encode_code(code(HOLDER, challenge=CHALLENGE)), challenge=CHALLENGE, seen=gate)
    again = encode_code(code(HOLDER, challenge=fresh))
    assert refused(again, challenge=fresh, seen=gate) is Refusal.SAME_PASS
