"""Targets: rulebook, facts, decisions, and what belongs to them: all canonical JSON; and contact traces."""

from collections.abc import Callable
from typing import Any

from ownhue import journal, region, regions, review, rulebook
from ownhue.colour import decision, facts
from ownhue.conformance.vectors import parse_vectors
from ownhue.contact_trace import read_trace
from ownhue.encoding import canonical_json
from ownhue.records import record_bytes
from tests.fuzz import seeds
from tests.fuzz.target import Target
from tests.shared import SPECS


def _review(value: review.Review) -> bytes:
    return review.review_bytes(value.rulebook, value.facts, value.decision, value.journal)


def _of_reviews(field: str) -> Callable[[], list[bytes]]:
    """A part of the review files in the vectors: decisions have no vectors of their own."""

    def found() -> list[bytes]:
        texts = [case["input"]["text"].encode() for case in seeds.cases("review", "recompute")]
        contents = [getattr(review.parse_review(text), field) for text in texts]
        return [record_bytes(content) for content in contents if content is not None]

    return found


def _entries() -> list[bytes]:
    found = [entry for case in seeds.cases("journal", "verify_chain") for entry in case["input"]["entries"]]
    return [entry.encode() if isinstance(entry, str) else canonical_json(entry) for entry in found]


def _trace(data: bytes) -> Any:
    return list(read_trace(data.decode("latin-1").splitlines(keepends=True), 0))


TARGETS = {
    "rulebook": Target(rulebook.parse_rulebook, rulebook.rulebook_bytes, seeds.texts("rulebook", "parse")),
    "facts": Target(facts.parse_facts, facts.facts_bytes, seeds.texts("facts", "parse_facts")),
    "decision": Target(decision.parse_decision, decision.decision_bytes, _of_reviews("decision")),
    "journal-entry": Target(journal.parse_entry, record_bytes, _entries),
    "review": Target(review.parse_review, _review, seeds.texts("review", "recompute")),
    "region": Target(region.parse_region, region.region_bytes, seeds.texts("region", "region")),
    "region-directory": Target(regions.parse_regions, regions.regions_bytes, seeds.texts("region", "directory")),
    "contact-trace": Target(_trace, None, seeds.these(b"time a b\n28840 574 1362\n28860 164 779\n")),
    "vectors": Target(parse_vectors, None, lambda: [(SPECS / "vectors" / "ticket.json").read_bytes()]),
}
