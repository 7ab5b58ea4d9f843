"""Operations of certificate.md: what a vector file may ask about health certificates."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric import ec

from ownhue.certificate import Certificate, Clearance, open_certificate, read_unverified
from ownhue.certificate.content import content_body
from ownhue.certificate.cose import parse_sign1
from ownhue.certificate.door import DoorView, verify_shown
from ownhue.certificate.facts import certificate_fact, clearance_fact
from ownhue.certificate.hcert import decode_text, decompress
from ownhue.certificate.holder import Owner, check_holder, spellings
from ownhue.certificate.issue import (
    Authority,
    Person,
    issue_certificate,
    issue_clearance,
    make_person,
    negative_test,
    new_uvci,
    recovery,
    vaccination,
)
from ownhue.certificate.trust_list import open_trust_list, trust_body, trust_from_body
from ownhue.certificate.x509 import signer_from_x509
from ownhue.errors import StateError


@dataclass(frozen=True, slots=True)
class _Mode:
    requires: Any
    test_hours: int


def _unpack(given: Mapping[str, Any]) -> Any:
    compressed = decode_text(given["text"])
    cose = decompress(compressed)
    sign1 = parse_sign1(cose)
    return {
        "compressed": compressed.hex(),
        "cose": cose.hex(),
        "algorithm": sign1.algorithm,
        "kid": sign1.kid.hex(),
        "protected": sign1.protected.hex(),
        "payload": sign1.payload.hex(),
        "signature": sign1.signature.hex(),
        "signed_sha256": sha256(sign1.signed_bytes()).hexdigest(),
    }


def _described(opened: Certificate | Clearance) -> dict[str, Any]:
    told = {
        "usage": opened.usage,
        "kid": opened.kid.hex(),
        "issuer": opened.issuer,
        "issued_at": opened.issued_at,
        "expires_at": opened.expires_at,
        "revocation_digest": opened.revocation_digest.hex(),
    }
    if isinstance(opened, Clearance):
        return told | {"clearance": content_body(opened.body)}
    return told | {"id": opened.id.hex(), "content": content_body(opened.content)}


def _read_unverified(given: Mapping[str, Any]) -> Any:
    return _described(read_unverified(given["text"]))


def _open(given: Mapping[str, Any]) -> Certificate | Clearance:
    return open_certificate(given["text"], trust_from_body(given["trust"]), given["now"])


def _open_certificate(given: Mapping[str, Any]) -> Any:
    return _described(_open(given))


def _fact(given: Mapping[str, Any]) -> Any:
    opened = _open(given)
    if isinstance(opened, Clearance):
        return asdict(clearance_fact(opened, given["now"]))
    fact = certificate_fact(opened, trust_from_body(given["trust"]), ZoneInfo(given["zone"]), given["now"])
    return asdict(fact) | {"id": fact.id.hex()}


def _check_holder(given: Mapping[str, Any]) -> Any:
    opened = read_unverified(given["text"])
    if isinstance(opened, Clearance):
        raise StateError("a clearance names nobody")
    check_holder(opened, Owner(given["family"], given["given"], date.fromisoformat(given["born"])))


def _verify_shown(given: Mapping[str, Any]) -> Any:
    view = DoorView(trust_from_body(given["trust"]), ZoneInfo(given["zone"]))
    shown = verify_shown(given["text"], view, given["now"], _Mode(tuple(given["requires"]), given["test_hours"]))
    return {"kind": shown.kind, "name": content_body(shown.name), "born": shown.born}


def _authority(given: Mapping[str, Any]) -> Authority:
    key = ec.derive_private_key(int(given["secret"], 16), ec.SECP256R1())
    return Authority(given["country"], given["name"], key)


def _person(given: Mapping[str, Any]) -> Person | None:
    person = given["person"]
    return person and make_person(person["family"], person["given"], person["born"])


def _issue_certificate(given: Mapping[str, Any]) -> Any:
    authority, uvci, what = _authority(given), given["uvci"], given["entry"]
    match what["kind"]:
        case "naat" | "rat":
            entry: Any = negative_test(authority, uvci, what["kind"], what["sampled_at"], what["centre"])
        case "recovery":
            days = (date.fromisoformat(what[name]) for name in ("first", "valid_from", "valid_until"))
            entry = recovery(authority, uvci, *days)
        case _:
            vaccine = what["vaccine"], what["product"], what["maker"]
            entry = vaccination(authority, uvci, date.fromisoformat(what["day"]), what["dose"], what["doses"], vaccine)
    times = given["issued_at"], given["expires_at"]
    return _made(issue_certificate(authority, entry, _person(given), *times))


def _issue_clearance(given: Mapping[str, Any]) -> Any:
    times = given["issued_at"], given["expires_at"]
    return _made(issue_clearance(_authority(given), given["region"], given["finding"], *times))


def _made(text: str) -> dict[str, Any]:
    return {"text": text, **_unpack({"text": text})}


def _new_uvci(given: Mapping[str, Any]) -> Any:
    return new_uvci(given["country"], lambda length: bytes.fromhex(given["random"])[:length])


def _spellings(given: Mapping[str, Any]) -> Any:
    return list(spellings(given["name"]))


def _signer_from_x509(given: Mapping[str, Any]) -> Any:
    return signer_from_x509(bytes.fromhex(given["der"]), given["country"]).model_dump(mode="json")


def _open_trust_list(given: Mapping[str, Any]) -> Any:
    keys = [bytes.fromhex(key) for key in given["keys"]]
    return trust_body(open_trust_list(given["document"].encode(), keys, given["threshold"]))


OPERATIONS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "unpack": _unpack,
    "read_unverified": _read_unverified,
    "open_certificate": _open_certificate,
    "fact": _fact,
    "check_holder": _check_holder,
    "verify_shown": _verify_shown,
    "issue_certificate": _issue_certificate,
    "issue_clearance": _issue_clearance,
    "new_uvci": _new_uvci,
    "spellings": _spellings,
    "signer_from_x509": _signer_from_x509,
    "open_trust_list": _open_trust_list,
}
