"""Contact traces are read strictly, and errors name the line. specs/rehearsal.md section 1"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownhue.contact_trace import Contact, TraceLimits, read_trace
from ownhue.errors import FormatError, LimitError, OwnhueError
from tests.shared import shared_path

START = 1767542400


def read(text: str, limits: TraceLimits | None = None) -> list[Contact]:
    return list(read_trace(text.splitlines(keepends=True), START, limits))


def test_a_trace_is_read_as_it_stands() -> None:
    assert read("time a b\n28840 574 1362\n28840 164 779\n28860 574 1362\n") == [
        Contact(START + 28840, 574, 1362, 20, 50),
        Contact(START + 28840, 164, 779, 20, 50),
        Contact(START + 28860, 574, 1362, 20, 50),
    ]


def test_a_trace_without_contacts_is_a_trace() -> None:
    assert read("time a b\n") == []
    assert read("time a b") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: a contact trace begins"),
        ("20 1 2\n", "line 1: a contact trace begins"),
        ("time,a,b\n20,1,2\n", "line 1: a contact trace begins"),
        ("time a b\n20 1\n", "line 2: not three plain integers"),
        ("time a b\n20 1 2 3\n", "line 2: not three plain integers"),
        ("time a b\n20\t1\t2\n", "line 2: not three plain integers"),
        ("time a b\n20 1 2\n\n", "line 3: not three plain integers"),
        ("time a b\n20 1 2 \n", "line 2: not three plain integers"),
        ("time a b\r\n20 1 2\r\n", "line 1: a contact trace begins"),
        ("time a b\n+20 1 2\n", "line 2: not three plain integers"),
        ("time a b\n-20 1 2\n", "line 2: not three plain integers"),
        ("time a b\n020 1 2\n", "line 2: not three plain integers"),
        ("time a b\n2_0 1 2\n", "line 2: not three plain integers"),
        ("time a b\n20.0 1 2\n", "line 2: not three plain integers"),
        ("time a b\n２０ 1 2\n", "line 2: not three plain integers"),
        ("time a b\n9999999999 1 2\n", "line 2: not three plain integers"),
        ("time a b\n30 1 2\n", "line 2: the time is not a multiple of 20 s"),
        ("time a b\n20 7 7\n", "line 2: a contact of somebody with themselves"),
        ("time a b\n40 1 2\n20 1 2\n", "line 3: time goes back"),
        ("time a b\n20 1 2\n20 2 1\n", "line 3: the same pair twice in one slot"),
    ],
)
def test_a_wrong_line_is_named(text: str, words: str) -> None:
    with pytest.raises(FormatError) as refused:
        read(text)
    assert words in str(refused.value)


def test_the_same_pair_may_meet_again_in_the_next_slot() -> None:
    assert len(read("time a b\n20 1 2\n40 2 1\n")) == 2


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (TraceLimits(lines=2), "line 3: a contact trace has at most 2 lines"),
        (TraceLimits(people=3), "line 3: a contact trace has at most 3 people"),
        (TraceLimits(days=1), "line 4: a contact trace has at most 1 days"),
    ],
)
def test_limits_hold(limits: TraceLimits, words: str) -> None:
    with pytest.raises(LimitError) as refused:
        read("time a b\n20 1 2\n20 3 4\n86400 1 2\n", limits)
    assert words in str(refused.value)


def test_reading_stops_at_the_wrong_line_and_not_before() -> None:
    trace = read_trace(["time a b\n", "20 1 2\n", "oops\n"], START)
    assert next(trace).time == START + 20
    with pytest.raises(FormatError, match="line 3"):
        next(trace)


@given(st.lists(st.text(max_size=20), max_size=5))
def test_no_foreign_exception_leaves_the_reader(lines: list[str]) -> None:
    try:
        contacts = list(read_trace(["time a b\n", *lines], START))
    except OwnhueError:
        return
    assert len(contacts) == len(lines)


def test_the_office_trace_is_read_whole() -> None:
    with shared_path("data/contacts/InVS15.dat").open() as lines:
        contacts = list(read_trace(lines, START))
    assert len(contacts) == 78_249
    assert len({person for contact in contacts for person in (contact.a, contact.b)}) == 217
    assert {(contact.time - START) // 86_400 for contact in contacts} == {0, 1, 2, 3, 4, 7, 8, 9, 10, 11}
