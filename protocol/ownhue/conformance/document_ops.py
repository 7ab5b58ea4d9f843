"""What this library answers to specs/vectors/document.json. specs/publication.md section 4

| operation | input | output |
|---|---|---|
| key_id | verify_key | the id that stands in documents |
| sign | kind, body, seeds of Ed25519 keys | the message that is signed, key ids, the document |
| open | document, kind, verify_keys, threshold; limit, if not that of section 4 | body, the message that was signed |
"""

from collections.abc import Callable, Mapping
from typing import Any

from nacl.signing import SigningKey

from ownhue.documents import MAX_DOCUMENT_BYTES, document_message, key_id, open_document, sign_document


def id_of_key(question: Mapping[str, Any]) -> Any:
    """The id of an Ed25519 key."""
    return {"key": key_id(bytes.fromhex(question["verify_key"]))}


def sign(question: Mapping[str, Any]) -> Any:
    """Sign a body with every key."""
    keys = [SigningKey(bytes.fromhex(seed)) for seed in question["seeds"]]
    return {
        "message": document_message(question["kind"], question["body"]).hex(),
        "keys": [key_id(bytes(key.verify_key)) for key in keys],
        "document": sign_document(question["kind"], question["body"], *keys).hex(),
    }


def open_(question: Mapping[str, Any]) -> Any:
    """Verify and open a document."""
    kind, verify_keys = question["kind"], [bytes.fromhex(key) for key in question["verify_keys"]]
    limit = question.get("limit", MAX_DOCUMENT_BYTES)
    body = open_document(bytes.fromhex(question["document"]), kind, verify_keys, question["threshold"], limit)
    return {"body": body, "message": document_message(kind, body).hex()}


OPERATIONS: dict[str, Callable[[Mapping[str, Any]], Any]] = {"key_id": id_of_key, "sign": sign, "open": open_}
