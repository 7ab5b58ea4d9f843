"""Cosignatures and policies: who counts, and who does not. specs/publication.md section 11"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from ownhue.cosignature import (
    CLOCK_TOLERANCE_SECONDS,
    COSIGNATURE_BYTES,
    MAX_WITNESSES,
    NO_WITNESSES,
    WitnessKey,
    WitnessPolicy,
    check_cosignatures,
    cosignature_line,
    cosignature_time,
    verify_cosignature,
)
from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.signed_note import MAX_NOTE_SIGNATURES, NoteSignature, parse_signature_line, signature_line
from ownhue.tree import leaf_hash
from ownhue.tree_head import TreeHead, open_tree_head, sign_tree_head

ORIGIN = "demo.ownhue.example/log"
LOG = SigningKey(bytes([1]) * 32)
TIME = 1_767_232_800
NOW = TIME + 60
HEAD = TreeHead(ORIGIN, 4, leaf_hash(b"root"), TIME)
TEXT = HEAD.text()
NOTE = sign_tree_head(HEAD, LOG)
KEYS = {f"witness.example/w{number}": SigningKey(bytes([number + 10]) * 32) for number in range(1, 6)}
WITNESSES = tuple(WitnessKey(name, bytes(key.verify_key)) for name, key in KEYS.items())


def _note(*numbers: int, time: int = NOW) -> bytes:
    """The head with the cosignatures of some witnesses."""
    lines = [cosignature_line(TEXT, name, KEYS[name], time) for name in (f"witness.example/w{n}" for n in numbers)]
    return NOTE + "".join(lines).encode()


def _check(note: bytes, policy: WitnessPolicy, now: int = NOW) -> list[str]:
    return [witness.name for witness, _ in check_cosignatures(note, HEAD, policy, now)]


def _policy(threshold: int, count: int = 5) -> WitnessPolicy:
    return WitnessPolicy(threshold, WITNESSES[:count])


@given(st.sets(st.integers(1, 5)), st.integers(1, 5))
def test_k_of_n_holds_exactly_when_k_of_them_cosigned(signed: set[int], threshold: int) -> None:
    note = _note(*signed)
    if len(signed) >= threshold:
        assert _check(note, _policy(threshold)) == [f"witness.example/w{number}" for number in sorted(signed)]
        return
    with pytest.raises(VerificationError, match=f"{len(signed)} of {threshold}"):
        _check(note, _policy(threshold))


def test_zero_of_zero_asks_nobody_and_says_so() -> None:
    assert _check(NOTE, NO_WITNESSES) == []
    assert "nobody watches" in NO_WITNESSES.sentence()
    assert "2 of 3" in _policy(2, 3).sentence()


def test_strangers_do_not_count_and_do_no_harm() -> None:
    stranger = cosignature_line(TEXT, "stranger.example", SigningKey(bytes([99]) * 32), NOW)
    broken = "— witness.example/w3 AAAAAAAAAAA=\n"
    note = _note(1) + stranger.encode() + broken.encode()
    assert _check(note, _policy(1)) == ["witness.example/w1"]
    with pytest.raises(VerificationError, match="1 of 2"):
        _check(note, _policy(2))


def test_a_witness_under_anothers_name_does_not_count() -> None:
    forged = cosignature_line(TEXT, "witness.example/w2", KEYS["witness.example/w1"], NOW)
    with pytest.raises(VerificationError, match="1 of 2"):
        _check(_note(1) + forged.encode(), _policy(2))


def test_one_witness_does_not_count_twice() -> None:
    with pytest.raises(VerificationError, match="cosigned twice"):
        _check(_note(1, 1), _policy(2))
    later = cosignature_line(TEXT, "witness.example/w1", KEYS["witness.example/w1"], NOW + 1)
    with pytest.raises(VerificationError, match="cosigned twice"):
        _check(_note(1, 2) + later.encode(), _policy(2))


def test_a_log_cannot_pass_for_a_witness() -> None:
    """Its signature covers another message, and its key hash is of another kind."""
    as_witness = WitnessKey(ORIGIN, bytes(LOG.verify_key))
    with pytest.raises(VerificationError, match="0 of 1"):
        _check(NOTE, WitnessPolicy(1, (as_witness,)))
    blob = LOG.sign(TEXT.encode()).signature
    line = NoteSignature(ORIGIN, as_witness.key_hash, bytes(8) + blob).line()
    with pytest.raises(VerificationError, match="does not hold"):
        _check(NOTE + line.encode(), WitnessPolicy(1, (as_witness,)))


def test_a_broken_cosignature_of_a_known_witness_is_refused_even_beside_enough() -> None:
    name = "witness.example/w3"
    blob = cosignature_line(HEAD.text().replace("\n4\n", "\n5\n"), name, KEYS[name], NOW)
    with pytest.raises(VerificationError, match="does not hold"):
        _check(_note(1, 2) + blob.encode(), _policy(2))
    short = NoteSignature(name, WITNESSES[2].key_hash, bytes(COSIGNATURE_BYTES - 1)).line()
    with pytest.raises(FormatError, match="72 bytes"):
        _check(_note(1, 2) + short.encode(), _policy(2))


@pytest.mark.parametrize(
    ("time", "counts"),
    [
        (TIME - CLOCK_TOLERANCE_SECONDS - 1, False),
        (TIME - CLOCK_TOLERANCE_SECONDS, True),
        (NOW + CLOCK_TOLERANCE_SECONDS, True),
        (NOW + CLOCK_TOLERANCE_SECONDS + 1, False),
        (0, False),
        (2**63 - 1, False),
    ],
)
def test_a_cosignature_counts_only_at_a_time_that_can_be(time: int, counts: bool) -> None:
    if counts:
        assert len(_check(_note(1, time=time), _policy(1))) == 1
        return
    with pytest.raises(VerificationError, match=r"0 of 1.*1 more at a time"):
        _check(_note(1, time=time), _policy(1))


def test_an_old_head_keeps_its_cosignatures() -> None:
    """Age is judged elsewhere: what witnesses said at the time is still true."""
    assert _check(_note(1, 2), _policy(2), now=NOW + 400 * 86_400)


def test_the_time_is_covered() -> None:
    line = parse_signature_line(cosignature_line(TEXT, "witness.example/w1", KEYS["witness.example/w1"], NOW)[:-1])
    assert verify_cosignature(TEXT, line, WITNESSES[0]) == cosignature_time(line) == NOW
    for bit in range(64):
        blob = (int.from_bytes(line.blob[:8], "big") ^ 1 << bit).to_bytes(8, "big") + line.blob[8:]
        with pytest.raises((FormatError, VerificationError)):
            verify_cosignature(TEXT, NoteSignature(line.name, line.key_hash, blob), WITNESSES[0])


def test_the_whole_text_is_covered_the_head_s_time_too() -> None:
    other = TreeHead(ORIGIN, 4, HEAD.root, TIME + 1)
    moved = sign_tree_head(other, LOG) + cosignature_line(TEXT, *next(iter(KEYS.items())), NOW).encode()
    with pytest.raises(VerificationError, match="does not hold"):
        check_cosignatures(moved, other, _policy(1), NOW)


def test_a_note_is_compared_with_the_head_that_was_opened() -> None:
    other = TreeHead(ORIGIN, 5, HEAD.root, TIME)
    with pytest.raises(VerificationError, match="not that of the tree head"):
        check_cosignatures(_note(1, 2), other, _policy(2), NOW)


def test_sixteen_cosignatures_fit_a_note() -> None:
    keys = {f"w{number:02}.{'x' * 90}": SigningKey(bytes([number + 50]) * 32) for number in range(MAX_WITNESSES)}
    lines = "".join(cosignature_line(TEXT, name, key, NOW) for name, key in keys.items())
    note = NOTE + lines.encode()
    assert MAX_WITNESSES == MAX_NOTE_SIGNATURES - 1
    assert open_tree_head(note, ORIGIN, bytes(LOG.verify_key)) == HEAD
    policy = WitnessPolicy(16, tuple(WitnessKey(name, bytes(key.verify_key)) for name, key in keys.items()))
    assert len(_check(note, policy)) == MAX_WITNESSES


@pytest.mark.parametrize(
    ("threshold", "witnesses", "error"),
    [
        (0, WITNESSES[:1], FormatError),
        (1, (), FormatError),
        (-1, (), FormatError),
        (3, WITNESSES[:2], FormatError),
        (1, WITNESSES[1::-1], FormatError),
        (2, (WITNESSES[0], WITNESSES[0]), FormatError),
        (2, (WITNESSES[0], WitnessKey("x", WITNESSES[0].key)), FormatError),
        (1, tuple(WitnessKey(f"w{number:02}", bytes([number]) * 32) for number in range(17)), LimitError),
    ],
)
def test_policies_that_make_no_sense(threshold: int, witnesses: tuple[WitnessKey, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        WitnessPolicy(threshold, witnesses)


@given(st.text(max_size=30) | st.sampled_from([WITNESSES[0].vkey]).flatmap(lambda key: st.text(key, max_size=100)))
def test_no_other_error_leaves_the_parser_of_keys(text: str) -> None:
    try:
        witness = WitnessKey.from_vkey(text)
    except FormatError:
        return
    assert witness.vkey == text


@given(st.integers(0, 120), st.characters(codec="ascii"))
def test_a_key_with_one_other_letter_is_refused(at: int, letter: str) -> None:
    vkey = WITNESSES[0].vkey
    changed = vkey[:at] + letter + vkey[at + 1 :]
    if changed != vkey:
        with pytest.raises(FormatError):
            WitnessKey.from_vkey(changed)


@given(st.text(max_size=120))
def test_a_line_is_canonical(line: str) -> None:
    for text in (line, f"— {line}", f"— x {line}"):
        try:
            signature = parse_signature_line(text)
        except FormatError:
            continue
        assert signature.line() == text + "\n"


def test_half_of_a_surrogate_pair_is_no_name() -> None:
    """It has no UTF-8, so the line could not be written again."""
    with pytest.raises(FormatError):
        parse_signature_line("— \ud800 " + "A" * 96)


def test_a_line_of_a_log_has_no_time() -> None:
    line = parse_signature_line(signature_line(TEXT, ORIGIN, LOG)[:-1])
    with pytest.raises(FormatError):
        cosignature_time(line)


def test_names_and_keys_that_can_sign_no_note() -> None:
    for name, key in (("", bytes(32)), ("a b", bytes(32)), ("a+b", bytes(32)), ("é", bytes(32)), ("a", bytes(31))):
        with pytest.raises(FormatError):
            WitnessKey(name, key)
    with pytest.raises(FormatError):
        cosignature_line(TEXT, "w", LOG, -1)
