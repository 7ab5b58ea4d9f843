"""A third person computes the same colour, or is told what differs. specs/colour.md section 9"""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ownhue.colour import Colour, Facts, decide
from ownhue.colour.facts import MAX_FACTS_BYTES
from ownhue.encoding import canonical_json
from ownhue.errors import FormatError, LimitError, OwnhueError, VerificationError
from ownhue.journal import JournalEntry, next_entry, verify_chain
from ownhue.review import MAX_REVIEW_BYTES, parse_review, recompute, review_bytes
from ownhue.rulebook import Rulebook
from ownhue.rulebook.demonstration import demonstration_rulebook, without_ceilings
from tests.protocol.colour_cases import at, encounter, facts, key
from tests.protocol.colour_strategies import cases, moments

BOOK = demonstration_rulebook()
KNOWN = facts(encounter(at(5, "09:00:00"), 20), encounter(at(6, "09:00:00"), 10, source=key(2)))
NOW = at(8, "09:00:00")
DECISION = decide(BOOK, KNOWN, NOW)
REVIEW = review_bytes(BOOK, KNOWN, DECISION)


def changed(**changes: Any) -> bytes:
    content: dict[str, Any] = json.loads(REVIEW)
    return canonical_json(content | changes)


def part(name: str) -> Any:
    return json.loads(REVIEW)[name]


@given(cases(), moments)
@settings(deadline=None)
def test_a_third_person_computes_the_same_decision(case: tuple[Rulebook, Facts], now: int) -> None:
    book, known = case
    decision = decide(book, known, now)
    assert recompute(review_bytes(book, known, decision)) == decision


def test_without_a_rulebook_too() -> None:
    decision = decide(None, KNOWN, NOW)
    review = review_bytes(None, KNOWN, decision)
    assert recompute(review).colour is Colour.GREY
    assert parse_review(review).rulebook is None


def test_a_file_comes_back_as_it_was() -> None:
    review = parse_review(REVIEW)
    assert (review.rulebook, review.decision, review.journal) == (BOOK, DECISION, None)
    assert review_bytes(review.rulebook, review.facts, review.decision, review.journal) == REVIEW


def test_leaving_out_the_encounter_that_made_yellow_is_found() -> None:
    """The attack: a milder past, with the decision that belongs to it or without."""
    fewer = replace(KNOWN, windows=KNOWN.windows[1:])
    with pytest.raises(VerificationError, match="from other facts"):
        recompute(review_bytes(BOOK, fewer, DECISION))
    milder = decide(BOOK, fewer, NOW)
    # Facts that nobody bound to anything can be invented: only the journal's hash, noted before, shows it.
    assert recompute(review_bytes(BOOK, fewer, milder)).colour is Colour.GREEN
    entries = journal(DECISION)
    with pytest.raises(VerificationError, match="does not end where"):
        recompute(review_bytes(BOOK, fewer, milder, verify_chain(journal(milder))), entries)


def test_a_colour_that_the_rules_do_not_make_is_found_and_what_differs_is_named() -> None:
    for name, value in (("colour", "green"), ("until", DECISION.time), ("reasons", []), ("since", 0)):
        with pytest.raises(VerificationError, match=rf"another decision: {name}$"):
            recompute(changed(decision={**part("decision"), name: value}))
    moved = {**part("decision"), "time": NOW + 1, "colour": "red"}
    with pytest.raises(VerificationError, match="another decision: colour"):
        recompute(changed(decision=moved))


def test_another_rulebook_is_found() -> None:
    with pytest.raises(VerificationError, match="another rulebook"):
        recompute(review_bytes(without_ceilings(), KNOWN, DECISION))
    with pytest.raises(VerificationError, match="another rulebook"):
        recompute(review_bytes(None, KNOWN, DECISION))


def journal(decision: Any) -> list[JournalEntry]:
    entry = next_entry(None, None, decision)
    assert entry
    return [entry]


def test_a_review_can_be_bound_to_a_journal() -> None:
    entries = journal(DECISION)
    bound = review_bytes(BOOK, KNOWN, DECISION, verify_chain(entries))
    assert recompute(bound, entries) == recompute(bound) == DECISION
    for shown in ([], [entries[0].model_copy(update={"why": ("nothing",)})]):
        with pytest.raises(VerificationError, match="does not end where"):
            recompute(bound, shown)
    with pytest.raises(VerificationError, match="does not end where"):
        recompute(REVIEW, entries)
    with pytest.raises(VerificationError, match="journal entry 0"):
        recompute(bound, [entries[0].model_copy(update={"index": 1})])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        REVIEW + b"\n",
        REVIEW[:-1],
        changed(format="ownhue-review-2"),
        changed(more=1),
        changed(journal="0" * 63),
        changed(journal=0),
        changed(journal="G" * 64),
        changed(facts=None),
        changed(facts={}),
        changed(decision=None),
        changed(decision=[]),
        changed(rulebook={}),
        changed(rulebook=1),
        canonical_json({name: value for name, value in json.loads(REVIEW).items() if name != "journal"}),
    ],
)
def test_what_is_no_review_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_review(data)


def test_a_review_has_a_longest_length_that_lets_the_longest_facts_in() -> None:
    with pytest.raises(LimitError, match="a review has at most"):
        parse_review(b" " * (MAX_REVIEW_BYTES + 1))
    assert MAX_FACTS_BYTES + len(REVIEW) < MAX_REVIEW_BYTES


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_arbitrary_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        recompute(data)


@given(st.integers(0, len(REVIEW) - 1), st.binary(min_size=1, max_size=3))
@settings(deadline=None)
def test_a_review_with_other_bytes_in_it_is_refused_or_says_the_same(at_: int, put: bytes) -> None:
    spoiled = REVIEW[:at_] + put + REVIEW[at_ + len(put) :]
    try:
        decision = recompute(spoiled)
    except OwnhueError:
        return
    assert (spoiled == REVIEW) or parse_review(spoiled).journal is not None or decision == DECISION


def test_a_review_shows_nothing_when_printed() -> None:
    shown = repr(parse_review(REVIEW))
    for secret in (part("facts")["salt"], DECISION.reasons[0].id, part("facts")["windows"][0]["source"]):
        assert secret not in shown
