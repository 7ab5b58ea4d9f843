"""Cases of specs/trust.md sections 8 to 11: states that are stored, targets, roles, ceremonies."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

from tests.conformance.expected import Case, bad, good
from tests.conformance.notes_by_hand import LOG, LOG_KEY, ORIGIN, vkey
from tests.conformance.trust_by_hand import (
    DAY,
    NOW,
    OFFLINE,
    ROLES,
    Town,
    dump,
    key,
    keyid,
    meta,
    path,
    root_body,
    sign,
    signed,
    target,
)
from tests.conformance.trust_form_cases import BOOK, FORM, NEXT_BOOK, REFUSED
from tests.conformance.trust_update_cases import question, released, round_of, told


def head(major: int, length: int) -> bytes:
    """The head of a CBOR item."""
    for code, width in ((24, 1), (25, 2), (26, 4)):
        if length < 24:
            return bytes([major << 5 | length])
        if length < 256**width:
            return bytes([major << 5 | code]) + length.to_bytes(width, "big")
    raise ValueError(length)


def stored(*files: bytes, stage: int, rotations: int = 0) -> str:
    """A stored state."""
    items = [head(2, len(file)) + file for file in files]
    return (b"\x86" + b"".join(items) + head(0, stage) + head(0, rotations)).hex()


def state_cases() -> Iterator[Case]:
    town = released()
    files = (town.root, *(town.newest[name] for name in ("timestamp", "snapshot", "targets")))
    full = {"root": 1, "timestamp": 1, "snapshot": 1, "targets": 1}
    whole = stored(*files, stage=3)
    yield good("a state is stored", "store_state", whole, **question(town, *round_of(town)))
    yield good("a state is read", "read_state", told("targets", **full), state=whole)
    bare = stored(files[0], b"", b"", b"", stage=0)
    yield good("a state that knows a root", "read_state", told("root", root=1), state=bare)
    rotated = Town()
    second = rotated.rotate(timestamp=(("timestamp 2",), 1))
    old = stored(second, files[1], files[2], files[3], stage=0, rotations=1)
    yield good(
        "a state remembers what new keys did not sign", "read_state", told("root", 1, **{**full, "root": 2}), state=old
    )
    town.release()
    mixed = town.newest
    for name, error, state in (
        ("of another shape", FORM, "80"),
        ("cut", FORM, whole[:-2]),
        ("of stage 4", FORM, stored(*files, stage=4)),
        ("of 257 rotations", FORM, stored(*files, stage=3, rotations=257)),
        ("without its snapshot", FORM, stored(files[0], files[1], b"", files[3], stage=3)),
        ("without a root", FORM, stored(b"", b"", b"", b"", stage=0)),
        ("with a root that nobody signed", REFUSED, stored(sign(root_body(1, ROLES)), b"", b"", b"", stage=0)),
        ("with a timestamp that new keys did not sign", REFUSED, stored(second, files[1], b"", b"", stage=1)),
        ("with another snapshot", REFUSED, stored(files[0], files[1], mixed["snapshot"], files[3], stage=2)),
        ("with other targets", REFUSED, stored(*files[:3], mixed["targets"], stage=3)),
        ("with a timestamp in the place of targets", REFUSED, stored(*files[:3], files[1], stage=2)),
    ):
        yield bad(f"no state: one {name}", "read_state", error, state=state)


def target_cases() -> Iterator[Case]:
    town = Town()
    later = target(NEXT_BOOK, NOW + 3600)
    town.targets = {path("rulebook", BOOK): target(BOOK, NOW - DAY), path("rulebook", NEXT_BOOK): later}
    town.targets[path("epochs", b"[]")] = target(b"[]")
    town.release()
    right = {**question(town, *round_of(town)), "now": NOW}
    books = [path("rulebook", BOOK), path("rulebook", NEXT_BOOK)]
    yield good(
        "a rulebook and the next", "targets", {"current": books[0], "upcoming": books[1:]}, **right, folder="rulebook"
    )
    soon = {"current": books[1], "upcoming": []}
    yield good("when the next has come", "targets", soon, **{**right, "now": NOW + 3600}, folder="rulebook")
    listed = {"current": path("epochs", b"[]"), "upcoming": []}
    yield good("the list of epochs", "targets", listed, **right, folder="epochs")
    yield good("a target", "verify_target", True, **right, path=books[0], data=BOOK.hex())
    yield bad(
        "step 1: a round under way", "targets", "StateError", **{**right, "steps": right["steps"][:2]}, folder="epochs"
    )
    yield bad("step 2: at the expiry", "targets", REFUSED, **{**right, "now": NOW + DAY}, folder="epochs")
    yield bad("step 3: nothing in force", "targets", "StateError", **right, folder="certificate-trust")
    unnamed = {**right, "path": path("rulebook", b"other"), "data": b"other".hex()}
    yield bad("step 3: a file that nobody named", "verify_target", REFUSED, **unnamed)
    for name, data in (("cut", BOOK[:-1]), ("longer", BOOK + b" "), ("changed", BOOK.replace(b"1", b"3"))):
        yield bad(f"step 4: a file that is {name}", "verify_target", REFUSED, **right, path=books[0], data=data.hex())


def fork_cases() -> Iterator[Case]:
    town = released()
    body = signed("timestamp", 1, NOW + 2 * DAY, meta={"snapshot.json": meta(town.files["1.snapshot.json"], 1)})
    right = {"root": town.root.decode(), "role": "timestamp", "first": town.newest["timestamp"].decode()}
    forged = sign(body, "snapshot 1").decode()
    yield good("a fork", "verify_fork", True, **right, second=sign(body, "timestamp 1").decode())
    for name, second in (
        ("one file twice", right["first"]),
        ("two versions", sign({**body, "version": 2}, "timestamp 1").decode()),
        ("a forged file", forged),
    ):
        yield bad(f"no fork: {name}", "verify_fork", REFUSED, **right, second=second)


def roles_cases() -> Iterator[Case]:
    yield good("trust roles", "trust_roles", _roles_told(), file=roles_file().decode(), region="demo")
    yield bad("roles of another region", "trust_roles", REFUSED, file=roles_file().decode(), region="other")
    two = sorted([_key("authority"), _key("authority 2")])
    for name, error, changes in (
        ("with a field more", FORM, {"more": 1}),
        ("without keys of the log", FORM, {"log_keys": []}),
        ("with one key twice", FORM, {"authority_keys": [two[0], two[0]]}),
        ("with keys out of order", FORM, {"authority_keys": two[::-1]}),
        ("with a key of 31 bytes", FORM, {"issuer_keys": ["A" * 42]}),
        ("with loose base64url", FORM, {"issuer_keys": ["A" * 42 + "B"]}),
        ("with a threshold of 2 of 1", FORM, {"issuer_threshold": 2}),
        ("with a threshold of 0", FORM, {"authority_threshold": 0}),
        ("with a witness too few", FORM, {"witness_threshold": 2}),
        ("that asks none of its witnesses", FORM, {"witness_threshold": 0}),
        ("whose log is its own witness", FORM, {"witnesses": [vkey("witness.example/w1", LOG)]}),
        ("whose authority is its own witness", FORM, {"witnesses": [vkey("witness.example/w1", key("authority"))]}),
        ("whose issuer is its own witness", FORM, {"witnesses": [vkey("witness.example/w1", key("issuer"))]}),
        ("with a witness of another kind", FORM, {"witnesses": ["demo+00000000+AA=="]}),
        (
            "with a key of key files that is none",
            FORM,
            {"key_file_keys": [{"id": "demo", "key": "AA", "version": "1"}]},
        ),
        ("without keys of key files", FORM, {"key_file_keys": []}),
        ("of 17 keys", FORM, {"log_keys": sorted(_key(f"log {number}") for number in range(17))}),
        ("that is too long", "LimitError", {"origin": "x" * 16_384}),
    ):
        yield bad(f"no roles: a file {name}", "trust_roles", error, file=roles_file(**changes).decode(), region="demo")


def _key(label: str) -> str:
    """A key as documents spell it."""
    return urlsafe_b64encode(bytes(key(label).verify_key)).rstrip(b"=").decode()


def roles_file(**changes: Any) -> bytes:
    """A file of trust roles. The key of key files is the base point of P-256, whose private key is 1."""
    point = (
        "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0"
        "f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    )
    spki = urlsafe_b64encode(bytes.fromhex(point)).rstrip(b"=").decode()
    value = {
        "authority_keys": [_key("authority")],
        "authority_threshold": 1,
        "format": "ownhue-trust-roles-1",
        "issuer_keys": [_key("issuer")],
        "issuer_threshold": 1,
        "key_file_keys": [{"id": "demo", "key": spki, "version": "1"}],
        "log_keys": [urlsafe_b64encode(LOG_KEY).rstrip(b"=").decode()],
        "origin": ORIGIN,
        "publisher_key": _key("publisher"),
        "region": "demo",
        "witness_threshold": 1,
        "witnesses": [vkey("witness.example/w1")],
    }
    return dump({**value, **changes})


def _roles_told() -> dict[str, Any]:
    return {
        "log_keys": [LOG_KEY.hex()],
        "authority_keys": [bytes(key("authority").verify_key).hex()],
        "issuer_keys": [bytes(key("issuer").verify_key).hex()],
        "policy": "1 of 1 witnesses must have seen the same log.",
    }


def ceremony_cases() -> Iterator[Case]:
    alpha = bytes(key("alpha").verify_key).hex()
    yield good("the id of a key", "key_id", keyid("alpha"), key=alpha)
    yield bad("no id of 31 bytes", "key_id", key=alpha[2:])
    roles = {
        name: {"keys": [bytes(key(label).verify_key).hex() for label in labels], "threshold": threshold}
        for name, (labels, threshold) in ROLES.items()
    }
    body = root_body(1, ROLES)
    unsigned = sign(body).decode()
    right = {"roles": roles, "expires": NOW + 365 * DAY, "version": 1}
    yield good("a root is made", "new_root", unsigned, **right)
    yield bad("no root of three roles", "new_root", **{**right, "roles": {"root": roles["root"]}})
    lax = {**roles, "root": {**roles["root"], "threshold": 0}}
    yield bad("no root with a threshold of 0", "new_root", **{**right, "roles": lax})
    yield bad("no root that expires in the year 10000", "new_root", **{**right, "expires": 253_402_300_800})
    yield from _signing_cases(body, unsigned)
    yield from _making_cases()


def _signing_cases(body: dict[str, Any], unsigned: str) -> Iterator[Case]:
    seeds = [bytes(key(label)).hex() for label in OFFLINE[:2]]
    half, whole = sign(body, "alpha").decode(), sign(body, "alpha", "beta").decode()
    yield good("one signs", "sign", half, file=unsigned, seeds=seeds[:1])
    yield good("another signs", "sign", whole, file=half, seeds=seeds[1:])
    yield good("one signs again", "sign", whole, file=whole, seeds=seeds[:1])
    yield good("the other way round", "sign", whole, file=unsigned, seeds=seeds[::-1])
    yield bad("nobody signs a file of no form", "sign", file=unsigned[:-1], seeds=seeds)
    for name, file, missing in (("two", unsigned, 2), ("one", half, 1), ("none", whole, 0)):
        yield good(f"signatures missing: {name}", "missing_signatures", {"root": missing}, file=file, before=None)
    changed = root_body(2, {**ROLES, "root": (("beta", "delta"), 2)}, NOW + 400 * DAY)
    changes = {"root": {"keys": [bytes(key(label).verify_key).hex() for label in ("beta", "delta")], "threshold": 2}}
    second = sign(changed).decode()
    yield good("the next root", "next_root", second, before=whole, changes=changes, expires=NOW + 400 * DAY)
    yield bad("no next root of nonsense", "next_root", before="{}", changes={}, expires=NOW)
    told = {"previous root": 1, "root": 1}
    yield good("missing on both sides", "missing_signatures", told, file=sign(changed, "beta").decode(), before=whole)
    stamp = released().newest["timestamp"].decode()
    yield good("a timestamp is signed", "missing_signatures", {"timestamp": 0}, file=stamp, before=whole)
    yield bad("by whom a timestamp is signed", "missing_signatures", "StateError", file=stamp, before=None)


def _making_cases() -> Iterator[Case]:
    town = released()
    sizes = {"rulebook": BOOK}
    listed = [
        {"path": path(folder, data), "sha256": target(data)["hashes"]["sha256"], "length": len(data), "from": 0}
        for folder, data in sizes.items()
    ]
    unsigned = {name: dump({**json.loads(data), "signatures": []}).decode() for name, data in town.newest.items()}
    targets, snapshot = town.files["1.targets.json"].decode(), town.files["1.snapshot.json"].decode()
    question_of = {"targets": listed, "expires": NOW + 90 * DAY, "version": 1}
    yield good("targets are made", "new_targets", unsigned["targets"], **question_of)
    odd = [{**listed[0], "path": "rulebook/x.json"}]
    yield bad("no targets outside the log", "new_targets", **{**question_of, "targets": odd})
    question_of = {"targets": targets, "expires": NOW + 7 * DAY, "version": 1}
    yield good("a snapshot is made", "new_snapshot", unsigned["snapshot"], **question_of)
    yield bad("no snapshot of a timestamp", "new_snapshot", REFUSED, **{**question_of, "targets": snapshot})
    question_of = {"snapshot": snapshot, "expires": NOW + DAY, "version": 1}
    yield good("a timestamp is made", "new_timestamp", unsigned["timestamp"], **question_of)
    yield bad("no timestamp of version 0", "new_timestamp", **{**question_of, "version": 0})
