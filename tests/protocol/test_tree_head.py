"""Tree heads: published values, canonical form, notes that must be refused. specs/publication.md section 3"""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from ownhue.conformance.operations import answer
from ownhue.conformance.tree_head_ops import OPERATIONS
from ownhue.conformance.vectors import parse_vectors
from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.signed_note import MAX_NOTE_BYTES, key_hash, parse_note, signature_line
from ownhue.tree import EMPTY_ROOT, leaf_hash
from ownhue.tree_head import TreeHead, open_tree_head, sign_tree_head
from tests.shared import SPECS

ORIGIN = "demo.ownhue.example/log"
KEY = SigningKey(bytes([1]) * 32)
OTHER_KEY = SigningKey(bytes([2]) * 32)
VERIFY_KEY = bytes(KEY.verify_key)
HEAD = TreeHead(ORIGIN, 4, leaf_hash(b"root"), 1_767_232_800)
NOTE = sign_tree_head(HEAD, KEY)
TEXT = HEAD.text()


def _note(text: str, *, key: SigningKey = KEY, name: str = ORIGIN) -> bytes:
    """A correctly signed note of any text."""
    return f"{text}\n{signature_line(text, name, key)}".encode()


@pytest.mark.parametrize("name", ["c2sp-notes.json", "tree-head.json"])
def test_vectors(name: str) -> None:
    """Notes and cosignatures of real logs and witnesses, and ours."""
    cases = parse_vectors((SPECS / "vectors" / name).read_bytes()).cases
    assert len(cases) >= 30
    for case in cases:
        assert case.judge(answer(OPERATIONS, case)), case.name


def test_the_example_of_the_spec_is_a_head_by_its_key() -> None:
    spec = (SPECS / "publication.md").read_text()
    example = re.search(r"```\n(demo\.ownhue\.example/log\n.*?)```", spec, re.DOTALL)
    assert example is not None
    head = open_tree_head(example[1].encode(), ORIGIN, VERIFY_KEY)
    assert sign_tree_head(head, KEY) == example[1].encode()


def test_a_signed_head_opens_and_is_the_same_bytes_again() -> None:
    assert open_tree_head(NOTE, ORIGIN, VERIFY_KEY) == HEAD
    assert sign_tree_head(HEAD, KEY) == NOTE
    assert NOTE.decode().splitlines()[:4] == [ORIGIN, "4", base64.b64encode(HEAD.root).decode(), "time 1767232800"]


def test_an_empty_log_has_a_head_too() -> None:
    head = TreeHead(ORIGIN, 0, EMPTY_ROOT, 0)
    assert open_tree_head(sign_tree_head(head, KEY), ORIGIN, VERIFY_KEY) == head


@given(size=st.integers(1, 2**63 - 1), time=st.integers(0, 2**63 - 1), root=st.binary(min_size=32, max_size=32))
def test_every_head_survives_its_note(size: int, time: int, root: bytes) -> None:
    head = TreeHead(ORIGIN, size, root, time)
    assert open_tree_head(sign_tree_head(head, KEY), ORIGIN, VERIFY_KEY) == head


def test_one_flipped_bit_anywhere_is_refused() -> None:
    for at in range(len(NOTE)):
        for bit in range(8):
            changed = bytearray(NOTE)
            changed[at] ^= 1 << bit
            with pytest.raises((FormatError, VerificationError)):
                open_tree_head(bytes(changed), ORIGIN, VERIFY_KEY)


def test_every_truncation_is_refused() -> None:
    for end in range(len(NOTE)):
        with pytest.raises((FormatError, VerificationError)):
            open_tree_head(NOTE[:end], ORIGIN, VERIFY_KEY)


def test_cosignatures_of_others_are_allowed_and_not_judged() -> None:
    witness = signature_line(TEXT, "witness.example", OTHER_KEY)
    broken = "— witness.example/other AAAAAAAAAAA=\n"
    assert open_tree_head(NOTE + witness.encode() + broken.encode(), ORIGIN, VERIFY_KEY) == HEAD


def test_a_log_key_that_was_swapped_is_refused() -> None:
    with pytest.raises(VerificationError, match="not signed once"):
        open_tree_head(_note(TEXT, key=OTHER_KEY), ORIGIN, VERIFY_KEY)


def test_a_signature_under_another_name_does_not_count() -> None:
    with pytest.raises(VerificationError, match="not signed once"):
        open_tree_head(_note(TEXT, name="witness.example"), ORIGIN, VERIFY_KEY)


def test_two_signatures_of_the_log_are_refused() -> None:
    with pytest.raises(VerificationError, match="not signed once"):
        open_tree_head(NOTE + signature_line(TEXT, ORIGIN, KEY).encode(), ORIGIN, VERIFY_KEY)


def test_another_log_is_refused_even_with_the_same_key() -> None:
    note = sign_tree_head(TreeHead("other.example/log", 4, HEAD.root, HEAD.time), KEY)
    with pytest.raises(VerificationError, match="another log"):
        open_tree_head(note, ORIGIN, VERIFY_KEY)


def test_a_signature_over_another_text_is_refused() -> None:
    moved = TEXT.replace("1767232800", "1767240000") + "\n" + signature_line(TEXT, ORIGIN, KEY)
    with pytest.raises(VerificationError, match="does not hold"):
        open_tree_head(moved.encode(), ORIGIN, VERIFY_KEY)


ROOT = base64.b64encode(HEAD.root).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n4\n{ROOT}\n",
        f"{ORIGIN}\n4\n{ROOT}\ntime 1\nmore\n",
        f"{ORIGIN}\n04\n{ROOT}\ntime 1\n",
        f"{ORIGIN}\n+4\n{ROOT}\ntime 1\n",
        f"{ORIGIN}\n4 \n{ROOT}\ntime 1\n",
        f"{ORIGIN}\n４\n{ROOT}\ntime 1\n",
        f"{ORIGIN}\n-4\n{ROOT}\ntime 1\n",
        f"{ORIGIN}\n4\n{ROOT}\ntime 01\n",
        f"{ORIGIN}\n4\n{ROOT}\ntime 1_0\n",
        f"{ORIGIN}\n4\n{ROOT}\nTime 1\n",
        f"{ORIGIN}\n9223372036854775808\n{ROOT}\ntime 1\n",
        f"{ORIGIN}\n4\n{ROOT.rstrip('=')}\ntime 1\n",
        f"{ORIGIN}\n4\n{ROOT[:-2]}{'B' if ROOT[-2] != 'B' else 'C'}=\ntime 1\n",
        f"{ORIGIN}\n4\n{base64.b64encode(bytes(31)).decode()}\ntime 1\n",
        f"{ORIGIN}\n4\nnot*base64\ntime 1\n",
        f"{ORIGIN} x\n4\n{ROOT}\ntime 1\n",
        f"a+b\n4\n{ROOT}\ntime 1\n",
        "",
    ],
)
def test_signed_texts_that_are_not_canonical_are_refused(text: str) -> None:
    with pytest.raises(FormatError):
        open_tree_head(_note(text), ORIGIN, VERIFY_KEY)


@pytest.mark.parametrize(
    "line",
    ["", "— x\n", "- demo AAAAAAAAAAA=\n", "— a b c\n", "— x AAA\n", "—  AAAAAAAAAAA=\n", "— a+b AAAAAAAAAAA=\n", "\n"],
)
def test_lines_that_are_no_signatures_are_refused(line: str) -> None:
    with pytest.raises(FormatError):
        open_tree_head(f"{TEXT}\n{line}".encode(), ORIGIN, VERIFY_KEY)


def test_a_short_signature_of_the_log_is_refused() -> None:
    blob = base64.b64encode(key_hash(ORIGIN, VERIFY_KEY) + bytes(63)).decode()
    with pytest.raises(FormatError, match="64 bytes"):
        open_tree_head(f"{TEXT}\n— {ORIGIN} {blob}\n".encode(), ORIGIN, VERIFY_KEY)


def test_oversized_notes_are_not_read() -> None:
    with pytest.raises(LimitError):
        open_tree_head(NOTE + b"x" * MAX_NOTE_BYTES, ORIGIN, VERIFY_KEY)
    with pytest.raises(LimitError):
        open_tree_head(NOTE + signature_line(TEXT, "w.example", OTHER_KEY).encode() * 17, ORIGIN, VERIFY_KEY)


@pytest.mark.parametrize(
    ("origin", "size", "root", "time"),
    [
        ("", 0, EMPTY_ROOT, 0),
        ("a b", 0, EMPTY_ROOT, 0),
        ("a\n", 0, EMPTY_ROOT, 0),
        ("ü", 0, EMPTY_ROOT, 0),
        ("a", -1, EMPTY_ROOT, 0),
        ("a", 1, b"", 0),
        ("a", 0, bytes(32), 0),
        ("a", 0, EMPTY_ROOT, 2**63),
    ],
)
def test_heads_without_a_spelling_cannot_be_made(origin: str, size: int, root: bytes, time: int) -> None:
    with pytest.raises(FormatError):
        TreeHead(origin, size, root, time)


@given(st.binary(max_size=300))
def test_no_other_error_leaves_the_parser(data: bytes) -> None:
    with pytest.raises((FormatError, VerificationError)):
        open_tree_head(data, ORIGIN, VERIFY_KEY)


@given(st.binary(max_size=300) | st.text(max_size=60).map(lambda text: f"{TEXT}\n— {text} AAAAAAAAAAA=\n".encode()))
def test_a_note_is_canonical(data: bytes) -> None:
    try:
        note = parse_note(data)
    except FormatError:
        return
    assert note.to_bytes() == data


@given(st.binary(min_size=1, max_size=3), st.integers(0, len(NOTE)), st.integers(0, 3))
def test_a_mutated_head_is_refused_or_is_the_same(inserted: bytes, at: int, removed: int) -> None:
    changed = NOTE[:at] + inserted + NOTE[at + removed :]
    try:
        head = open_tree_head(changed, ORIGIN, VERIFY_KEY)
    except (FormatError, VerificationError):
        return
    assert head == HEAD


def test_control_characters_hide_nothing_on_a_terminal() -> None:
    for control in ("\x1b", "\x08", "\t", "\0", "\r"):
        line = f"— witness{control}.example AAAAAAAAAAA=\n"
        with pytest.raises(FormatError):
            open_tree_head(NOTE + line.encode(), ORIGIN, VERIFY_KEY)
