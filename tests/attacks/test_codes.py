"""Attacks on codes at the door, each by its name; every numbered step of specs/code.md section 4 fails on its own.

Where a signature would hide the step under test, the changed code is signed again by the attacker's own valid pass:
the strongest attacker there is, an enrolled phone that was modified.
"""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes

from ownhue.blind_rsa import (
    RSABSSA_SHA384_PSS_DETERMINISTIC,
    RSABSSA_SHA384_PSSZERO_DETERMINISTIC,
    blind,
    blind_sign,
    finalize,
)
from ownhue.code import PREFIX, Code, encode_code
from ownhue.encoding import base45_encode
from ownhue.errors import ForkError, FormatError, VerificationError
from ownhue.params import EPOCH_SECONDS
from ownhue.passes import EpochList, finish_pass, request_pass, token_challenge, token_input, verify_pass
from ownhue.verify import CodeRefused, Refusal, Seen, Verdict, verify_code
from tests.conformance.scripted import (
    CHALLENGE,
    EPOCH,
    HEAD_AGES,
    ISSUER,
    NOW,
    Forger,
    Stream,
    code,
    epoch_key,
    flip,
    head,
    make_pass,
    resigned,
    root_of,
    rsa_key,
    statement,
    view,
)

HOLDER = make_pass("holder")
GOOD = code(HOLDER)
VIEW = view()


def outcome(text: str | Code, now: int = NOW, **changes: Any) -> Refusal | Verdict:
    """The refusal, or the verdict of what is accepted."""
    text = encode_code(text) if isinstance(text, Code) else text
    try:
        return verify_code(text, VIEW, now, **changes)
    except CodeRefused as refused:
        return refused.refusal


def test_the_untouched_code_passes() -> None:
    assert isinstance(outcome(GOOD), Verdict)


# Forged


def test_forged_key_that_no_issuer_signed() -> None:
    forger = Forger(Stream("forger")(32))
    assert outcome(forger.sign(replace(GOOD, public_key=forger.public_key))) is Refusal.BAD_PASS


def test_forged_signature_under_a_pass_that_was_photographed() -> None:
    forger = Forger(Stream("forger")(32))
    assert outcome(forger.sign(GOOD)) is Refusal.BAD_SIGNATURE


def test_forged_pass_signed_without_salt_by_a_leaked_oracle_of_another_variant() -> None:
    message = token_input(HOLDER.public_key, token_challenge(ISSUER, EPOCH), HOLDER.key_id)
    padding = RSABSSA_SHA384_PSSZERO_DETERMINISTIC.padding
    unsalted = rsa_key(f"issuer {EPOCH}").sign(message, padding, hashes.SHA384())
    assert outcome(code(replace(HOLDER, signature=unsalted))) is Refusal.BAD_PASS


def test_pass_for_a_key_of_small_order_under_which_every_message_is_signed() -> None:
    """The issuer signs blindly, also this key; in a lax Ed25519 the signature below fits any statement."""
    neutral = b"\x01" + bytes(31)
    key, private = epoch_key(EPOCH), rsa_key(f"issuer {EPOCH}")
    message = token_input(neutral, token_challenge(ISSUER, EPOCH), key.key_id)
    request = blind(key.public_key, message, RSABSSA_SHA384_PSS_DETERMINISTIC, Stream("weak"))
    answer = blind_sign(private, request.message, Stream("signer"))
    signature = finalize(key.public_key, message, answer, request.inverse, RSABSSA_SHA384_PSS_DETERMINISTIC)
    verify_pass(ISSUER, key, neutral, signature)
    weak = replace(GOOD, public_key=neutral, pass_signature=signature, signature=neutral + bytes(32))
    assert outcome(weak) is Refusal.BAD_SIGNATURE


def test_all_zero_signatures() -> None:
    assert outcome(replace(GOOD, pass_signature=bytes(256))) is Refusal.BAD_PASS
    assert outcome(replace(GOOD, signature=bytes(64))) is Refusal.BAD_SIGNATURE


def test_signature_in_a_second_spelling() -> None:
    """S + L is the same signature to a lax reader; here it is none, so that a code cannot be varied by others."""
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(GOOD.signature[32:], "little") + order
    varied = replace(GOOD, signature=GOOD.signature[:32] + s.to_bytes(32, "little"))
    assert outcome(varied) is Refusal.BAD_SIGNATURE


def test_a_red_phones_code_painted_green() -> None:
    red = code(HOLDER, colour=3)
    assert outcome(replace(red, statement=statement())) is Refusal.BAD_SIGNATURE


def test_the_honest_limit_a_modified_phone_states_any_colour() -> None:
    """Nothing local can prove that a phone told the truth. This test keeps us from claiming otherwise."""
    verdict = outcome(resigned(HOLDER, code(HOLDER, colour=3), statement=statement(colour=0)))
    assert isinstance(verdict, Verdict)
    assert verdict.colour == 0


# Stale, copied, replayed


def test_stale_picture_of_a_code() -> None:
    assert outcome(GOOD, NOW + 56) is Refusal.TOO_OLD
    assert outcome(GOOD, NOW + 3600) is Refusal.TOO_OLD


def test_code_made_in_advance() -> None:
    assert outcome(code(HOLDER, time=NOW + 61)) is Refusal.IN_FUTURE


def test_copied_code_at_the_same_gate() -> None:
    gate = Seen(refuse_same=True)
    assert isinstance(outcome(GOOD, seen=gate), Verdict)
    assert outcome(GOOD, NOW + 10, seen=gate) is Refusal.SAME_PASS


def test_one_pass_shared_by_two_phones_at_the_same_gate() -> None:
    gate = Seen(refuse_same=True)
    assert isinstance(outcome(GOOD, seen=gate), Verdict)
    later = NOW + 1800
    assert outcome(code(HOLDER, time=later), later, seen=gate) is Refusal.SAME_PASS


def test_pass_used_again_across_midnight() -> None:
    midnight = (EPOCH + 1) * EPOCH_SECONDS
    known = replace(VIEW, heads={123: (root_of(123), midnight - 60)}, signed_time=midnight - 60)
    gate = Seen(refuse_same=True)
    verify_code(encode_code(code(HOLDER, time=midnight - 30)), known, midnight - 30, seen=gate)
    tomorrow = make_pass("tomorrow", EPOCH + 1)
    verify_code(encode_code(code(tomorrow, time=midnight + 5)), known, midnight + 5, seen=gate)
    with pytest.raises(CodeRefused) as raised:
        verify_code(encode_code(code(HOLDER, time=midnight + 20)), known, midnight + 20, seen=gate)
    assert raised.value.refusal is Refusal.SAME_PASS


def test_yesterdays_pass_is_worth_nothing_today() -> None:
    assert outcome(code(make_pass("early", EPOCH + 1))) is Refusal.EPOCH_CLOSED
    noon = NOW + EPOCH_SECONDS
    assert outcome(code(HOLDER, time=noon), noon) is Refusal.EPOCH_CLOSED


def test_recording_played_back_to_a_checkpoint_that_asks() -> None:
    assert outcome(GOOD, challenge=CHALLENGE) is Refusal.WRONG_CHALLENGE
    answered = code(HOLDER, challenge=flip(CHALLENGE))
    assert outcome(answered, challenge=CHALLENGE) is Refusal.WRONG_CHALLENGE


def test_answer_to_one_checkpoint_shown_at_another() -> None:
    assert outcome(code(HOLDER, challenge=CHALLENGE)) is Refusal.WRONG_CHALLENGE


@pytest.mark.parametrize("bit", range(128))
def test_challenge_that_differs_in_one_bit(bit: int) -> None:
    assert outcome(code(HOLDER, challenge=flip(CHALLENGE, bit)), challenge=CHALLENGE) is Refusal.WRONG_CHALLENGE


def test_checkpoint_whose_clock_was_turned_back() -> None:
    assert outcome(code(HOLDER, time=NOW - 3600), NOW - 3600) is Refusal.CLOCK_WRONG


# Another log


def test_phone_that_was_shown_another_log() -> None:
    assert outcome(code(HOLDER, **head(123, "foreign log"))) is Refusal.OTHER_LOG


def test_foreign_log_at_a_size_that_was_never_published() -> None:
    between = set(range(101, 123)) - set(HEAD_AGES)
    assert {outcome(code(HOLDER, **head(size, "foreign log"))) for size in between} == {Refusal.OTHER_LOG}


def test_old_head_shown_to_a_phone_to_hide_new_keys() -> None:
    assert outcome(code(HOLDER, **head(40))) is Refusal.OLD_DATA
    assert {outcome(code(HOLDER, **head(size))) for size in range(40)} == {Refusal.OLD_DATA}


def test_old_rulebook_kept_by_a_phone() -> None:
    assert outcome(code(HOLDER, rulebook_version=2)) is Refusal.OLD_RULEBOOK


# Other issuers and second keys


def test_pass_of_another_issuer() -> None:
    assert outcome(code(make_pass("stranger", issuer="other issuer"))) is Refusal.UNKNOWN_KEY


def test_pass_of_another_issuer_under_the_key_id_of_ours() -> None:
    stranger = make_pass("stranger", issuer="other issuer")
    assert outcome(code(replace(stranger, key_id=epoch_key(EPOCH).key_id))) is Refusal.BAD_PASS


def test_pass_that_names_another_issuer_under_the_same_key() -> None:
    assert outcome(code(make_pass("elsewhere", name="issuer.example.net"))) is Refusal.BAD_PASS


def test_second_epoch_key_that_would_mark_its_holders() -> None:
    ours, second = epoch_key(EPOCH), epoch_key(EPOCH, "second")
    assert outcome(code(make_pass("marked", issuer="second"))) is Refusal.UNKNOWN_KEY
    with pytest.raises(FormatError, match="two keys for one epoch"):
        EpochList(ISSUER, (ours, second))
    with pytest.raises(ForkError, match="second key"):
        EpochList(ISSUER, (second,)).check_follows(EpochList(ISSUER, (ours,)))


def test_issuer_that_answers_with_a_second_key_gets_no_pass_made() -> None:
    request = request_pass(ISSUER, epoch_key(EPOCH), Stream("marked"))
    for attempt in range(4):
        # Numbers above our modulus are refused for their size, the others because they do not verify.
        answer = blind_sign(rsa_key(f"second {EPOCH}"), bytes(255) + bytes((attempt + 2,)), Stream("signer"))
        with pytest.raises((VerificationError, FormatError)):
            finish_pass(request, ISSUER, epoch_key(EPOCH), answer)


# Every bit


def test_every_single_bit_of_a_code_matters() -> None:
    data = GOOD.to_bytes()
    for bit in range(8 * len(data)):
        assert isinstance(outcome(PREFIX + base45_encode(flip(data, bit))), Refusal), bit


def flips(field: str, bits: int) -> list[Any]:
    value = getattr(GOOD, field)
    return [resigned(HOLDER, GOOD, **{field: flip(value, bit)}) for bit in range(bits)]


def test_every_bit_of_the_key_id_signed_again() -> None:
    assert Counter(map(outcome, flips("key_id", 32))) == {Refusal.UNKNOWN_KEY: 32}


def test_every_bit_of_the_epoch_signed_again() -> None:
    changed = [resigned(HOLDER, GOOD, epoch=EPOCH ^ 1 << bit) for bit in range(32)]
    assert Counter(map(outcome, changed)) == {Refusal.OTHER_EPOCH: 32}


def test_every_bit_of_the_public_key_signed_again() -> None:
    assert Counter(map(outcome, flips("public_key", 256))) == {Refusal.BAD_PASS: 256}


def test_every_bit_of_the_pass_signature_signed_again() -> None:
    assert Counter(map(outcome, flips("pass_signature", 2048))) == {Refusal.BAD_PASS: 2048}


def test_every_bit_of_the_signature() -> None:
    changed = [replace(GOOD, signature=flip(GOOD.signature, bit)) for bit in range(512)]
    assert Counter(map(outcome, changed)) == {Refusal.BAD_SIGNATURE: 512}


def test_every_bit_of_the_root_prefix_signed_again() -> None:
    changed = [code(HOLDER, root_prefix=flip(root_of(123)[:8], bit)) for bit in range(64)]
    assert Counter(map(outcome, changed)) == {Refusal.OTHER_LOG: 64}


def test_every_bit_of_the_tree_size_signed_again() -> None:
    # Bit 2 and everything from bit 7 make a size beyond the checkpoint's log of 123, the others one within it.
    for bit in range(32):
        result = outcome(code(HOLDER, tree_size=123 ^ 1 << bit))
        if bit == 2 or bit >= 7:
            assert isinstance(result, Verdict)
            assert not result.cross_checked
        else:
            assert result is Refusal.OTHER_LOG


def test_every_bit_of_the_time_signed_again() -> None:
    for bit in range(32):
        time = (NOW - 5) ^ 1 << bit
        expected = Refusal.TOO_OLD if time < NOW - 60 else Refusal.IN_FUTURE if time > NOW + 60 else None
        result = outcome(code(HOLDER, time=time))
        assert result is expected or (expected is None and isinstance(result, Verdict))


def test_every_bit_of_the_rulebook_version_signed_again() -> None:
    for bit in range(32):
        version = 3 ^ 1 << bit
        result = outcome(code(HOLDER, rulebook_version=version))
        assert isinstance(result, Verdict) if version > 3 else result is Refusal.OLD_RULEBOOK


@pytest.mark.parametrize(
    "change",
    [
        {"time": NOW - 4},
        {"colour": 3},
        {"rulebook_version": 4},
        {"tree_size": 200},
        {"root_prefix": bytes(8)},
        {"challenge": CHALLENGE},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_part_of_the_statement_is_signed(change: dict[str, Any]) -> None:
    changed = replace(GOOD, statement=statement(**change))
    assert outcome(changed, challenge=changed.statement.challenge) is Refusal.BAD_SIGNATURE


def test_parts_of_two_valid_codes_do_not_mix() -> None:
    other = code(make_pass("other"), colour=3)
    for field in ("public_key", "pass_signature"):
        assert outcome(replace(GOOD, **{field: getattr(other, field)})) is Refusal.BAD_PASS
    for field in ("statement", "signature"):
        assert outcome(replace(GOOD, **{field: getattr(other, field)})) is Refusal.BAD_SIGNATURE
    both = replace(GOOD, public_key=other.public_key, pass_signature=other.pass_signature)
    assert outcome(both) is Refusal.BAD_SIGNATURE
