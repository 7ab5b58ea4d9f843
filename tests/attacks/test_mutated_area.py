"""Every valid notice changed field by field: each step of specs/area.md section 3 refuses, with its own words.

Where a signature would hide the step under test, the changed body is signed again by the authority.
"""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from ownhue.area_notice import AreaNotice, open_area_notice
from ownhue.encoding import canonical_json, parse_canonical_json
from ownhue.errors import FormatError, LimitError, OwnhueError
from tests.conformance.area_cases import AUTHORITY, SECOND, STRANGER, document
from tests.conformance.mutate import Tally, mutations
from tests.shared import SPECS

CASES = json.loads((SPECS / "vectors" / "area.json").read_text())["cases"]
VALID = [case for case in CASES if case["operation"] == "open_area_notice" and "output" in case]
#: What a step says when it refuses; (1) and (5) say it by the class of the error and where it comes from.
STEPS = {
    "is not of kind": "2 kind",
    "does not hold": "3 signature",
    "signatures that are needed": "4 threshold",
    "not an area notice": "5 body",
    "not a cell": "5 body",
    "a cell is spelled": "5 body",
    "of another region": "6 region",
    "after its publication": "7 past",
    "have forgotten": "8 remembered",
}


def step_of(error: OwnhueError) -> str:
    for words, step in STEPS.items():
        if words in str(error):
            return step
    assert isinstance(error, FormatError), error
    return "1 too long" if isinstance(error, LimitError) else "1 document"


def opened(text: str, question: dict[str, Any]) -> AreaNotice:
    keys = [bytes.fromhex(key) for key in question["keys"]]
    return open_area_notice(
        text.encode("utf-8", "surrogatepass"),
        keys,
        region=question["region"],
        published_at=question["published_at"],
        threshold=question["threshold"],
    )


def refused(text: str, question: dict[str, Any], tally: Tally) -> None:
    """*text* is refused; its step is counted."""
    try:
        notice = opened(text, question)
    except OwnhueError as error:
        tally.add(step_of(error))
        return
    raise AssertionError(f"accepted: {notice}")


def written(value: Any) -> str | None:
    """Canonical JSON of a mutant, where it has any."""
    try:
        return canonical_json(value).decode()
    except (TypeError, UnicodeEncodeError):
        return None


def bodies(random: Random, rounds: int) -> Iterator[tuple[dict[str, Any], dict[str, Any], Any]]:
    """(input of a valid case, its body, the body with one field changed)."""
    for case in VALID:
        body = parse_canonical_json(case["input"]["document"].encode())["signed"]
        for _, mutant in mutations(body, random, rounds):
            if isinstance(mutant, dict) and written(mutant) is not None:
                yield case["input"], body, mutant


def signers(question: dict[str, Any]) -> tuple[Any, ...]:
    return (AUTHORITY, SECOND)[: question["threshold"]]


def test_a_document_changed_in_one_field_is_refused() -> None:
    """Unsigned changes: nothing but the list of strangers' signatures may change, and that says nothing."""
    random, tally = Random(1), Tally()
    for case in VALID:
        whole = parse_canonical_json(case["input"]["document"].encode())
        for path, mutant in mutations(whole, random, 24):
            text = written(mutant)
            if text is None:
                continue
            try:
                notice = opened(text, case["input"])
            except OwnhueError as error:
                tally.add(step_of(error))
                continue
            # A signature nobody asked for was dropped, or said to be a stranger's: the content is the same.
            assert path.startswith("['signatures']"), path
            assert notice.body == whole["signed"]
    tally.require(["1 document", "2 kind", "3 signature", "4 threshold"])


def test_a_body_changed_in_one_field_and_signed_again_is_refused_or_says_what_it_says() -> None:
    random, tally, others = Random(2), Tally(), 0
    for question, body, mutant in bodies(random, 30):
        try:
            notice = opened(document(mutant, *signers(question)), question)
        except OwnhueError as error:
            tally.add(step_of(error))
            continue
        # The authority may well say something else; then it is read as just that, under another name.
        assert notice.body == mutant != body
        assert notice.digest.hex() != _digest(question)
        others += 1
    # (8) needs both start and end changed, or a later publication: below.
    tally.require(["5 body", "6 region", "7 past"])
    assert others > 100


def _digest(question: dict[str, Any]) -> str:
    (output,) = (case["output"]["digest"] for case in VALID if case["input"] == question)
    return str(output)


def test_a_body_changed_after_signing_is_refused_by_its_signature() -> None:
    random, tally = Random(3), Tally()
    for question, _, mutant in bodies(random, 3):
        whole = parse_canonical_json(question["document"].encode()) | {"signed": mutant}
        refused(canonical_json(whole).decode(), question, tally)
    tally.require(["3 signature"])
    assert tally.counts.keys() == {"3 signature"}


def test_a_notice_signed_by_too_few_or_by_strangers_is_refused() -> None:
    tally = Tally()
    for question, _, mutant in bodies(Random(4), 3):
        for someone in ((STRANGER,), ()):
            refused(document(mutant, *someone), question, tally)
        refused(document(mutant, AUTHORITY, STRANGER), question | {"threshold": 2}, tally)
    tally.require(["4 threshold"])
    assert tally.counts.keys() == {"4 threshold"}


def test_a_notice_in_any_other_spelling_is_refused() -> None:
    random, tally = Random(5), Tally()
    for case in VALID:
        text = case["input"]["document"]
        for _ in range(60):
            at = random.randrange(1, len(text))
            refused(text[:at] + random.choice(" \n\t\0,:}") + text[at:], case["input"], tally)
            refused(text[:at], case["input"], tally)
            refused(text + " " * random.randint(32_768, 40_000), case["input"], tally)
    tally.require(["1 document", "1 too long"])


def test_a_notice_at_any_other_time_or_region_is_refused() -> None:
    random, tally = Random(6), Tally()
    for case in VALID:
        body = parse_canonical_json(case["input"]["document"].encode())["signed"]
        text = case["input"]["document"]
        for _ in range(60):
            early = body["end"] - random.randint(1, 10**6)
            late = body["start"] + 14 * 86_400 + random.randint(1, 10**6)
            refused(text, case["input"] | {"published_at": early}, tally)
            refused(text, case["input"] | {"published_at": late}, tally)
            refused(text, case["input"] | {"region": f"demo{random.randint(0, 9)}"}, tally)
        for second in (body["end"], body["start"] + 14 * 86_400):  # the first and the last at which it counts
            assert opened(text, case["input"] | {"published_at": second}).body == body
        for second in (body["end"] - 1, body["start"] + 14 * 86_400 + 1):
            refused(text, case["input"] | {"published_at": second}, tally)
    tally.require(["6 region", "7 past", "8 remembered"])


def test_every_step_is_told_apart() -> None:
    assert len({*STEPS.values(), "1 document", "1 too long"}) == 9
