"""Histories of a town's trust metadata: each round something honest or hostile happens, by chance.

history = History(Random(7))
name, files = history.next()          # "stolen_after_rotation", and what a server shows then, at history.now
"""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.conformance.trust_by_hand import DAY, NOW, OFFLINE, Town, dump, meta, sign, signed


class History:
    """A town over some days, of which each round serves something honest or hostile."""

    def __init__(self, random: Random) -> None:
        self.random, self.now, self.serial = random, NOW, 100
        self.town = Town()
        self.town.release({"rulebook": b"0"})
        self.past = [dict(self.town.files)]
        self.unused_version = 0

    def next(self) -> tuple[str, dict[str, bytes]]:
        """Name of what happens, and the files that are served."""
        self.now += self.random.choice([60, 3600, DAY // 2, DAY - 60, DAY, 3 * DAY])
        event = self.random.choice(EVENTS)
        served = event(self)
        self.past.append(dict(self.town.files))
        return event.__name__, served

    def _label(self, name: str) -> str:
        self.serial += 1
        return f"{name} {self.serial}"

    def _release(self, **expires: int) -> dict[str, bytes]:
        self.serial += 1
        soon = {"targets": self.now + 90 * DAY, "snapshot": self.now + 7 * DAY, "timestamp": self.now + DAY}
        self.town.release({"rulebook": str(self.serial).encode()}, **{**soon, **expires})
        return dict(self.town.files)

    # Honest.

    def quiet(self) -> dict[str, bytes]:
        return dict(self.town.files)

    def release(self) -> dict[str, bytes]:
        return self._release()

    def new_timestamp(self) -> dict[str, bytes]:
        """A version is left out, for :meth:`timestamp_back`."""
        self.unused_version = self.town.versions["timestamp"] = self.town.versions["timestamp"] + 1
        self.town.put_timestamp(self.now + DAY)
        return dict(self.town.files)

    def rotate_online(self) -> dict[str, bytes]:
        name = self.random.choice(["timestamp", "snapshot"])
        changes: dict[str, Any] = {name: ((self._label(name),), 1)}
        self.town.rotate(**changes)
        return self._release()

    def add_online_key(self) -> dict[str, bytes]:
        """The old key stays good."""
        labels, _ = self.town.roles["timestamp"]
        self.town.rotate(timestamp=((*labels, self._label("timestamp")), 1))
        return self._release()

    def rotate_offline(self) -> dict[str, bytes]:
        people = (*OFFLINE[:2], self._label("delta"))
        self.town.rotate(root=(people, 2), targets=(people, 2))
        return self._release()

    def rotate_twice(self) -> dict[str, bytes]:
        self.town.rotate(timestamp=((self._label("timestamp"),), 1), expires=self.now - 1)
        self.town.rotate(timestamp=((self._label("timestamp"),), 1))
        return self._release()

    def recover(self) -> dict[str, bytes]:
        """New online keys, and versions that begin again below those that a thief had reached."""
        self.town.rotate(timestamp=((self._label("t"),), 1), snapshot=((self._label("s"),), 1))
        for name in ("timestamp", "snapshot"):
            self.town.versions[name] = self.random.randrange(self.town.versions[name] + 1)
        return self._release()

    def half_recover(self) -> dict[str, bytes]:
        """The same with one new key only, which is not always enough."""
        name = self.random.choice(["timestamp", "snapshot"])
        changes: dict[str, Any] = {name: ((self._label(name),), 1)}
        self.town.rotate(**changes)
        self.town.versions[name] = self.random.randrange(self.town.versions[name] + 1)
        return self._release()

    # Hostile or broken.

    def rollback(self) -> dict[str, bytes]:
        return dict(self.random.choice(self.past))

    def old_timestamp(self) -> dict[str, bytes]:
        served = self._release()
        return {**served, "timestamp.json": self.random.choice(self.past)["timestamp.json"]}

    def timestamp_back(self) -> dict[str, bytes]:
        """A timestamp of a smaller version that names the newest snapshot, so that nothing but its version is wrong."""
        version, self.unused_version = self.unused_version, 0
        if not version:
            return self.quiet()
        body = json.loads(self.town.files["timestamp.json"])["signed"]
        back = sign({**body, "version": version}, *self.town.signers("timestamp"))
        return {**self.town.files, "timestamp.json": back}

    def expired(self) -> dict[str, bytes]:
        name = self.random.choice(["targets", "snapshot", "timestamp"])
        return self._release(**{name: self.now - self.random.choice([0, 1, DAY])})

    def expired_root(self) -> dict[str, bytes]:
        self.town.rotate(expires=self.now - self.random.choice([0, 1]))
        served = self._release()
        self.town.rotate()
        return served

    def root_by_too_few(self) -> dict[str, bytes]:
        version = self.town.versions["root"] + 1
        signers = self.random.choice([(), ("alpha",), ("alpha", "zeta"), ("zeta", "eta")])
        return {**self._release(), f"{version}.root.json": _signed_again(self.town.root, version, *signers)}

    def root_left_out(self) -> dict[str, bytes]:
        version = self.town.versions["root"]
        return {
            **self._release(),
            f"{version + 1}.root.json": _signed_again(self.town.root, version + 2, *_offline(self)),
        }

    def root_again(self) -> dict[str, bytes]:
        return {**self._release(), f"{self.town.versions['root'] + 1}.root.json": self.town.root}

    def wrong_key(self) -> dict[str, bytes]:
        served = self._release()
        name = self.random.choice(["timestamp.json", f"{self.town.versions['snapshot']}.snapshot.json"])
        return {**served, name: _by_others(served[name], self.random.choice(["zeta", "alpha"]))}

    def broken_signature(self) -> dict[str, bytes]:
        served = self._release()
        name = self.random.choice(["timestamp.json", f"{self.town.versions['targets']}.targets.json"])
        value = json.loads(served[name])
        value["signatures"][0]["sig"] = "0" * 128
        return {**served, name: dump(value)}

    def mixed(self) -> dict[str, bytes]:
        """Files of two releases."""
        old, new = dict(self.town.files), self._release()
        name = self.random.choice(["snapshot", "targets"])
        other = self.random.choice([data for path, data in old.items() if path.endswith(f".{name}.json")])
        return {**new, f"{self.town.versions[name]}.{name}.json": other}

    def missing(self) -> dict[str, bytes]:
        served = self._release()
        gone = self.random.choice(["timestamp.json", f"{self.town.versions['targets']}.targets.json"])
        return {name: data for name, data in served.items() if name != gone}

    def driven_up(self) -> dict[str, bytes]:
        """A thief with the online keys drives the versions up."""
        for name in ("timestamp", "snapshot"):
            self.town.versions[name] += self.random.randrange(1, 1000)
        return self._release()

    def targets_back(self) -> dict[str, bytes]:
        """A thief with the online keys shows older targets."""
        self._release()
        old = max(1, self.town.versions["targets"] - self.random.randrange(1, 3))
        kept, self.town.versions["targets"] = self.town.versions["targets"], old
        if f"{old}.targets.json" in self.town.files:
            self.town.put_snapshot(self.now + DAY)
            self.town.put_timestamp(self.now + DAY)
        served = dict(self.town.files)
        self.town.versions["targets"] = kept
        return served

    def wrong_version(self) -> dict[str, bytes]:
        """The timestamp names another version than the snapshot has."""
        served = self._release()
        version = self.town.versions["snapshot"]
        data = served[f"{version}.snapshot.json"]
        self.town.versions["timestamp"] += 1
        body = signed(
            "timestamp",
            self.town.versions["timestamp"],
            self.now + DAY,
            meta={"snapshot.json": meta(data, version + 1)},
        )
        return {
            **served,
            "timestamp.json": sign(body, *self.town.signers("timestamp")),
            f"{version + 1}.snapshot.json": data,
        }

    def stolen_after_rotation(self) -> dict[str, bytes]:
        """Whoever kept the old timestamp key signs with it."""
        before = self.town.signers("timestamp")
        self.town.rotate(timestamp=((self._label("timestamp"),), 1))
        served = self._release()
        return {**served, "timestamp.json": _by_others(served["timestamp.json"], *before)}


def _offline(history: History) -> tuple[str, ...]:
    return history.town.roles["root"][0]


def _signed_again(data: bytes, version: int, *labels: str) -> bytes:
    return sign({**json.loads(data)["signed"], "version": version}, *labels)


def _by_others(data: bytes, *labels: str) -> bytes:
    return sign(json.loads(data)["signed"], *labels)


EVENTS: list[Callable[[History], dict[str, bytes]]] = [
    *([History.release] * 4),
    *([History.quiet] * 2),
    *([History.recover] * 2),
    *([History.new_timestamp] * 2),
    History.rotate_online,
    History.add_online_key,
    History.rotate_offline,
    History.rotate_twice,
    History.half_recover,
    History.rollback,
    History.old_timestamp,
    *([History.timestamp_back] * 2),
    History.expired,
    History.expired_root,
    History.root_by_too_few,
    History.root_left_out,
    History.root_again,
    History.wrong_key,
    History.broken_signature,
    History.mixed,
    History.missing,
    History.driven_up,
    History.targets_back,
    History.wrong_version,
    History.stolen_after_rotation,
]
