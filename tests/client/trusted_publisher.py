"""A publisher in memory with trust metadata: offline root and targets, online snapshot and timestamp, and witnesses.

    publisher = TrustedPublisher()
    now = publisher.close(rulebook_document(...))
    catch_up(publisher.fetch, region(), PublicationState(), now, root=publisher.first_root)

Every key can be replaced (``rotate``), and every file can be made wrongly by changing ``files`` afterwards.
"""

from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.signing import SigningKey

from ownhue.cosignature import WitnessKey, cosignature_line
from ownhue.encoding import base64url_encode
from ownhue.log import BUNDLE_WIDTH, LogEntry, bundle_path
from ownhue.signed_note import parse_note
from ownhue.trust.ceremony import (
    RoleKeys,
    new_root,
    new_snapshot,
    new_targets,
    new_timestamp,
    next_root,
    sign_trust_file,
)
from ownhue.trust.roles import KeyFileKey, TrustRoles, trust_roles_bytes
from ownhue.trust.schema import RoleName
from ownhue.trust.targets import Target
from tests.client.publisher import AUTHORITY_KEY, BATCH_SECONDS, ISSUER_KEY, KEY_FILE_KEY, LOG_KEY, Publisher

DAY = 86_400
YEAR = 365 * DAY


def key(number: int) -> SigningKey:
    """A signing key of this number."""
    return SigningKey(bytes([number]) * 32)


def public(*keys: SigningKey) -> tuple[bytes, ...]:
    """Their public halves."""
    return tuple(bytes(item.verify_key) for item in keys)


def texts(*keys: SigningKey) -> tuple[str, ...]:
    """Their public halves as trust roles list them."""
    return tuple(sorted(base64url_encode(item) for item in public(*keys)))


ROOT_KEYS = (key(21), key(22), key(23))
TARGETS_KEYS = (key(31), key(32))
WITNESSES = {"witness.example/w1": key(51), "witness.example/w2": key(52)}


def witness_keys() -> tuple[WitnessKey, ...]:
    """The witnesses of this world."""
    return tuple(WitnessKey(name, bytes(signer.verify_key)) for name, signer in sorted(WITNESSES.items()))


def trust_roles(**changes: Any) -> TrustRoles:
    """The roles of this publisher's first keys, or with *changes*."""
    spki = KEY_FILE_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    fields: dict[str, Any] = {
        "authority_keys": texts(AUTHORITY_KEY),
        "authority_threshold": 1,
        "format": "ownhue-trust-roles-1",
        "issuer_keys": texts(ISSUER_KEY),
        "issuer_threshold": 1,
        "key_file_keys": (KeyFileKey(id="demo", key=base64url_encode(spki), version="1"),),
        "log_keys": texts(LOG_KEY),
        "origin": "demo.ownhue.example/log",
        "publisher_key": base64url_encode(bytes(32)),
        "region": "demo",
        "witness_threshold": 0,
        "witnesses": (),
    }
    return TrustRoles(**(fields | changes))


@dataclass
class TrustedPublisher(Publisher):
    """Closes batches with everything that trust needs."""

    roles: TrustRoles = field(default_factory=trust_roles)
    named: list[tuple[str, bytes, int]] = field(default_factory=list)
    """(kind, file, from) of what targets name beside the roles."""
    roles_from: int = 0
    """Unix second from which on the roles count."""
    roots: list[bytes] = field(default_factory=list)
    targets: bytes = b""
    snapshot: bytes = b""
    timestamp: bytes = b""
    versions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("targets", "snapshot", "timestamp"), 0))
    snapshot_key: SigningKey = field(default_factory=lambda: key(41))
    timestamp_key: SigningKey = field(default_factory=lambda: key(42))
    log_key: SigningKey = LOG_KEY

    def __post_init__(self) -> None:
        if not self.roots:
            made = new_root(self._root_roles(), self.time + 10 * YEAR)
            self.roots = [sign_trust_file(made, *ROOT_KEYS[:2])]

    @property
    def first_root(self) -> bytes:
        """The root file that comes with the application."""
        return self.roots[0]

    def close(self, *documents: tuple[str, bytes], batch: int | None = None) -> int:
        """As ``Publisher.close``; new files of trust come first, and get their names last."""
        closing = ((self.batch if batch is None else batch) + 1) * BATCH_SECONDS
        roles = trust_roles_bytes(self.roles)
        self._make(roles, closing)
        files = [("trust", data) for data in (*self.roots, self.targets, self.snapshot, self.timestamp)]
        known = {entry.sha256 for entry in self.entries}
        new = [item for item in (("trust-roles", roles), *files) if sha256(item[1]).digest() not in known]
        super().close(*new, *documents, batch=batch)
        self._name()
        return self.time

    def close_quietly(self, count: int) -> int:
        """Close *count* batches, of which only the last has new files of trust; returns its closing time."""
        for batch in range(self.batch, self.batch + count - 1):
            data = self.key_file(batch)
            self._add(LogEntry.of(f"keys/{batch}", data, "zip", batch), data)
        self.files |= {bundle_path(index): self._bundle(index) for index in range(len(self.entries) // BUNDLE_WIDTH)}
        return self.close(batch=self.batch + count - 1)

    def head(self, *, key: SigningKey | None = None, **changes: Any) -> bytes:
        """As ``Publisher.head``, by the log's present key."""
        return super().head(key=key or self.log_key, **changes)

    def cosigned(self, *names: str, time: int | None = None) -> bytes:
        """The present head with the lines of these witnesses."""
        note = self.files["head"]
        text = parse_note(note).text
        when = self.time if time is None else time
        return note + "".join(cosignature_line(text, name, WITNESSES[name], when) for name in names).encode()

    def rotate(self, **changes: SigningKey) -> None:
        """Replace online keys (``timestamp_key``, ``snapshot_key``) by a next root."""
        for name, new in changes.items():
            setattr(self, name, new)
        made = next_root(self.roots[-1], self._online(), self.time + 10 * YEAR)
        self.roots.append(sign_trust_file(made, *ROOT_KEYS[:2]))
        # What the old keys signed counts no more: both files are made anew, and their versions go on.
        self.snapshot = b""

    def _root_roles(self) -> dict[RoleName, RoleKeys]:
        return {
            "root": RoleKeys(public(*ROOT_KEYS), 2),
            "targets": RoleKeys(public(*TARGETS_KEYS), 2),
            **self._online(),
        }

    def _online(self) -> dict[RoleName, RoleKeys]:
        return {
            "snapshot": RoleKeys(public(self.snapshot_key), 1),
            "timestamp": RoleKeys(public(self.timestamp_key), 1),
        }

    def _make(self, roles: bytes, closing: int) -> None:
        named = [("trust-roles", roles, self.roles_from), *self.named]
        targets = self.sign_targets(named, closing, self.versions["targets"] + 1)
        before = self.sign_targets(named, closing, self.versions["targets"])
        fresh = not self.targets or _names(before) != _names(self.targets)
        if fresh:
            self.targets, self.versions["targets"] = targets, self.versions["targets"] + 1
        if fresh or not self.snapshot:
            self.versions["snapshot"] += 1
            made = new_snapshot(self.targets, closing + 3 * YEAR, self.versions["snapshot"])
            self.snapshot = sign_trust_file(made, self.snapshot_key)
        self.versions["timestamp"] += 1
        made = new_timestamp(self.snapshot, closing + 2 * DAY, self.versions["timestamp"])
        self.timestamp = sign_trust_file(made, self.timestamp_key)

    def sign_targets(self, named: list[tuple[str, bytes, int]], closing: int, version: int) -> bytes:
        """A targets file by the offline keys."""
        listed = [
            Target(f"{kind}/{sha256(data).hexdigest()}.json", sha256(data).digest(), len(data), since)
            for kind, data, since in named
        ]
        return sign_trust_file(new_targets(listed, closing + 3 * YEAR, max(version, 1)), *TARGETS_KEYS)

    def _name(self) -> None:
        self.files["trust/timestamp.json"] = self.timestamp
        self.files[f"trust/{self.versions['snapshot']}.snapshot.json"] = self.snapshot
        self.files[f"trust/{self.versions['targets']}.targets.json"] = self.targets
        for number, root in enumerate(self.roots, 1):
            self.files[f"trust/{number}.root.json"] = root


def _names(targets: bytes) -> bytes:
    """What a targets file names, without version, expiry and signatures."""
    return targets.partition(b'"targets":')[2].partition(b',"version"')[0]


def copy_of(publisher: TrustedPublisher) -> TrustedPublisher:
    """The publisher as it is now, which goes another way from here on."""
    return replace(
        publisher,
        files=dict(publisher.files),
        entries=list(publisher.entries),
        fetched=[],
        named=list(publisher.named),
        roots=list(publisher.roots),
        versions=dict(publisher.versions),
    )
