"""Cases of specs/publication.md section 12: what a witness remembers and cosigns, and how it is asked."""

from collections.abc import Iterator
from typing import Any

from tests.conformance.expected import Case, bad, good
from tests.conformance.generate_tree import mth, numbers, subproof, texts
from tests.conformance.notes_by_hand import (
    HEAD,
    LOG_KEY,
    LOG_NAMED,
    NOTE,
    NOW,
    ORIGIN,
    OTHER,
    TEXT,
    TIME,
    WITNESSES,
    b64,
    body,
    cosigned,
    note,
)


def witness_cases() -> Iterator[Case]:
    name = "witness.example/w1"
    right = {**LOG_NAMED, "name": name, "seed": bytes(WITNESSES[name]).hex(), "now": NOW, "seen": "", "proof": []}
    later = note(body(7, time=TIME + 50))
    proof = texts(subproof(4, numbers(7)))
    yield good("a witness sees its first head", "witness", _witnessed(TEXT, NOTE, HEAD), **right, note=NOTE)
    told = {**HEAD, "size": 7, "root": mth(numbers(7)).hex(), "time": TIME + 50}
    grown = {**right, "seen": NOTE, "proof": proof}
    yield good("and a larger one", "witness", _witnessed(body(7, time=TIME + 50), later, told), **grown, note=later)
    yield good("and the same one", "witness", _witnessed(TEXT, NOTE, HEAD), **{**right, "seen": NOTE}, note=NOTE)
    switched = note(body(7, time=TIME + 50), key=OTHER)
    by_new = {**grown, "new_key": bytes(OTHER.verify_key).hex()}
    seen = _witnessed(body(7, time=TIME + 50), switched, told, bytes(OTHER.verify_key))
    yield good("and one by the log's next key", "witness", seen, **by_new, note=switched)
    rewritten = [b"rewritten", *numbers(7)[1:]]
    fork, refused = "ForkError", "VerificationError"
    for what, error, changes in (
        ("step 1: by another key", refused, {"note": note(TEXT, key=OTHER)}),
        ("step 1: broken", "FormatError", {"note": NOTE[1:-1]}),
        ("step 1: still by the key before", refused, {**by_new, "note": later}),
        ("step 2: two roots", fork, {"seen": NOTE, "note": note(body(4, bytes(32)))}),
        ("step 2: two roots by two keys", fork, {**by_new, "note": note(body(4, bytes(32)), key=OTHER)}),
        ("step 2: smaller and later", fork, {"seen": later, "note": note(body(4, time=TIME + 51))}),
        ("step 2: smaller at the same second", fork, {"seen": later, "note": note(body(4, time=TIME + 50))}),
        ("step 2: larger and earlier", fork, {"seen": later, "note": note(body(8))}),
        ("step 2 before 3: smaller, and from the future", fork, {"seen": NOTE, "note": note(body(3, time=NOW + 601))}),
        ("step 3: from the future", refused, {"note": note(body(4, time=NOW + 601))}),
        ("step 4: an old head", refused, {"seen": later, "note": NOTE}),
        ("step 4: the same tree, earlier", refused, {"seen": later, "note": note(body(7))}),
        ("step 5: without a proof", refused, {"seen": NOTE, "note": later}),
        ("step 5: a rewritten past", refused, {**grown, "note": note(body(7, mth(rewritten), TIME + 50))}),
        ("step 5: another's proof", refused, {**grown, "proof": texts(subproof(3, numbers(7))), "note": later}),
        ("step 5: 64 hashes", "LimitError", {**grown, "proof": [proof[0]] * 64, "note": later}),
    ):
        yield bad(f"a witness, {what}", "witness", error, **{**right, **changes})
    state = _witnessed(TEXT, NOTE, HEAD)["state"]
    yield good("a witness remembers", "read_witness_state", {**LOG_NAMED, "head": HEAD}, state=state)
    yield bad(
        "a witness's memory was changed",
        "read_witness_state",
        "VerificationError",
        state=state.replace("340a", "350a", 1),
    )
    yield bad("a witness's memory is cut", "read_witness_state", state=state[:-2])
    yield from _request_cases(proof, later)


def _witnessed(text: str, signed: str, head: dict[str, Any], log_key: bytes = LOG_KEY) -> dict[str, Any]:
    origin, data = ORIGIN.encode(), signed.encode()
    state = b"\x83" + bytes([0x60 + len(origin)]) + origin + b"\x58\x20" + log_key
    length = b"\x58" + bytes([len(data)]) if len(data) < 256 else b"\x59" + len(data).to_bytes(2, "big")
    return {"state": (state + length + data).hex(), "head": head, "line": cosigned(text, "witness.example/w1", NOW)}


def _request_cases(proof: list[str], later: str) -> Iterator[Case]:
    lines = [b64(bytes.fromhex(item)) for item in proof]
    request = "\n".join(["old 4", *lines, "", ""]) + later
    told = {"old_size": 4, "proof": proof, "note": later}
    yield good("a request for a cosignature", "witness_request", request, **told)
    yield good("a request for a cosignature read", "read_witness_request", told, body=request)
    bare = {"old_size": 0, "proof": [], "note": NOTE}
    yield good("a first request read", "read_witness_request", bare, body=f"old 0\n\n{NOTE}")
    for name, error, text in (
        ("without a size", "FormatError", f"\n\n{NOTE}"),
        ("with a leading zero", "FormatError", f"old 04\n\n{NOTE}"),
        ("without an empty line", "FormatError", "old 4\n"),
        ("with a hash of 31 bytes", "FormatError", f"old 4\n{b64(bytes(31))}\n\n{NOTE}"),
        ("with loose Base64", "FormatError", f"old 4\n{b64(bytes(32))[:-2]}B=\n\n{NOTE}"),
        ("with other letters", "FormatError", f"old 4\né\n\n{NOTE}"),
        ("with 64 hashes", "LimitError", "old 4\n" + f"{b64(bytes(32))}\n" * 64 + f"\n{NOTE}"),
        ("that is too long", "LimitError", "old 4\n\n" + "x" * 12_288),
    ):
        yield bad(f"a request {name}", "read_witness_request", error, body=text)
    yield bad("no request from size -1", "witness_request", **{**told, "old_size": -1})
