"""Cases of specs/publication.md section 13: two heads that contradict each other, and files that prove it."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

from tests.conformance.expected import Case, bad, good
from tests.conformance.generate_tree import mth, numbers, subproof, texts
from tests.conformance.notes_by_hand import HEAD, LOG_KEY, LOG_NAMED, NOTE, ORIGIN, OTHER, TIME, body, note


def evidence(kind: str, notes: list[str], prefix: Any = None, **changes: Any) -> str:
    """A file of fork evidence."""
    value = {
        "contradiction": kind,
        "format": "ownhue-fork-1",
        "log_key": urlsafe_b64encode(LOG_KEY).rstrip(b"=").decode(),
        "notes": notes,
        "origin": ORIGIN,
        "prefix": prefix,
    }
    return json.dumps({**value, **changes}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fork_cases() -> Iterator[Case]:
    roots = sorted([NOTE, note(body(4, bytes(32)))])
    order = [note(body(4, time=TIME + 50)), note(body(7, time=TIME + 50))]
    past = [b"rewritten", *numbers(7)[1:]]
    later = note(body(7, mth(past), TIME + 50))
    prefix = {"proof": texts(subproof(4, past)), "root": mth(past[:4]).hex()}
    for kind, notes, more in (
        ("two-roots", roots, {}),
        ("order", order, {}),
        ("rewritten", [NOTE, later], {"leaves": texts(past)}),
    ):
        made = evidence(kind, notes, prefix if more else None)
        question = {**LOG_NAMED, "notes": notes[::-1], **more}
        yield good(f"a fork: {kind}", "make_fork_evidence", made, **question)
        yield good(f"a fork: {kind}, proven", "verify_fork_evidence", kind, **LOG_NAMED, evidence=made)
    honest = note(body(7, time=TIME + 50))
    yield bad("no fork: a log that grew", "make_fork_evidence", "StateError", **LOG_NAMED, notes=[NOTE, honest])
    told = {**LOG_NAMED, "notes": [NOTE, honest], "leaves": texts(numbers(7))}
    yield bad("no fork: a log that grew, all of it", "make_fork_evidence", "StateError", **told)
    yield bad("no fork: one head twice", "make_fork_evidence", "StateError", **LOG_NAMED, notes=[NOTE, NOTE])
    yield bad(
        "no fork: another tree's hashes", "make_fork_evidence", "VerificationError", **{**told, "leaves": texts(past)}
    )
    for name, error, text in _wrong_evidence(roots, order, [NOTE, later], prefix, honest):
        yield bad(f"fork evidence, {name}", "verify_fork_evidence", error, **LOG_NAMED, evidence=text)


def _wrong_evidence(
    roots: list[str], order: list[str], past: list[str], prefix: dict[str, Any], honest: str
) -> Iterator[tuple[str, str, str]]:
    form, refused = "FormatError", "VerificationError"
    right = evidence("two-roots", roots)
    foreign = note(body(4, origin="other.example/log"), name="other.example/log")
    yield "step 1: with a space", form, right.replace(":", ": ", 1)
    yield "step 1: a field more", form, evidence("two-roots", roots, more=1)
    yield "step 1: another format", form, evidence("two-roots", roots, format="ownhue-fork-2")
    yield "step 1: one note", form, evidence("two-roots", roots[:1])
    yield "step 1: a prefix too many", form, evidence("two-roots", roots, prefix)
    yield "step 1: a prefix too few", form, evidence("rewritten", past)
    yield "step 1: too long", "LimitError", right + " " * 65_536
    yield "step 2: another log", refused, evidence("two-roots", roots, origin="other.example/log")
    yield "step 2: another key", refused, evidence("two-roots", roots, log_key="A" * 43)
    yield "step 3: a forged note", refused, evidence("two-roots", [roots[0], note(body(4, bytes(32)), key=OTHER)])
    yield "step 3: another log's note", refused, evidence("two-roots", [roots[0], foreign])
    yield "step 4: the other order", refused, evidence("two-roots", roots[::-1])
    yield "step 4: one note twice", refused, evidence("two-roots", [NOTE, NOTE])
    yield "step 5: another contradiction", refused, evidence("order", roots)
    yield "step 5: none", refused, evidence("two-roots", [NOTE, honest])
    yield "step 5: told as rewritten", refused, evidence("rewritten", order, prefix)
    same = {"proof": texts(subproof(4, numbers(7))), "root": HEAD["root"]}
    yield "step 6: a log that grew", refused, evidence("rewritten", [NOTE, honest], same)
    yield "step 6: another prefix", refused, evidence("rewritten", past, {**prefix, "root": "00" * 32})
    yield "step 6: half a proof", refused, evidence("rewritten", past, {**prefix, "proof": []})
