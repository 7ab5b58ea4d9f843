"""Operations of specs/pass.md on vectors: token layout, epoch keys, passes, past keys. RFC 9474's are among them."""

from collections.abc import Callable, Mapping
from typing import Any

from ownhue.conformance import blind_rsa_ops
from ownhue.conformance.given import Given
from ownhue.passes import (
    EpochKey,
    EpochList,
    PassRequest,
    finish_pass,
    is_open,
    request_pass,
    token_challenge,
    token_input,
    verify_pass,
)
from ownhue.past_keys import PastKeys, check_past_keys, is_past

Question = Mapping[str, Any]


def _token_challenge(question: Question) -> Any:
    return {"token_challenge": token_challenge(question["issuer"], question["epoch"]).hex()}


def _token_input(question: Question) -> Any:
    names = ("public_key", "token_challenge", "key_id")
    return {"token_input": token_input(*(bytes.fromhex(question[name]) for name in names)).hex()}


def _key(question: Question) -> EpochKey:
    return EpochKey(question["epoch"], bytes.fromhex(question["spki"]))


def _epoch_key(question: Question) -> Any:
    return _told(_key(question))


def _told(key: EpochKey) -> Any:
    return {"epoch": key.epoch, "key_id": key.key_id.hex(), "short_id": key.short_id.hex()}


def _epochs(question: Question) -> Any:
    epochs = EpochList.from_body(question["body"])
    return {"issuer": epochs.issuer, "keys": [_told(key) for key in epochs.keys]}


def _epochs_follow(question: Question) -> Any:
    EpochList.from_body(question["later"]).check_follows(EpochList.from_body(question["earlier"]))
    return {}


def _is_open(question: Question) -> Any:
    return {
        "open": is_open(question["epoch"], question["now"]),
        "past": is_past(question["epoch"], question["now"]),
    }


def _request_pass(question: Question) -> Any:
    random = Given(question["seed"], question["salt"], question["factor"])
    request = request_pass(question["issuer"], _key(question), random)
    return {"blinded": request.blinded.hex(), "inverse": f"{request.inverse:0512x}"}


def _finish_pass(question: Question) -> Any:
    key = _key(question)
    request = PassRequest(question["request_epoch"], bytes.fromhex(question["seed"]), b"", int(question["inverse"], 16))
    made = finish_pass(request, question["issuer"], key, bytes.fromhex(question["blind_signature"]))
    return {"public_key": made.public_key.hex(), "signature": made.signature.hex()}


def _verify_pass(question: Question) -> Any:
    public_key, signature = bytes.fromhex(question["public_key"]), bytes.fromhex(question["signature"])
    verify_pass(question["issuer"], _key(question), public_key, signature)
    return {}


def _past_epochs(question: Question) -> Any:
    past = PastKeys.from_body(question["body"])
    return {"issuer": past.issuer, "keys": [_told(key.epoch_key) for key in past.keys]}


def _check_past_epochs(question: Question) -> Any:
    published = {key.epoch: key for key in EpochList.from_body(question["published"]).keys}
    return {"checked": list(check_past_keys(PastKeys.from_body(question["body"]), published, question["now"]))}


OPERATIONS: dict[str, Callable[[Question], Any]] = {
    **blind_rsa_ops.OPERATIONS,
    "token_challenge": _token_challenge,
    "token_input": _token_input,
    "epoch_key": _epoch_key,
    "epochs": _epochs,
    "epochs_follow": _epochs_follow,
    "is_open": _is_open,
    "request_pass": _request_pass,
    "finish_pass": _finish_pass,
    "verify_pass": _verify_pass,
    "past_epochs": _past_epochs,
    "check_past_epochs": _check_past_epochs,
}
