"""Mutated reviews: every field of rulebook, facts and decision changed in turn, digests made to fit where they would
hide the step under test.

Each numbered step of specs/colour.md section 9 has to fail at least a hundred times with words of its own. What is
accepted is what these rules make of these facts.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any

from ownhue.encoding import canonical_json
from ownhue.errors import FormatError, OwnhueError
from ownhue.journal import JournalEntry, next_entry, verify_chain
from ownhue.review import MAX_REVIEW_BYTES, parse_review, recompute
from tests.conformance.mutate import Tally, mutations
from tests.conformance.review_cases import REVIEWED, text_of

STEPS = {
    "made by another rulebook": "3: rulebook",
    "made from other facts": "4: facts",
    "make another decision": "5: decision",
    "does not end where": "6: journal",
}
FIRST = ("a review has at most", "not canonical JSON", "not JSON of", "not a review")
Content = dict[str, Any]


def contents() -> list[Content]:
    return [json.loads(text_of(name)) for name in REVIEWED]


def step_of(error: OwnhueError) -> str:
    words = str(error)
    if isinstance(error, FormatError):
        return "1: spelling and fields" if words.startswith(FIRST) else "2: parts"
    return next(step for known, step in STEPS.items() if known in words)


def judge(content: Any, tally: Tally, journal: list[JournalEntry] | None = None) -> Content | None:
    """The decision as it is spelled, or None and one more failure in *tally*."""
    data = content if isinstance(content, bytes) else canonical_json(content)
    try:
        decision = recompute(data, journal)
    except OwnhueError as error:
        tally.add(step_of(error))
        return None
    found: Content = json.loads(data)["decision"]
    assert json.loads(canonical_json(decision.model_dump(mode="json"))) == found
    return found


def digest(part: Any) -> str:
    return hashlib.sha256(canonical_json(part)).hexdigest()


def fitted(content: Content) -> Content:
    """*content* with a decision that has the digests of its rulebook and facts."""
    version = content["rulebook"].get("version") if isinstance(content["rulebook"], dict) else None
    fits = {
        "facts_digest": digest(content["facts"]),
        "rulebook_digest": None if content["rulebook"] is None else digest(content["rulebook"]),
        "rulebook_version": version,
    }
    return content | {"decision": content["decision"] | fits}


def parts(content: Content, random: Random) -> Iterator[tuple[str, Content, Content]]:
    """(path, mutant, mutant with fitting digests) for the fields of rulebook, facts and decision."""
    for name in ("rulebook", "facts", "decision"):
        for path, mutant in mutations(content[name], random):
            changed = content | {name: mutant}
            fits = changed
            with suppress(AttributeError, TypeError):  # a mutant that has no fields to fit
                fits = fitted(changed)
            yield f"{name}{path}", changed, fits


def test_the_reviews_that_are_mutated_are_good() -> None:
    tally = Tally()
    for content in contents():
        assert fitted(content) == content
        assert judge(content, tally) == content["decision"]


def test_mutated_parts_are_found_or_make_what_they_say() -> None:
    tally, random, harmless = Tally(), Random(1), 0
    for content in contents()[1::2]:
        for path, mutant, fits in parts(content, random):
            # Nothing can be changed without a trace: without fitting digests every change is found. Only the time can:
            # the same facts make the same colour a second later.
            found = judge(mutant, tally)
            assert found is None or mutant == content or path == "decision['time']", path
            if fits != mutant:
                harmless += judge(fits, tally) is not None
    tally.require(["2: parts", "3: rulebook", "4: facts", "5: decision"], least=200)
    # A scan's minimum attenuation, say, changes nothing while the rulebook looks at the typical one.
    assert harmless > 20


def test_mutated_frames_are_refused() -> None:
    tally, random = Tally(), Random(2)
    for content in contents():
        for _ in range(5):
            for name in content:
                judge({key: value for key, value in content.items() if key != name}, tally)
            judge(content | {"format": f"ownhue-review-{random.randrange(2, 99)}"}, tally)
            judge(content | {f"more-{random.randrange(99)}": 0}, tally)
            judge(content | {"journal": f"{random.getrandbits(252):063x}"}, tally)
            judge(canonical_json(content).replace(b":", b": ", random.randrange(1, 9)), tally)
        judge(b" " * (MAX_REVIEW_BYTES + 1), tally)
    tally.require(["1: spelling and fields"])


def test_journals_that_do_not_fit_are_found() -> None:
    tally, random = Tally(), Random(3)
    for content in contents():
        decision = parse_review(canonical_json(content)).decision
        entry = next_entry(None, None, decision)
        assert entry is not None
        bound = content | {"journal": verify_chain([entry])}
        assert judge(bound, tally, [entry]) == content["decision"]
        for _ in range(20):
            judge(content | {"journal": f"{random.getrandbits(256):064x}"}, tally, [entry])
            judge(bound, tally, [entry.model_copy(update={"why": (f"{random.getrandbits(64)}",)})])
    tally.require(["6: journal"])
