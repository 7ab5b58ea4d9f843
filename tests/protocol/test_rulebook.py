"""Rulebooks: one spelling, plain explanations of contradictions, days in their zone. specs/rulebook.md"""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ownhue.demonstration import demonstration_rulebook, without_ceilings
from ownhue.encoding import canonical_json
from ownhue.errors import FormatError, LimitError, OwnhueError
from ownhue.rulebook import MAX_RULEBOOK_BYTES, Rulebook, parse_rulebook, rulebook_bytes, rulebook_schema

BOOKS = {"demonstration": demonstration_rulebook(), "without-ceilings": without_ceilings()}


def changed(path: str, value: Any) -> bytes:
    """The demonstration rulebook with one field set, whose path is written with dots."""
    content = json.loads(rulebook_bytes(BOOKS["demonstration"]))
    *parents, last = path.split(".")
    part = content
    for name in parents:
        part = part[name]
    part[last] = value
    return canonical_json(content)


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


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("encounters.yellow_minutes_per_day", 61, "red needs fewer minutes a day than yellow"),
        ("stays.red_days", 6, "red ends before yellow"),
        ("valid_until", "2025-12-31", "valid_until lies before valid_from"),
        ("sunset", "2029-12-30", "the sunset lies before valid_until"),
        ("sunset", "2199-12-31", "sunset: the year is not between 2000 and 2100"),
        ("exposure.thresholds_db", [55, 55, 70], "the three attenuation thresholds do not ascend"),
        ("exposure.infectiousness_weights_percent", {"high": 20, "standard": 30}, "'high' weighs less"),
        ("exposure.infectiousness", ["high"] * 28, "exposure.infectiousness"),
        ("exposure.weights_percent", [251, 100, 40, 0], "exposure.weights_percent.0"),
        ("modes.metro.refers", ["green"], "a colour both passes and is referred"),
        ("modes.metro.passes", ["grey"], "a colour both passes and is referred"),
        ("modes.metro.passes", ["yellow"], "green does not pass"),
        ("modes.metro.passes", ["green", "green"], "colours stand once each"),
        ("modes.clinic.refers", ["red", "yellow"], "in order of severity"),
        ("modes", {}, "modes"),
        ("own_results", ["confirmed_test", "confirmed_clinical"], "alphabetical order"),
        ("own_results", ["revoked"], "own_results.0"),
        ("zone", "Asia/Atlantis", "not a time zone"),
        ("zone", "../../etc/passwd", "zone"),
        ("zone", "Asia", "not a time zone"),
        ("summary", {}, "summary"),
        ("summary", {"Deutsch": "x"}, "summary"),
        ("version", 0, "version"),
        ("version", True, "version"),
        ("version", "1", "version"),
        ("format", "ownhue-rulebook-2", "format"),
        ("region", "Demo", "region"),
        ("radio.least_share_percent", 101, "radio.least_share_percent"),
        ("colour_of_citizens", "red", "colour_of_citizens"),
    ],
)
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


@given(st.integers(0, 5000), st.integers(0, 255))
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
