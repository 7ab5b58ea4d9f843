"""Heads, cosignatures, what witnesses are shown, and fork evidence, changed field by field and signed again.

Each numbered step of specs/publication.md sections 3, 11, 12 and 13 fails at least a hundred times, with its own words.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from ownhue.cosignature import WitnessKey, WitnessPolicy, check_cosignatures
from ownhue.encoding import canonical_json
from ownhue.errors import FormatError, LimitError, OwnhueError
from ownhue.fork_evidence import make_fork_evidence, verify_fork_evidence
from ownhue.tree import EMPTY_ROOT
from ownhue.tree_head import TreeHead, open_tree_head, sign_tree_head
from ownhue.tree_proofs import StoredTree, prove_consistency
from ownhue.witness import WitnessState, next_state
from tests.conformance.generate_tree import mth, numbers
from tests.conformance.mutate import Tally, flipped, mutations
from tests.conformance.notes_by_hand import (
    LOG,
    LOG_KEY,
    NOTE,
    NOW,
    ORIGIN,
    OTHER,
    TEXT,
    TIME,
    WITNESSES,
    body,
    cosigned,
    line,
    mark,
    note,
)

ROUNDS = 40


def _refusal(call: Callable[[], Any]) -> str | None:
    """Class and words of the error, None when nothing refused."""
    try:
        call()
    except OwnhueError as error:
        return f"{type(error).__name__}: {error}"
    return None


def _step(refusal: str, steps: dict[str, str]) -> str:
    return next(step for words, step in steps.items() if words in refusal)


FORM = {
    "LimitError": "1 limit",
    "FormatError: a signed note": "1",
    "FormatError: not a signature line": "1",
    "FormatError: not Base64": "1",
    "FormatError: not canonical Base64": "1",
    "FormatError: an Ed25519 signature": "5 length",
    "not signed once": "4",
    "does not hold": "5",
}
TEXTS = {"FormatError": "2", "another log": "3"}


def test_tree_heads() -> None:
    random, tally = Random(1), Tally()
    fields = dict(zip(("origin", "size", "root", "time"), TEXT.splitlines(), strict=True))
    for _, mutant in mutations(fields, random, rounds=ROUNDS):
        text = "".join(f"{value}\n" for value in mutant.values())
        again = f"{text}\n{line(text, ORIGIN, LOG)}".encode()
        refusal = _refusal(lambda again=again: open_tree_head(again, ORIGIN, LOG_KEY))  # type: ignore[misc]
        if refusal is None:
            assert open_tree_head(again, ORIGIN, LOG_KEY).text() == text != TEXT
        else:
            tally.add(_step(refusal, TEXTS))
            unsigned = f"{text}\n{line(TEXT, ORIGIN, LOG)}".encode()
            assert _refusal(lambda unsigned=unsigned: open_tree_head(unsigned, ORIGIN, LOG_KEY))  # type: ignore[misc]
    for changed in _changed_notes(random):
        refusal = _refusal(lambda changed=changed: open_tree_head(changed, ORIGIN, LOG_KEY))  # type: ignore[misc]
        assert refusal, changed
        tally.add(_step(refusal, FORM))
    tally.require(["1 limit", "1", "2", "3", "4", "5 length", "5"])


def _changed_notes(random: Random) -> Iterator[bytes]:
    """Heads with another frame, other lines, or another time than was signed."""
    own = {"name": ORIGIN, "mark": mark(ORIGIN, LOG, 1), "signature": LOG.sign(TEXT.encode()).signature}
    for _, mutant in mutations(own, random, rounds=ROUNDS):
        if mutant.keys() == own.keys() and all(type(mutant[name]) is type(own[name]) for name in own):
            blob = b64encode(mutant["mark"] + mutant["signature"]).decode()
            yield f"{TEXT}\n— {mutant['name']} {blob}\n".encode()
    for number in range(ROUNDS * 3):
        yield f"{body(4, time=TIME + 1 + number)}\n{line(TEXT, ORIGIN, LOG)}".encode()
        yield note(TEXT, line(TEXT, ORIGIN, LOG)).encode()
        yield f"{TEXT}\n{line(TEXT, ORIGIN, OTHER)}".encode()
        yield NOTE.encode() + b"x" * (8193 + number)
        yield NOTE[: random.randrange(len(TEXT), len(NOTE))].encode()
        yield f"{TEXT}\n{line(TEXT, ORIGIN, LOG)[:-2]}{'=' * (number + 2)}\n".encode()
        blob = b64encode(mark(ORIGIN, LOG, 1) + bytes(number % 63)).decode()
        yield f"{TEXT}\n— {ORIGIN} {blob}\n".encode()


COSIGNATURES = {
    "not that of the tree head": "1",
    "cosigned twice": "2",
    "72 bytes": "3",
    "63 bits": "3",
    "does not hold": "4",
    "more at a time that cannot be": "5",
    "that are needed cosigned": "6",
}


def test_cosignatures() -> None:
    """Two of three witnesses are needed, and two cosigned: whatever is wrong with one of them is missed."""
    random, tally = Random(2), Tally()
    policy = WitnessPolicy(2, tuple(WitnessKey(name, bytes(key.verify_key)) for name, key in WITNESSES.items()))
    head = open_tree_head(NOTE.encode(), ORIGIN, LOG_KEY)
    first = cosigned(TEXT, "witness.example/w1", NOW)
    whole = note(TEXT, first, cosigned(TEXT, "witness.example/w2", NOW)).encode()
    assert len(check_cosignatures(whole, head, policy, NOW)) == 2
    for lines in _changed_lines(random):
        data = note(TEXT, first, lines).encode()
        refusal = _refusal(lambda data=data: check_cosignatures(data, head, policy, NOW))  # type: ignore[misc]
        assert refusal, lines
        tally.add(_step(refusal, COSIGNATURES))
    for number in range(120):
        other = TreeHead(ORIGIN, 4, head.root, TIME + 1 + number)
        refusal = _refusal(lambda other=other: check_cosignatures(whole, other, policy, NOW))  # type: ignore[misc]
        tally.add(_step(refusal or "", COSIGNATURES))
    tally.require(["1", "2", "3", "4", "5", "6"])


def _changed_lines(random: Random) -> Iterator[str]:
    name = "witness.example/w2"
    key = WITNESSES[name]
    for number in range(1, 120):
        message = f"cosignature/v1\ntime {NOW}\n{TEXT}".encode()
        whole = NOW.to_bytes(8, "big") + key.sign(message).signature
        yield cosigned(TEXT, name, NOW) + cosigned(TEXT, name, NOW + number)  # one witness twice
        yield _blob(name, whole[: random.randrange(2, 72)])
        yield _blob(name, whole + bytes(number % 9 + 1))
        yield _blob(name, bytes([128 + number % 128]) + whole[1:])
        yield _blob(name, whole[:7] + bytes([whole[7] ^ 1 + number % 255]) + whole[8:])
        yield _blob(name, whole[:8] + flipped(whole[8:], random))
        yield cosigned(body(4, time=TIME + number), name, NOW)
        yield cosigned(TEXT, name, NOW + 600 + number)
        yield cosigned(TEXT, name, TIME - 600 - number)
        yield cosigned(TEXT, name, NOW, OTHER)
        yield cosigned(TEXT, f"witness.example/{number + 9}", NOW, key)
        yield line(TEXT, name, key)


def _blob(name: str, blob: bytes) -> str:
    return f"— {name} {b64encode(mark(name, WITNESSES[name], 4) + blob).decode()}\n"


TREE = StoredTree(mth([leaf]) for leaf in numbers(40))
SEEN = WitnessState(ORIGIN, LOG_KEY, note(body(16, time=TIME)).encode())
WITNESS = {
    "ahead of the witness": "2",
    "two histories": "3",
    "older than the one": "4",
    "consistency proof": "5",
    "32 bytes": "5",
    "root of nothing": "5",
    "signed once": "1",
    "does not hold": "1",
    "another log": "1",
    "FormatError": "1",
}


def test_what_a_witness_is_shown() -> None:
    random, tally = Random(3), Tally()
    right = {"size": 23, "root": TREE.root(23), "time": TIME + 30, "proof": prove_consistency(TREE.hash, 16, 23)}
    assert _shown(right) is None
    for _, mutant in mutations(right, random, rounds=ROUNDS):
        if not _typed(mutant, right):
            continue
        refusal = _shown(mutant)
        if refusal is not None:
            tally.add(_step(refusal, WITNESS))
            continue
        # Any later time is as good. And a proof has one shape for several sizes: what a log says of its size beside the
        # true root is for those to find who read its leaves.
        assert {**mutant, "time": right["time"], "size": right["size"]} == right
    for number in range(120):
        old = {"root": TREE.root(9), "size": 9, "time": TIME - 1 - number, "proof": []}
        for changes in (old, {"time": NOW + 601 + number}, {"size": 16, "root": flipped(TREE.root(16), random)}):
            tally.add(_step(_shown({**right, **changes}) or "", WITNESS))
        tally.add(_step(_shown(right, OTHER) or "", WITNESS))
    tally.require(["1", "2", "3", "4", "5"])


def _shown(value: dict[str, Any], key: Any = LOG) -> str | None:
    """What a witness says to a head of these parts, signed by the log."""
    root = EMPTY_ROOT if value["size"] == 0 else value["root"]

    def call() -> None:
        shown = sign_tree_head(TreeHead(ORIGIN, value["size"], root, value["time"]), key)
        assert next_state(SEEN, shown, value["proof"], NOW).note == shown

    return _refusal(call)


def _typed(mutant: dict[str, Any], right: dict[str, Any]) -> bool:
    """Whether *mutant* still has the fields and kinds of a head and a proof."""
    if mutant.keys() != right.keys() or any(type(mutant[name]) is not type(right[name]) for name in right):
        return False
    return all(type(item) is bytes for item in mutant["proof"])


EVIDENCE = {
    "LimitError": "1 limit",
    "FormatError: not fork evidence": "1",
    "FormatError: not canonical JSON": "1",
    "FormatError: not canonical base64url": "1",
    "FormatError: not JSON": "1",
    "about another log": "2",
    "signed once": "3",
    "does not hold": "3",
    "the tree head is of another log": "3",
    "FormatError": "3",
    "not in their order": "4",
    "do not contradict": "5",
    "begins with the smaller": "6",
    "proof": "6",
}


def test_fork_evidence() -> None:
    random, tally = Random(4), Tally()
    other = StoredTree(mth([leaf]) for leaf in [b"rewritten", *numbers(40)[1:]])
    later = note(body(13, other.root(13), TIME + 9)).encode()
    roots = note(body(8, other.root(8))).encode()
    base = note(body(8)).encode()
    files = [
        make_fork_evidence(ORIGIN, LOG_KEY, base, roots),
        make_fork_evidence(ORIGIN, LOG_KEY, base, note(body(9)).encode()),
        make_fork_evidence(ORIGIN, LOG_KEY, base, later, other.hash),
    ]
    for data in files:
        for _, mutant in mutations(json.loads(data), random, rounds=ROUNDS):
            _judge(_evidence(mutant), files, tally)
    for changed in _changed_evidence(files, random):
        _judge(changed, files, tally)
    tally.require(["1 limit", "1", "2", "3", "4", "5", "6"])


def _evidence(value: Any) -> bytes:
    return canonical_json(value)


def _judge(data: bytes, files: list[bytes], tally: Tally) -> None:
    refusal = _refusal(lambda: verify_fork_evidence(data, ORIGIN, LOG_KEY))
    if refusal is None:
        _is_true(json.loads(data))
    else:
        tally.add(_step(refusal, EVIDENCE))


def _is_true(value: dict[str, Any]) -> None:
    """What was accepted names two heads that the log did sign and that do contradict each other."""
    first, second = (open_tree_head(item.encode(), ORIGIN, LOG_KEY) for item in value["notes"])
    assert first != second
    if value["contradiction"] == "rewritten":
        assert value["prefix"]["root"] != first.root.hex()


def _changed_evidence(files: list[bytes], random: Random) -> Iterator[bytes]:
    """Notes that are signed again, so that what comes after the signatures is looked at."""
    roots, order, past = (json.loads(data) for data in files)
    for number in range(120):
        yield files[0] + b" " * (65_536 + number)
        yield _evidence({**roots, "origin": f"log{number}.example"})
        yield _evidence({**roots, "notes": [roots["notes"][0], note(body(8, bytes([number] * 32)), key=OTHER)]})
        yield _evidence({**roots, "notes": roots["notes"][::-1]})
        yield _evidence({**order, "notes": [order["notes"][0], note(body(9 + number, bytes(32), TIME + 60))]})
        yield _evidence({**roots, "contradiction": "order"})
        proof = [bytes.fromhex(item) for item in past["prefix"]["proof"]]
        at = number % len(proof)
        changed = [*proof[:at], flipped(proof[at], random), *proof[at + 1 :]]
        yield _evidence({**past, "prefix": {**past["prefix"], "proof": [item.hex() for item in changed]}})


def test_a_note_by_the_log_is_never_taken_for_one_by_a_witness() -> None:
    policy = WitnessPolicy(1, (WitnessKey(ORIGIN, LOG_KEY),))
    head = open_tree_head(NOTE.encode(), ORIGIN, LOG_KEY)
    for wrong in (NOTE, note(TEXT, line(TEXT, ORIGIN, LOG, kind=4))):
        refusal = _refusal(lambda wrong=wrong: check_cosignatures(wrong.encode(), head, policy, NOW))  # type: ignore[misc]
        assert refusal is not None
    assert issubclass(LimitError, FormatError)
