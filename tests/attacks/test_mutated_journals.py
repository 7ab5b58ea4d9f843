"""Mutated journals: every field of every entry changed in turn, the chain linked again behind it.

Each numbered step of specs/colour.md section 7 has to fail at least a hundred times with words of its own. Whoever can
link the whole chain again can tell another history: it ends with another hash, always.
"""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from ownhue.encoding import canonical_json
from ownhue.errors import FormatError, OwnhueError, VerificationError
from ownhue.journal import CLOCK_SET_BACK, parse_entry, verify_chain
from tests.conformance.journal_cases import relinked
from tests.conformance.mutate import Tally, mutations
from tests.shared import SPECS

STEPS = {
    "its number is": "1: number",
    "not a beginning": "2: beginning",
    "the entry before it was changed": "3: hash",
    "the colour before it": "4: colour",
    "time goes back": "5: time",
}
COLOURS = ("green", "grey", "yellow", "red", None)
Chain = list[dict[str, Any]]


def chains() -> list[Chain]:
    cases = json.loads((SPECS / "vectors" / "journal.json").read_text())["cases"]
    return [case["output"]["entries"] for case in cases if case["operation"] == "write"]


def last_hash(chain: Chain) -> str:
    return verify_chain([parse_entry(canonical_json(entry)) for entry in chain])


def step_of(error: OwnhueError) -> str:
    if isinstance(error, FormatError):
        return "format"
    return next(step for words, step in STEPS.items() if words in str(error))


def judge(chain: Chain, tally: Tally) -> str | None:
    """The last hash, or None and one more failure in *tally*."""
    try:
        return last_hash(chain)
    except OwnhueError as error:
        tally.add(step_of(error))
        return None


def changed(chain: Chain, number: int, **fields: Any) -> Chain:
    return [entry | fields if index == number else entry for index, entry in enumerate(chain)]


def test_each_step_fails_often_and_nothing_passes_as_the_same_journal() -> None:
    tally, random = Tally(), Random(1)
    for chain in chains():
        whole = last_hash(chain)
        for path, mutant in mutations(chain, random, rounds=2):
            for tried in (mutant, relinked(mutant)) if all(isinstance(entry, dict) for entry in mutant) else ():
                assert tried == chain or judge(tried, tally) != whole, path
        for tried in crafted(chain, random):
            judge(tried, tally)
    tally.require([*STEPS.values(), "format"])


def crafted(chain: Chain, random: Random) -> Iterator[Chain]:
    """Chains that only one step can find wrong."""
    for _ in range(50):
        yield changed(chain, 0, previous=f"{random.getrandbits(256):064x}")
        yield relinked(random.sample(chain, len(chain)))
        yield relinked(chain[: random.randrange(1, len(chain))][::-1])
    for number, entry in enumerate(chain):
        for colour in COLOURS:
            yield relinked(changed(chain, number, before=colour))
            if colour is not None:
                yield relinked(changed(chain, number, after=colour))
            for other in (name for name in COLOURS if name):
                yield relinked(changed(chain, number, before=colour, after=other, why=["another history"]))
        for earlier in range(1, 15):
            yield relinked(changed(chain, number, time=chain[max(number - 1, 0)]["time"] - earlier))
        for _ in range(15):
            yield changed(chain, number, why=[f"finding {random.getrandbits(64):016x} ended"])
            yield changed(chain, number, decision_digest=f"{random.getrandbits(256):064x}")
            yield relinked(changed(chain, number, index=entry["index"] + random.randrange(1, 9)))


def test_a_chain_that_was_linked_again_ends_with_another_hash() -> None:
    for chain in chains():
        whole = last_hash(chain)
        for number in range(len(chain)):
            # That time goes back is seen at once; the rest of the reasons can be told otherwise.
            kept = [word for word in chain[number]["why"] if word == CLOCK_SET_BACK]
            forged = relinked(changed(chain, number, why=[*kept, "nothing of note"]))
            assert last_hash(forged) != whole
        for cut in range(len(chain)):
            assert last_hash(chain[:cut]) != whole


def test_entries_of_two_journals_do_not_fit_together() -> None:
    first, second, *_ = chains()
    with pytest.raises(VerificationError, match="the entry before it was changed"):
        last_hash([*first[:2], second[2]])
