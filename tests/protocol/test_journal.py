"""The journal tells every change and its reason, and shows when it was tampered with. specs/colour.md section 7"""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ownhue.colour import ClearanceFact, Colour, Decision, Facts, decide
from ownhue.colour.decision import decision_bytes, parse_decision
from ownhue.encoding import canonical_json
from ownhue.errors import FormatError, LimitError, StateError, VerificationError
from ownhue.journal import (
    CLOCK_SET_BACK,
    DECISION_LOST,
    GENESIS,
    MAX_ENTRY_BYTES,
    JournalEntry,
    entry_hash,
    next_entry,
    parse_entry,
    verify_chain,
)
from ownhue.records import Record, record_bytes
from ownhue.rulebook import Rulebook
from ownhue.rulebook.demonstration import demonstration_rulebook, without_ceilings
from tests.conformance.decision_cases import MORNING_ID
from tests.protocol.colour_cases import area, at, encounter, facts, key, negative, result, uncapped, venue
from tests.protocol.colour_strategies import cases, json_values, moments

BOOK = demonstration_rulebook()
HOUR = (encounter(at(5, "09:00:00"), 30), encounter(at(5, "09:30:00"), 30, source=key(2)))


def journal(*steps: tuple[Rulebook | None, Facts, int]) -> list[JournalEntry]:
    entries: list[JournalEntry] = []
    before: Decision | None = None
    for book, known, now in steps:
        after = decide(book, known, now)
        entry = next_entry(entries[-1] if entries else None, before, after)
        if entry:
            entries.append(entry)
        before = after
    verify_chain(entries)
    return entries


def whys(entries: list[JournalEntry]) -> list[tuple[str, ...]]:
    return [entry.why for entry in entries]


def fresh(*windows: object, now: int, **more: object) -> tuple[Rulebook, Facts, int]:
    return BOOK, facts(*windows, published_until=now, **more), now  # type: ignore[arg-type]


def test_red_turns_back_with_its_reason() -> None:
    positive, wrong = result(7, at(7, "10:00:00")), result(7, at(7, "10:00:00"), at(8, "10:00:00"))
    entries = journal(
        fresh(now=at(7, "09:00:00")),
        fresh(now=at(7, "11:00:00"), results=(positive,)),
        fresh(now=at(8, "11:00:00"), results=(wrong,)),
    )
    name = decide(*fresh(now=at(7, "11:00:00"), results=(positive,))).reasons[0].id
    assert [(entry.before, entry.after) for entry in entries] == [
        (None, Colour.GREEN),
        (Colour.GREEN, Colour.RED),
        (Colour.RED, Colour.GREEN),
    ]
    assert whys(entries) == [
        ("first decision",),
        (f"new finding {name}: own_result, red",),
        (f"finding {name} withdrawn by the authority",),
    ]


def test_a_stay_ends_by_the_rule_stated_beforehand() -> None:
    seen = encounter(at(5, "09:00:00"), 20)
    name = decide(*fresh(seen, now=at(8))).reasons[0].id
    entries = journal(fresh(seen, now=at(8)), fresh(seen, now=at(12, "23:59:59")), fresh(seen, now=at(13)))
    assert whys(entries) == [
        ("first decision", f"new finding {name}: encounter, yellow"),
        (f"finding {name} ended",),
    ]


def test_nothing_changed_is_no_entry() -> None:
    seen = encounter(at(5, "09:00:00"), 20)
    more = encounter(at(5, "15:00:00"), 20, source=key(2))
    assert len(journal(fresh(seen, now=at(8)), fresh(seen, now=at(9)), fresh(seen, more, now=at(10)))) == 1


def test_old_data_and_their_end_are_told_in_green_and_in_a_stay() -> None:
    known = facts(published_until=at(8))
    entries = journal((BOOK, known, at(8)), (BOOK, known, at(9, "00:00:01")), fresh(now=at(9, "01:00:00")))
    assert [entry.after for entry in entries] == [Colour.GREEN, Colour.GREY, Colour.GREEN]
    assert whys(entries)[1:] == [
        ("grey: published data too old", "published data old"),
        ("no longer grey: published data too old", "published data fresh"),
    ]
    stay = facts(encounter(at(5, "09:00:00"), 20), published_until=at(8))
    entries = journal((BOOK, stay, at(8)), (BOOK, stay, at(9, "00:00:01")))
    assert entries[1].after is Colour.YELLOW
    assert entries[1].why == ("published data old",)


def test_another_rulebook_is_told() -> None:
    known = facts(*HOUR)
    entries = journal((BOOK, known, at(8)), (without_ceilings(), known, at(8, "01:00:00")))
    name = decide(BOOK, known, at(8)).reasons[0].id
    assert entries[1].why == (f"finding {name} turned red", "rulebook 1 -> 2")
    stricter = BOOK.model_copy(
        update={"version": 3, "encounters": BOOK.encounters.model_copy(update={"yellow_minutes_per_day": 60})}
    )
    few = facts(encounter(at(5, "09:00:00"), 20))
    assert journal((BOOK, few, at(8)), (stricter, few, at(8)), (None, few, at(8)))[1].why == (
        f"finding {name} no longer counts",
        "rulebook 1 -> 3",
    )


def test_the_end_of_a_rulebook_is_told() -> None:
    entries = journal((BOOK, facts(), at(8)), (None, facts(), at(8)))
    assert entries[1].why == ("rulebook 1 -> none", "grey: no rulebook in force", "published data old")


def test_a_withdrawal_in_part_is_told() -> None:
    book = uncapped()
    entries = journal((book, facts(*HOUR), at(8)), (book, facts(*HOUR, withdrawn={key(2): at(8)}), at(8, "01:00:00")))
    name = decide(book, facts(*HOUR), at(8)).reasons[0].id
    assert entries[1].why == (f"finding {name} turned yellow, withdrawn in part by the authority",)


def test_a_withdrawal_of_long_ago_is_not_told_as_the_end() -> None:
    known = (encounter(at(5, "09:00:00"), 20), encounter(at(5, "15:00:00"), 5, source=key(2)))
    entries = journal(
        fresh(*known, now=at(8)),
        fresh(*known, now=at(9), withdrawn={key(2): at(9)}),
        fresh(*known, now=at(13), withdrawn={key(2): at(9)}),
    )
    name = decide(*fresh(*known, now=at(8))).reasons[0].id
    assert whys(entries)[1:] == [(f"finding {name} ended",)]


def test_a_stay_that_was_withdrawn_in_part_and_ended_by_time_ended() -> None:
    known = (encounter(at(5, "09:00:00"), 20), encounter(at(5, "15:00:00"), 5, source=key(2)))
    entries = journal(fresh(*known, now=at(8)), fresh(*known, now=at(13), withdrawn={key(2): at(9)}))
    assert entries[1].why == (f"finding {MORNING_ID} ended",)


def test_a_stay_that_was_withdrawn_and_would_be_over_too_was_withdrawn() -> None:
    seen = encounter(at(5, "09:00:00"), 20)
    entries = journal(fresh(seen, now=at(8)), fresh(seen, now=at(13), withdrawn={key(1): at(10)}))
    assert entries[1].why == (f"finding {MORNING_ID} withdrawn by the authority",)


def test_an_exit_its_rule_and_its_revocation_are_told() -> None:
    seen = encounter(at(5, "09:00:00"), 20)
    tests = (negative(at(10), at(10), revoked_at=at(12)),)
    entries = journal(
        fresh(seen, now=at(8)),
        fresh(seen, now=at(10), certificates=tests),
        fresh(seen, now=at(11), certificates=tests),
        fresh(seen, now=at(12), certificates=tests),
    )
    assert whys(entries)[1:] == [
        (f"finding {MORNING_ID} ended by certificate, exits.negative-pcr",),
        (f"finding {MORNING_ID} is back: encounter, yellow, certificate revoked",),
    ]


def test_an_exit_from_red_alone_is_told_as_a_part() -> None:
    rule = BOOK.exits[0].model_copy(update={"colours": ("red",)})
    book = uncapped().model_copy(update={"exits": (rule,)})
    known = facts(*HOUR, certificates=(negative(at(10), at(10)),), published_until=at(10))
    entries = journal((book, known, at(9, "23:00:00")), (book, known, at(10)))
    assert entries[1].why == (f"finding {MORNING_ID} turned yellow, ended in part by certificate, exits.negative-pcr",)


def test_denied_cleared_and_contradicted_are_told() -> None:
    visit, stay = venue(at(5), 20), area(at(5), 90)
    seen = encounter(at(5, "09:00:00"), 20)
    first = fresh(seen, now=at(8), venues=(visit,), areas=(stay,))
    names = {finding.kind: finding.id for finding in decide(*first).reasons}
    entries = journal(
        first,
        fresh(
            seen,
            now=at(9),
            venues=(replace(visit, contradicted=True),),
            areas=(replace(stay, denied_at=at(9)),),
            clearances=(ClearanceFact(names["encounter"], at(8), at(9)),),
        ),
    )
    assert sorted(entries[1].why) == sorted(
        [
            f"finding {names['venue']} contradicted by own location",
            f"finding {names['area']} denied by its owner",
            f"finding {names['encounter']} cleared by the authority",
        ]
    )


@given(cases(), st.lists(moments, min_size=1, max_size=6))
@settings(deadline=None)
def test_any_life_makes_a_journal_that_holds(case: tuple[Rulebook, Facts], times: list[int]) -> None:
    book, known = case
    decisions = [decide(book, known, now) for now in sorted(times)]
    entries = journal(*((book, known, now) for now in sorted(times)))
    assert entries[-1].after == decisions[-1].colour
    turns = [after.colour for before, after in pairwise(decisions) if before.colour != after.colour]
    assert [entry.after for entry in entries if entry.before not in (None, entry.after)] == turns
    for entry in entries:
        assert parse_entry(record_bytes(entry)) == entry


def four_entries() -> list[JournalEntry]:
    seen = encounter(at(5, "09:00:00"), 20)
    positive = result(9, at(9, "10:00:00"))
    return journal(
        fresh(now=at(7)),
        fresh(seen, now=at(8)),
        fresh(seen, now=at(9, "10:00:00"), results=(positive,)),
        fresh(seen, now=at(13), results=(positive,)),
    )


def test_a_whole_chain_is_accepted_and_gives_its_last_hash() -> None:
    entries = four_entries()
    assert len(entries) == 4
    assert verify_chain(entries) == entry_hash(entries[-1])
    assert verify_chain([]) == GENESIS


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda e: [e[0], e[1], e[3]], "its number is 3"),
        (lambda e: e[1:], "its number is 1"),
        (lambda e: [e[0], e[2].model_copy(update={"index": 1})], "the entry before it was changed"),
        (lambda e: [e[0], e[1].model_copy(update={"after": Colour.GREEN}), *e[2:]], "the entry before it was changed"),
        (lambda e: [e[0], e[1].model_copy(update={"why": ("nothing",)}), *e[2:]], "the entry before it was changed"),
        (lambda e: [e[0].model_copy(update={"previous": "1" * 64})], "not a beginning"),
        (lambda e: [e[0].model_copy(update={"before": Colour.RED})], "not a beginning"),
        (lambda e: [*e[:3], e[3].model_copy(update={"before": Colour.GREEN})], "the colour before it"),
        (lambda e: [*e[:3], e[3].model_copy(update={"time": 0})], "time goes back"),
    ],
)
def test_a_tampered_journal_is_found(spoil: Callable[[list[JournalEntry]], list[JournalEntry]], words: str) -> None:
    with pytest.raises(VerificationError, match=words):
        verify_chain(spoil(four_entries()))


def test_cutting_off_the_end_changes_the_last_hash() -> None:
    entries = four_entries()
    assert verify_chain(entries[:-1]) != verify_chain(entries)


def test_an_entry_that_does_not_belong_is_refused() -> None:
    green, yellow = decide(*fresh(now=at(7))), decide(*fresh(encounter(at(5), 20), now=at(8)))
    first = next_entry(None, None, green)
    assert first
    for previous, before, after in ((first, yellow, yellow), (None, green, yellow)):
        with pytest.raises(StateError):
            next_entry(previous, before, after)


def test_a_clock_that_was_ahead_and_is_set_right_is_told_and_the_chain_holds() -> None:
    """Eleven days ahead for a moment the stay seems over; set right, it is back, and nothing stays stuck."""
    yellow, ahead, right = (decide(*fresh(encounter(at(5), 20), now=now)) for now in (at(8), at(19), at(8, "13:00:00")))
    first = next_entry(None, None, yellow)
    assert first
    second = next_entry(first, yellow, ahead)
    assert second
    assert second.why == (f"finding {yellow.reasons[0].id} ended",)
    third = next_entry(second, ahead, right)
    assert third
    assert third.why == (CLOCK_SET_BACK, f"finding {yellow.reasons[0].id} is back: encounter, yellow")
    later = next_entry(third, right, decide(*fresh(encounter(at(5), 20), now=at(13))))
    assert later
    assert later.why == second.why
    assert verify_chain([first, second, third, later]) == entry_hash(later)


def test_a_journal_goes_on_after_a_damaged_store_has_lost_the_decision() -> None:
    green, yellow = decide(*fresh(now=at(7))), decide(*fresh(encounter(at(5), 20), now=at(8)))
    first = next_entry(None, None, green)
    assert first
    second = next_entry(first, None, yellow)
    assert second
    assert second.why == (DECISION_LOST, f"new finding {yellow.reasons[0].id}: encounter, yellow")
    assert verify_chain([first, second]) == entry_hash(second)


def test_a_clock_set_back_without_a_change_makes_no_entry() -> None:
    green = decide(*fresh(now=at(7)))
    assert next_entry(next_entry(None, None, green), green, decide(*fresh(now=at(6)))) is None


def test_an_entry_that_claims_a_clock_set_back_where_none_was_is_found() -> None:
    entries = four_entries()
    lying = entries[3].model_copy(update={"why": (CLOCK_SET_BACK, *entries[3].why)})
    with pytest.raises(VerificationError, match="time goes back"):
        verify_chain([*entries[:3], lying])


@given(st.binary(max_size=200) | st.text(max_size=60).map(lambda text: f'{{"after":"{text}"}}'.encode()))
@settings(deadline=None)
def test_arbitrary_bytes_are_no_entry_and_no_decision(data: bytes) -> None:
    for parse in (parse_entry, parse_decision):
        with pytest.raises(FormatError):
            parse(data)


@given(st.data())
@settings(deadline=None)
def test_other_values_in_the_fields_are_accepted_as_they_are_or_refused(data: st.DataObject) -> None:
    entry = four_entries()[1]
    spelled: list[tuple[bytes, Callable[[bytes], Record]]] = [
        (record_bytes(entry), parse_entry),
        (decision_bytes(decide(*fresh(encounter(at(5), 20), now=at(8)))), parse_decision),
    ]
    for text, parse in spelled:
        content = json.loads(text)
        content[data.draw(st.sampled_from(sorted(content)))] = data.draw(json_values)
        changed = canonical_json(content)
        with suppress(FormatError):
            assert record_bytes(parse(changed)) == changed


def test_an_entry_has_a_longest_length() -> None:
    with pytest.raises(LimitError):
        parse_entry(b" " * (MAX_ENTRY_BYTES + 1))


def test_entries_have_one_spelling() -> None:
    entry = four_entries()[1]
    data = record_bytes(entry)
    assert b'"after":"yellow","before":"green"' in data
    assert parse_entry(data) == entry
    for spoiled in (data + b" ", data.replace(b"yellow", b"orange", 1), data.replace(b'"index":1', b'"index":-1'), b""):
        with pytest.raises(FormatError):
            parse_entry(spoiled)
