"""Signed documents: JSON that an authority or an issuer answers for. specs/publication.md section 4

    {"kind":"rulebook","signatures":[{"key":"9f86d081884c7d65","signature":"mZ5..."}],"signed":{"region":"demo",...}}

- The file is canonical JSON: sorted keys, no white space, integers only. One content, one spelling.
- A signature covers the kind, so that a document is never taken for one of another kind.
- Signatures stand in the order of their key ids, one for each key. Those of unknown keys are not judged; a broken
  one of a known key makes the document invalid.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from ownhue.encoding import base64url_decode, base64url_encode, canonical_json, parse_canonical_json
from ownhue.errors import FormatError, LimitError, VerificationError

#: Longest signed document in bytes. specs/publication.md section 4
MAX_DOCUMENT_BYTES = 1 << 20
#: Most signatures of one document. specs/publication.md section 4
MAX_SIGNATURES = 16

_KIND = re.compile(r"[a-z][a-z-]{0,31}")
_KEY_ID = re.compile(r"[0-9a-f]{16}")
_KEY_BYTES = 32
_KEY_ID_BYTES = 8
_SIGNATURE_BYTES = 64


def key_id(verify_key: bytes) -> str:
    """Id of an Ed25519 key (32 bytes) in documents: the first 8 bytes of its SHA-256 in hex."""
    return hashlib.sha256(verify_key).digest()[:_KEY_ID_BYTES].hex()


def sign_document(kind: str, body: dict[str, Any], *signing_keys: SigningKey) -> bytes:
    """The document of *kind* with *body*, signed by each key. The same input gives the same bytes.

    Raises FormatError for a kind that is not lower-case letters and hyphens, LimitError when it grows too long.
    """
    message = document_message(kind, body)
    by_id = {key_id(bytes(key.verify_key)): key for key in signing_keys}
    signatures = [
        {"key": name, "signature": base64url_encode(key.sign(message).signature)} for name, key in sorted(by_id.items())
    ]
    document = canonical_json({"kind": kind, "signatures": signatures, "signed": body})
    if len(document) > MAX_DOCUMENT_BYTES or len(signatures) > MAX_SIGNATURES:
        raise LimitError("the document is too long or has too many signatures")
    return document


def open_document(
    data: bytes, kind: str, verify_keys: Sequence[bytes], threshold: int = 1, limit: int = MAX_DOCUMENT_BYTES
) -> dict[str, Any]:
    """The body of a document of *kind* that at least *threshold* of *verify_keys* (Ed25519, 32 bytes) signed.

    Steps as numbered in specs/publication.md section 4. Raises LimitError, FormatError (not such a document; or a
    threshold below 1, keys that are none), VerificationError (another kind, a broken signature, too few signatures).
    """
    if threshold < 1 or any(len(key) != _KEY_BYTES for key in verify_keys):
        raise FormatError("a document is opened with keys of 32 bytes and a threshold of at least one")
    # (1) its size and its one spelling
    if len(data) > limit:
        raise LimitError(f"a document of this kind has at most {limit} bytes")
    found, signatures, body = _parse(data)
    # (2) the kind that was asked for
    if found != kind:
        raise VerificationError(f"the document is not of kind {kind}")
    # (3) every signature of a known key holds, (4) and there are enough of them
    message = document_message(kind, body)
    good = sum(_signed_by(verify_key, message, signatures) for verify_key in set(verify_keys))
    if good < threshold:
        raise VerificationError(f"the document has {good} of {threshold} signatures that are needed")
    return body


def _signed_by(verify_key: bytes, message: bytes, signatures: dict[str, bytes]) -> bool:
    """Whether this key signed. Raises VerificationError when it is said to have signed and did not."""
    signature = signatures.get(key_id(verify_key))
    if signature is None:
        return False
    try:
        VerifyKey(verify_key).verify(message, signature)
    except BadSignatureError as error:
        raise VerificationError("a signature of the document does not hold") from error
    return True


def document_message(kind: str, body: dict[str, Any]) -> bytes:
    """What the signatures of a document are made over. Raises FormatError for a kind that is no such word."""
    if not _KIND.fullmatch(kind):
        raise FormatError("a kind is lower-case letters and hyphens")
    return b"\0".join((b"OWNHUE-DOCUMENT", kind.encode(), canonical_json(body)))


def _parse(data: bytes) -> tuple[str, dict[str, bytes], dict[str, Any]]:
    """Kind, signatures by key id, and body."""
    value = parse_canonical_json(data)
    if not isinstance(value, dict) or value.keys() != {"kind", "signatures", "signed"}:
        raise FormatError("a document has kind, signatures and signed")
    kind, listed, body = value["kind"], value["signatures"], value["signed"]
    if not isinstance(kind, str) or not isinstance(listed, list) or not isinstance(body, dict):
        raise FormatError("a document's kind, signatures or body is of the wrong type")
    if len(listed) > MAX_SIGNATURES:
        raise LimitError(f"a document has at most {MAX_SIGNATURES} signatures")
    signatures = dict(_parse_signature(item) for item in listed)
    if [item["key"] for item in listed] != sorted(signatures):
        raise FormatError("a document's signatures are sorted, one for each key")
    return kind, signatures, body


def _parse_signature(item: Any) -> tuple[str, bytes]:
    if not isinstance(item, dict) or item.keys() != {"key", "signature"}:
        raise FormatError("a signature has key and signature")
    name, text = item["key"], item["signature"]
    if not isinstance(name, str) or not isinstance(text, str) or not _KEY_ID.fullmatch(name):
        raise FormatError("a signature's key is 16 hexadecimal digits")
    signature = base64url_decode(text)
    if len(signature) != _SIGNATURE_BYTES:
        raise FormatError("an Ed25519 signature has 64 bytes")
    return name, signature
