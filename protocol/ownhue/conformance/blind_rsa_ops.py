"""Operations of RFC 9474 as specs/pass.md sections 3 and 4 use it: keys, blinding, signing, verifying.

Numbers are hexadecimal; the exponent is 65537 always. ``variant`` is a name of RFC 9474 section 5.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from ownhue.blind_rsa import (
    RSABSSA_SHA384_PSS_DETERMINISTIC,
    RSABSSA_SHA384_PSS_RANDOMIZED,
    RSABSSA_SHA384_PSSZERO_DETERMINISTIC,
    RSABSSA_SHA384_PSSZERO_RANDOMIZED,
    blind,
    blind_sign,
    finalize,
    load_pss_spki,
    prepare,
    pss_spki,
    verify,
)
from ownhue.conformance.given import Given, any_random, private_key, public_key

VARIANTS = {
    variant.name: variant
    for variant in (
        RSABSSA_SHA384_PSS_RANDOMIZED,
        RSABSSA_SHA384_PSSZERO_RANDOMIZED,
        RSABSSA_SHA384_PSS_DETERMINISTIC,
        RSABSSA_SHA384_PSSZERO_DETERMINISTIC,
    )
}

Question = Mapping[str, Any]


def _parse_spki(question: Question) -> Any:
    key = load_pss_spki(bytes.fromhex(question["spki"]))
    return {"n": f"{key.public_numbers().n:x}", "bits": key.key_size, "key_id": _digest(question["spki"])}


def _spki(question: Question) -> Any:
    spki = pss_spki(public_key(question["n"])).hex()
    return {"spki": spki, "key_id": _digest(spki)}


def _digest(spki: str) -> str:
    return sha256(bytes.fromhex(spki)).hexdigest()


def _prepare(question: Question) -> Any:
    draws = [question["prefix"]] if question["prefix"] else []
    message = prepare(VARIANTS[question["variant"]], bytes.fromhex(question["message"]), Given(*draws))
    return {"message": message.hex()}


def _blind(question: Question) -> Any:
    """``factor`` is the blinding factor, ``inverse`` its inverse modulo n; a question names one of them."""
    key = public_key(question["n"])
    n, factor = key.public_numbers().n, question.get("factor")
    if factor is None:
        factor = pow(int(question["inverse"], 16), -1, n).to_bytes(key.key_size // 8, "big").hex()
    draws = [question["salt"], factor] if question["salt"] else ["", factor]
    blinded = blind(key, bytes.fromhex(question["message"]), VARIANTS[question["variant"]], Given(*draws))
    return {"blinded": blinded.message.hex(), "inverse": f"{blinded.inverse:0{key.key_size // 4}x}"}


def _blind_sign(question: Question) -> Any:
    key = private_key(question["p"], question["q"])
    return {"blind_signature": blind_sign(key, bytes.fromhex(question["blinded"]), any_random).hex()}


def _finalize(question: Question) -> Any:
    signature = finalize(
        public_key(question["n"]),
        bytes.fromhex(question["message"]),
        bytes.fromhex(question["blind_signature"]),
        int(question["inverse"], 16),
        VARIANTS[question["variant"]],
    )
    return {"signature": signature.hex()}


def _verify(question: Question) -> Any:
    signature = bytes.fromhex(question["signature"])
    message = bytes.fromhex(question["message"])
    verify(public_key(question["n"]), message, signature, VARIANTS[question["variant"]])
    return {}


OPERATIONS: dict[str, Callable[[Question], Any]] = {
    "parse_spki": _parse_spki,
    "spki": _spki,
    "prepare": _prepare,
    "blind": _blind,
    "blind_sign": _blind_sign,
    "finalize": _finalize,
    "verify": _verify,
}
