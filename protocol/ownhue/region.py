"""Region: where a region's servers are and whose signatures count there. specs/region.md section 1

    {"authority_key":"...","batch_seconds":7200,"format":"ownhue-region-1","issuer_key":"...",
     "issuer_name":"issuer.demo.ownhue.example","key_file_id":"demo","key_file_key":"...","key_file_version":"1",
     "log_key":"...","name":"demo","origin":"demo.ownhue.example/log","publisher_key":"...","url":"https://demo..."}

- The file is canonical JSON. Whoever installs it decides whom a phone or a checkpoint trusts, so it comes with the
  app or over a channel of equal worth; the copy that a server offers is for comparing and for trying out.
- Keys are base64url without padding; the properties ``*_bytes`` give their bytes.
"""

from hashlib import sha256
from typing import Annotated, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ownhue.encoding import base64url_decode, canonical_json, parse_canonical_json
from ownhue.errors import FormatError, LimitError

#: Longest region file in bytes. specs/region.md section 1
MAX_REGION_BYTES = 8192

_KEY_BYTES = 32

Key = Annotated[str, Field(max_length=200)]


class Region(BaseModel):
    """One region. Build it with keyword arguments, or with :func:`parse_region` from bytes of others."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal["ownhue-region-1"] = "ownhue-region-1"
    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}\z")
    """Short name; the region of key files and rulebooks."""
    url: str = Field(pattern=r"^https?://[!-~]{1,200}\z")
    """Where its servers are, without a slash at the end."""
    origin: str = Field(pattern=r"^[!-*,-~]{1,100}\z")
    """Name of its log (first line of a tree head)."""
    log_key: Key
    """Ed25519: signs tree heads."""
    key_file_key: Key
    """P-256 SubjectPublicKeyInfo: signs key files."""
    key_file_id: str = Field(pattern=r"^[!-~]{1,64}\z")
    """Verification key id in key files."""
    key_file_version: str = Field(pattern=r"^[!-~]{1,16}\z")
    """Verification key version in key files."""
    publisher_key: Key
    """X25519: reports are sealed to it."""
    authority_key: Key
    """Ed25519: signs rulebooks, the list of report-token keys, and enrolment tickets."""
    issuer_key: Key
    """Ed25519: signs the list of epoch keys."""
    issuer_name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,99}\z")
    """Issuer name in token challenges (RFC 9577)."""
    batch_seconds: int = Field(ge=60, le=86400)
    """Length of a batch in seconds."""

    @field_validator("log_key", "publisher_key", "authority_key", "issuer_key")
    @classmethod
    def _is_32_bytes(cls, text: str) -> str:
        if len(base64url_decode(text)) != _KEY_BYTES:
            raise FormatError("a key of the region has not 32 bytes")
        return text

    @field_validator("key_file_key")
    @classmethod
    def _is_p256(cls, text: str) -> str:
        load_p256(base64url_decode(text))
        return text

    @field_validator("url")
    @classmethod
    def _has_no_slash_at_its_end(cls, text: str) -> str:
        if text.endswith("/"):
            raise FormatError("a region's url has no slash at its end")
        return text

    @property
    def log_key_bytes(self) -> bytes:
        """Ed25519 key of the log, 32 bytes."""
        return base64url_decode(self.log_key)

    @property
    def key_file_public_key(self) -> EllipticCurvePublicKey:
        """P-256 key of key files."""
        return load_p256(base64url_decode(self.key_file_key))

    @property
    def publisher_key_bytes(self) -> bytes:
        """X25519 key of the publisher, 32 bytes."""
        return base64url_decode(self.publisher_key)

    @property
    def authority_key_bytes(self) -> bytes:
        """Ed25519 key of the authority, 32 bytes."""
        return base64url_decode(self.authority_key)

    @property
    def issuer_key_bytes(self) -> bytes:
        """Ed25519 key of the issuer, 32 bytes."""
        return base64url_decode(self.issuer_key)


def region_bytes(region: Region) -> bytes:
    """The region's file: canonical JSON."""
    return canonical_json(region.model_dump())


def region_digest(region: Region) -> bytes:
    """SHA-256 of the region's file, 32 bytes: by it a directory names the file. specs/region.md section 3"""
    return sha256(region_bytes(region)).digest()


def parse_region(data: bytes) -> Region:
    """The region of a file. Raises LimitError, or FormatError naming the first field that is wrong."""
    if len(data) > MAX_REGION_BYTES:
        raise LimitError(f"a region file has at most {MAX_REGION_BYTES} bytes")
    return parse_region_body(parse_canonical_json(data))


def parse_region_body(body: object) -> Region:
    """The region of a JSON object that came inside another document. Raises FormatError as above."""
    try:
        region = Region.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise FormatError(f"not a region: {field}: {first['msg']}") from error
    if region.model_dump() != body:
        raise FormatError("not a region: format is missing")
    return region


def load_p256(spki: bytes) -> EllipticCurvePublicKey:
    """The P-256 key of a SubjectPublicKeyInfo in its one spelling. Raises FormatError."""
    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise FormatError("the key of key files is no public key") from error
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise FormatError("the key of key files is not of curve P-256")
    if key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != spki:
        raise FormatError("the key of key files is not in its one spelling")
    return key
