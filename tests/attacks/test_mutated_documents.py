"""Mutated signed documents: every field changed, signed again where a signature would hide the step under test.

Each numbered step of specs/publication.md section 4 has to fail at least a hundred times with words of its own, and
what is accepted is spelled in the one way and says what was signed.
"""

import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from nacl.signing import SigningKey

from ownhue.documents import open_document
from ownhue.encoding import canonical_json
from ownhue.errors import FormatError, LimitError, OwnhueError, VerificationError
from tests.conformance.generate_document import BODY, KEYS, KIND, PUBLIC, SEEDS, document, entry, message
from tests.conformance.mutate import Tally, flipped, mutations
from tests.shared import SPECS

GOOD = document(keys=KEYS[:2])
DATA = canonical_json(GOOD)

#: Step of section 4 -> how its refusals sound. No refusal may sound like two of them.
STEPS = {
    "1": r"JSON|^a document('s| has| of)|^a signature('s key| has)|base64url|^an Ed25519 signature",
    "2": r"^the document is not of kind",
    "3": r"does not hold$",
    "4": r"signatures that are needed$",
}


def step_of(error: OwnhueError) -> str:
    """The step that refused. Fails where the words fit none or several, or where the class is not the step's."""
    steps = [step for step, pattern in STEPS.items() if re.search(pattern, str(error))]
    assert len(steps) == 1, (str(error), steps)
    assert isinstance(error, FormatError if steps == ["1"] else VerificationError), error
    return steps[0]


def judge(data: bytes, tally: Tally, keys: Sequence[bytes] = PUBLIC, threshold: int = 1) -> Any:
    """The body, or None and one more failure in *tally*."""
    try:
        body = open_document(data, KIND, keys, threshold)
    except OwnhueError as error:
        tally.add(step_of(error))
        return None
    assert canonical_json(json.loads(data)) == data
    assert json.loads(data)["signed"] == body
    assert json.loads(data)["kind"] == KIND
    return body


def test_the_document_that_is_mutated_is_good() -> None:
    assert judge(DATA, Tally(), threshold=2) == BODY


def test_a_mutated_document_fails_in_steps_1_to_3_or_says_what_was_signed() -> None:
    tally = Tally()
    for path, mutant in mutations(GOOD, Random(1), rounds=6):
        body = judge(canonical_json(mutant), tally)
        # Left out or by another, a signature may be missing: one is enough here. The body is the signed one.
        assert body is None or (body == BODY and "signatures" in path), path
    tally.require(["1", "3"])


def test_a_mutated_kind_signed_again_fails_in_step_2() -> None:
    tally, random = Tally(), Random(2)
    for _ in range(20):
        for _, mutant in mutations({"kind": KIND}, random):
            kind = mutant.get("kind")
            if isinstance(kind, str):
                judge(canonical_json(document(kind)), tally)
    tally.require(["2"])
    assert set(tally.counts) == {"2"}


def test_a_mutated_body_signed_again_is_opened_as_what_it_says() -> None:
    opened = 0
    for _, mutant in mutations(BODY, Random(3), rounds=4):
        tally = Tally()
        assert judge(canonical_json(document(body=mutant)), tally) == mutant
        opened += 1
    assert opened > 100


def test_bodies_kinds_and_signatures_that_do_not_belong_together_fail_in_step_3() -> None:
    tally, random = Tally(), Random(4)
    for _ in range(40):
        other = message(KIND, BODY | {"numbers": [random.randrange(2**40)]})
        kind = message("".join(random.choices("abcdefghij-", k=8)), BODY)
        cut = message(KIND, BODY)[: random.randrange(1, 60)]
        for signed in (other, kind, cut, flipped(message(KIND, BODY), random)):
            assert judge(canonical_json(GOOD | {"signatures": [entry(KEYS[0], signed)]}), tally) is None
    tally.require(["3"])
    assert set(tally.counts) == {"3"}


def test_too_few_signatures_of_known_keys_fail_in_step_4() -> None:
    tally, random = Tally(), Random(5)
    strangers = [SigningKey(random.randbytes(32)) for _ in range(60)]
    for stranger in strangers:
        assert judge(canonical_json(document(keys=[stranger])), tally) is None
        assert judge(canonical_json(document(keys=[stranger, KEYS[0]])), tally, threshold=2) is None
        assert judge(DATA, tally, [bytes(stranger.verify_key)]) is None
        # One key given twice is one key.
        assert judge(canonical_json(document()), tally, [PUBLIC[0], PUBLIC[0]], threshold=2) is None
    tally.require(["4"], least=240)


def test_other_spellings_fail_in_step_1() -> None:
    tally, random = Tally(), Random(6)
    text = DATA.decode()
    for _ in range(300):
        at = random.randrange(len(text) + 1)
        spelling = text[:at] + random.choice(' \n\t,"\\:{}[]0') + text[at:]
        assert judge(spelling.encode(), tally) is None
    for _ in range(100):
        at = random.randrange(len(text))
        assert judge((text[:at] + f"\\u{ord(text[at]):04x}" + text[at + 1 :]).encode(), tally) is None
    assert tally.counts["1"] > 300


def test_a_bit_flipped_anywhere_is_refused_with_both_keys() -> None:
    tally = Tally()
    for position in range(len(DATA) * 8):
        changed = bytearray(DATA)
        changed[position // 8] ^= 1 << position % 8
        assert judge(bytes(changed), tally, threshold=2) is None
    tally.require(["1", "2", "3"], least=50)


def test_sizes_over_the_limit_fail_in_step_1() -> None:
    assert open_document(DATA, KIND, PUBLIC, limit=len(DATA)) == BODY
    for limit in range(len(DATA)):
        with pytest.raises(LimitError):
            open_document(DATA, KIND, PUBLIC, limit=limit)


VECTORS = json.loads((SPECS / "vectors" / "document.json").read_text())["cases"]
REFUSED = [case for case in VECTORS if case["name"].startswith("step ") and "error" in case]


@pytest.mark.parametrize("case", REFUSED, ids=[case["name"] for case in REFUSED])
def test_a_vector_fails_in_the_step_that_it_names(case: dict[str, Any]) -> None:
    question = case["input"]
    keys = [bytes.fromhex(key) for key in question["verify_keys"]]
    with pytest.raises(OwnhueError) as caught:
        open_document(
            bytes.fromhex(question["document"]), KIND, keys, question["threshold"], question.get("limit", 2**20)
        )
    assert step_of(caught.value) == case["name"][5]


def test_errors_do_not_repeat_the_document() -> None:
    told = set()
    for _, mutant in mutations(GOOD, Random(7)):
        try:
            open_document(canonical_json(mutant), KIND, PUBLIC, 2)
        except OwnhueError as error:
            told.add(str(error))
    assert len(told) > 8
    assert not any(seed.hex() in text or "demo" in text for text in told for seed in SEEDS)
