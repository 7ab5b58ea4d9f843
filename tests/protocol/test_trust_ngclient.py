"""The same verdict as python-tuf's own client on hundreds of honest and hostile histories. specs/trust.md

Where the two differ, a test below says so, and why; specs/decisions/0013-tuf-and-log.md lists the differences.
"""

import json
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tuf.api.exceptions import BadVersionNumberError, ExpiredMetadataError
from tuf.api.metadata import Metadata
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
from tuf.ngclient.config import EnvelopeType

from ownhue.errors import FormatError
from ownhue.trust.metadata import parse_any_trust_file
from tests.conformance.trust_by_hand import (
    DAY,
    NOW,
    ROLES,
    Town,
    dump,
    key,
    keyid,
    public,
    root_body,
    sign,
)
from tests.protocol.trust_histories import EVENTS, History
from tests.protocol.trust_peers import Ours, Theirs

HISTORIES = 250
ROUNDS = 6


def test_hundreds_of_histories_get_the_same_verdict_from_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: Counter[tuple[str, bool]] = Counter()
    for seed in range(HISTORIES):
        history = History(Random(seed))
        ours = Ours(history.town.root)
        theirs = Theirs(history.town.root, tmp_path / str(seed), monkeypatch)
        theirs.folder.mkdir()
        told = []
        for _ in range(ROUNDS):
            name, served = history.next()
            verdict = ours.round(served, history.now)
            told.append(f"{name}: {verdict} {ours.why}")
            assert theirs.round(served, history.now) == verdict, (seed, told, theirs.why)
            assert theirs.trusted == ours.trusted, (seed, told)
            held[name, verdict] += 1
    _judge_the_histories(held)


def _judge_the_histories(held: Counter[tuple[str, bool]]) -> None:
    """That the histories were worth comparing: everything happened often, and much of both outcomes."""
    names = {event.__name__ for event in EVENTS}
    rare = {name for name in names if held[name, True] + held[name, False] < 20}
    assert not rare
    assert sum(count for (_, verdict), count in held.items() if verdict) > 400
    assert sum(count for (_, verdict), count in held.items() if not verdict) > 400
    for name in ("expired", "wrong_key", "root_by_too_few", "root_left_out", "wrong_version", "stolen_after_rotation"):
        assert not held[name, True], name
    for name in ("release", "recover", "rotate_twice", "driven_up", "half_recover", "targets_back"):
        assert held[name, True], name


@pytest.fixture
def peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Town, Ours, Theirs]:
    """A town with one release, which both clients have followed."""
    town = Town()
    town.release({"rulebook": b"0"})
    ours, theirs = Ours(town.root), Theirs(town.root, tmp_path, monkeypatch)
    assert ours.round(town.files, NOW)
    assert theirs.round(town.files, NOW)
    return town, ours, theirs


def _differ(peers: tuple[Town, Ours, Theirs], why: str, **changed: bytes) -> None:
    """Ours refuses, with these words; theirs does not."""
    town, ours, theirs = peers
    served = {**town.files, **{name.replace("_", "."): data for name, data in changed.items()}}
    assert theirs.round(served, NOW), theirs.why
    assert not ours.round(served, NOW)
    assert why in ours.why


# What follows is every difference that is known.


def test_difference_1_a_second_timestamp_of_one_version_is_a_fork(peers: tuple[Town, Ours, Theirs]) -> None:
    """ngclient keeps the timestamp that it has and says nothing. Ours raises ForkError, with both files."""
    body = json.loads(peers[0].files["timestamp.json"])["signed"]
    other = sign({**body, "expires": "2026-06-01T12:00:00Z"}, "timestamp 1")
    _differ(peers, "ForkError: two timestamp files of version 1", timestamp_json=other)


def test_difference_2_a_second_snapshot_of_one_version_is_a_fork(peers: tuple[Town, Ours, Theirs]) -> None:
    """ngclient finds its local snapshot of the version that is named, and does not look at the new one's digest."""
    town = peers[0]
    body = json.loads(town.files["1.snapshot.json"])["signed"]
    town.files["1.snapshot.json"] = sign({**body, "expires": "2026-06-05T00:00:00Z"}, "snapshot 1")
    town.put_timestamp(NOW + DAY)
    _differ(peers, "ForkError: two snapshot files of version 1")


def test_difference_3_a_second_targets_file_of_one_version_is_a_fork(peers: tuple[Town, Ours, Theirs]) -> None:
    """ngclient takes the other content, as long as a newer snapshot names it."""
    town = peers[0]
    body = json.loads(town.files["1.targets.json"])["signed"]
    town.files["1.targets.json"] = sign({**body, "targets": {}}, "alpha", "beta")
    town.put_snapshot(NOW + 7 * DAY)
    town.put_timestamp(NOW + DAY)
    _differ(peers, "ForkError: two targets files of version 1")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"more": 1}, "Extra inputs"),
        ({"spec_version": "1.0"}, "spec_version"),
        ({"delegations": {"keys": {}, "roles": []}}, "Extra inputs"),
        ({"targets": {"any/name": {"hashes": {"sha256": "0" * 64}, "length": 1}}}, "custom"),
        ({"targets": {"any/name": {"custom": {"from": 0}, "hashes": {"sha512": "0" * 128}, "length": 1}}}, "sha256"),
        ({"targets": {"any/name": {"custom": {"from": 0}, "hashes": {"sha256": "0" * 64}, "length": 1}}}, "a path is"),
    ],
)
def test_difference_4_ours_knows_a_subset_of_tuf(
    peers: tuple[Town, Ours, Theirs], change: dict[str, Any], why: str
) -> None:
    """Unknown fields, delegations, other digests and names: TUF lets a client pass over them, ours refuses them."""
    town = peers[0]
    town.put_targets(NOW + 90 * DAY)
    body = json.loads(town.files["2.targets.json"])["signed"]
    town.files["2.targets.json"] = sign({**body, **change}, "alpha", "beta")
    town.put_snapshot(NOW + 7 * DAY)
    town.put_timestamp(NOW + DAY)
    _differ(peers, why)


@pytest.mark.parametrize("spelling", [b'{"signed": ', b'{ "signatures":', b'{"more":1,"signatures":'])
def test_difference_5_one_content_has_one_spelling(peers: tuple[Town, Ours, Theirs], spelling: bytes) -> None:
    """ngclient writes what it read anew before it checks signatures, so white space and more fields pass."""
    town = peers[0]
    town.put_timestamp(NOW + DAY)
    value = json.loads(town.files["timestamp.json"])
    if b"signed" in spelling:
        changed = json.dumps({"signed": value["signed"], "signatures": value["signatures"]}).encode()
    else:
        changed = town.files["timestamp.json"].replace(b'{"signatures":', spelling, 1)
    _differ(peers, "FormatError", timestamp_json=changed)


def test_difference_6_digests_are_not_optional(peers: tuple[Town, Ours, Theirs]) -> None:
    """TUF lets a timestamp name a snapshot by its version alone; then a thief of one online key can mix files."""
    town = peers[0]
    town.put_timestamp(NOW + DAY)
    body = json.loads(town.files["timestamp.json"])["signed"]
    bare = sign({**body, "meta": {"snapshot.json": {"version": 1}}}, "timestamp 1")
    _differ(peers, "hashes", timestamp_json=bare)


def test_difference_7_a_key_has_one_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ngclient lets one key stand under two ids, and then counts it twice; ours derives the id from the key."""
    body = root_body(1, {**ROLES, "root": (("alpha",), 1), "targets": (("alpha",), 1)})
    alias = "f" * 64
    body["keys"][alias] = public("alpha")
    body["roles"]["root"] = {"keyids": sorted([keyid("alpha"), alias]), "threshold": 2}
    signature = key("alpha").sign(dump(body)).signature.hex()
    twice = [{"keyid": name, "sig": signature} for name in body["roles"]["root"]["keyids"]]
    root = dump({"signatures": twice, "signed": body})
    town = Town({**ROLES, "root": (("alpha",), 1), "targets": (("alpha",), 1)})
    town.release({"rulebook": b"0"})
    assert Theirs(root, tmp_path, monkeypatch).round({**town.files, "1.root.json": root}, NOW)
    with pytest.raises(FormatError, match="not the digest"):
        Ours(root)


def test_difference_8_the_limits_are_smaller(peers: tuple[Town, Ours, Theirs]) -> None:
    """A timestamp of more than 4,096 bytes, here by seventeen signatures, is no timestamp of ours."""
    town = peers[0]
    town.put_timestamp(NOW + DAY)
    body = json.loads(town.files["timestamp.json"])["signed"]
    many = sign(body, "timestamp 1", *[f"key {number}" for number in range(16)])
    _differ(peers, "LimitError", timestamp_json=many)


def test_difference_9_an_error_does_not_raise_the_floor(tmp_path: Path) -> None:
    """Within one round ngclient remembers a timestamp that it refused as expired; neither keeps it for the next."""
    town = Town()
    town.release({"rulebook": b"0"})
    first = dict(town.files)
    town.put_timestamp(NOW)
    late = town.files["timestamp.json"]
    peer = TrustedMetadataSet(town.root, EnvelopeType.METADATA)
    peer.reference_time = datetime.fromtimestamp(NOW, UTC)
    with pytest.raises(ExpiredMetadataError):
        peer.update_timestamp(late)
    with pytest.raises(BadVersionNumberError):
        peer.update_timestamp(first["timestamp.json"])
    ours = Ours(town.root)
    assert not ours.round({**first, "timestamp.json": late}, NOW)
    assert ours.round(first, NOW)


def test_difference_10_a_key_is_one_that_only_its_holder_signs_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ngclient takes zeros for a key. Under it a signature of no key holds for every few messages."""
    zeros = {"keytype": "ed25519", "keyval": {"public": "00" * 32}, "scheme": "ed25519"}
    name = sha256(dump(zeros)).hexdigest()
    town = Town()
    town.release({"rulebook": b"0"})
    body = root_body(1, ROLES)
    body["keys"] = {item: value for item, value in body["keys"].items() if item != keyid("timestamp 1")} | {name: zeros}
    body["roles"]["timestamp"] = {"keyids": [name], "threshold": 1}
    root = town.files["1.root.json"] = sign(body, "alpha", "beta")
    nobody = {"keyid": name, "sig": "01" + "00" * 63}
    stamp = json.loads(town.files["timestamp.json"])["signed"]
    held = []
    for version in range(1, 40):
        forged = dump({"signatures": [nobody], "signed": {**stamp, "version": version}})
        folder = tmp_path / str(version)
        folder.mkdir()
        held.append(Theirs(root, folder, monkeypatch).round({**town.files, "timestamp.json": forged}, NOW))
    assert any(held)
    with pytest.raises(FormatError, match="anybody can sign"):
        Ours(root)


def test_every_file_of_the_histories_is_one_for_tuf_too() -> None:
    """What ours accepts, python-tuf reads, signs over the same bytes, and writes again as the same bytes."""
    history = History(Random(7))
    for _ in range(40):
        history.next()
    for data in history.town.files.values():
        file, peer = parse_any_trust_file(data), Metadata[Any].from_bytes(data)
        assert peer.signed_bytes == file.signed.payload
        assert peer.to_bytes() == data
        assert int(peer.signed.expires.timestamp()) == file.signed.expires_at
