"""What the four files of trust metadata say, field by field. specs/trust.md section 2

    Timestamp(expires="2026-01-06T00:00:00Z", version=9, meta=TimestampMeta(snapshot=MetaFile(...)))

- The fields are those of the TUF specification, in a subset: what is optional there is either required here or absent.
- Values are frozen and know no further fields. ``payload`` is what keys sign.
"""

import calendar
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, ClassVar, Literal, Self

from nacl.bindings import crypto_core_ed25519_is_valid_point
from pydantic import ConfigDict, Field, field_validator, model_validator

from ownhue.encoding import canonical_json
from ownhue.errors import FormatError
from ownhue.log import LogEntry
from ownhue.records import Record

#: Version of the TUF specification that is written. specs/trust.md section 2
SPEC_VERSION = "1.0.31"
#: Most signatures of a file, and most keys of a role. specs/trust.md section 3
MAX_ROLE_KEYS = 16
#: Greatest version of a file. specs/trust.md section 3
MAX_VERSION = 2**31 - 1
#: Most targets. specs/trust.md section 3
MAX_TARGETS = 512

RoleName = Literal["root", "timestamp", "snapshot", "targets"]
#: The roles in the order in which they are updated. specs/trust.md section 1
ROLES: tuple[RoleName, ...] = ("root", "timestamp", "snapshot", "targets")
Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}\z")]
Hex64 = Annotated[str, Field(pattern=r"^[0-9a-f]{128}\z")]
Version = Annotated[int, Field(ge=1, le=MAX_VERSION)]
Length = Annotated[int, Field(ge=1, lt=2**32)]

_KEY_BYTES = 32
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class _Part(Record):
    """A part of a file; names that Python cannot spell have an alias."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)


class KeyValue(_Part):
    """The key itself."""

    public: Hex32
    """Ed25519, 32 bytes."""

    @field_validator("public")
    @classmethod
    def _is_a_point(cls, text: str) -> str:
        # TUF's verifier takes points of small order too. Under those, every few signatures that nobody made hold.
        if not crypto_core_ed25519_is_valid_point(bytes.fromhex(text)):
            raise FormatError("a public key is no point of Ed25519, or one for which anybody can sign")
        return text


class Key(_Part):
    """A public key."""

    keytype: Literal["ed25519"] = "ed25519"
    """Kind of key."""
    keyval: KeyValue
    """The key itself."""
    scheme: Literal["ed25519"] = "ed25519"
    """Kind of signature."""

    @classmethod
    def of(cls, verify_key: bytes) -> Self:
        """The key (32 bytes) as it stands in a root file. Raises FormatError."""
        if len(verify_key) != _KEY_BYTES:
            raise FormatError(f"an Ed25519 key has {_KEY_BYTES} bytes")
        return cls(keyval=KeyValue(public=verify_key.hex()))

    @property
    def keyid(self) -> str:
        """The key's only id: SHA-256 of its canonical JSON, in hex."""
        return sha256(canonical_json(self.model_dump())).hexdigest()


class Role(_Part):
    """Whose signatures count for one kind of file, and how many are needed."""

    keyids: Annotated[tuple[Hex32, ...], Field(min_length=1, max_length=MAX_ROLE_KEYS)]
    """Ids of its keys, in alphabetical order."""
    threshold: Annotated[int, Field(ge=1, le=MAX_ROLE_KEYS)]
    """How many of them have to sign."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if list(self.keyids) != sorted(set(self.keyids)):
            raise ValueError("the key ids of a role stand in alphabetical order, each once")
        if self.threshold > len(self.keyids):
            raise ValueError("a role needs more signatures than it has keys")
        return self


class Roles(_Part):
    """The four roles of TUF."""

    root: Role
    snapshot: Role
    targets: Role
    timestamp: Role


class Hashes(_Part):
    """Digests of a file."""

    sha256: Hex32


class MetaFile(_Part):
    """What one metadata file says of another."""

    hashes: Hashes
    length: Length
    """Bytes."""
    version: Version


class Custom(_Part):
    """What this project says of a target beside TUF."""

    since: Annotated[int, Field(ge=0, lt=2**40, alias="from")]
    """Unix second from which on the target counts; ahead for what will come into force."""


class TargetFile(_Part):
    """What the targets file says of a published file."""

    custom: Custom
    hashes: Hashes
    length: Annotated[int, Field(ge=0, lt=2**32)]
    """Bytes."""


class Signature(_Part):
    """A signature by one key."""

    keyid: Hex32
    sig: Hex64


class Signed(_Part):
    """What all four kinds have."""

    role: ClassVar[RoleName]
    """The role that signs it, which is the file's kind."""
    expires: str
    """Second from which on the file is void, as TUF writes it: 2026-01-06T00:00:00Z."""
    spec_version: Annotated[str, Field(pattern=r"^1\.0\.(0|[1-9][0-9]{0,2})\z")] = SPEC_VERSION
    """Version of the TUF specification."""
    version: Version
    """Counts up."""

    @field_validator("expires")
    @classmethod
    def _is_a_time(cls, text: str) -> str:
        if format_time(parse_time(text)) != text:
            raise FormatError("a time in its one spelling")
        return text

    @property
    def expires_at(self) -> int:
        """Unix second from which on the file is void."""
        return parse_time(self.expires)

    @property
    def payload(self) -> bytes:
        """What the keys sign: the canonical JSON of this part."""
        return canonical_json(self.model_dump(mode="json", by_alias=True))


class Root(Signed):
    """Whose signature counts for what."""

    role = "root"
    type: Literal["root"] = Field(default="root", alias="_type")
    consistent_snapshot: Literal[True] = True
    keys: dict[Hex32, Key]
    """Every key that a role names, by its id."""
    roles: Roles

    @model_validator(mode="after")
    def _has_the_keys_of_its_roles(self) -> Self:
        if any(key.keyid != keyid for keyid, key in self.keys.items()):
            raise ValueError("a key id is not the digest of its key")
        named = {keyid for name in ROLES for keyid in getattr(self.roles, name).keyids}
        if named != self.keys.keys():
            raise ValueError("the keys are not those that the roles name")
        return self


class TimestampMeta(_Part):
    """The newest snapshot."""

    snapshot: MetaFile = Field(alias="snapshot.json")


class Timestamp(Signed):
    """Which snapshot is the newest."""

    role = "timestamp"
    type: Literal["timestamp"] = Field(default="timestamp", alias="_type")
    meta: TimestampMeta


class SnapshotMeta(_Part):
    """The newest targets file."""

    targets: MetaFile = Field(alias="targets.json")


class Snapshot(Signed):
    """Which targets file belongs to it."""

    role = "snapshot"
    type: Literal["snapshot"] = Field(default="snapshot", alias="_type")
    meta: SnapshotMeta


class Targets(Signed):
    """Which published files are in force."""

    role = "targets"
    type: Literal["targets"] = Field(default="targets", alias="_type")
    targets: Annotated[dict[str, TargetFile], Field(max_length=MAX_TARGETS)]
    """By their path in the published folder."""

    @model_validator(mode="after")
    def _names_files_of_the_log(self) -> Self:
        for path, target in self.targets.items():
            LogEntry(path, bytes.fromhex(target.hashes.sha256), target.length, 0)  # raises for a path that is none
        times = [(path.partition("/")[0], target.custom.since) for path, target in self.targets.items()]
        if len(set(times)) < len(times):
            raise ValueError("two targets of one folder count from the same second")
        return self


#: The kind of file of each role.
MODELS: Mapping[str, type[Signed]] = {
    "root": Root,
    "timestamp": Timestamp,
    "snapshot": Snapshot,
    "targets": Targets,
}


def parse_time(text: str) -> int:
    """The unix second of a time as TUF writes it. Raises FormatError."""
    try:
        return calendar.timegm(datetime.strptime(text, _TIME).replace(tzinfo=UTC).timetuple())
    except ValueError as error:
        raise FormatError("not a time") from error


def format_time(time: int) -> str:
    """A unix second as TUF writes it. Raises FormatError for one before 1970 or after the year 9999."""
    try:
        moment = datetime.fromtimestamp(time, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise FormatError("no time that can be written") from error
    if time < 0:
        raise FormatError("no time that can be written")
    return moment.strftime(_TIME)
