"""Mutated facts: every field changed in turn, written as canonical JSON again.

Each numbered step of specs/colour.md section 1 has to fail at least a hundred times with words of its own, and what is
accepted holds what it says.
"""

import json
from random import Random
from typing import Any

from ownhue.colour.facts import MAX_FACTS_BYTES, Facts, facts_bytes, facts_digest, parse_facts
from ownhue.encoding import canonical_json
from ownhue.errors import LimitError, OwnhueError
from tests.conformance.facts_cases import EVERYTHING, LISTS
from tests.conformance.mutate import Tally, flipped, mutations

DATA = facts_bytes(EVERYTHING)
CONTENT: dict[str, Any] = json.loads(DATA)


def step_of(error: OwnhueError) -> str:
    if isinstance(error, LimitError):
        return "1: length"
    words = str(error)
    if "not canonical JSON" in words or "not JSON of" in words:
        return "2: spelling"
    return "4: order" if "a list is not in order" in words else "3: fields"


def judge(data: bytes, tally: Tally) -> Facts | None:
    """The facts, or None and one more failure in *tally*."""
    try:
        return parse_facts(data)
    except OwnhueError as error:
        tally.add(step_of(error))
        return None


def sorted_lists(content: Any) -> Any:
    """*content* with its lists in order again, so that order hides no other step."""
    if not isinstance(content, dict):
        return content
    return {
        name: sorted(value, key=canonical_json) if name in LISTS and isinstance(value, list) else value
        for name, value in content.items()
    }


def test_the_facts_that_are_mutated_are_good() -> None:
    assert facts_bytes(parse_facts(DATA)) == DATA


def test_mutated_fields_are_refused_or_mean_what_they_say() -> None:
    tally, accepted = Tally(), 0
    for path, mutant in mutations(CONTENT, Random(1), rounds=3):
        known = judge(canonical_json(sorted_lists(mutant)), tally)
        if known is not None:
            accepted += 1
            assert json.loads(facts_bytes(known)) == sorted_lists(mutant), path
            assert facts_digest(known) != facts_digest(EVERYTHING), path
    tally.require(["3: fields"], least=500)
    assert accepted > 100


def test_lists_out_of_order_or_with_repetitions_are_refused() -> None:
    tally = Tally()
    random = Random(2)
    for _ in range(60):
        for name in LISTS:
            items = list(CONTENT[name])
            for mutant in (items[::-1], [items[random.randrange(len(items))], *items]):
                if mutant != items:
                    assert judge(canonical_json(CONTENT | {name: mutant}), tally) is None
    tally.require(["4: order"])


def test_another_spelling_is_refused_wherever_it_stands() -> None:
    tally = Tally()
    for position in [place for place, byte in enumerate(DATA) if byte in b',:{}[]"']:
        for put in (b" ", b"\n"):
            judge(DATA[:position] + put + DATA[position:], tally)
    reversed_keys = json.dumps(dict(reversed(CONTENT.items())), separators=(",", ":")).encode()
    assert judge(reversed_keys, tally) is None
    tally.require(["2: spelling"])


def test_flipped_bits_are_refused_or_mean_what_they_say() -> None:
    tally, random = Tally(), Random(3)
    for _ in range(2000):
        data = flipped(DATA, random)
        known = judge(data, tally)
        assert known is None or facts_bytes(known) == data
    tally.require(["2: spelling", "3: fields"])


def test_what_is_too_long_is_not_even_read() -> None:
    tally = Tally()
    padding = b" " * MAX_FACTS_BYTES
    for length in range(1, 101):
        assert judge(padding + DATA[:length], tally) is None
    tally.require(["1: length"])
