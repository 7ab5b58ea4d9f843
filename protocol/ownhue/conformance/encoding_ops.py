"""Operations of specs/README.md (Encodings) on vectors: CBOR, JSON, Base45, Base64 and frames in their one spelling.

CBOR values are told as JSON, byte strings in them as {"bytes": hexadecimal}.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ownhue.encoding import (
    base45_decode,
    base45_encode,
    base64url_decode,
    base64url_encode,
    cbor_decode,
    frame,
    parse_canonical_json,
    unframe,
)

Question = Mapping[str, Any]


def _cbor(question: Question) -> Any:
    return _told(cbor_decode(bytes.fromhex(question["data"])))


def _told(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, list):
        return [_told(item) for item in value]
    if isinstance(value, dict):
        return {key: _told(item) for key, item in value.items()}
    return value


def _json(question: Question) -> Any:
    return parse_canonical_json(bytes.fromhex(question["data"]))


def _base45_encode(question: Question) -> Any:
    return base45_encode(bytes.fromhex(question["data"]))


def _base45_decode(question: Question) -> Any:
    return base45_decode(question["text"]).hex()


def _base64url_encode(question: Question) -> Any:
    return base64url_encode(bytes.fromhex(question["data"]))


def _base64url_decode(question: Question) -> Any:
    return base64url_decode(question["text"]).hex()


def _frame(question: Question) -> Any:
    return frame(bytes.fromhex(question["message"]), question["size"]).hex()


def _unframe(question: Question) -> Any:
    return unframe(bytes.fromhex(question["data"]), question["size"]).hex()


OPERATIONS: dict[str, Callable[[Question], Any]] = {
    "cbor_decode": _cbor,
    "json_decode": _json,
    "base45_encode": _base45_encode,
    "base45_decode": _base45_decode,
    "base64url_encode": _base64url_encode,
    "base64url_decode": _base64url_decode,
    "frame": _frame,
    "unframe": _unframe,
}
