"""The wire form of export.bin: our walk along its fields agrees with the protobuf library about every message."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.errors import FormatError, LimitError
from ownhue.key_file import Limits
from ownhue.key_file.schema import ExportMessage, KeyMessage
from ownhue.key_file.wire import field_at, parse, runs
from tests.protocol.key_file_bytes import field, message, varint
from tests.protocol.key_file_cases import FIELDS
from tests.protocol.key_file_second_opinion import spelled

LIMITS = Limits()
BODY = message("export", {name: value for name, value in FIELDS.items() if name != "header"})


def ours(body: bytes, block: int) -> bool:
    """Whether the walk accepts *body*, which comes in blocks."""
    blocks = [body[at : at + block] for at in range(0, len(body), block)]
    try:
        for _, encoded in runs(blocks, LIMITS):
            parse(ExportMessage, encoded, "export.bin")
    except LimitError:
        raise
    except FormatError:
        return False
    return True


def theirs(body: bytes) -> tuple[bool, bool]:
    """Whether the library encodes *body* again to itself, and whether it knows all of its fields."""
    try:
        parsed = ExportMessage.FromString(body)
    except Exception:  # noqa: BLE001 - the library's own error has no stable class
        return False, False
    canonical = parsed.SerializeToString() == body
    parsed.DiscardUnknownFields()
    return canonical, canonical and parsed.SerializeToString() == body


_NUMBERS = st.integers(0, 300) | st.integers(0, 2**64 - 1)
_FIELD = st.one_of(
    st.tuples(st.sampled_from([1, 2, 9]), st.just(1), st.integers(0, 2**64 - 1)),
    st.tuples(st.sampled_from([4, 5, 7, 15]), st.just(0), _NUMBERS),
    st.tuples(st.sampled_from([3, 6, 7, 8, 200]), st.just(2), st.binary(max_size=6)),
    st.tuples(
        st.sampled_from([6, 7, 8]), st.just(2), st.sampled_from([message("key", FIELDS["keys"][0]), b"\x10\x01"])
    ),
    st.tuples(st.integers(1, 16), st.just(5), st.integers(0, 2**32 - 1)),
)


@given(st.lists(_FIELD, max_size=7), st.booleans(), st.integers(1, 30))
def test_the_walk_accepts_what_the_library_encodes_again(
    fields: list[tuple[int, int, int | bytes]], in_order: bool, block: int
) -> None:
    body = spelled(sorted(fields, key=lambda item: item[0]) if in_order else fields)
    canonical, known = theirs(body)
    with suppress(LimitError):
        accepted = ours(body, block)
        assert accepted <= canonical
        assert known <= accepted


@given(st.data(), st.integers(1, 200))
def test_changed_bytes_are_judged_alike(data: st.DataObject, block: int) -> None:
    at = data.draw(st.integers(0, len(BODY)))
    body = BODY[:at] + data.draw(st.binary(max_size=3)) + BODY[data.draw(st.integers(at, min(at + 3, len(BODY)))) :]
    canonical, known = theirs(body)
    with suppress(LimitError):
        accepted = ours(body, block)
        assert accepted <= canonical
        assert known <= accepted


@given(st.binary(max_size=100), st.integers(1, 100))
def test_arbitrary_bytes_raise_nothing_else(body: bytes, block: int) -> None:
    with suppress(LimitError):
        assert ours(body, block) <= theirs(body)[0]


@pytest.mark.parametrize("block", [1, 2, 33, 64, 10_000])
def test_blocks_do_not_matter(block: int) -> None:
    blocks = [BODY[at : at + block] for at in range(0, len(BODY), block)]
    pieces = list(runs(blocks, LIMITS))
    assert b"".join(encoded for _, encoded in pieces) == BODY
    assert [number for number, _ in pieces][:6] == [1, 2, 3, 4, 5, 6]
    if block == 10_000:
        assert [number for number, _ in pieces] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_what_stands_in_front_of_a_fault_is_given_out_first() -> None:
    walked = []
    walk = runs([BODY + b"\x00"], LIMITS)
    with suppress(FormatError):
        for number, _ in walk:
            walked.append(number)
    assert walked == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (varint(15 << 3) + varint(2**64 - 1), 11),
        (b"\x79" + bytes(8), 9),
        (b"\x7d" + bytes(4), 5),
        (field(15, b"abc"), 5),
    ],
)
def test_a_field_ends_where_its_content_does(data: bytes, end: int) -> None:
    found = field_at(data + b"more", 0, 10)
    assert found is not None
    assert found[2] == end
    for length in range(end):
        assert field_at(data[:length], 0, 10) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01",  # number 0
        b"\x04\x01",  # number 0 again, as an end of a group
        b"\x7b\x7c",  # a group
        b"\x7e\x01",  # wire type 6
        b"\x7f\x01",  # wire type 7
        b"\xf8\x00\x01",  # a padded tag
        b"\x78\x81\x00",  # a padded number
        b"\x7a\x81\x00x",  # a padded length
        b"\x78" + b"\xff" * 9 + b"\x02",  # more than 64 bits
        b"\x78" + b"\xff" * 10,  # no end
        b"\x80\x80\x80\x80\x10\x01",  # number 2^29
    ],
)
def test_what_is_no_field_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        field_at(data, 0, 1024)


def test_a_field_over_the_limit_is_refused_by_its_length_alone() -> None:
    with pytest.raises(LimitError):
        field_at(b"\x7a\x81\x08", 0, 1024)


def test_unknown_fields_inside_a_message_are_dropped_and_have_one_spelling() -> None:
    key = message("key", FIELDS["keys"][0])
    assert parse(KeyMessage, key + b"\x78\x01", "a key").SerializeToString() == key
    for tail in (b"\x78\x81\x00", b"\x7b\x7c", b"\x78"):
        with pytest.raises(FormatError):
            parse(KeyMessage, key + tail, "a key")
