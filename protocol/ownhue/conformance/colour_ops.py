"""Operations of specs/colour.md sections 2 to 6 on vectors: decisions, and the names of findings.

A rulebook is given whole, as an object, or by the name of a published one ("demonstration", "without-ceilings":
specs/rulebooks/<name>.json); null where there is none.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ownhue.colour import decide
from ownhue.colour.decision import decision_bytes, finding_id, parse_decision
from ownhue.colour.facts import parse_facts
from ownhue.colour.findings import certificate_name
from ownhue.encoding import canonical_json, cbor_encode
from ownhue.rulebook import Rulebook, parse_rulebook
from ownhue.rulebook.demonstration import demonstration_rulebook, without_ceilings

Question = Mapping[str, Any]

_PUBLISHED = {"demonstration": demonstration_rulebook, "without-ceilings": without_ceilings}


def rulebook_of(given: Any) -> Rulebook | None:
    """The rulebook of a question. Raises FormatError."""
    if given is None:
        return None
    return _PUBLISHED[given]() if isinstance(given, str) else parse_rulebook(canonical_json(given))


def _decide(question: Question) -> Any:
    facts = parse_facts(canonical_json(question["facts"]))
    decision = decide(rulebook_of(question["rulebook"]), facts, question["now"])
    return {"decision": json.loads(decision_bytes(decision)), "digest": decision.digest}


def _parse_decision(question: Question) -> Any:
    return {"digest": parse_decision(question["text"].encode()).digest}


def _finding_id(question: Question) -> Any:
    salt, kind, parts = bytes.fromhex(question["salt"]), question["kind"], question["parts"]
    return {"cbor": cbor_encode([salt, kind, *parts]).hex(), "id": finding_id(salt, kind, *parts)}


def _certificate_name(question: Question) -> Any:
    salt, certificate = bytes.fromhex(question["salt"]), bytes.fromhex(question["certificate"])
    name = certificate_name(salt, certificate)
    return {"cbor": cbor_encode([salt, "certificate", certificate]).hex(), "name": name}


OPERATIONS: dict[str, Callable[[Question], Any]] = {
    "decide": _decide,
    "parse_decision": _parse_decision,
    "finding_id": _finding_id,
    "certificate_name": _certificate_name,
}
