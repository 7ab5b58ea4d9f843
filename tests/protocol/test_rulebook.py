"""Rulebooks: one spelling, plain explanations of contradictions, days in their zone. specs/rulebook.md"""

import json
from datetime import date
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ownhue.encoding import canonical_json
from ownhue.errors import FormatError, LimitError, OwnhueError
from ownhue.rulebook import MAX_RULEBOOK_BYTES, Rulebook, parse_rulebook, rulebook_bytes, rulebook_schema
from ownhue.rulebook.demonstration import demonstration_rulebook, without_ceilings
from ownhue.rulebook.rules import ExitRule
from tests.conformance.mutate import mutations
from tests.protocol.contradictions import CONTRADICTIONS
from tests.protocol.rulebook_cases import an_exit, content, rulebook_contents, set_field

BOOKS = {"demonstration": demonstration_rulebook(), "without-ceilings": without_ceilings()}


def changed(path: str, value: Any) -> bytes:
    """The demonstration rulebook with one field set, whose path is written with dots; exits by their name."""
    book = content()
    set_field(book, path, value)
    return canonical_json(book)


@pytest.mark.parametrize("name", BOOKS)
def test_a_rulebook_reads_back_and_writes_the_same_bytes(name: str) -> None:
    data = rulebook_bytes(BOOKS[name])
    assert parse_rulebook(data) == BOOKS[name]
    assert rulebook_bytes(parse_rulebook(data)) == data


def test_the_schema_says_what_each_field_is() -> None:
    schema = rulebook_schema()
    assert set(schema["required"]) == set(Rulebook.model_fields)
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Stays"]["properties"]["red_days"]["description"].startswith("Days after")


def test_the_demonstration_book_says_what_the_project_promises() -> None:
    book = BOOKS["demonstration"]
    assert (book.encounters.yellow_minutes_per_day, book.encounters.red_minutes_per_day) == (15, 60)
    assert (book.stays.yellow_days, book.stays.red_days) == (7, 14)
    assert (book.encounters.ceiling, BOOKS["without-ceilings"].encounters.ceiling) == ("yellow", "red")
    assert (book.zone, book.region, book.freshness.published_data_hours) == ("Asia/Shanghai", "demo", 24)
    assert book.exposure.weights_percent[book.exposure.band_of(50)] == 100


@pytest.mark.parametrize(("path", "value", "words"), CONTRADICTIONS)
def test_a_contradiction_is_explained(path: str, value: Any, words: str) -> None:
    with pytest.raises(FormatError) as refused:
        parse_rulebook(changed(path, value))
    assert words in str(refused.value)


@pytest.mark.parametrize("field", sorted(Rulebook.model_fields))
def test_no_field_may_be_left_out(field: str) -> None:
    content = json.loads(rulebook_bytes(BOOKS["demonstration"]))
    del content[field]
    with pytest.raises(FormatError, match=field):
        parse_rulebook(canonical_json(content))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data + b"\n",
        lambda data: data.replace(b":", b": ", 1),
        lambda data: data[:-1],
        lambda data: data.replace(b'"version":1', b'"version":1.0'),
        lambda data: data.replace(b'"version":1', b'"version":1e0'),
        lambda data: data.replace(b'"valid_from":"2026-01-01"', b'"valid_from":"2026-01-01T00:00:00"'),
        lambda data: data.replace(b"{", b'{"version":1,', 1),
        lambda data: data.decode().encode("utf-16"),
        lambda _: b"[]",
        lambda _: b"",
        lambda _: b"\xff",
        lambda _: b"[" * 100_000,
    ],
)
def test_another_spelling_is_refused(spoil: Any) -> None:
    with pytest.raises(FormatError):
        parse_rulebook(spoil(rulebook_bytes(BOOKS["demonstration"])))


def test_a_huge_file_is_not_read() -> None:
    with pytest.raises(LimitError):
        parse_rulebook(b" " * (MAX_RULEBOOK_BYTES + 1))


@given(st.integers(0, 8000), st.integers(0, 255))
def test_one_changed_byte_is_refused_or_read_as_it_stands(position: int, byte: int) -> None:
    data = bytearray(rulebook_bytes(BOOKS["demonstration"]))
    data[position % len(data)] = byte
    try:
        book = parse_rulebook(bytes(data))
    except OwnhueError:
        return
    assert rulebook_bytes(book) == bytes(data)


@given(st.binary(max_size=200))
def test_no_foreign_exception_leaves_the_parser(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_rulebook(data)


@given(rulebook_contents())
@settings(deadline=None)
def test_every_rulebook_that_keeps_the_rules_reads_back_and_writes_the_same_bytes(book: dict[str, Any]) -> None:
    data = canonical_json(book)
    assert rulebook_bytes(parse_rulebook(data)) == data


@given(rulebook_contents(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=20)
def test_a_mutated_rulebook_is_refused_or_read_as_it_stands(book: dict[str, Any], random: Random) -> None:
    mutants = list(mutations(book, random))
    for _, mutant in random.sample(mutants, min(len(mutants), 60)):
        try:
            data = canonical_json(mutant)
            assert rulebook_bytes(parse_rulebook(data)) == data
        except OwnhueError:
            continue


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda below: st.lists(below)))
def test_another_json_value_is_refused(value: Any) -> None:
    with pytest.raises(FormatError):
        parse_rulebook(canonical_json(value))


@pytest.mark.parametrize(
    ("certificate", "fits"),
    [
        (date(2026, 1, 9), False),
        (date(2026, 1, 10), True),
        (date(2026, 4, 5), True),
        (date(2026, 4, 6), False),
        (date(2025, 12, 1), False),
    ],
)
def test_an_exit_fits_from_its_first_to_its_last_day(certificate: date, fits: bool) -> None:
    (rule,) = (rule for rule in BOOKS["demonstration"].exits if rule.name == "negative-pcr")
    assert rule.fits_days(date(2026, 1, 5), certificate) is fits


def test_an_exit_of_negative_days_fits_certificates_from_before_the_finding() -> None:
    rule = ExitRule.model_validate(
        an_exit("vaccinated", certificate="vaccination", from_day=-365, until_day=-14)
        | {"test_kinds": (), "ends": ("encounter",), "colours": ("yellow",)}
    )
    days = (date(2025, 1, 4), date(2025, 1, 5), date(2025, 12, 22), date(2025, 12, 23))
    assert [rule.fits_days(date(2026, 1, 5), day) for day in days] == [False, True, True, False]


def test_a_mode_treats_each_colour_once() -> None:
    mode = BOOKS["demonstration"].modes["metro"]
    assert [mode.treatment(colour) for colour in ("green", "grey", "yellow", "red")] == [0, 1, 2, 2]


def test_a_rulebook_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        BOOKS["demonstration"].version = 2  # type: ignore[misc]


def test_a_copy_with_another_version_has_another_digest() -> None:
    book = BOOKS["demonstration"]
    first = book.digest
    assert book.model_copy(update={"version": 3}).digest != first == demonstration_rulebook().digest


def test_it_is_in_force_from_the_first_to_the_last_local_second() -> None:
    book = BOOKS["demonstration"]
    first, last = 1767196800, book.end_of_day(date(2029, 12, 31))  # 2026-01-01 00:00:00 in Shanghai
    assert [book.in_force(now) for now in (first - 1, first, last, last + 1)] == [False, True, True, False]


def test_a_day_ends_at_its_own_last_second_also_when_clocks_change() -> None:
    book = BOOKS["demonstration"]
    assert book.end_of_day(date(2026, 1, 5)) == 1767628799  # 2026-01-05 15:59:59 UTC
    berlin = book.model_copy(update={"zone": "Europe/Berlin"})
    assert berlin.end_of_day(date(2026, 3, 29)) - berlin.end_of_day(date(2026, 3, 28)) == 23 * 3600
    # Havana puts its clocks back from 01:00 to 00:00, Beirut from 24:00 to 23:00: there 23:59:59 comes twice.
    beirut = book.model_copy(update={"zone": "Asia/Beirut"})
    assert beirut.end_of_day(date(2026, 10, 24)) - beirut.end_of_day(date(2026, 10, 23)) == 25 * 3600
