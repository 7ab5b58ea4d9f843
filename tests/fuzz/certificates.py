"""Targets: health certificates. Those of states are in foreign encodings, so what is accepted need not encode again."""

from typing import Any

from ownhue.certificate import read_unverified
from ownhue.certificate.cbor import read_cbor
from ownhue.certificate.cose import parse_sign1
from ownhue.certificate.hcert import parse_claims
from ownhue.certificate.trust_list import trust_body, trust_from_body
from ownhue.certificate.x509 import signer_from_x509
from ownhue.encoding import canonical_json, parse_canonical_json
from tests.fuzz import seeds
from tests.fuzz.target import Target, text
from tests.protocol.certificate_cases import CLEARANCE_MAKING, OWN_MAKING, TRUST, Making


def _trust(data: bytes) -> Any:
    body = parse_canonical_json(data)
    return trust_from_body(body if isinstance(body, dict) else {})


def _made() -> list[bytes]:
    return [Making().cose(), OWN_MAKING.cose(), CLEARANCE_MAKING.cose()]


TARGETS = {
    "certificate-text": Target(text(read_unverified), None, seeds.texts("certificate", "open_certificate")),
    "certificate-cose": Target(parse_sign1, None, _made),
    "certificate-claims": Target(parse_claims, None, lambda: [parse_sign1(made).payload for made in _made()]),
    "certificate-cbor": Target(read_cbor, None, lambda: [parse_sign1(made).payload for made in _made()]),
    "certificate-x509": Target(
        lambda data: signer_from_x509(data, "AT"), None, seeds.data("certificate", "signer_from_x509", "der")
    ),
    "trust-list": Target(
        _trust, lambda value: canonical_json(trust_body(value)), lambda: [canonical_json(trust_body(TRUST))]
    ),
}
