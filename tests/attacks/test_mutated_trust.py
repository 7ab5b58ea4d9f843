"""Trust metadata changed field by field and signed again: each numbered step of specs/trust.md fails, and nothing else.

For each of the four files: the form (sections 2 and 3), then every step of its update (sections 4 to 7), with the files
above it rebuilt so that they name the changed one. What is accepted is what the keys signed.
"""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from ownhue.errors import OwnhueError
from ownhue.trust import update_root, update_snapshot, update_targets, update_timestamp
from ownhue.trust.metadata import parse_any_trust_file
from ownhue.trust.roles import parse_trust_roles, trust_roles_bytes
from ownhue.trust.state import TrustedState, start, trust_root
from tests.conformance.mutate import Tally, mutations
from tests.conformance.trust_by_hand import (
    DAY,
    NOW,
    OFFLINE,
    ROLES,
    Town,
    dump,
    meta,
    path,
    root_body,
    sign,
    signed,
    target,
)
from tests.conformance.trust_use_cases import roles_file

Attempt = Callable[[], TrustedState]
BOOK = b"rulebook"


def _town() -> Town:
    town = Town()
    town.versions.update(targets=4, snapshot=4, timestamp=4)
    town.release({"rulebook": BOOK})
    return town


TOWN = _town()
FILES = TOWN.newest
ROOT = trust_root(TOWN.root)
STAMPED = update_timestamp(ROOT, FILES["timestamp"], NOW)
SHOT = update_snapshot(STAMPED, FILES["snapshot"], NOW)
KEPT = start(update_targets(SHOT, FILES["targets"], NOW))
KEPT_VERSION = 5
BODIES: dict[str, dict[str, Any]] = {name: json.loads(data)["signed"] for name, data in FILES.items()}


def _refusal(attempt: Attempt) -> str | None:
    try:
        attempt()
    except OwnhueError as error:
        return f"{type(error).__name__}: {error}"
    return None


def _tally(attempts: Iterator[Attempt], steps: dict[str, str], held: Callable[[TrustedState], bool]) -> Tally:
    tally = Tally()
    for attempt in attempts:
        refusal = _refusal(attempt)
        if refusal is None:
            assert held(attempt())
            tally.add("holds")
        else:
            tally.add(next((step for words, step in steps.items() if words in refusal), refusal))
    strange = tally.counts.keys() - {*steps.values(), "holds"}
    assert not strange
    return tally


def _mutants(body: Any, seed: int, rounds: int = 4) -> Iterator[Any]:
    for _, mutant in mutations(body, Random(seed), rounds=rounds):
        yield mutant


FORM = {"LimitError": "form", "FormatError": "form", "but another kind": "form"}


def _newer(data: bytes) -> bool:
    """Whether an accepted file is not older than the one that was kept."""
    return parse_any_trust_file(data).signed.version >= KEPT_VERSION


def _later(body: dict[str, Any], version: int) -> dict[str, Any]:
    return {**body, "version": version}


# Root: section 4.

ROOT_STEPS = {
    **FORM,
    "too few keys signed the root": "2",
    "not of the next version": "3",
    "ForkError": "3 fork",
    "its own keys": "4",
}
NEXT = root_body(2, {**ROLES, "root": (("beta", "gamma", "delta"), 2)})


def _roots() -> Iterator[Attempt]:
    both = ("alpha", "beta", "gamma", "delta")
    for mutant in _mutants(NEXT, 1):
        yield _root(sign(mutant, *both))
    for mutant in _mutants(json.loads(sign(NEXT, *both))["signatures"], 2, rounds=6):
        yield _root(dump({"signatures": mutant, "signed": NEXT}))
    for number in range(120):
        other = {**NEXT, "expires": f"2027-01-01T00:{number % 60:02}:{number // 60:02}Z"}
        yield _root(sign(other, "alpha", f"stranger {number}"))
        yield _root(sign(_later(other, 3 + number), *both))
        yield _root(sign({**root_body(1, ROLES), "expires": other["expires"]}, "alpha", "beta"))
        yield _root(sign(other, "alpha", "beta"))


def _root(data: bytes) -> Attempt:
    return lambda: update_root(ROOT, data)


def test_roots() -> None:
    tally = _tally(_roots(), ROOT_STEPS, lambda state: parse_any_trust_file(state.root).signed.version == 2)
    tally.require(["form", "2", "3", "3 fork", "4"])


# Timestamp: section 5.

TIMESTAMP_STEPS = {
    **FORM,
    "root file has expired": "1",
    "too few keys signed the timestamp": "3",
    "timestamp file goes back": "4",
    "ForkError": "5",
    "snapshot file goes back": "6",
    "timestamp file has expired": "7",
}


def _timestamps() -> Iterator[Attempt]:
    body = _later(BODIES["timestamp"], 6)
    for mutant in _mutants(body, 3, rounds=8):
        yield _timestamp(sign(mutant, "timestamp 1"))
    for mutant in _mutants(json.loads(sign(body, "timestamp 1"))["signatures"], 4, rounds=20):
        yield _timestamp(dump({"signatures": mutant, "signed": body}))
    named = meta(FILES["snapshot"], 5)
    for number in range(120):
        yield _timestamp(FILES["timestamp"], NOW + 365 * DAY + number)
        yield _timestamp(sign(body, f"stranger {number}"))
        yield _timestamp(sign(_stamp(1 + number % 4, named, NOW + DAY + number), "timestamp 1"))
        yield _timestamp(sign(_stamp(5, named, NOW + DAY + 1 + number), "timestamp 1"))
        yield _timestamp(sign(_stamp(6 + number, {**named, "version": 1 + number % 4}, NOW + DAY), "timestamp 1"))
        yield _timestamp(sign(_stamp(6 + number, named, NOW - number), "timestamp 1"))


def _stamp(version: int, named: dict[str, Any], expires: int) -> dict[str, Any]:
    return signed("timestamp", version, expires, meta={"snapshot.json": named})


def _timestamp(data: bytes, now: int = NOW) -> Attempt:
    return lambda: update_timestamp(KEPT, data, now)


def test_timestamps() -> None:
    tally = _tally(
        _timestamps(), TIMESTAMP_STEPS, lambda state: parse_any_trust_file(state.timestamp).signed.version >= 5
    )
    tally.require(["form", "1", "3", "4", "5", "6", "7"])


# Snapshot: section 6.

SNAPSHOT_STEPS = {
    **FORM,
    "root file has expired": "1",
    "timestamp file has expired": "1",
    "too few keys signed the snapshot": "3",
    "ForkError": "4",
    "not the one that is named": "5",
    "not of the version that is named": "5",
    "targets file goes back": "6",
    "snapshot file has expired": "7",
}


def _snapshots() -> Iterator[Attempt]:
    body = _later(BODIES["snapshot"], 6)
    for mutant in _mutants(body, 5, rounds=8):
        yield _snapshot(sign(mutant, "snapshot 1"))
    for mutant in _mutants(json.loads(sign(body, "snapshot 1"))["signatures"], 6, rounds=20):
        yield _snapshot(dump({"signatures": mutant, "signed": body}))
    named = meta(FILES["targets"], 5)
    for number in range(120):
        yield _snapshot(FILES["snapshot"], now=NOW + DAY + number)
        yield _snapshot(sign(body, f"stranger {number}"))
        yield _snapshot(sign(_shot(5, named, NOW + 8 * DAY + number), "snapshot 1"))
        yield _snapshot(sign(body, "snapshot 1"), shown=sign(_later(body, 7 + number), "snapshot 1"))
        yield _snapshot(sign(_shot(6, {**named, "version": 1 + number % 4}, NOW + DAY + number), "snapshot 1"))
        yield _snapshot(sign(_shot(6, named, NOW - number), "snapshot 1"))


def _shot(version: int, named: dict[str, Any], expires: int) -> dict[str, Any]:
    return signed("snapshot", version, expires, meta={"targets.json": named})


def _snapshot(data: bytes, now: int = NOW, shown: bytes | None = None) -> Attempt:
    """The update with *data* after a timestamp that names it; with *shown* the snapshot was exchanged."""
    version = _version(data)

    def attempt() -> TrustedState:
        stamp = sign(_stamp(6, meta(data, version), NOW + DAY), "timestamp 1")
        return update_snapshot(update_timestamp(KEPT, stamp, NOW), data if shown is None else shown, now)

    return attempt


def _version(data: bytes) -> int:
    """What a file says to be its version, or a version for a file that says nothing of sense."""
    found = json.loads(data)["signed"]
    version = found.get("version") if isinstance(found, dict) else None
    return version if type(version) is int and 5 <= version < 2**31 else 6


def test_snapshots() -> None:
    tally = _tally(_snapshots(), SNAPSHOT_STEPS, lambda state: _newer(state.snapshot))
    tally.require(["form", "1", "3", "4", "5", "6", "7"])


# Targets: section 7.

TARGETS_STEPS = {
    **FORM,
    "root file has expired": "1",
    "timestamp file has expired": "1",
    "snapshot file has expired": "1",
    "too few keys signed the targets": "3",
    "ForkError": "4",
    "not the one that is named": "5",
    "not of the version that is named": "5",
    "targets file has expired": "6",
}


def _targets() -> Iterator[Attempt]:
    body = _later(BODIES["targets"], 6)
    for mutant in _mutants(body, 7, rounds=8):
        yield _target(sign(mutant, "alpha", "beta"))
    for mutant in _mutants(json.loads(sign(body, "alpha", "beta"))["signatures"], 8, rounds=20):
        yield _target(dump({"signatures": mutant, "signed": body}))
    for number in range(120):
        yield _target(FILES["targets"], now=NOW + DAY + number)
        yield _target(sign(body, OFFLINE[number % 3], f"stranger {number}", "timestamp 1", "snapshot 1"))
        yield _target(sign({**BODIES["targets"], "targets": {path("x", b"x"): target(b"x", number)}}, "alpha", "beta"))
        yield _target(sign(body, "alpha", "beta"), shown=sign(_later(body, 7 + number), "alpha", "beta"))
        yield _target(sign(signed("targets", 6, NOW - number, targets={}), "alpha", "beta"))


def _target(data: bytes, now: int = NOW, shown: bytes | None = None) -> Attempt:
    version = _version(data)

    def attempt() -> TrustedState:
        snapshot = sign(_shot(6, meta(data, version), NOW + DAY), "snapshot 1")
        stamp = sign(_stamp(6, meta(snapshot, 6), NOW + DAY), "timestamp 1")
        state = update_snapshot(update_timestamp(KEPT, stamp, NOW), snapshot, NOW)
        return update_targets(state, data if shown is None else shown, now)

    return attempt


def test_targets() -> None:
    tally = _tally(_targets(), TARGETS_STEPS, lambda state: _newer(state.targets))
    tally.require(["form", "1", "3", "4", "5", "6"])


def test_a_stored_state_of_mutated_files() -> None:
    """Whatever is put into the store: it is refused, or it was signed and says the same when it is stored again."""
    random, tally = Random(9), Tally()
    whole = update_targets(SHOT, FILES["targets"], NOW)
    fields = {"root": whole.root, "timestamp": whole.timestamp, "snapshot": whole.snapshot, "targets": whole.targets}
    for _ in range(60):
        for name, data in fields.items():
            for _, mutant in mutations({name: data}, random):
                if mutant.keys() == {name} and isinstance(mutant[name], bytes):
                    stored = TrustedState(**{**fields, **mutant, "stage": whole.stage}).to_bytes()
                    refusal = _refusal(lambda stored=stored: TrustedState.from_bytes(stored))  # type: ignore[misc]
                    assert refusal is not None
                    tally.add(refusal.partition(":")[0])
    tally.require(["FormatError"])


def test_mutated_roles_are_refused_or_are_what_the_targets_would_have_to_name() -> None:
    """The file counts by its digest alone, so any change makes it another file; here its form is looked at."""
    tally = Tally()
    for mutant in _mutants(json.loads(roles_file()), 10, rounds=20):
        data = dump(mutant)
        try:
            roles = parse_trust_roles(data, "demo")
        except OwnhueError as error:
            tally.add(type(error).__name__)
            continue
        assert trust_roles_bytes(roles) == data
    tally.require(["FormatError"])
    tally.require(["VerificationError"], least=10)
