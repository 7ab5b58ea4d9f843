"""Whose signatures count in a region at which time: of its region file, and of the trust roles that followed."""

from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from ownhue.cosignature import NO_WITNESSES, WitnessPolicy
from ownhue.documents import open_document
from ownhue.encoding import base64url_decode
from ownhue.errors import OwnhueError, VerificationError
from ownhue.region import Region, load_p256
from ownhue.tree_head import TreeHead, open_tree_head
from ownhue.trust.roles import TRUST_ROLES_FOLDER, TrustRoles, keys_of
from ownhue.trust.targets import Target, TrustedTargets

#: Kinds of documents that the issuer signs; the authority signs the others.
ISSUER_KINDS = frozenset({"epochs", "past-epochs"})


@dataclass(frozen=True)
class Keys:
    """The keys that count together."""

    log: tuple[bytes, ...]
    authority: tuple[bytes, ...]
    authority_threshold: int
    issuer: tuple[bytes, ...]
    issuer_threshold: int
    key_files: tuple[EllipticCurvePublicKey, ...]
    policy: WitnessPolicy

    @classmethod
    def of_region(cls, region: Region) -> "Keys":
        """Those of a region file."""
        return cls(
            (region.log_key_bytes,),
            (region.authority_key_bytes,),
            1,
            (region.issuer_key_bytes,),
            1,
            (region.key_file_public_key,),
            NO_WITNESSES,
        )

    @classmethod
    def of_roles(cls, roles: TrustRoles) -> "Keys":
        """Those of trust roles."""
        return cls(
            tuple(keys_of(roles.log_keys)),
            tuple(keys_of(roles.authority_keys)),
            roles.authority_threshold,
            tuple(keys_of(roles.issuer_keys)),
            roles.issuer_threshold,
            tuple(load_p256(base64url_decode(key.key)) for key in roles.key_file_keys),
            roles.policy,
        )

    def open_document(self, data: bytes, kind: str) -> dict[str, Any]:
        """The body of a document of *kind*. Raises FormatError, LimitError, VerificationError."""
        if kind in ISSUER_KINDS:
            return open_document(data, kind, self.issuer, self.issuer_threshold)
        return open_document(data, kind, self.authority, self.authority_threshold)

    def open_head(self, note: bytes, origin: str) -> tuple[TreeHead, bytes]:
        """The head of a note, and the key that signed it. Raises as ``open_tree_head``."""
        error: OwnhueError = VerificationError("no key of the log is known")
        for key in self.log:
            try:
                return open_tree_head(note, origin, key), key
            except OwnhueError as found:
                error = found
        raise error


@dataclass
class Keyring:
    """All keys of a log's life. At first only those of the region file are known."""

    region: Region
    now: Keys = field(init=False)
    """Those in force today."""
    targets: list[tuple[int, TrustedTargets]] = field(default_factory=list)
    """Batch and content of every targets file that was verified, by version."""
    roles: dict[str, Keys] = field(default_factory=dict)
    """By path in the published folder."""
    vouched: dict[str, str] = field(default_factory=dict)
    """Path of the file in force today of each kind that the targets of today name."""

    def __post_init__(self) -> None:
        self.now = Keys.of_region(self.region)

    def at(self, batch: int) -> Keys:
        """The keys by which files of *batch* are signed: those in force when it closed, else the region file's."""
        first, closing = Keys.of_region(self.region), (batch + 1) * self.region.batch_seconds
        known = [targets for since, targets in self.targets if since <= batch]
        due = [target for target in known[-1].targets if _counts(target, closing)] if known else []
        newest = max(due, key=lambda target: target.since, default=None)
        return self.roles.get(newest.path, first) if newest else first


def _counts(target: Target, closing: int) -> bool:
    return target.folder == TRUST_ROLES_FOLDER and target.since <= closing
