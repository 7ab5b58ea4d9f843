"""Mutated log entries and bundles: every part changed in turn, so that each step of reading refuses by itself.

An entry has no signature of its own; the root of the tree covers it. Here only its form is attacked. The steps are
those of specs/publication.md section 2, and of the comments in ownhue.log.
"""

import json
import re
from hashlib import sha256
from random import Random
from typing import Any

import pytest

from ownhue.conformance.log_entry_ops import OPERATIONS
from ownhue.errors import FormatError, LimitError, OwnhueError
from ownhue.log import BUNDLE_WIDTH, LogEntry, decode_bundle, encode_bundle
from tests.conformance.generate_log_entry import DIGEST, ENTRY, NAME, PATH, item
from tests.conformance.mutate import Tally, flipped, mutations
from tests.shared import SPECS

PARTS: list[Any] = [PATH, DIGEST, 4, 490_800]

#: Step -> how its refusals sound. No refusal may sound like two of them.
STEPS = {
    "1": r"^a log entry has at most",
    "2": r"CBOR|^a log entry is \[",
    "3": r"^a path is lower-case",
    "4": r"^a published file is named",
    "5": r"^length and batch",
}


def step_of(error: OwnhueError) -> str:
    """The step that refused. Fails where the words fit none or several."""
    steps = [step for step, pattern in STEPS.items() if re.search(pattern, str(error))]
    assert len(steps) == 1, (str(error), steps)
    assert isinstance(error, LimitError if steps == ["1"] else FormatError), error
    return steps[0]


def judge(data: bytes, tally: Tally) -> LogEntry | None:
    """The entry, which encodes again to *data*; or None and one more failure in *tally*."""
    try:
        entry = LogEntry.decode(data)
    except OwnhueError as error:
        tally.add(step_of(error))
        return None
    assert entry.encode() == data
    assert item([entry.path, entry.sha256, entry.length, entry.batch]) == data
    return entry


def test_the_entry_that_is_mutated_is_good() -> None:
    assert judge(ENTRY, Tally()) == LogEntry(*PARTS)


def test_mutated_parts_fail_in_steps_2_to_5_or_mean_what_they_say() -> None:
    tally, accepted = Tally(), 0
    for path, mutant in mutations(PARTS, Random(1), rounds=40):
        entry = judge(item(mutant), tally)
        if entry is not None:
            accepted += 1
            # What may change by itself is the number, the folder and the ending; never the name or the hash.
            assert [entry.path, entry.sha256, entry.length, entry.batch] == mutant, path
            assert (entry.sha256, NAME in entry.path) == (DIGEST, True)
    tally.require(["2", "3", "4", "5"])
    assert accepted > 50


def test_long_entries_fail_in_step_1() -> None:
    tally, random = Tally(), Random(2)
    for _ in range(60):
        folder = "a" * random.randrange(110, 130)
        long = item([f"{folder}/{'b' * 65}/{NAME}.zip", DIGEST, 2**32 - 1, 2**32 - 1])
        assert judge(long, tally) is None
        assert judge(ENTRY + bytes(random.randrange(248 - len(ENTRY), 400)), tally) is None
    tally.require(["1"])


def test_names_of_other_contents_fail_in_step_4() -> None:
    tally, random = Tally(), Random(3)
    for _ in range(60):
        other = sha256(random.randbytes(4)).digest()
        assert judge(item([f"keys/{other.hex()}.zip", DIGEST, 4, 0]), tally) is None
        assert judge(item([PATH, flipped(DIGEST, random), 4, 0]), tally) is None
    tally.require(["4"], least=120)


def test_numbers_beyond_32_bits_fail_in_step_5() -> None:
    tally, random = Tally(), Random(4)
    for _ in range(60):
        beyond = random.randrange(2**32, 2**64)
        assert judge(item([PATH, DIGEST, beyond, 0]), tally) is None
        assert judge(item([PATH, DIGEST, 0, -1 - beyond]), tally) is None
    tally.require(["5"], least=120)


def test_other_spellings_fail_in_step_2() -> None:
    """Heads that are longer than they need to be, lengths left open, bytes behind, bytes missing."""
    tally, random = Tally(), Random(5)
    spellings = [ENTRY[:length] for length in range(len(ENTRY))]
    spellings += [ENTRY + random.randbytes(random.randrange(1, 9)) for _ in range(60)]
    spellings += [b"\x98\x04" + ENTRY[1:], b"\x99\x00\x04" + ENTRY[1:], b"\x9f" + ENTRY[1:] + b"\xff"]
    spellings += [ENTRY.replace(b"\x04\x1a", pad + b"\x04\x1a") for pad in (b"\x18", b"\x19\0", b"\x1a\0\0\0")]
    for spelling in spellings:
        assert spelling != ENTRY
        assert judge(spelling, tally) is None
    assert tally.counts["2"] > 150


def test_a_bit_flipped_anywhere_is_refused_or_another_number_or_folder() -> None:
    tally = Tally()
    for position in range(len(ENTRY) * 8):
        changed = bytearray(ENTRY)
        changed[position // 8] ^= 1 << position % 8
        entry = judge(bytes(changed), tally)
        assert entry is None or (entry != LogEntry(*PARTS) and entry.sha256 == DIGEST)
    tally.require(["2", "3", "4"], least=50)


def test_a_mutated_bundle_is_refused_or_holds_other_entries_of_the_same_number() -> None:
    random, entries = Random(6), [item([PATH, DIGEST, length, 490_800]) for length in range(5)]
    bundle, refused = encode_bundle(entries), 0
    for _ in range(2000):
        at = random.randrange(len(bundle))
        changed = bundle[:at] + random.randbytes(random.randrange(3)) + bundle[at + random.randrange(3) :]
        try:
            decoded = decode_bundle(changed, 5)
        except FormatError:
            refused += 1
            continue
        assert len(decoded) == 5
        assert encode_bundle(decoded) == changed
    assert refused > 100


@pytest.mark.parametrize("count", [*range(4), 6, 7, BUNDLE_WIDTH])
def test_a_bundle_is_not_read_with_another_number_of_entries(count: int) -> None:
    bundle = encode_bundle([item([PATH, DIGEST, length, 490_800]) for length in range(5)])
    with pytest.raises(FormatError):
        decode_bundle(bundle, count)


VECTORS = json.loads((SPECS / "vectors" / "log-entry.json").read_text())["cases"]
REFUSED = [case for case in VECTORS if case["name"].startswith("step ")]


@pytest.mark.parametrize("case", REFUSED, ids=[case["name"] for case in REFUSED])
def test_a_vector_fails_in_the_step_that_it_names(case: dict[str, Any]) -> None:
    with pytest.raises(OwnhueError) as caught:
        OPERATIONS[case["operation"]](case["input"])
    assert step_of(caught.value) == case["name"][5]
