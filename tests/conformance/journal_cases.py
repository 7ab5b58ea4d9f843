"""The journals of specs/vectors/journal.json: what is written in them, and how tampering with one is found."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from ownhue.colour import ClearanceFact, Facts, decide
from ownhue.colour.facts import facts_bytes
from ownhue.conformance.colour_ops import rulebook_of
from ownhue.conformance.journal_ops import OPERATIONS
from ownhue.encoding import canonical_json
from ownhue.journal import CLOCK_SET_BACK
from tests.conformance.decision_cases import MORNING, MORNING_ID
from tests.conformance.expected import Case, bad, good
from tests.protocol.colour_cases import area, at, encounter, facts, key, negative, result

OWN = result(7, at(7, "10:00:00"))
OWN_ID = decide(rulebook_of("demonstration"), facts(results=(OWN,)), at(8)).reasons[0].id
AREA = area(at(5, "09:00:00"), 60)
AREA_ID = decide(rulebook_of("demonstration"), facts(areas=(AREA,)), at(8)).reasons[0].id
_REVOKED = negative(at(10), at(10, "09:00:00"), revoked_at=at(11))

Step = dict[str, Any]


def step(known: Facts, now: int, rulebook: str | None = "demonstration") -> Step:
    """One decision."""
    return {"rulebook": rulebook, "facts": json.loads(facts_bytes(known)), "now": now}


def _at(now: int, *windows: Any, **more: Any) -> Step:
    return step(facts(*windows, published_until=now, **more), now)


#: Name, steps, and for each entry the colour and the reasons, by hand.
JOURNALS: list[tuple[str, list[Step], list[tuple[str, list[str]]]]] = [
    (
        "a test ends yellow, and is revoked",
        [
            _at(at(7)),
            _at(at(8), MORNING),
            _at(at(9), MORNING),
            _at(at(10, "10:00:00"), MORNING, certificates=(_REVOKED,)),
            _at(at(11), MORNING, certificates=(_REVOKED,)),
            _at(at(13), MORNING, certificates=(_REVOKED,)),
        ],
        [
            ("green", ["first decision"]),
            ("yellow", [f"new finding {MORNING_ID}: encounter, yellow"]),
            ("green", [f"finding {MORNING_ID} ended by certificate, exits.negative-pcr"]),
            ("yellow", [f"finding {MORNING_ID} is back: encounter, yellow, certificate revoked"]),
            ("green", [f"finding {MORNING_ID} ended"]),
        ],
    ),
    (
        "withdrawn, denied and cleared",
        [
            _at(at(8), MORNING, results=(OWN,), areas=(AREA,)),
            _at(at(9), MORNING, results=(result(7, at(7, "10:00:00"), at(9)),), areas=(AREA,)),
            _at(
                at(10),
                MORNING,
                results=(result(7, at(7, "10:00:00"), at(9)),),
                areas=(area(at(5, "09:00:00"), 60, denied_at=at(10)),),
                clearances=(ClearanceFact(MORNING_ID, at(9), at(10)),),
            ),
            _at(
                at(11),
                MORNING,
                encounter(at(5, "15:00:00"), 20, source=key(2), published_at=at(11)),
                clearances=(ClearanceFact(MORNING_ID, at(9), at(10)),),
            ),
        ],
        [
            (
                "red",
                [
                    "first decision",
                    f"new finding {OWN_ID}: own_result, red",
                    f"new finding {AREA_ID}: area, yellow",
                    f"new finding {MORNING_ID}: encounter, yellow",
                ],
            ),
            ("yellow", [f"finding {OWN_ID} withdrawn by the authority"]),
            (
                "green",
                sorted([f"finding {AREA_ID} denied by its owner", f"finding {MORNING_ID} cleared by the authority"]),
            ),
            ("yellow", [f"finding {MORNING_ID} is back: encounter, yellow"]),
        ],
    ),
    (
        "a clock that was ahead and is set right",
        [
            _at(at(8), MORNING),
            _at(at(19), MORNING),
            _at(at(9), MORNING),
            _at(at(8, "20:00:00"), MORNING),
            _at(at(13), MORNING),
        ],
        [
            ("yellow", ["first decision", f"new finding {MORNING_ID}: encounter, yellow"]),
            ("green", [f"finding {MORNING_ID} ended"]),
            ("yellow", ["clock set back", f"finding {MORNING_ID} is back: encounter, yellow"]),
            ("green", [f"finding {MORNING_ID} ended"]),
        ],
    ),
    (
        "rulebooks and old data",
        [
            step(facts(MORNING), at(8)),
            step(facts(MORNING), at(9, "10:00:00")),
            step(facts(MORNING), at(9, "10:00:00"), "without-ceilings"),
            step(facts(MORNING), at(9, "10:00:00"), None),
        ],
        [
            ("yellow", ["first decision", f"new finding {MORNING_ID}: encounter, yellow"]),
            ("yellow", ["published data old"]),
            ("red", [f"finding {MORNING_ID} turned red", "rulebook 1 -> 2"]),
            ("grey", [f"finding {MORNING_ID} no longer counts", "rulebook 2 -> none", "grey: no rulebook in force"]),
        ],
    ),
]


def journal_cases() -> list[Case]:
    """Every case."""
    written = [_written(*journal) for journal in JOURNALS]
    entries = written[0]["output"]["entries"]
    return [*written, *_chains(entries)]


def _written(name: str, steps: list[Step], expected: list[tuple[str, list[str]]]) -> Case:
    entries = OPERATIONS["write"]({"steps": steps})["entries"]
    found = [(entry["after"], entry["why"]) for entry in entries]
    if found != expected:
        raise SystemExit(f"{name}: {found}")
    return good(name, "write", {"entries": entries, "hashes": list(map(chain_hash, entries))}, steps=steps)


def chain_hash(entry: Any) -> str:
    """The hash of an entry, a second time."""
    return hashlib.sha256(b"OWNHUE-JOURNAL" + canonical_json(entry)).hexdigest()


def relinked(entries: list[Any]) -> list[Any]:
    """The same entries, each with the hash of the one before as it is now."""
    chain: list[Any] = []
    for entry in entries:
        chain.append(entry if not chain else {**entry, "previous": chain_hash(chain[-1])})
    return chain


def _set_back(time: int) -> Callable[[Any], Any]:
    return lambda entry: entry | {"time": time, "why": [CLOCK_SET_BACK, *entry["why"]]}


def _chains(entries: list[Any]) -> list[Case]:
    def case(name: str, chain: list[Any], error: str | None = "VerificationError") -> Case:
        texts = [canonical_json(entry).decode() for entry in chain]
        if error is not None:
            return bad(name, "verify_chain", error, entries=texts)
        hashes = list(map(chain_hash, chain))
        return good(name, "verify_chain", {"last": hashes[-1] if hashes else "0" * 64, "hashes": hashes}, entries=texts)

    def changed(number: int, change: Callable[[Any], Any], relink: bool = True) -> list[Any]:
        chain = [change(entry) if index == number else entry for index, entry in enumerate(entries)]
        return relinked(chain) if relink else chain

    return [
        case("no entry", [], None),
        case("a whole chain", entries, None),
        case("step 1: an entry cut out", relinked([*entries[:2], *entries[3:]])),
        case("step 1: the first cut off", relinked(entries[1:])),
        case("step 1: two entries exchanged", relinked([entries[0], entries[2], entries[1], *entries[3:]])),
        case("step 2: a beginning with a hash", changed(0, lambda entry: entry | {"previous": "1" * 64})),
        case("step 2: a beginning with a colour before it", changed(0, lambda entry: entry | {"before": "green"})),
        case("step 2: a beginning with a clock set back", changed(0, _set_back(entries[0]["time"]))),
        case("step 3: a reason changed", changed(1, lambda entry: entry | {"why": ["nothing"]}, relink=False)),
        case("step 3: a digest changed", changed(1, lambda e: e | {"decision_digest": "0" * 64}, relink=False)),
        case("step 4: another colour after", changed(1, lambda entry: entry | {"after": "red"})),
        case("step 4: no colour before", changed(2, lambda entry: entry | {"before": None})),
        case("step 5: time goes back", changed(2, lambda entry: entry | {"time": entries[1]["time"] - 1})),
        case("step 5: time goes back, and it says so", changed(2, _set_back(entries[1]["time"] - 1)), None),
        case("step 5: says that time goes back, and it does not", changed(2, _set_back(entries[2]["time"]))),
        case(
            "step 5: says so, but not first", changed(2, lambda e: e | {"time": 0, "why": [*e["why"], CLOCK_SET_BACK]})
        ),
        case("no reason", changed(1, lambda entry: entry | {"why": []}), "FormatError"),
        case("a negative number", changed(1, lambda entry: entry | {"index": -1}), "FormatError"),
        case("a time of 33 bits", changed(4, lambda entry: entry | {"time": 2**32}), "FormatError"),
        case("a fifth colour", changed(1, lambda entry: entry | {"after": "blue"}), "FormatError"),
        case("a hash of 63 digits", changed(1, lambda e: e | {"previous": "0" * 63}, relink=False), "FormatError"),
        case("a field more", changed(1, lambda entry: entry | {"more": 0}), "FormatError"),
    ]
