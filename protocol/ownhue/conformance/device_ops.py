"""Operations of specs/pass.md sections 6 and 12 on vectors: what a device signs, its number, and spoken words.

Maps are given as their CBOR.
"""

from collections.abc import Callable, Mapping
from typing import Any

from nacl.signing import SigningKey

from ownhue.device import device_number, open_request, sign_request
from ownhue.encoding import cbor_decode, cbor_encode
from ownhue.errors import FormatError
from ownhue.spoken import heard, spoken

Question = Mapping[str, Any]


def _sign_request(question: Question) -> Any:
    key = SigningKey(bytes.fromhex(question["seed"]))
    signed = sign_request(question["purpose"].encode(), _map(question["body"]), key)
    return {"device": bytes(key.verify_key).hex(), "request": cbor_encode(signed).hex()}


def _open_request(question: Question) -> Any:
    request = _map(question["request"])
    device = open_request(question["purpose"].encode(), request, question["now"], question["tolerance"])
    return {"device": device.hex()}


def _device_number(question: Question) -> Any:
    return {"number": device_number(bytes.fromhex(question["device"])).hex()}


def _spoken(question: Question) -> Any:
    return {"text": spoken(bytes.fromhex(question["data"]))}


def _heard(question: Question) -> Any:
    return {"data": heard(question["text"]).hex()}


def _map(text: str) -> dict[str, Any]:
    value = cbor_decode(bytes.fromhex(text))
    if not isinstance(value, dict):
        raise FormatError("a request is a map")
    return value


OPERATIONS: dict[str, Callable[[Question], Any]] = {
    "sign_request": _sign_request,
    "open_request": _open_request,
    "device_number": _device_number,
    "spoken": _spoken,
    "heard": _heard,
}
