"""Signers from X.509 certificates, whatever their other extensions look like. specs/certificate.md section 4"""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from ownhue.certificate.content import Usage
from ownhue.certificate.cose import key_bytes
from ownhue.certificate.x509 import signer_from_x509, usages_of_x509
from ownhue.encoding import base64url_encode
from ownhue.errors import FormatError
from tests.protocol.certificate_cases import STATE
from tests.shared import shared_path

START = datetime(2026, 1, 1, tzinfo=UTC)
ALL: tuple[Usage, ...] = ("recovery", "test", "vaccination")
PREFIXES = ("1.3.6.1.4.1.1847.2021.1.", "1.3.6.1.4.1.0.1847.2021.1.")


def made(*usages: str, key: Any = STATE, before: tuple[Any, ...] = ()) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "signer")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, START, START + timedelta(days=365))
    for extension in before:
        builder = builder.add_extension(extension, critical=True)
    if usages:
        ids = [x509.ObjectIdentifier(usage) for usage in usages]
        builder = builder.add_extension(x509.ExtendedKeyUsage(ids), critical=bool(before))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return builder.sign(key, None).public_bytes(Encoding.DER)
    return builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)


def test_a_signer_has_the_certificate_s_key_and_validity() -> None:
    der = made()
    found = signer_from_x509(der, "AT")
    digest = hashes.Hash(hashes.SHA256())
    digest.update(der)
    assert found.kid == digest.finalize()[:8].hex()
    assert found.spki == base64url_encode(key_bytes(STATE.public_key()))
    assert found.not_before == START.timestamp()
    assert found.not_after == (START + timedelta(days=365)).timestamp()
    assert (found.country, found.canonical, found.revoked_at, found.usages) == ("AT", False, None, ALL)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_both_spellings_of_the_usages_count(prefix: str) -> None:
    assert usages_of_x509(made(prefix + "1")) == ("test",)
    assert usages_of_x509(made(prefix + "2")) == ("vaccination",)
    assert usages_of_x509(made(prefix + "3")) == ("recovery",)
    assert usages_of_x509(made(prefix + "3", prefix + "1")) == ("recovery", "test")
    assert usages_of_x509(made(*(prefix + number for number in "321"))) == ALL
    flags = (
        x509.BasicConstraints(ca=False, path_length=None),
        x509.SubjectAlternativeName([x509.DNSName("x.example")]),
    )
    assert usages_of_x509(made(prefix + "2", before=flags)) == ("vaccination",)


def test_a_certificate_that_names_no_health_usage_allows_all() -> None:
    assert usages_of_x509(made("1.3.6.1.5.5.7.3.2")) == ALL
    assert usages_of_x509(made(PREFIXES[0] + "4")) == ALL
    assert usages_of_x509(made("1.3.6.1.5.5.7.3.2", PREFIXES[1] + "1")) == ("test",)


def test_keys_that_sign_no_certificates_are_refused() -> None:
    for key in (ec.derive_private_key(5, ec.SECP384R1()), ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))):
        with pytest.raises(FormatError):
            signer_from_x509(made(key=key), "AT")


def test_certificates_in_use_are_read_as_another_library_does_where_it_can() -> None:
    """Two of the 72 have extensions that the library refuses; their own test is that of the EU's vectors."""
    refused = set()
    for case in json.loads(shared_path("vectors/eu-dcc.json").read_bytes()):
        der = base64.b64decode(case["CERTIFICATE"])
        try:
            extension = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.ExtendedKeyUsage)
            named = {oid.dotted_string for oid in extension.value}
        except x509.ExtensionNotFound:
            named = set()
        except ValueError:
            refused.add(case["id"])
            continue
        words: dict[str, Usage] = {"1": "test", "2": "vaccination", "3": "recovery"}
        wanted = {words[oid[-1]] for oid in named if oid.startswith(PREFIXES)}
        assert set(usages_of_x509(der)) == (wanted or set(ALL)), case["id"]
    assert refused == {"common/CO15", "FI/1"}


@given(st.binary(max_size=100))
def test_no_foreign_error_leaves_the_reader(data: bytes) -> None:
    with pytest.raises(FormatError):
        signer_from_x509(data, "AT")


@given(st.binary(max_size=60))
def test_no_foreign_error_leaves_the_walk_over_the_extensions(data: bytes) -> None:
    for der in (data, b"\x30\x80" + data, b"\x30\x05" + data):
        try:
            assert usages_of_x509(der)
        except FormatError:
            continue


def test_a_walk_that_ends_too_early_is_refused() -> None:
    for data in (b"", b"\x30\x00", b"\x31\x00", b"\x30\x02\x30\x05", b"\x30\x85\xff\xff\xff\xff\xff"):
        with pytest.raises(FormatError):
            usages_of_x509(data)


@given(st.integers(0, len(made(PREFIXES[0] + "1")) - 1), st.integers(0, 255))
def test_a_changed_certificate_makes_a_signer_or_our_error(at: int, byte: int) -> None:
    """Who signed it is the list maker's business; here it only must not break anything."""
    der = bytearray(made(PREFIXES[0] + "1"))
    der[at] = byte
    try:
        found = signer_from_x509(bytes(der), "AT")
    except FormatError:
        return
    assert set(found.usages) <= set(ALL)


def test_a_country_is_capital_letters() -> None:
    with pytest.raises(FormatError):
        signer_from_x509(made(), "at")
