"""Operations of specs/colour.md section 7 on vectors: what is written into a journal, and its verification."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ownhue.colour import decide
from ownhue.colour.decision import Decision
from ownhue.colour.facts import parse_facts
from ownhue.conformance.colour_ops import rulebook_of
from ownhue.encoding import canonical_json
from ownhue.journal import JournalEntry, entry_hash, next_entry, parse_entry, verify_chain
from ownhue.records import record_bytes

Question = Mapping[str, Any]


def _write(question: Question) -> Any:
    """The entries that a phone makes which decides once in each step."""
    entries: list[JournalEntry] = []
    before: Decision | None = None
    for step in question["steps"]:
        facts = parse_facts(canonical_json(step["facts"]))
        after = decide(rulebook_of(step["rulebook"]), facts, step["now"])
        entry = next_entry(entries[-1] if entries else None, before, after)
        entries += [] if entry is None else [entry]
        before = after
    texts = [record_bytes(entry) for entry in entries]
    return {"entries": [json.loads(text) for text in texts], "hashes": [entry_hash(entry) for entry in entries]}


def _verify_chain(question: Question) -> Any:
    entries = [parse_entry(text.encode()) for text in question["entries"]]
    return {"last": verify_chain(entries), "hashes": [entry_hash(entry) for entry in entries]}


OPERATIONS: dict[str, Callable[[Question], Any]] = {"write": _write, "verify_chain": _verify_chain}
