"""Facts have one spelling, and whatever else comes is refused. specs/colour.md section 1"""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ownhue.colour import Facts, OwnResult, decide
from ownhue.colour.facts import MAX_FACTS_BYTES, facts_bytes, facts_digest, parse_facts
from ownhue.colour.facts_records import MAX_CERTIFICATES, MAX_CLEARANCES, MAX_EXPOSURES
from ownhue.encoding import canonical_json
from ownhue.errors import FormatError, LimitError, OwnhueError
from ownhue.params import ReportType
from ownhue.rulebook.demonstration import demonstration_rulebook
from tests.conformance.facts_cases import EVERYTHING
from tests.protocol.colour_cases import SALT, at, encounter, facts, key, result
from tests.protocol.colour_strategies import cases, json_values

BOOK = demonstration_rulebook()
MORNING = encounter(at(5, "09:00:00"), 20)


def test_facts_have_one_spelling_whatever_their_order_and_repetition() -> None:
    other = encounter(at(6), 3, source=key(2))
    known = facts(MORNING, other, results=(result(7, at(7)), result(6, at(6))), withdrawn={key(9): 5, key(3): 6})
    turned = facts(
        other, MORNING, other, results=(result(6, at(6)), result(7, at(7))), withdrawn={key(3): 6, key(9): 5}
    )
    assert facts_bytes(known) == facts_bytes(turned)
    again = parse_facts(facts_bytes(known))
    assert (facts_digest(again), set(again.windows)) == (facts_digest(known), {MORNING, other})


def test_everything_that_facts_can_hold_comes_back() -> None:
    again = parse_facts(facts_bytes(EVERYTHING))
    for name in ("windows", "results", "venues", "areas", "certificates", "clearances"):
        assert set(getattr(again, name)) == set(getattr(EVERYTHING, name))
        assert len(getattr(again, name)) >= 1
    assert (again.withdrawn, again.salt) == (EVERYTHING.withdrawn, SALT)


@given(cases())
@settings(deadline=None)
def test_random_facts_come_back(case: tuple[object, Facts]) -> None:
    data = facts_bytes(case[1])
    assert facts_bytes(parse_facts(data)) == data


def accepted_or_refused(data: bytes) -> None:
    """What is accepted encodes again to the same bytes; nothing leaves but an error of this project."""
    try:
        known = parse_facts(data)
    except OwnhueError:
        return
    assert facts_bytes(known) == data


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(deadline=None)
def test_arbitrary_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_facts(data)


@given(st.data())
@settings(deadline=None)
def test_other_values_in_the_fields_are_accepted_as_they_are_or_refused(data: st.DataObject) -> None:
    content: Any = json.loads(facts_bytes(EVERYTHING))
    where, name = content, data.draw(st.sampled_from(sorted(content)))
    while data.draw(st.booleans()) and isinstance(where[name], list | dict) and where[name]:
        where = where[name]
        name = data.draw(st.sampled_from(sorted(where) if isinstance(where, dict) else range(len(where))))
    where[name] = data.draw(json_values)
    accepted_or_refused(canonical_json(content))


def test_broken_facts_are_refused_without_telling_them() -> None:
    with pytest.raises(FormatError, match="at least 16 bytes"):
        Facts(b"short", 0, None, None)
    with pytest.raises(LimitError):
        parse_facts(b" " * (MAX_FACTS_BYTES + 1))
    secret = facts_bytes(facts(MORNING)).replace(b'"source":"00', b'"source":"zz')
    with pytest.raises(FormatError) as refused:
        parse_facts(secret)
    assert "windows.0.source" in str(refused.value)
    assert "zz" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("venues", MAX_EXPOSURES),
        ("areas", MAX_EXPOSURES),
        ("certificates", MAX_CERTIFICATES),
        ("clearances", MAX_CLEARANCES),
    ],
)
def test_lists_have_a_longest_length(name: str, most: int) -> None:
    content = json.loads(facts_bytes(EVERYTHING))
    field = {"certificates": "learned_at", "clearances": "learned_at"}.get(name, "published_at")

    def text(count: int) -> bytes:
        items = [{**content[name][0], field: number} for number in range(count)]
        return canonical_json(content | {name: sorted(items, key=canonical_json)})

    assert len(getattr(parse_facts(text(most)), name)) == most
    with pytest.raises(FormatError, match=f"{name}: "):
        parse_facts(text(most + 1))


def test_facts_do_not_show_secrets_when_printed() -> None:
    shown = repr(EVERYTHING)
    assert repr(SALT) not in shown
    for word in ("ExposureWindow", "VenueExposure", "AreaExposure", "CertificateFact", "ClearanceFact", "OwnResult"):
        assert word not in shown


@pytest.mark.parametrize("day", [date.min, date(1999, 12, 31), date(2101, 1, 1), date.max])
def test_a_test_of_another_century_is_no_result(day: date) -> None:
    with pytest.raises(FormatError, match="year"):
        OwnResult(ReportType.CONFIRMED_TEST, day, at(7))


def test_results_at_the_edges_of_the_years_end() -> None:
    for day in (date(2000, 1, 1), date(2100, 12, 31)):
        own = OwnResult(ReportType.CONFIRMED_TEST, day, at(7))
        assert parse_facts(facts_bytes(facts(results=(own,)))) == facts(results=(own,))
        decide(BOOK, facts(results=(own,)), at(8, "09:00:00"))


@pytest.mark.parametrize("time", [0, 2**32 - 1])
def test_facts_at_the_edges_of_time_can_be_decided_on(time: int) -> None:
    content = json.loads(facts_bytes(EVERYTHING))
    numbers = ("start", "published_at", "time", "learned_at", "seconds", "minimum_seconds", "valid_until", "issued_at")
    for name in ("windows", "venues", "areas", "certificates", "clearances"):
        for item in content[name]:
            item.update({field: time for field in numbers if field in item})
        content[name] = sorted({canonical_json(item): item for item in content[name]}.items())
        content[name] = [item for _, item in content[name]]
    known = parse_facts(canonical_json(content))
    for now in (at(8), BOOK.end_of_day(date(2029, 12, 31))):
        assert decide(BOOK, known, now).facts_digest == facts_digest(known)
