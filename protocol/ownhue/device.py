"""Requests that a device signs: enrolment and fetching passes. specs/pass.md section 6.

A request is a map; the signature is Ed25519 over ``purpose || SHA-256(deterministic CBOR of the map without
"signature")``::

    body = sign_request(PASSES, {"epoch": 20600, "blinded": [...], "time": now}, device_key)
    device = open_request(PASSES, body, now, tolerance=600)         # the issuer: 32 bytes, the device's name

No purpose is the beginning of another, and what follows has a fixed length: a signature made for one purpose is
worth nothing for another.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from ownhue.encoding import cbor_encode
from ownhue.errors import FormatError, VerificationError

#: Purpose of an enrolment request. specs/pass.md section 6
ENROL = b"OWNHUE-ENROL"
#: Purpose of a request for passes. specs/pass.md section 6
PASSES = b"OWNHUE-PASSES"
#: Purpose of an authority's request to stop a device. specs/pass.md section 12
STOP = b"OWNHUE-STOP"
#: Bytes of a device's number. specs/pass.md section 12
NUMBER_BYTES = 8

_NUMBER_PURPOSE = b"OWNHUE-DEVICE-NUMBER"
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64


def device_number(device: bytes) -> bytes:
    """The number (8 bytes) by which the owner of a lost phone has it stopped; *device*: its public key, 32 bytes.

    Spoken with :func:`ownhue.spoken.spoken`. Raises FormatError for another length.
    """
    if len(device) != _KEY_BYTES:
        raise FormatError("a device's key has 32 bytes")
    return sha256(_NUMBER_PURPOSE + device).digest()[:NUMBER_BYTES]


def sign_request(purpose: bytes, body: Mapping[str, Any], key: SigningKey) -> dict[str, Any]:
    """*body* with "device" (the key's public half) and "signature". *body* brings its own "time" (unix seconds)."""
    signed = {**body, "device": bytes(key.verify_key)}
    return {**signed, "signature": key.sign(_message(purpose, signed)).signature}


def open_request(purpose: bytes, body: Mapping[str, Any], now: int, tolerance: int) -> bytes:
    """The public key (32 bytes) of the device that signed *body* for *purpose*.

    Steps of specs/pass.md section 6. Raises FormatError when device, time or signature are missing or of the wrong
    kind; VerificationError when the signature does not hold or "time" is more than *tolerance* seconds from *now*.
    """
    # (1): device, time and signature are there.
    device, time, signature = body.get("device"), body.get("time"), body.get("signature")
    if not isinstance(device, bytes) or len(device) != _KEY_BYTES:
        raise FormatError("a request names its device with 32 bytes")
    if not isinstance(signature, bytes) or len(signature) != _SIGNATURE_BYTES:
        raise FormatError("a request's signature has 64 bytes")
    if type(time) is not int:
        raise FormatError("a request's time is a whole number")
    signed = {name: value for name, value in body.items() if name != "signature"}
    try:
        VerifyKey(device).verify(_message(purpose, signed), signature)  # (2): the device signed this for this purpose
    except BadSignatureError as error:
        raise VerificationError("the device's signature does not hold") from error
    if abs(now - time) > tolerance:  # (3): just now
        raise VerificationError("the request's time is too far from now")
    return device


def _message(purpose: bytes, signed: Mapping[str, Any]) -> bytes:
    return purpose + sha256(cbor_encode(signed)).digest()
