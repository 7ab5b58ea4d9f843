"""Review: a file with which a third person computes a decision again. specs/colour.md section 9

    {"decision":{"colour":"red",...},"facts":{"certificates":[],...},"format":"ownhue-review-1","journal":null,
     "rulebook":{"encounters":{...},...}}

- The owner makes it and hands it over; nothing makes or sends it by itself. It reveals all that the facts hold.
- It proves that these facts make this decision under this rulebook. It does not prove that the facts are true.
- *journal* may bind it to the phone's journal, so that another history cannot be told later.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ownhue.colour import decide
from ownhue.colour.decision import Decision, decision_bytes, parse_decision
from ownhue.colour.facts import Facts, facts_bytes, facts_digest, parse_facts
from ownhue.encoding import canonical_json, parse_canonical_json
from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.journal import JournalEntry, verify_chain
from ownhue.rulebook import Rulebook, parse_rulebook, rulebook_bytes

#: Longest review file in bytes: the longest facts, decision and rulebook, and what holds them together.
#: specs/colour.md section 10
MAX_REVIEW_BYTES = 50_463_744

_FORMAT = "ownhue-review-1"
_FIELDS = {"decision", "facts", "format", "journal", "rulebook"}


@dataclass(frozen=True, slots=True)
class Review:
    """The content of a review file. Nothing is verified yet."""

    rulebook: Rulebook | None
    """None where no rulebook was known."""
    facts: Facts = field(repr=False)
    decision: Decision = field(repr=False)
    journal: str | None
    """Hash of the journal's last entry, in hexadecimal digits; None where it is bound to none."""


def review_bytes(rulebook: Rulebook | None, facts: Facts, decision: Decision, journal: str | None = None) -> bytes:
    """The review file of a decision, canonical JSON. *journal*: what ``verify_chain`` gave for the phone's journal."""
    return canonical_json(
        {
            "decision": _object(decision_bytes(decision)),
            "facts": _object(facts_bytes(facts)),
            "format": _FORMAT,
            "journal": journal,
            "rulebook": None if rulebook is None else _object(rulebook_bytes(rulebook)),
        }
    )


def parse_review(data: bytes) -> Review:
    """The content of a review file: steps 1 and 2. Raises LimitError, or FormatError naming the wrong part."""
    # (1): length, spelling, fields.
    if len(data) > MAX_REVIEW_BYTES:
        raise LimitError(f"a review has at most {MAX_REVIEW_BYTES} bytes")
    content = parse_canonical_json(data)
    if not isinstance(content, dict) or content.keys() != _FIELDS or content["format"] != _FORMAT:
        raise FormatError("not a review: its fields are not those of this format")
    journal = content["journal"]
    if journal is not None and not _is_digest(journal):
        raise FormatError("not a review: journal: not a hash")
    # (2): each part is what it should be.
    rulebook = None if content["rulebook"] is None else parse_rulebook(canonical_json(content["rulebook"]))
    facts = parse_facts(canonical_json(content["facts"]))
    return Review(rulebook, facts, parse_decision(canonical_json(content["decision"])), journal)


def recompute(data: bytes, journal: Iterable[JournalEntry] | None = None) -> Decision:
    """The decision of a review file, computed again. The steps are numbered in specs/colour.md section 9.

    *journal*: the phone's entries, if they were shown too. Raises FormatError for what is no review, and
    VerificationError naming what differs. Whether the rulebook is the published one is for the caller to see:
    ``decision.rulebook_digest`` must be that of the log.
    """
    review = parse_review(data)
    stated = review.decision
    # (3): the rulebook. (4): the facts.
    if stated.rulebook_digest != (review.rulebook.digest if review.rulebook else None):
        raise VerificationError("the decision was made by another rulebook")
    if stated.facts_digest != facts_digest(review.facts):
        raise VerificationError("the decision was made from other facts")
    # (5): every field.
    decision = decide(review.rulebook, review.facts, stated.time)
    different = [name for name in Decision.model_fields if getattr(decision, name) != getattr(stated, name)]
    if different:
        raise VerificationError(f"these facts and rules make another decision: {', '.join(different)}")
    # (6): the journal.
    if journal is not None and verify_chain(journal) != review.journal:
        raise VerificationError("the journal does not end where the review says")
    return decision


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _object(data: bytes) -> Any:
    return parse_canonical_json(data)
