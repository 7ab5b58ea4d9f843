"""Mutated rulebooks: every field changed in turn, written as canonical JSON again.

Each numbered step of specs/rulebook.md section 3 has to fail at least a hundred times with words of its own, each
contradiction of step 3 too, and what is accepted is what it says and nothing else.
"""

import json
from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from ownhue.encoding import canonical_json
from ownhue.errors import LimitError, OwnhueError
from ownhue.rulebook import MAX_RULEBOOK_BYTES, Rulebook, parse_rulebook, rulebook_bytes
from tests.conformance.mutate import Tally, flipped, mutations
from tests.protocol.rulebook_cases import COLOURS, WORDS, an_exit, content, parsed

BOOK = content()
DATA = canonical_json(BOOK)

#: Sentences of step 3: each names one contradiction.
SENTENCES = {
    "valid_until lies before valid_from": "never in force",
    "the sunset lies before valid_until": "outlives the system",
    "the three attenuation thresholds do not ascend": "thresholds",
    "infectiousness 'high' weighs less than 'standard'": "high below standard",
    "red needs fewer minutes a day than yellow": "red before yellow",
    "red ends before yellow": "red shorter than yellow",
    "until_day lies before from_day": "empty exit",
    "a negative test needs kinds of test": "no kinds of test",
    "only a negative test has kinds of test": "kinds of test",
    "a colour both passes and is referred": "two treatments",
    "green does not pass": "green stopped",
    "red passes": "red passes",
    "treated better than a milder one": "severe treated better",
    "is not written in exactly the languages": "languages",
    "in alphabetical order": "alphabetical order",
    "in order of severity": "order of severity",
}


def step_of(error: OwnhueError) -> str:
    if isinstance(error, LimitError):
        return "1: length"
    words = str(error)
    if "not canonical JSON" in words or "not JSON of" in words or "not in its one spelling" in words:
        return "1: spelling"
    return next((f"3: {name}" for sentence, name in SENTENCES.items() if sentence in words), "2: fields")


def judge(data: bytes, tally: Tally) -> Rulebook | None:
    """The rulebook, or None and one more failure in *tally*."""
    try:
        return parse_rulebook(data)
    except OwnhueError as error:
        tally.add(step_of(error))
        return None


def encoded(mutant: Any) -> bytes | None:
    """The mutant's canonical JSON; None for one that has none (a text with half a surrogate pair ...)."""
    try:
        return canonical_json(mutant)
    except OwnhueError:
        return None


def test_mutated_fields_are_refused_or_mean_what_they_say() -> None:
    tally, accepted = Tally(), 0
    for path, mutant in mutations(BOOK, Random(1), rounds=2):
        data = encoded(mutant)
        book = None if data is None else judge(data, tally)
        if book is not None:
            accepted += 1
            assert json.loads(rulebook_bytes(book)) == mutant, path
            assert book.digest != parsed(BOOK).digest, path
    tally.require(["2: fields"], least=1000)
    assert accepted > 200


def test_another_spelling_is_refused_wherever_it_stands() -> None:
    tally = Tally()
    for position in [place for place, byte in enumerate(DATA) if byte in b',:{}[]"']:
        for put in (b" ", b"\n"):
            changed = DATA[:position] + put + DATA[position:]
            assert judge(changed, tally) is None or rulebook_bytes(parse_rulebook(changed)) == changed
    reversed_keys = json.dumps(dict(reversed(BOOK.items())), separators=(",", ":")).encode()
    assert judge(reversed_keys, tally) is None
    tally.require(["1: spelling"], least=500)


def test_flipped_bits_are_refused_or_mean_what_they_say() -> None:
    tally, random = Tally(), Random(3)
    for _ in range(3000):
        data = flipped(DATA, random)
        book = judge(data, tally)
        assert book is None or rulebook_bytes(book) == data
    tally.require(["1: spelling", "2: fields"])


def test_what_is_too_long_is_not_even_read() -> None:
    tally = Tally()
    for length in range(1, 101):
        assert judge(b" " * MAX_RULEBOOK_BYTES + DATA[:length], tally) is None
    tally.require(["1: length"])


# Each contradiction, from random values of the right type and range.


def never_in_force(book: Any, random: Random) -> None:
    begin = date(2026, 1, 1) + timedelta(days=random.randrange(2000))
    book["valid_from"], book["valid_until"] = (
        begin.isoformat(),
        (begin - timedelta(days=random.randint(1, 900))).isoformat(),
    )
    book["sunset"] = book["valid_from"]


def outlives_the_system(book: Any, random: Random) -> None:
    book["sunset"] = (date(2029, 12, 31) - timedelta(days=random.randint(1, 2000))).isoformat()


def thresholds(book: Any, random: Random) -> None:
    ascending = sorted(random.sample(range(256), 3))
    book["exposure"]["thresholds_db"] = random.choice([ascending[::-1], [ascending[0], *ascending[:2]]])


def high_below_standard(book: Any, random: Random) -> None:
    high = random.randrange(625)
    weights = {"high": high, "standard": random.randint(high + 1, 625)}
    book["exposure"]["weights_by_report_percent"][random.choice(WORDS)] = weights


def red_before_yellow(book: Any, random: Random) -> None:
    red = random.randrange(1, 1440)
    book["encounters"] |= {"red_minutes_per_day": red, "yellow_minutes_per_day": random.randint(red + 1, 1440)}


def red_shorter_than_yellow(book: Any, random: Random) -> None:
    red = random.randrange(1, 90)
    book["stays"] = {"red_days": red, "yellow_days": random.randint(red + 1, 90)}


def empty_exit(book: Any, random: Random) -> None:
    until = random.randint(-400, 89)
    random.choice(book["exits"]).update(until_day=until, from_day=random.randint(until + 1, 90))


def no_kinds_of_test(book: Any, random: Random) -> None:
    book["exits"] = [an_exit("a", from_day=random.randint(-400, 90), test_kinds=[])]


def kinds_of_test(book: Any, random: Random) -> None:
    kinds = random.choice([["naat"], ["rat"], ["naat", "rat"]])
    certificate = random.choice(["recovery", "vaccination"])
    book["exits"] = [an_exit("a", from_day=random.randint(-400, 90), test_kinds=kinds, certificate=certificate)]


def any_mode(book: Any, random: Random, passes: list[str], refers: list[str]) -> None:
    random.choice(list(book["modes"].values())).update(
        passes=passes, refers=refers, test_hours=random.randint(1, 336), measure_temperature=random.random() < 0.5
    )


def some_colours(random: Random, *always: str) -> list[str]:
    return [colour for colour in COLOURS if colour in always or random.random() < 0.5]


def two_treatments(book: Any, random: Random) -> None:
    both = random.choice(COLOURS)
    any_mode(book, random, some_colours(random, both), some_colours(random, both))


def green_stopped(book: Any, random: Random) -> None:
    passes = [colour for colour in some_colours(random) if colour != "green"]
    any_mode(book, random, passes, [colour for colour in COLOURS if colour not in passes])


def red_passes(book: Any, random: Random) -> None:
    passes = some_colours(random, "green", "red")
    any_mode(book, random, passes, [colour for colour in COLOURS if colour not in passes])


def severe_treated_better(book: Any, random: Random) -> None:
    passes, refers = random.choice(
        [
            (["green"], ["red"]),
            (["green"], ["yellow"]),
            (["green", "yellow"], []),
            (["green", "yellow"], ["grey"]),
            (["green", "grey"], ["red"]),
        ]
    )
    any_mode(book, random, passes, refers)


def languages(book: Any, random: Random) -> None:
    label = random.choice([book["summary"], *(mode["label"] for mode in book["modes"].values())])
    if random.random() < 0.5:
        del label[random.choice(list(label))]
    else:
        label[random.choice(["fr", "es", "zh-Hant"])] = "x" * random.randint(1, 2000)


def alphabetical_order(book: Any, random: Random) -> None:
    match random.randrange(4):
        case 0:
            book["own_results"] = random.choice([["self_report", "confirmed_test"], ["self_report"] * 2])
        case 1:
            book["exits"] = book["exits"][::-1]
        case 2:
            book["languages"] = book["languages"][::-1]
        case _:
            random.choice(list(book["modes"].values()))["requires"] = random.choice(
                [["vaccination", "recovery"], ["recovery"] * 2]
            )
    book["version"] = random.randrange(1, 2**31)


def order_of_severity(book: Any, random: Random) -> None:
    if random.random() < 0.5:
        random.choice(book["exits"])["colours"] = random.choice([["red", "yellow"], ["red", "red"]])
    else:
        any_mode(book, random, ["green"], random.choice([["red", "grey"], ["grey", "grey"], ["red", "yellow", "grey"]]))


@pytest.mark.parametrize(
    "contradict",
    [
        never_in_force,
        outlives_the_system,
        thresholds,
        high_below_standard,
        red_before_yellow,
        red_shorter_than_yellow,
        empty_exit,
        no_kinds_of_test,
        kinds_of_test,
        two_treatments,
        green_stopped,
        red_passes,
        severe_treated_better,
        languages,
        alphabetical_order,
        order_of_severity,
    ],
)
def test_a_contradiction_is_refused_by_its_own_sentence(contradict: Callable[[Any, Random], None]) -> None:
    tally, random = Tally(), Random(4)
    for _ in range(150):
        book = content()
        contradict(book, random)
        assert judge(canonical_json(book), tally) is None
    tally.require([f"3: {contradict.__name__.replace('_', ' ')}"])


def test_every_sentence_of_step_3_has_its_contradiction() -> None:
    made = {name.replace("_", " ") for name in globals()}
    assert set(SENTENCES.values()) <= made
