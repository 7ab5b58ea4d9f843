"""The files of specs/vectors/review.json: decisions that can be computed again, and one change for each step."""

import hashlib
import json
from typing import Any

from ownhue.colour import decide
from ownhue.conformance.colour_ops import rulebook_of
from ownhue.encoding import canonical_json
from ownhue.journal import next_entry
from ownhue.records import record_bytes
from ownhue.review import review_bytes
from ownhue.rulebook import Rulebook
from tests.conformance.decision_cases import CASES, DecisionCase
from tests.conformance.expected import Case, bad, good
from tests.conformance.journal_cases import chain_hash

REVIEWED = (
    "20 minutes face to face",
    "an hour, without a ceiling",
    "an own result",
    "an hour in an area",
    "ended by a negative PCR test of the fifth day",
    "cleared by the authority",
    "no rulebook",
)


def review_cases() -> list[Case]:
    """Every case."""
    return [*map(_reviewed, REVIEWED), *_bound(), *_refused()]


def named(name: str) -> DecisionCase:
    """The decision of this name."""
    return next(case for case in CASES if case.name == name)


def text_of(name: str, journal: str | None = None) -> str:
    """The review file of a decision."""
    case = named(name)
    book = case.rulebook if isinstance(case.rulebook, Rulebook) else rulebook_of(case.rulebook)
    return review_bytes(book, case.facts, decide(book, case.facts, case.now), journal).decode()


def _output(text: str) -> dict[str, Any]:
    content = json.loads(text)
    decision = content["decision"]
    return {
        "colour": decision["colour"],
        "until": decision["until"],
        "digest": hashlib.sha256(canonical_json(decision)).hexdigest(),
        "rulebook_digest": decision["rulebook_digest"],
        "journal": content["journal"],
    }


def _reviewed(name: str) -> Case:
    text = text_of(name)
    return good(name, "recompute", _output(text), text=text, journal=None)


def _bound() -> list[Case]:
    case = named("20 minutes face to face")
    entry = next_entry(None, None, decide(rulebook_of("demonstration"), case.facts, case.now))
    assert entry is not None
    entries = [record_bytes(entry).decode()]
    text = text_of(case.name, chain_hash(json.loads(entries[0])))
    return [
        good("with its journal", "recompute", _output(text), text=text, journal=entries),
        good("bound to a journal that is not shown", "recompute", _output(text), text=text, journal=None),
        bad("step 6: another journal", "recompute", "VerificationError", text=text, journal=[]),
        bad("step 6: bound to no journal", "recompute", "VerificationError", text=text_of(case.name), journal=entries),
    ]


def _refused() -> list[Case]:
    text = text_of("20 minutes face to face")
    content = json.loads(text)
    other = json.loads(text_of("an hour, without a ceiling"))

    def changed(name: str, error: str = "VerificationError", **changes: Any) -> Case:
        return bad(name, "recompute", error, text=canonical_json(content | changes).decode(), journal=None)

    decision, facts = content["decision"], content["facts"]
    fewer = {**facts, "windows": []}
    return [
        bad("step 1: white space", "recompute", text=f"{text} ", journal=None),
        changed("step 1: a field more", "FormatError", note=""),
        changed("step 1: another format", "FormatError", format="ownhue-review-2"),
        changed("step 1: a hash of 63 digits", "FormatError", journal="0" * 63),
        changed("step 2: no facts", "FormatError", facts=None),
        changed("step 2: a rulebook without modes", "FormatError", rulebook={**content["rulebook"], "modes": {}}),
        changed("step 2: a fifth colour", "FormatError", decision={**decision, "colour": "blue"}),
        changed("step 3: another rulebook", rulebook=other["rulebook"]),
        changed("step 3: no rulebook", rulebook=None),
        changed("step 4: a window left out", facts=fewer),
        changed("step 4: another salt", facts={**facts, "salt": "00" * 32}),
        changed("step 5: another colour", decision={**decision, "colour": "green"}),
        changed("step 5: an hour later", decision={**decision, "time": decision["time"] + 200_000}),
        changed("step 5: no reason", decision={**decision, "reasons": []}),
        changed("step 5: a day longer", decision={**decision, "until": decision["until"] + 86_400}),
    ]
