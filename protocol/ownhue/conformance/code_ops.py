"""Operations of specs/code.md on vectors: codes, challenges, and the checkpoint's verification.

A refused code is answered with ``CodeRefused:`` and the word of section 4.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from ownhue.challenge import encode_challenge, parse_challenge
from ownhue.code import Code, Statement, decode_code, encode_code, sign_code
from ownhue.passes import EpochList, Pass
from ownhue.verify import CheckpointView, Seen, verify_code

Question = Mapping[str, Any]


def _statement(fields: Question) -> Statement:
    hexadecimal = {name: bytes.fromhex(fields[name]) for name in ("root_prefix", "challenge")}
    return Statement(**{**fields, **hexadecimal})


def _sign_code(question: Question) -> Any:
    key_id, seed, signature = (bytes.fromhex(question[name]) for name in ("key_id", "seed", "pass_signature"))
    code = sign_code(Pass(question["epoch"], key_id, seed, signature), _statement(question["statement"]))
    return _told(code) | {"text": encode_code(code)}


def _decode_code(question: Question) -> Any:
    return _told(decode_code(question["text"]))


def _told(code: Code) -> dict[str, Any]:
    """A code's parts, and the bytes that are made of them on the way to its text."""
    statement = asdict(code.statement)
    return {
        "key_id": code.key_id.hex(),
        "epoch": code.epoch,
        "public_key": code.public_key.hex(),
        "pass_signature": code.pass_signature.hex(),
        "statement": {name: value.hex() if isinstance(value, bytes) else value for name, value in statement.items()},
        "signature": code.signature.hex(),
        "statement_bytes": code.statement.to_bytes().hex(),
        "signed_message": code.signed_message().hex(),
        "array": code.to_bytes().hex(),
    }


def _view(fields: Question) -> CheckpointView:
    epochs = EpochList.from_body(fields["epochs"])
    heads = {head["size"]: (bytes.fromhex(head["root"]), head["time"]) for head in fields["heads"]}
    rest = (fields[name] for name in ("rulebook_version", "signed_time", "max_age_seconds"))
    return CheckpointView(epochs.issuer, epochs.by_short_id, heads, *rest)


def _verify_code(question: Question) -> Any:
    """``accepted_before``: texts that the same checkpoint accepted, each with the time and the challenge of then."""
    view, seen = _view(question["view"]), Seen(refuse_same=question["gate"])
    for before in question["accepted_before"]:
        verify_code(before["text"], view, before["now"], bytes.fromhex(before["challenge"]), seen)
    verdict = verify_code(question["text"], view, question["now"], bytes.fromhex(question["challenge"]), seen)
    return asdict(verdict)


def _encode_challenge(question: Question) -> Any:
    return {"text": encode_challenge(bytes.fromhex(question["challenge"]))}


def _parse_challenge(question: Question) -> Any:
    return {"challenge": parse_challenge(question["text"]).hex()}


OPERATIONS: dict[str, Callable[[Question], Any]] = {
    "sign_code": _sign_code,
    "decode_code": _decode_code,
    "verify_code": _verify_code,
    "encode_challenge": _encode_challenge,
    "parse_challenge": _parse_challenge,
}
