"""Keys in force: whose signatures count in a region. specs/publication.md section 5, specs/trust.md section 10

    keys = RegionKeys.of_region(region)                   # those of the installed region file: no root of trust
    keys = RegionKeys.of_roles(roles, region)             # those that trust metadata names, which can change

- Where several keys stand for one task, each of them counts: the old and the new one while they change.
- ``policy`` says which witnesses must have cosigned a head; "0 of 0" asks nobody, and its sentence says so.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from ownhue.cosignature import NO_WITNESSES, WitnessPolicy, check_policy
from ownhue.documents import MAX_DOCUMENT_BYTES, open_document
from ownhue.encoding import base64url_decode
from ownhue.errors import VerificationError
from ownhue.key_file import KeyFile, read_key_file
from ownhue.region import Region, load_p256
from ownhue.signed_note import key_hash, parse_note
from ownhue.tree_head import TreeHead, open_tree_head
from ownhue.trust.roles import TrustRoles, keys_of

#: Kinds of documents that the issuer signs; all others are the authority's. specs/publication.md section 4
ISSUER_KINDS = frozenset(("epochs", "past-epochs"))


@dataclass(frozen=True, slots=True)
class RegionKeys:
    """The keys of one region at one moment. Raises FormatError when the log's own people are its witnesses."""

    origin: str
    """Name of the log."""
    log_keys: tuple[bytes, ...]
    """Ed25519, 32 bytes each: a tree head is by one of them."""
    authority_keys: tuple[bytes, ...]
    """Ed25519, 32 bytes each: documents of the authority."""
    authority_threshold: int
    """How many of them have to sign."""
    issuer_keys: tuple[bytes, ...]
    """Ed25519, 32 bytes each: the lists of epoch keys."""
    issuer_threshold: int
    """How many of them have to sign."""
    key_file_keys: tuple[EllipticCurvePublicKey, ...] = field(hash=False)
    """P-256: key files are by one of them."""
    publisher_key: bytes
    """X25519, 32 bytes: reports are sealed to it."""
    policy: WitnessPolicy
    """Which witnesses have to cosign a head."""
    batch_seconds: int
    """Length of a batch, from the region file."""

    def __post_init__(self) -> None:
        check_policy(self.policy, (*self.log_keys, *self.authority_keys, *self.issuer_keys))

    @classmethod
    def of_region(cls, region: Region, policy: WitnessPolicy = NO_WITNESSES) -> Self:
        """The keys of the region file, one of each kind: for a client without a root of trust."""
        return cls(
            origin=region.origin,
            log_keys=(region.log_key_bytes,),
            authority_keys=(region.authority_key_bytes,),
            authority_threshold=1,
            issuer_keys=(region.issuer_key_bytes,),
            issuer_threshold=1,
            key_file_keys=(region.key_file_public_key,),
            publisher_key=region.publisher_key_bytes,
            policy=policy,
            batch_seconds=region.batch_seconds,
        )

    @classmethod
    def of_roles(cls, roles: TrustRoles, region: Region, policy: WitnessPolicy = NO_WITNESSES) -> Self:
        """The keys of the *roles* in force. A *policy* of one's own goes before that of the roles.

        Raises VerificationError for the roles of another region or log.
        """
        if (roles.region, roles.origin) != (region.name, region.origin):
            raise VerificationError("the trust roles are those of another region or log")
        return cls(
            origin=roles.origin,
            log_keys=tuple(keys_of(roles.log_keys)),
            authority_keys=tuple(keys_of(roles.authority_keys)),
            authority_threshold=roles.authority_threshold,
            issuer_keys=tuple(keys_of(roles.issuer_keys)),
            issuer_threshold=roles.issuer_threshold,
            key_file_keys=tuple(load_p256(base64url_decode(key.key)) for key in roles.key_file_keys),
            publisher_key=base64url_decode(roles.publisher_key),
            policy=policy if policy.threshold else roles.policy,
            batch_seconds=region.batch_seconds,
        )

    def open_head(self, note: bytes) -> TreeHead:
        """The verified head of *note*, by one of the log's keys. specs/publication.md section 3

        Raises LimitError, FormatError, VerificationError.
        """
        return open_tree_head(note, self.origin, self.log_key_of(note))

    def log_key_of(self, note: bytes) -> bytes:
        """The log's key that has a line in *note*, not verified; the first key when none has.

        Raises LimitError, FormatError.
        """
        parsed = parse_note(note)
        named = (key for key in self.log_keys if parsed.by(self.origin, key_hash(self.origin, key)))
        return next(named, self.log_keys[0])

    def without_strangers(self, note: bytes) -> bytes:
        """*note* with the lines of the log's keys and of the policy's witnesses alone.

        Anybody can put a line below one copy of a head. In a file that is handed on it would tell whose copy it was.
        Raises LimitError, FormatError.
        """
        parsed = parse_note(note)
        known = {(self.origin, key_hash(self.origin, key)) for key in self.log_keys}
        known |= {(witness.name, witness.key_hash) for witness in self.policy.witnesses}
        lines = tuple(line for line in parsed.signatures if (line.name, line.key_hash) in known)
        return replace(parsed, signatures=lines).to_bytes()

    def open_document(self, data: bytes, kind: str, limit: int = MAX_DOCUMENT_BYTES) -> dict[str, Any]:
        """The body of a signed document of *kind*, by as many keys of the issuer or the authority as are needed.

        Raises as ``ownhue.documents.open_document``.
        """
        if kind in ISSUER_KINDS:
            return open_document(data, kind, self.issuer_keys, self.issuer_threshold, limit)
        return open_document(data, kind, self.authority_keys, self.authority_threshold, limit)

    def read_key_file(self, data: bytes) -> KeyFile:
        """The content of a key file by one of the keys. Raises as ``ownhue.key_file.read_key_file``."""
        for key in self.key_file_keys[:-1]:
            try:
                return read_key_file(data, key)
            except VerificationError:
                continue
        return read_key_file(data, self.key_file_keys[-1])
