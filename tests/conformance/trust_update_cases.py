"""Cases of specs/trust.md sections 4 to 7: rounds of updates that hold, and that fail at each of their steps."""

import json
from collections.abc import Iterator
from typing import Any

from tests.conformance.expected import Case, bad, good
from tests.conformance.trust_by_hand import (
    DAY,
    NOW,
    ROLES,
    Town,
    dump,
    key,
    keyid,
    meta,
    root_body,
    sign,
    signed,
)
from tests.conformance.trust_form_cases import BOOK, NEXT_BOOK, REFUSED

Step = dict[str, Any]


def told(stage: str, rotations: int = 0, **versions: int) -> dict[str, Any]:
    """What the operation "update" answers."""
    return {"stage": stage, "rotations": rotations, "versions": versions}


def round_of(town: Town, now: int = NOW, **changes: bytes) -> list[Step]:
    """The steps of one round after the roots, with files exchanged by role."""
    files = {**town.newest, **changes}
    return [{name: files[name].decode(), "now": now} for name in ("timestamp", "snapshot", "targets")]


def released() -> Town:
    town = Town()
    town.release({"rulebook": BOOK})
    return town


def question(town: Town, *steps: Step) -> dict[str, Any]:
    return {"root": town.files["1.root.json"].decode(), "steps": list(steps)}


def round_cases() -> Iterator[Case]:
    town = released()
    first = round_of(town)
    full = {"root": 1, "timestamp": 1, "snapshot": 1, "targets": 1}
    yield good("the root alone", "update", told("root", root=1), **question(town))
    yield good("a whole round", "update", told("targets", **full), **question(town, *first))
    again = question(town, *first, {"start": True}, *first)
    yield good("a second round with the same files", "update", told("targets", **full), **again)
    open_round = question(town, *first, {"start": True}, first[0])
    yield good("a round under way remembers the last", "update", told("timestamp", **full), **open_round)
    town.release({"rulebook": NEXT_BOOK})
    newer = question(town, *first, {"start": True}, *round_of(town))
    full = {"root": 1, "timestamp": 2, "snapshot": 2, "targets": 2}
    yield good("a second round with newer files", "update", told("targets", **full), **newer)
    for name, error, steps in (
        ("a snapshot before the timestamp", "StateError", first[1:]),
        ("targets before the snapshot", "StateError", [first[0], first[2]]),
        ("a snapshot twice", "StateError", [*first[:2], first[1]]),
        ("a timestamp after the snapshot", "StateError", [*first[:2], first[0]]),
        ("a root after the timestamp", "StateError", [first[0], {"root": town.rotate().decode()}]),
        ("targets of a round that is over", "StateError", [*first, first[2]]),
    ):
        yield bad(f"order: {name}", "update", error, **question(town, *steps))


def root_cases() -> Iterator[Case]:
    town = Town()
    second = town.rotate(timestamp=(("timestamp 2",), 1), expires=NOW - 1)
    third = town.rotate(root=(("beta", "delta", "epsilon"), 2))
    chain = [{"root": second.decode()}, {"root": third.decode()}]
    yield good("two rotations", "update", told("root", 2, root=3), **question(town, *chain))
    town.release({"rulebook": BOOK})
    full = {"root": 3, "timestamp": 1, "snapshot": 1, "targets": 1}
    whole = question(town, *chain, *round_of(town))
    yield good("an expired root in between", "update", told("targets", 2, **full), **whole)
    body = root_body(2, {**ROLES, "root": (("beta", "delta", "epsilon"), 2)})
    old, new = ("alpha", "beta"), ("delta", "epsilon")
    other = root_body(1, ROLES, NOW + 9 * DAY)
    for name, error, file in (
        ("step 1: a timestamp", REFUSED, sign(signed("timestamp", 2, NOW, meta={}), *old)),
        ("step 2: one old key", REFUSED, sign(body, "alpha", *new)),
        ("step 2: one old key and a stranger", REFUSED, sign(body, "alpha", "zeta", *new)),
        ("step 3: a version left out", REFUSED, sign({**body, "version": 3}, *old, *new)),
        ("step 3: the version before", REFUSED, town.files["1.root.json"]),
        ("step 3: a second root of one version", "ForkError", sign(other, *old)),
        ("step 4: one of its own keys", REFUSED, sign(body, *old)),
    ):
        yield bad(f"root, {name}", "update", error, **question(town, {"root": file.decode()}))


def timestamp_cases() -> Iterator[Case]:
    town = released()
    first = round_of(town)
    named = meta(town.files["1.snapshot.json"], 1)

    def stamp(version: int, below: Any = named, expires: int = NOW + DAY, by: str = "timestamp 1") -> Step:
        body = signed("timestamp", version, expires, meta={"snapshot.json": below})
        return {"timestamp": sign(body, by).decode(), "now": NOW}

    town.release()
    later = [*round_of(town), {"start": True}]
    for name, error, steps in (
        ("step 1: an expired root", REFUSED, [{**first[0], "now": NOW + 365 * DAY}]),
        ("step 2: a snapshot", REFUSED, [{"timestamp": first[1]["snapshot"], "now": NOW}]),
        ("step 2: too long", "LimitError", [{"timestamp": first[0]["timestamp"] + " " * 4096, "now": NOW}]),
        ("step 3: another key", REFUSED, [stamp(1, by="snapshot 1")]),
        ("step 3: the offline key", REFUSED, [stamp(1, by="alpha")]),
        ("step 4: an older version", REFUSED, [*later, first[0]]),
        ("step 5: a second one of its version", "ForkError", [*first, {"start": True}, stamp(1, expires=NOW + 2)]),
        ("step 6: an older snapshot", REFUSED, [*later, stamp(3)]),
        ("step 7: expired", REFUSED, [{**first[0], "now": NOW + DAY}]),
        ("step 7: expired a second ago", REFUSED, [{**first[0], "now": NOW + DAY + 1}]),
    ):
        yield bad(f"timestamp, {name}", "update", error, **question(town, *steps))
    last = question(town, {**first[0], "now": NOW + DAY - 1})
    yield good("a timestamp in its last second", "update", told("timestamp", root=1, timestamp=1), **last)
    yield from _recovery_cases()


def _recovery_cases() -> Iterator[Case]:
    """A thief drove versions up; new keys let them start again."""
    town = released()
    town.versions["timestamp"] = town.versions["snapshot"] = 2**31 - 2
    town.release()
    stolen = [*round_of(town), {"start": True}]
    town.versions["timestamp"] = town.versions["snapshot"] = 1
    rotated = town.rotate(timestamp=(("timestamp 2",), 1), snapshot=(("snapshot 2",), 1))
    town.versions["targets"] = 2
    town.release()
    full = {"root": 2, "timestamp": 2, "snapshot": 2, "targets": 3}
    steps = [*stolen, {"root": rotated.decode()}, *round_of(town)]
    yield good("recovery from versions driven up", "update", told("targets", 1, **full), **question(town, *steps))
    stamp = town.newest["timestamp"]
    body = json.loads(stamp)["signed"]
    old = sign(body, "timestamp 1").decode()
    still = question(town, *stolen, {"timestamp": old, "now": NOW})
    yield bad("no recovery without new keys", "update", REFUSED, **still)
    thief = question(town, *stolen, {"root": rotated.decode()}, {"timestamp": old, "now": NOW})
    yield bad("a stolen key after its rotation", "update", REFUSED, **thief)


def snapshot_cases() -> Iterator[Case]:
    town = released()
    first = round_of(town)
    named = meta(town.files["1.targets.json"], 1)
    town.release()
    second = [*round_of(town), {"start": True}]

    def shot(version: int, below: Any = named, expires: int = NOW + 7 * DAY, by: str = "snapshot 1") -> bytes:
        return sign(signed("snapshot", version, expires, meta={"targets.json": below}), by)

    def stamped(data: bytes, version: int = 3, named_version: int = 3) -> list[Step]:
        body = signed("timestamp", version, NOW + DAY, meta={"snapshot.json": meta(data, named_version)})
        return [
            {"timestamp": sign(body, "timestamp 1").decode(), "now": NOW},
            {"snapshot": data.decode(), "now": NOW},
        ]

    forked = shot(2, meta(town.files["2.targets.json"], 2), NOW + 8 * DAY)
    for name, error, steps in (
        ("step 1: an expired root", REFUSED, [first[0], {**first[1], "now": NOW + 365 * DAY}]),
        ("step 1: an expired timestamp", REFUSED, [first[0], {**first[1], "now": NOW + DAY}]),
        ("step 2: a timestamp", REFUSED, [first[0], {"snapshot": first[0]["timestamp"], "now": NOW}]),
        ("step 2: too long", "LimitError", [first[0], {"snapshot": first[1]["snapshot"] + " " * 4096, "now": NOW}]),
        ("step 3: another key", REFUSED, stamped(shot(3, by="timestamp 1"))),
        ("step 4: a second one of its version", "ForkError", [*second, *stamped(forked, 3, 2)]),
        ("step 5: mixed with an older one", REFUSED, [second[0], first[1]]),
        ("step 5: other signatures", REFUSED, [first[0], {"snapshot": _more(first[1]["snapshot"]), "now": NOW}]),
        ("step 5: of another version", REFUSED, stamped(shot(3), named_version=4)),
        ("step 6: older targets", REFUSED, [*second, *stamped(shot(3))]),
        ("step 7: expired", REFUSED, stamped(shot(3, expires=NOW))),
    ):
        yield bad(f"snapshot, {name}", "update", error, **question(town, *steps))


def _more(file: str) -> str:
    """The same content with one more signature."""
    value = json.loads(file)
    extra = {"keyid": keyid("zeta"), "sig": key("zeta").sign(dump(value["signed"])).signature.hex()}
    return dump({**value, "signatures": sorted([*value["signatures"], extra], key=lambda item: item["keyid"])}).decode()


def targets_cases() -> Iterator[Case]:
    town = released()
    first = round_of(town)
    listed = json.loads(town.files["1.targets.json"])["signed"]["targets"]

    def below(data: bytes, version: int, targets_version: int) -> list[Step]:
        body = signed("snapshot", version, NOW + 7 * DAY, meta={"targets.json": meta(data, targets_version)})
        snapshot = sign(body, "snapshot 1")
        top = signed("timestamp", version, NOW + DAY, meta={"snapshot.json": meta(snapshot, version)})
        stamp = sign(top, "timestamp 1")
        files = {"timestamp": stamp, "snapshot": snapshot, "targets": data}
        return [{name: file.decode(), "now": NOW} for name, file in files.items()]

    def made(version: int, expires: int = NOW + 90 * DAY, by: tuple[str, ...] = ("alpha", "beta")) -> bytes:
        return sign(signed("targets", version, expires, targets=listed), *by)

    other = sign(signed("targets", 1, NOW + 91 * DAY, targets=listed), "alpha", "beta")
    early = below(made(2), 2, 2)
    for name, error, steps in (
        ("step 1: an expired root", REFUSED, [*first[:2], {**first[2], "now": NOW + 365 * DAY}]),
        ("step 1: an expired timestamp", REFUSED, [*first[:2], {**first[2], "now": NOW + DAY}]),
        ("step 2: a snapshot", REFUSED, [*first[:2], {"targets": first[1]["snapshot"], "now": NOW}]),
        ("step 3: one key", REFUSED, below(made(2, by=("alpha",)), 2, 2)),
        ("step 3: the online keys", REFUSED, below(made(2, by=("snapshot 1", "timestamp 1")), 2, 2)),
        ("step 4: a second one of its version", "ForkError", [*first, {"start": True}, *below(other, 2, 1)]),
        ("step 5: mixed with an older one", REFUSED, [*early[:2], first[2]]),
        ("step 5: of another version", REFUSED, below(made(2), 2, 3)),
        ("step 6: expired", REFUSED, below(made(2, expires=NOW), 2, 2)),
    ):
        yield bad(f"targets, {name}", "update", error, **question(town, *steps))
