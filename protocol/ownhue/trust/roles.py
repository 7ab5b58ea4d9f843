"""Trust roles: the keys by which a region signs, and its witnesses; a target. specs/trust.md section 10

    {"authority_keys":["..."],"authority_threshold":1,"format":"ownhue-trust-roles-1","issuer_keys":["..."],
     "issuer_threshold":1,"key_file_keys":[{"id":"demo","key":"...","version":"1"}],"log_keys":["..."],
     "origin":"demo.ownhue.example/log","publisher_key":"...","region":"demo","witness_threshold":1,
     "witnesses":["witness.example/w1+8dc5b1a3+BB..."]}

    roles = open_trust_roles(targets_at(state, now), data, "demo", now)      # raises, or whose signatures count

- The file is canonical JSON. It counts because a targets file names it, and through that because the offline root does;
  so every online key can be replaced without a new application.
- Where keys stand in a list, each of them counts: the old and the new one while they change. Lists are sorted.
- A region file (region.md) names one key of each kind, for a region without trust metadata.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ownhue.cosignature import WitnessKey, WitnessPolicy, check_policy
from ownhue.encoding import base64url_decode
from ownhue.errors import FormatError, VerificationError
from ownhue.records import Record, parse_record, record_bytes
from ownhue.region import load_p256
from ownhue.trust.targets import TrustedTargets

#: Folder of the published folder in which the files lie. specs/trust.md section 10
TRUST_ROLES_FOLDER = "trust-roles"
#: Longest file in bytes. specs/trust.md section 10
MAX_TRUST_ROLES_BYTES = 16_384
#: Most keys of one kind. specs/trust.md section 10
MAX_KEYS_OF_A_KIND = 16

_KEY_BYTES = 32


def _sorted(items: tuple[str, ...]) -> tuple[str, ...]:
    if list(items) != sorted(set(items)):
        raise ValueError("the keys of a kind stand in alphabetical order, each once")
    return items


def _is_a_key(text: str) -> str:
    if len(base64url_decode(text)) != _KEY_BYTES:
        raise FormatError("a key has not 32 bytes")
    return text


Keys = Annotated[
    tuple[Annotated[str, Field(max_length=64), AfterValidator(_is_a_key)], ...],
    Field(min_length=1, max_length=MAX_KEYS_OF_A_KIND),
    AfterValidator(_sorted),
]
Threshold = Annotated[int, Field(ge=1, le=MAX_KEYS_OF_A_KIND)]


class KeyFileKey(Record):
    """A key of key files, which has a name and a version there."""

    id: Annotated[str, Field(pattern=r"^[!-~]{1,64}\z")]
    """Verification key id in key files."""
    key: Annotated[str, Field(max_length=200)]
    """P-256 SubjectPublicKeyInfo, base64url."""
    version: Annotated[str, Field(pattern=r"^[!-~]{1,16}\z")]
    """Verification key version in key files."""

    @model_validator(mode="after")
    def _is_p256(self) -> Self:
        load_p256(base64url_decode(self.key))
        return self


class TrustRoles(Record):
    """The keys of a region. Values of others come through :func:`parse_trust_roles`."""

    authority_keys: Keys
    """Ed25519: rulebooks, report-token keys, notices, certificates' trust list, enrolment tickets."""
    authority_threshold: Threshold
    """How many of them have to sign."""
    format: Literal["ownhue-trust-roles-1"]
    """Name of this format."""
    issuer_keys: Keys
    """Ed25519: the lists of epoch keys."""
    issuer_threshold: Threshold
    """How many of them have to sign."""
    key_file_keys: Annotated[tuple[KeyFileKey, ...], Field(min_length=1, max_length=MAX_KEYS_OF_A_KIND)]
    """P-256: key files, by id and version."""
    log_keys: Keys
    """Ed25519: tree heads; the log's own line is by one of them."""
    origin: Annotated[str, Field(pattern=r"^[!-*,-~]{1,100}\z")]
    """Name of the log."""
    publisher_key: Annotated[str, Field(max_length=64), AfterValidator(_is_a_key)]
    """X25519: reports are sealed to it."""
    region: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}\z")]
    """Short name of the region."""
    witness_threshold: Annotated[int, Field(ge=0, le=MAX_KEYS_OF_A_KIND)]
    """How many witnesses have to cosign; 0 only where there are none."""
    witnesses: Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=MAX_KEYS_OF_A_KIND)]
    """Verifier keys of the witnesses (C2SP signed-note), by their names."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.authority_threshold > len(self.authority_keys) or self.issuer_threshold > len(self.issuer_keys):
            raise ValueError("more signatures are needed than there are keys")
        order = [(key.id, key.version) for key in self.key_file_keys]
        if order != sorted(set(order)):
            raise ValueError("the keys of key files stand by id and version, each once")
        check_policy(self.policy, keys_of(self.log_keys + self.authority_keys + self.issuer_keys))
        return self

    @property
    def policy(self) -> WitnessPolicy:
        """Which witnesses are asked for. Raises FormatError."""
        return WitnessPolicy(self.witness_threshold, tuple(map(WitnessKey.from_vkey, self.witnesses)))


def keys_of(texts: tuple[str, ...]) -> list[bytes]:
    """The 32 bytes of each key of a list."""
    return [base64url_decode(text) for text in texts]


def trust_roles_bytes(roles: TrustRoles) -> bytes:
    """The file."""
    return record_bytes(roles)


def open_trust_roles(targets: TrustedTargets, data: bytes, region: str, now: int) -> TrustRoles:
    """The roles in *data*, if that is the file of them that is in force at *now* (unix seconds) in *region*.

    Raises StateError (none is in force), VerificationError (another file, another region), LimitError, FormatError.
    """
    return parse_trust_roles(targets.current(TRUST_ROLES_FOLDER, now).verify(data), region)


def parse_trust_roles(data: bytes, region: str) -> TrustRoles:
    """The roles of a file that the trust metadata of *region* named.

    Raises LimitError, FormatError, VerificationError (another region's).
    """
    roles = parse_record(TrustRoles, data, "a file of trust roles", MAX_TRUST_ROLES_BYTES)
    if roles.region != region:
        raise VerificationError("the trust roles are those of another region")
    return roles
