"""Files of facts, decisions and rulebooks that are made to hang or to swell whoever reads or decides them.

- A refusal is short, and is made before every one of a million wrong items was described.
- What may be read is decided in seconds, whatever it repeats. specs/colour.md section 10
"""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import pytest

from ownhue.colour import CertificateFact, Colour, VenueExposure, decide, parse_decision
from ownhue.colour.facts import facts_bytes, parse_facts
from ownhue.colour.facts_records import MAX_RESULTS
from ownhue.errors import FormatError
from ownhue.exposure import ExposureWindow, ScanInstance
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue.rulebook.rules import MAX_RULES
from tests.protocol.colour_cases import at, facts, key, result

BOOK = demonstration_rulebook()
MANY = 20_000


def swollen(field: bytes, items: bytes) -> bytes:
    """Empty facts with *items* in a field that was empty."""
    data = facts_bytes(facts())
    old = b'"' + field + b'":'
    begin, rest = data.split(old)
    return begin + old + items + rest[2:]


WRONG: list[tuple[Callable[[bytes], object], bytes]] = [
    *(
        (parse_facts, swollen(field, b"[" + b",".join([item] * MANY) + b"]"))
        for field in (b"windows", b"venues", b"results")
        for item in (b"{}", b"0")
    ),
    (parse_facts, swollen(b"withdrawn", b"{" + b",".join(b'"%08x":-1' % i for i in range(MANY)) + b"}")),
    (parse_facts, b"{" + b",".join(b'"%08x":0' % i for i in range(MANY)) + b"}"),
    # One item that is itself as large as the file.
    (parse_facts, swollen(b"windows", b'[{"scans":[' + b",".join([b"[]"] * MANY) + b"]}]")),
    *(
        (parse_decision, b'{"' + field + b'":[' + b",".join([b"{}"] * MANY) + b"]}")
        for field in (b"reasons", b"not_counted", b"ends")
    ),
]


@pytest.mark.parametrize(("parse", "data"), WRONG, ids=range(len(WRONG)))
def test_a_file_of_many_wrong_items_is_refused_in_few_words_and_little_memory(
    parse: Callable[[bytes], object], data: bytes
) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(FormatError) as refusal:
            parse(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(str(refusal.value)) < 10_000
    assert peak < 100 * len(data) + 1_000_000


def test_more_own_results_than_a_person_can_have_are_refused() -> None:
    known = facts(results=tuple(result(5, at(7) + number) for number in range(MAX_RESULTS + 1)))
    with pytest.raises(FormatError, match="results"):
        parse_facts(facts_bytes(known))
    fewer = replace(known, results=known.results[1:])
    assert parse_facts(facts_bytes(fewer)) == replace(fewer, results=parse_facts(facts_bytes(fewer)).results)


@pytest.mark.timeout(120)  # a decision whose work grew with the square of the readings would take much longer
def test_one_meeting_told_thirty_thousand_times_does_not_hang_whoever_decides() -> None:
    scan = (ScanInstance(at(5), 60, 50, 50),)
    readings = tuple(ExposureWindow(key(1), at(5), 1, 0, at(6) + number, scan) for number in range(30_000))
    assert decide(BOOK, facts(*readings), at(8)).colour is not Colour.GREY


@pytest.mark.timeout(60)  # it took longer when every exit was asked for every certificate
def test_a_rulebook_of_many_exits_does_not_slow_down_a_phone_of_many_certificates() -> None:
    (vaccinated,) = (rule for rule in BOOK.exits if rule.name == "vaccinated")
    exits = tuple(vaccinated.model_copy(update={"name": f"exit-{number:02}"}) for number in range(MAX_RULES))
    certificates = tuple(
        # Each had expired when the visits became known: every one is looked at, and none ends anything.
        CertificateFact(number.to_bytes(32, "big"), "vaccination", None, at(5) - 20 * 86_400, True, at(4), at(5), None)
        for number in range(64)
    )
    visits = tuple(
        VenueExposure(number.to_bytes(16, "big"), "indoor", at(5) + 40 * number, 60, at(6) + number, False)
        for number in range(2048)
    )
    known = replace(facts(), venues=visits, certificates=certificates)
    assert decide(BOOK.model_copy(update={"exits": exits}), known, at(8)).colour is not Colour.GREY
