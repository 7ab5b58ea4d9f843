"""Operations of specs/colour.md section 9 on vectors: review files."""

from collections.abc import Callable, Mapping
from typing import Any

from ownhue.journal import parse_entry
from ownhue.review import parse_review, recompute

Question = Mapping[str, Any]


def _recompute(question: Question) -> Any:
    data, shown = question["text"].encode(), question["journal"]
    journal = None if shown is None else [parse_entry(text.encode()) for text in shown]
    decision = recompute(data, journal)
    return {
        "colour": decision.colour.word,
        "until": decision.until,
        "digest": decision.digest,
        "rulebook_digest": decision.rulebook_digest,
        "journal": parse_review(data).journal,
    }


OPERATIONS: dict[str, Callable[[Question], Any]] = {"recompute": _recompute}
