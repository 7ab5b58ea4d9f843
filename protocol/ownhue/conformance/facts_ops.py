"""Operations of specs/colour.md section 1 on vectors: files of facts."""

from collections.abc import Callable, Mapping
from typing import Any

from ownhue.colour.facts import facts_digest, parse_facts

Question = Mapping[str, Any]


def _parse_facts(question: Question) -> Any:
    facts = parse_facts(question["text"].encode())
    listed = ("areas", "certificates", "clearances", "results", "venues", "windows", "withdrawn")
    return {"digest": facts_digest(facts), "counts": {name: len(getattr(facts, name)) for name in listed}}


OPERATIONS: dict[str, Callable[[Question], Any]] = {"parse_facts": _parse_facts}
