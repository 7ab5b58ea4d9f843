"""Region files: strict and canonical. specs/region.md section 1"""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ownhue.encoding import base64url_encode, canonical_json
from ownhue.errors import FormatError, LimitError
from ownhue.region import MAX_REGION_BYTES, Region, parse_region, parse_region_body, region_bytes

P256 = ec.derive_private_key(7, ec.SECP256R1()).public_key()
SPKI = P256.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
FIELDS: dict[str, Any] = {
    "name": "demo",
    "url": "https://demo.ownhue.example",
    "origin": "demo.ownhue.example/log",
    "log_key": base64url_encode(bytes([1]) * 32),
    "key_file_key": base64url_encode(SPKI),
    "key_file_id": "demo",
    "key_file_version": "1",
    "publisher_key": base64url_encode(bytes([2]) * 32),
    "authority_key": base64url_encode(bytes([3]) * 32),
    "issuer_key": base64url_encode(bytes([4]) * 32),
    "issuer_name": "issuer.demo.ownhue.example",
    "batch_seconds": 7200,
}
REGION = Region(**FIELDS)
FILE = region_bytes(REGION)


def test_a_region_survives_its_file() -> None:
    assert parse_region(FILE) == REGION
    assert region_bytes(parse_region(FILE)) == FILE
    assert parse_region_body(json.loads(FILE)) == REGION


def test_keys_as_bytes() -> None:
    assert REGION.log_key_bytes == bytes([1]) * 32
    assert REGION.publisher_key_bytes == bytes([2]) * 32
    assert REGION.authority_key_bytes == bytes([3]) * 32
    assert REGION.issuer_key_bytes == bytes([4]) * 32
    assert REGION.key_file_public_key == P256


def test_the_example_of_the_module_has_the_fields_of_the_format() -> None:
    assert set(json.loads(FILE)) == set(Region.model_fields)
    assert json.loads(FILE)["format"] == "ownhue-region-1"


def _spki(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey, form: PublicFormat) -> str:
    return base64url_encode(key.public_bytes(Encoding.DER, form))


P384 = ec.derive_private_key(7, ec.SECP384R1()).public_key()
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", "ownhue-region-2"),
        ("name", "Demo"),
        ("name", "demo\n"),
        ("name", ""),
        ("url", "ftp://demo.ownhue.example"),
        ("url", "https://demo.ownhue.example/"),
        ("url", "https://demo .example"),
        ("origin", "demo log"),
        ("origin", "a+b"),
        ("log_key", base64url_encode(bytes(31))),
        ("log_key", base64url_encode(bytes(32)) + "="),
        ("log_key", 7),
        ("publisher_key", ""),
        ("authority_key", "!"),
        ("key_file_key", base64url_encode(SPKI[:-1])),
        ("key_file_key", base64url_encode(SPKI + b"\0")),
        ("key_file_key", _spki(P384, PublicFormat.SubjectPublicKeyInfo)),
        ("key_file_key", _spki(ED25519, PublicFormat.SubjectPublicKeyInfo)),
        ("key_file_id", "two words"),
        ("issuer_name", "Issuer"),
        ("batch_seconds", 0),
        ("batch_seconds", 90_000),
        ("batch_seconds", "7200"),
        ("batch_seconds", True),
        ("more", 1),
    ],
)
def test_wrong_fields_are_refused(field: str, value: object) -> None:
    with pytest.raises(FormatError):
        parse_region(canonical_json(json.loads(FILE) | {field: value}))


@pytest.mark.parametrize("field", sorted(Region.model_fields))
def test_no_field_may_be_left_out(field: str) -> None:
    body = json.loads(FILE)
    del body[field]
    with pytest.raises(FormatError):
        parse_region(canonical_json(body))


def test_the_error_names_the_field() -> None:
    with pytest.raises(FormatError, match="batch_seconds"):
        parse_region(canonical_json(json.loads(FILE) | {"batch_seconds": 0}))


@pytest.mark.parametrize("body", [None, [], 7, "demo", {}])
def test_other_values_are_refused(body: object) -> None:
    with pytest.raises(FormatError):
        parse_region_body(body)


def test_another_spelling_is_refused() -> None:
    with pytest.raises(FormatError):
        parse_region(json.dumps(json.loads(FILE)).encode())


def test_long_files_are_not_read() -> None:
    with pytest.raises(LimitError):
        parse_region(bytes(MAX_REGION_BYTES + 1))


def test_a_region_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        REGION.url = "https://other.example"  # type: ignore[misc]


@given(st.binary(max_size=100))
def test_no_other_error_leaves_the_parser(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_region(data)
