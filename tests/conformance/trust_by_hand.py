"""Trust metadata, put together by hand: a small town of offline and online keys, and a repository of its files.

    town = Town()                          # root and targets 2 of 3 of the same keys, snapshot and timestamp 1 of 1
    town.release({"rulebook": b"{}"})      # targets, snapshot and timestamp of the next versions
    town.files["timestamp.json"]

Files are written here as JSON texts, without the library and without python-tuf; only Ed25519 is shared. Every key has
a seed that anybody can guess.
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from nacl.signing import SigningKey

DAY = 86_400
#: 2026-06-01
NOW = 20_605 * DAY
Body = dict[str, Any]


def key(label: str) -> SigningKey:
    """The key of a label."""
    return SigningKey(sha256(f"ownhue trust: {label}".encode()).digest())


def dump(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def public(label: str) -> Body:
    """A key as it stands in a root file."""
    return {"keytype": "ed25519", "keyval": {"public": bytes(key(label).verify_key).hex()}, "scheme": "ed25519"}


def keyid(label: str) -> str:
    return sha256(dump(public(label))).hexdigest()


def role(labels: Iterable[str], threshold: int) -> Body:
    return {"keyids": sorted(keyid(label) for label in labels), "threshold": threshold}


def sign(signed: Any, *labels: str, **more: Any) -> bytes:
    """The file of *signed* with a signature by each key."""
    message = dump(signed)
    signatures = [{"keyid": keyid(label), "sig": key(label).sign(message).signature.hex()} for label in labels]
    return dump({"signatures": sorted(signatures, key=lambda item: item["keyid"]), "signed": signed, **more})


def when(time: int) -> str:
    """A unix second as TUF writes it."""
    days, seconds = divmod(time, DAY)
    year, month, day = _date(days)
    return f"{year:04}-{month:02}-{day:02}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"


def _date(days: int) -> tuple[int, int, int]:
    """Year, month and day of a day since 1970-01-01, by counting."""
    year = 1970
    while days >= 365 + _leap(year):
        days -= 365 + _leap(year)
        year += 1
    lengths = (31, 28 + _leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    month = 0
    while days >= lengths[month]:
        days -= lengths[month]
        month += 1
    return year, month + 1, days + 1


def _leap(year: int) -> int:
    return int(year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))


def signed(kind: str, version: int, expires: int, **fields: Any) -> Body:
    return {"_type": kind, "expires": when(expires), "spec_version": "1.0.31", "version": version, **fields}


def meta(data: bytes, version: int) -> Body:
    return {"hashes": {"sha256": sha256(data).hexdigest()}, "length": len(data), "version": version}


def target(data: bytes, since: int = 0) -> Body:
    return {"custom": {"from": since}, "hashes": {"sha256": sha256(data).hexdigest()}, "length": len(data)}


def path(folder: str, data: bytes) -> str:
    return f"{folder}/{sha256(data).hexdigest()}.json"


OFFLINE = ("alpha", "beta", "gamma")
ROLES: Mapping[str, tuple[tuple[str, ...], int]] = {
    "root": (OFFLINE, 2),
    "snapshot": (("snapshot 1",), 1),
    "targets": (OFFLINE, 2),
    "timestamp": (("timestamp 1",), 1),
}


def root_body(version: int, roles: Mapping[str, tuple[tuple[str, ...], int]], expires: int = NOW + 365 * DAY) -> Body:
    labels = sorted({label for labels, _ in roles.values() for label in labels})
    return signed(
        "root",
        version,
        expires,
        consistent_snapshot=True,
        keys={keyid(label): public(label) for label in labels},
        roles={name: role(*who) for name, who in roles.items()},
    )


class Town:
    """A repository. Its files lie in ``files`` under the names that TUF gives them."""

    def __init__(self, roles: Mapping[str, tuple[tuple[str, ...], int]] = ROLES) -> None:
        self.roles = dict(roles)
        self.versions = {"root": 1, "targets": 0, "snapshot": 0, "timestamp": 0}
        self.files = {"1.root.json": sign(root_body(1, self.roles), *self.signers("root"))}
        self.targets: dict[str, Body] = {}

    @property
    def root(self) -> bytes:
        return self.files[f"{self.versions['root']}.root.json"]

    @property
    def newest(self) -> dict[str, bytes]:
        """The newest timestamp, snapshot and targets file by role."""
        return {
            "timestamp": self.files["timestamp.json"],
            "snapshot": self.files[f"{self.versions['snapshot']}.snapshot.json"],
            "targets": self.files[f"{self.versions['targets']}.targets.json"],
        }

    def signers(self, name: str) -> tuple[str, ...]:
        """As many keys of a role as are needed."""
        labels, threshold = self.roles[name]
        return labels[:threshold]

    def rotate(self, expires: int = NOW + 365 * DAY, **changes: tuple[tuple[str, ...], int]) -> bytes:
        """The next root, signed by the old and the new keys."""
        before = self.signers("root")
        self.roles.update(changes)
        self.versions["root"] += 1
        signers = dict.fromkeys([*before, *self.signers("root")])
        data = sign(root_body(self.versions["root"], self.roles, expires), *signers)
        self.files[f"{self.versions['root']}.root.json"] = data
        return data

    def release(self, targets: Mapping[str, bytes] | None = None, /, **expires: int) -> None:
        """New targets, and the files that name them."""
        if targets is not None:
            self.targets = {path(folder, data): target(data) for folder, data in targets.items()}
        self.put_targets(expires.get("targets", NOW + 90 * DAY))
        self.put_snapshot(expires.get("snapshot", NOW + 7 * DAY))
        self.put_timestamp(expires.get("timestamp", NOW + DAY))

    def put_targets(self, expires: int) -> None:
        self.versions["targets"] += 1
        version = self.versions["targets"]
        body = signed("targets", version, expires, targets=self.targets)
        self.files[f"{version}.targets.json"] = sign(body, *self.signers("targets"))

    def put_snapshot(self, expires: int) -> None:
        self.versions["snapshot"] += 1
        version, below = self.versions["snapshot"], self.versions["targets"]
        named = meta(self.files[f"{below}.targets.json"], below)
        body = signed("snapshot", version, expires, meta={"targets.json": named})
        self.files[f"{version}.snapshot.json"] = sign(body, *self.signers("snapshot"))

    def put_timestamp(self, expires: int) -> None:
        self.versions["timestamp"] += 1
        below = self.versions["snapshot"]
        named = meta(self.files[f"{below}.snapshot.json"], below)
        body = signed("timestamp", self.versions["timestamp"], expires, meta={"snapshot.json": named})
        self.files["timestamp.json"] = sign(body, *self.signers("timestamp"))
