"""Cases of specs/trust.md sections 2 and 3: files that are TUF, or nearly, and not of this form."""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from tests.conformance.expected import Case, bad, good
from tests.conformance.trust_by_hand import NOW, ROLES, dump, keyid, meta, public, root_body, sign, signed, target

BOOK, NEXT_BOOK = b'{"version":1}', b'{"version":2}'
REFUSED, FORM = "VerificationError", "FormatError"


def form_cases() -> Iterator[Case]:
    """Files that are TUF, or nearly, and not of this form."""
    yield good("a file in its form", "read_file", {"role": "root", "version": 1, "expires": NOW}, file=_root().decode())
    for name, error, file in (*_odd_spellings(), *_odd_roots(), *_odd_targets()):
        yield bad(f"form: {name}", "read_file", error, file=file.decode())


def _root(**changes: Any) -> bytes:
    return sign({**root_body(1, ROLES, NOW), **changes}, "alpha", "beta")


def _odd_spellings() -> Iterator[tuple[str, str, bytes]]:
    right = _root()
    value = json.loads(right)
    names = value["signatures"]
    yield "a space", FORM, right.replace(b":", b": ", 1)
    yield "a newline at the end", FORM, right + b"\n"
    yield "a key twice", FORM, right.replace(b'"version":1', b'"version":1,"version":1')
    yield "an escape", FORM, right.replace(b'"_type"', b'"\\u005ftype"')
    yield "a number with a fraction", FORM, right.replace(b'"version":1', b'"version":1.0')
    yield "a number of 5,000 digits", FORM, right.replace(b'"version":1', b'"version":' + b"1" * 5000)
    yield "a field beside", FORM, dump({**value, "more": 1})
    yield "a field within", FORM, _root(more=1)
    yield "no signatures", FORM, dump({"signed": value["signed"]})
    yield "signatures out of order", FORM, dump({**value, "signatures": names[::-1]})
    yield "one signature twice", FORM, dump({**value, "signatures": [names[0], names[0]]})
    yield "a signature in capitals", FORM, dump({**value, "signatures": [{**names[0], "sig": names[0]["sig"].upper()}]})
    yield "17 signatures", "LimitError", sign(value["signed"], *[f"key {number}" for number in range(17)])
    yield "another role", FORM, _root(_type="mirrors")
    yield "a list of nothing", FORM, b"[]"
    yield "an expiry without zeros", FORM, _root(expires="2026-6-1T00:00:00Z")
    yield "an expiry that no calendar has", FORM, _root(expires="2026-02-30T00:00:00Z")
    yield "an expiry with a fraction", FORM, _root(expires="2026-06-01T00:00:00.5Z")
    yield "another TUF", FORM, _root(spec_version="2.0.0")
    yield "version 0", FORM, _root(version=0)
    yield "version 2^31", FORM, _root(version=2**31)
    yield "version true", FORM, _root(version=True)


def _odd_roots() -> Iterator[tuple[str, str, bytes]]:
    body = root_body(1, ROLES, NOW)
    keys, roles = body["keys"], body["roles"]
    root = roles["root"]
    alpha = keyid("alpha")
    ecdsa = {"keytype": "ecdsa", "keyval": {"public": "x"}, "scheme": "ecdsa-sha2-nistp256"}
    yield "a key of another kind", FORM, _root(keys={**keys, alpha: ecdsa})
    yield "a key under another id", FORM, _root(keys={**keys, alpha: public("beta")})
    zeros = {"keytype": "ed25519", "keyval": {"public": "00" * 32}, "scheme": "ed25519"}
    for_all = {**roles, "timestamp": {"keyids": [sha256(dump(zeros)).hexdigest()], "threshold": 1}}
    named = {name: item for name, item in keys.items() if name != keyid("timestamp 1")}
    named[sha256(dump(zeros)).hexdigest()] = zeros
    yield "a key of zeros, for which anybody can sign", FORM, _root(keys=named, roles=for_all)
    yield "a key too many", FORM, _root(keys={**keys, keyid("zeta"): public("zeta")})
    yield "a key too few", FORM, _root(keys={name: item for name, item in keys.items() if name != alpha})
    yield "a role too few", FORM, _root(roles={name: item for name, item in roles.items() if name != "targets"})
    yield "a role too many", FORM, _root(roles={**roles, "mirrors": root})
    yield "a threshold of 0", FORM, _root(roles={**roles, "root": {**root, "threshold": 0}})
    yield "a threshold of 4 of 3", FORM, _root(roles={**roles, "root": {**root, "threshold": 4}})
    yield "a key id twice", FORM, _root(roles={**roles, "root": {**root, "keyids": [alpha, alpha]}})
    yield "key ids out of order", FORM, _root(roles={**roles, "root": {**root, "keyids": root["keyids"][::-1]}})
    yield "no consistent snapshots", FORM, _root(consistent_snapshot=False)
    yield "1 for true", FORM, _root(consistent_snapshot=1)


def _odd_targets() -> Iterator[tuple[str, str, bytes]]:
    def file(targets: Any, **more: Any) -> bytes:
        return sign(signed("targets", 1, NOW, targets=targets, **more), "alpha")

    right = target(BOOK)
    name = f"rulebook/{right['hashes']['sha256']}.json"
    two = target(NEXT_BOOK)
    yield "delegations", FORM, file({name: right}, delegations={"keys": {}, "roles": []})
    yield "a path that leads elsewhere", FORM, file({f"../{name}": right})
    yield "a path with another digest", FORM, file({f"rulebook/{'0' * 64}.json": right})
    yield "another digest", FORM, file({name: {**right, "hashes": {"sha512": "0" * 128}}})
    yield "no digest", FORM, file({name: {**right, "hashes": {}}})
    yield "no length", FORM, file({name: {"custom": right["custom"], "hashes": right["hashes"]}})
    yield "no time", FORM, file({name: {**right, "custom": {}}})
    same = {name: right, f"rulebook/{two['hashes']['sha256']}.json": two}
    yield "two of one folder from one second", FORM, file(same)
    snapshot = signed("snapshot", 1, NOW, meta={"targets.json": {"version": 1}})
    yield "a snapshot without digests", FORM, sign(snapshot, "snapshot 1")
    named = {"targets.json": meta(b"x", 1), "other.json": meta(b"x", 1)}
    yield "a snapshot of more", FORM, sign(signed("snapshot", 1, NOW, meta=named), "snapshot 1")
