"""Trust metadata: files of TUF in their one spelling, and whose signatures count. specs/trust.md sections 1 to 3

    {"signatures":[{"keyid":"6b7c...","sig":"91ab..."}],
     "signed":{"_type":"timestamp","expires":"2026-01-06T00:00:00Z","meta":{"snapshot.json":{"hashes":{"sha256":"..."},
     "length":412,"version":7}},"spec_version":"1.0.31","version":9}}

- A file is canonical JSON. No text in it needs an escape, so the bytes of ``signed`` in the file are exactly what TUF
  signs ("OLPC canonical JSON"): nothing is written anew before a signature is checked.
- It is a subset of TUF: every file that this module accepts is one for any TUF client. Unknown fields, delegations,
  keys other than Ed25519, key ids that are not the key's digest, and missing lengths or hashes are refused.
- Signatures of unknown keys, and broken ones, do not count and do no harm (as in TUF). Keys count, each once.

Thresholds are counted by ``tuf.api``; no error of it, nor of securesystemslib below it, leaves this module.
"""

from dataclasses import astuple, dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast

from pydantic import ValidationError
from tuf.api.metadata import Metadata as TufMetadata

from ownhue.encoding import canonical_json, parse_canonical_json
from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.records import explanation
from ownhue.trust.schema import MAX_ROLE_KEYS, MODELS, Root, Signature, Signed


@dataclass(frozen=True, slots=True)
class TrustLimits:
    """Most bytes of each file. Who fetches stops there, whatever is sent."""

    root: int = 65_536
    """Bytes of a root file."""
    timestamp: int = 4_096
    """Bytes of a timestamp file."""
    snapshot: int = 4_096
    """Bytes of a snapshot file."""
    targets: int = 262_144
    """Bytes of a targets file."""


#: The limits of this library. specs/trust.md section 3
LIMITS = TrustLimits()

S = TypeVar("S", bound=Signed)


@dataclass(frozen=True, slots=True)
class TrustFile(Generic[S]):
    """A metadata file in its form; whether enough keys signed it is for :func:`check_signatures`."""

    data: bytes
    """The file."""
    signed: S
    """What it says."""


def parse_trust_file(data: bytes, model: type[S], limits: TrustLimits = LIMITS) -> TrustFile[S]:
    """The file of *model*'s role, not verified. Raises LimitError, FormatError, VerificationError (another role)."""
    return cast("TrustFile[S]", _parsed(data, model, limits))


# What a file says is a function of its bytes. One round looks at its four files many times over.
@lru_cache(maxsize=16)
def _parsed(data: bytes, model: type[Signed], limits: TrustLimits) -> TrustFile[Signed]:
    role = model.role
    limit = getattr(limits, role)
    if len(data) > limit:
        raise LimitError(f"a {role} file has at most {limit} bytes")
    signed = _signed_part(data)
    if signed.get("_type") != role:
        raise VerificationError(f"not a {role} file but another kind")
    try:
        found = model.model_validate_json(canonical_json(signed))
    except ValidationError as error:
        raise FormatError(f"not a {role} file: {explanation(error)}") from None
    if found.payload != canonical_json(signed):
        raise FormatError(f"not a {role} file: a field is left out or written differently")
    return TrustFile(data, found)


def parse_any_trust_file(data: bytes, limits: TrustLimits = LIMITS) -> TrustFile[Signed]:
    """The file of whichever role it says to be of, not verified. Raises LimitError, FormatError."""
    if len(data) > max(astuple(limits)):
        raise LimitError("no trust metadata is that long")
    role = _signed_part(data).get("_type")
    if not isinstance(role, str) or role not in MODELS:
        raise FormatError("trust metadata of no known role")
    return parse_trust_file(data, MODELS[role], limits)


def missing_signatures(root: TrustFile[Root], file: TrustFile[Any]) -> int:
    """How many more keys have to sign *file* until *root* is satisfied; 0 when enough did."""
    delegator: TufMetadata[Any] = TufMetadata.from_bytes(root.data)
    signatures = TufMetadata[Any].from_bytes(file.data).signatures
    result = delegator.signed.get_verification_result(file.signed.role, file.signed.payload, signatures)
    return int(result.missing)


def check_signatures(root: TrustFile[Root], file: TrustFile[Any]) -> None:
    """Raise VerificationError unless as many keys as *root* demands for the role of *file* signed it."""
    if missing_signatures(root, file):
        raise VerificationError(f"too few keys signed the {file.signed.role} file")


def _signed_part(data: bytes) -> dict[str, Any]:
    """The object "signed" of a file whose other half has its form."""
    match parse_canonical_json(data):
        case {"signatures": list(signatures), "signed": dict(signed), **rest} if not rest:
            _check_signature_list(signatures)
            return signed
    raise FormatError("trust metadata has signatures and signed")


def _check_signature_list(signatures: list[Any]) -> None:
    if len(signatures) > MAX_ROLE_KEYS:
        raise LimitError(f"trust metadata has at most {MAX_ROLE_KEYS} signatures")
    try:
        found = [Signature.model_validate_json(canonical_json(item)) for item in signatures]
    except ValidationError as error:
        raise FormatError(f"not a signature: {explanation(error)}") from None
    names = [signature.keyid for signature in found]
    if names != sorted(set(names)):
        raise FormatError("signatures stand in the order of their key ids, one for each")
