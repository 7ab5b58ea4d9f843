"""A deployment: one folder that holds everything a server has.

region.json          public: where the servers are and whose signatures count (specs/publication.md section 5)
root.json, trust/    public: the root of trust, and what is to be published of trust metadata (trust_store.py)
settings.json        mode 0600: padding, digest of the desk key, addresses of the other roles, witnesses, limits
rulebook.json        the rulebook in force, canonical JSON; beside it, if there are any, certificate-trust.json and
                     regions.json
keys/<role>/*.key    mode 0600: private keys; in keys/trust/ those of embedded trust
authority.sqlite publisher.sqlite issuer.sqlite
published/           what everybody may fetch
"""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ownhue.cosignature import MAX_WITNESSES, WitnessKey
from ownhue.encoding import canonical_json, parse_canonical_json
from ownhue.errors import FormatError, StateError
from ownhue.region import Region, parse_region
from ownhue_server.storage.key_folder import KeyFolder

#: Fewest keys in a key file, padding included.
PADDING = 1000
#: Milliseconds from a phone's request to its answer, whatever it is. specs/http-api.md section 1
ANSWER_MILLISECONDS = 1000


class Role(StrEnum):
    """The three roles; in a serious deployment each is run by another organisation."""

    AUTHORITY = "authority"
    PUBLISHER = "publisher"
    ISSUER = "issuer"


ALL_ROLES = frozenset(Role)


class Witness(BaseModel):
    """A witness and where it is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    vkey: str = Field(max_length=200)
    """Its verifier key. specs/publication.md section 11"""
    url: str = Field(pattern=r"^https?://[!-~]{1,200}\z")
    """Where it answers ``POST /add-checkpoint``."""

    @field_validator("vkey")
    @classmethod
    def _is_one(cls, vkey: str) -> str:
        WitnessKey.from_vkey(vkey)
        return vkey


class Settings(BaseModel):
    """What an operator may set. Stored as settings.json."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    desk_key_sha256: str = Field(pattern=r"^[0-9a-f]{64}\z")
    """SHA-256 of the desk key in hex. The key itself has 256 random bits, so a plain hash is no help to a thief."""
    padding: int = Field(default=PADDING, ge=1, le=100_000)
    """Fewest keys in a key file."""
    answer_milliseconds: int = Field(default=ANSWER_MILLISECONDS, ge=0, le=10_000)
    """An answer of a phone endpoint leaves this long after its request was read; 0: at once (rehearsals, benches)."""
    refusals_per_hour: int = Field(default=30, ge=1, le=100_000)
    """Refused requests of one address in an hour, after which its requests are refused unseen."""
    address_header: str = Field(default="", pattern=r"^[a-z-]{0,40}\z")
    """Header in which the web server in front names the client's address; empty: the connection's other end."""
    witnesses: tuple[Witness, ...] = Field(default=(), max_length=MAX_WITNESSES)
    """Who is asked to cosign tree heads, sorted by verifier key."""
    witness_threshold: int = Field(default=0, ge=0, le=MAX_WITNESSES)
    """How many cosignatures this region's phones are told to ask for."""
    embedded_trust: bool = True
    """The keys of root and targets were made here by ``init``: good for trying out, and for nothing else."""
    rehearsal: bool = False
    """Made for a clock that is moved: such a deployment is never served, and no other is ever rehearsed."""
    authority_url: str = Field(default="", pattern=r"^(https?://[!-~]{1,200})?\z")
    """Where the authority is when it runs elsewhere; empty: at the region's url."""
    publisher_url: str = Field(default="", pattern=r"^(https?://[!-~]{1,200})?\z")
    """Where the authority hands sealed reports to; empty: the region's url."""
    issuer_url: str = Field(default="", pattern=r"^(https?://[!-~]{1,200})?\z")
    """Where the issuer is when it runs elsewhere; empty: at the region's url."""

    @field_validator("authority_url", "publisher_url", "issuer_url")
    @classmethod
    def _can_be(cls, url: str) -> str:
        _port = urlsplit(url).port  # Raises ValueError for a host or a port that cannot be.
        return url


@dataclass(frozen=True)
class Config:
    """Everything that :func:`~ownhue_server.app.create_app` needs to know."""

    directory: Path
    region: Region
    settings: Settings

    def url_of(self, role: Role) -> str:
        """Where *role* is reached."""
        urls = {
            Role.AUTHORITY: self.settings.authority_url,
            Role.PUBLISHER: self.settings.publisher_url,
            Role.ISSUER: self.settings.issuer_url,
        }
        return urls[role] or self.region.url

    def database(self, role: Role) -> Path:
        """The role's SQLite file."""
        return self.directory / f"{role}.sqlite"

    def keys(self, role: Role) -> KeyFolder:
        """The role's private keys."""
        return KeyFolder(self.directory / "keys" / role)

    @property
    def published(self) -> Path:
        """The folder of published files."""
        return self.directory / "published"

    @property
    def rulebook(self) -> Path:
        """The rulebook's file."""
        return self.directory / "rulebook.json"


def load_config(directory: Path) -> Config:
    """The deployment in *directory*. Raises StateError when there is none, FormatError when a file is wrong."""
    try:
        region = (directory / "region.json").read_bytes()
        settings = (directory / "settings.json").read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StateError(f"{directory} holds no deployment; make one with: ownhue-server init") from error
    with naming(directory / "region.json"):
        parsed_region = parse_region(region)
    with naming(directory / "settings.json"):
        return Config(directory, parsed_region, parse_settings(settings))


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let a FormatError inside say that it is about the file at *path*."""
    try:
        yield
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def settings_bytes(settings: Settings) -> bytes:
    """The file of *settings*: canonical JSON."""
    return canonical_json(settings.model_dump(mode="json"))


def parse_settings(data: bytes) -> Settings:
    """The settings of a file. Raises FormatError naming the first field that is wrong."""
    try:
        return Settings.model_validate_json(canonical_json(parse_canonical_json(data.strip())))
    except ValidationError as error:
        raise FormatError(first_error(error)) from error


def first_error(error: ValidationError) -> str:
    """The first thing that is wrong, in one line and without the value."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'the whole'}: {first['msg']}"


def parse_roles(names: Iterable[str]) -> frozenset[Role]:
    """Roles by name; all of them when there are no *names*. Raises FormatError."""
    try:
        return frozenset(Role(name) for name in names) or ALL_ROLES
    except ValueError as error:
        raise FormatError("a role is authority, publisher or issuer") from error
