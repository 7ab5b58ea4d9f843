"""COSE_Sign1: what is signed, by which key, and what a header may not decide. specs/certificate.md section 2"""

from typing import Any

import cbor2
import cwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from ownhue.certificate.cose import (
    ES256,
    KID_BYTES,
    PS256,
    algorithm_of,
    key_bytes,
    load_key,
    make_sign1,
    own_kid,
    parse_sign1,
    protected_header,
    sign1_bytes,
    verify_sign1,
    with_lower_half,
)
from ownhue.errors import FormatError, VerificationError
from tests.protocol.certificate_cases import (
    AUTHORITY,
    RSA_KID,
    RSA_MAKING,
    STATE,
    STATE_KID,
    STATE_RSA,
    Making,
    ec_key,
    with_upper_half,
)

PEM = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_another_implementation_accepts_what_we_sign() -> None:
    payload = cbor2.dumps({1: "XX", 4: 2**32 - 1})
    data = make_sign1(payload, b"8 bytes!", STATE)
    key = cwt.COSEKey.from_pem(STATE.public_key().public_bytes(*PEM).decode(), alg="ES256", kid=b"8 bytes!")
    assert cwt.decode(data, keys=key) == {1: "XX", 4: 2**32 - 1}


@pytest.mark.parametrize(("key", "alg"), [(STATE, "ES256"), (STATE_RSA, "PS256")])
def test_we_accept_what_another_implementation_signs(key: Any, alg: str) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    signing = cwt.COSEKey.from_pem(pem, alg=alg, kid=b"8 bytes!")
    for tagged in (True, False):
        sign1 = parse_sign1(cwt.encode_and_sign({1: "XX", 4: 2**32 - 1}, key=signing, tagged=tagged))
        verify_sign1(sign1, key.public_key())
        assert sign1.kid == b"8 bytes!"
        assert sign1.algorithm == {"ES256": ES256, "PS256": PS256}[alg]


def test_the_same_payload_gives_the_same_bytes() -> None:
    assert make_sign1(b"x", b"kid", STATE) == make_sign1(b"x", b"kid", STATE)
    data = make_sign1(b"payload", b"8 bytes!", STATE)
    sign1 = parse_sign1(data)
    assert sign1_bytes(protected_header(ES256, b"8 bytes!"), b"payload", sign1.signature) == data
    assert sign1.signed_bytes() == cbor2.dumps(
        ["Signature1", bytes.fromhex("a2012604483820627974657321"), b"", b"payload"]
    )


def test_two_tags_are_accepted_in_one_order_only() -> None:
    verify_sign1(parse_sign1(Making(tags=(61, 18)).cose()), STATE.public_key())
    for tags in ((), (61,), (18, 61), (18, 18), (61, 61, 18), (17,), (98,), (61, 17)):
        with pytest.raises(FormatError):
            parse_sign1(Making(tags=tags).cose())


@pytest.mark.parametrize(
    "value",
    [
        [],
        [b"", {}, b"x"],
        [b"", {}, b"x", b"s", b""],
        [{}, {}, b"x", b"s"],
        [b"", b"", b"x", b"s"],
        [b"", {}, None, b"s"],
        [b"", {}, "x", b"s"],
        [b"", {}, b"x", [b"s"]],
        {0: b""},
        b"",
        18,
    ],
)
def test_another_shape_is_refused(value: Any) -> None:
    with pytest.raises(FormatError, match="not a COSE_Sign1"):
        parse_sign1(cbor2.dumps(cbor2.CBORTag(18, value)))


@pytest.mark.parametrize(
    ("protected", "unprotected"),
    [
        ({}, {}),
        ({1: ES256}, {}),
        ({4: b"kid"}, {}),
        ({1: ES256, 4: "kid"}, {}),
        ({1: ES256, 4: b""}, {}),
        ({1: ES256, 4: b"x" * 65}, {}),
        ({1: "ES256", 4: b"kid"}, {}),
        ({1: -8, 4: b"kid"}, {}),  # EdDSA
        ({1: -35, 4: b"kid"}, {}),  # ES384
        ({1: 5, 4: b"kid"}, {}),  # HMAC: the public key as a secret
        ({1: 0, 4: b"kid"}, {}),
        ({1: None, 4: b"kid"}, {1: ES256}),  # what is protected counts, even where it is nothing
        ({1: ES256, 4: None}, {4: b"kid"}),
        ({1: -7.0, 4: b"kid"}, {}),
        ({1: ES256, 2: [4], 4: b"kid"}, {}),
        ({1: ES256, 4: b"kid"}, {2: [4]}),
        (b"\x80", {1: ES256, 4: b"kid"}),  # an array
        (b"\xa1\x01", {}),
        (b"\xa0\xa0", {1: ES256, 4: b"kid"}),
        (b"\xa2\x01\x26\x01\x38\x24", {4: b"kid"}),  # two algorithms
    ],
)
def test_headers_that_say_too_little_or_too_much_are_refused(protected: Any, unprotected: dict[int, Any]) -> None:
    with pytest.raises(FormatError):
        parse_sign1(Making(protected=protected, unprotected=unprotected, signature=bytes(64)).cose())


def test_a_protected_header_goes_before_an_unprotected_one() -> None:
    found = parse_sign1(Making(unprotected={1: PS256, 4: b"another"}).cose())
    assert (found.algorithm, found.kid) == (ES256, STATE_KID)
    found = parse_sign1(Making(protected={}, unprotected={1: ES256, 4: STATE_KID}).cose())
    assert (found.algorithm, found.kid) == (ES256, STATE_KID)
    verify_sign1(found, STATE.public_key())
    mixed = parse_sign1(Making(protected={1: ES256}, unprotected={4: STATE_KID}).cose())
    verify_sign1(mixed, STATE.public_key())


def test_a_key_has_one_algorithm() -> None:
    assert algorithm_of(STATE.public_key()) == ES256
    assert algorithm_of(STATE_RSA.public_key()) == PS256
    for key in (ec.derive_private_key(5, ec.SECP384R1()), ec.derive_private_key(5, ec.SECP256K1())):
        with pytest.raises(FormatError, match="P-256"):
            algorithm_of(key.public_key())
    with pytest.raises(FormatError, match="2048 to 4096"):
        algorithm_of(rsa.RSAPublicNumbers(65537, 2**1023 + 1).public_key())


@pytest.mark.parametrize("making", [Making(), RSA_MAKING], ids=["ES256", "PS256"])
def test_every_part_that_is_signed_is_signed(making: Making) -> None:
    sign1 = parse_sign1(making.cose())
    key = making.key.public_key()
    verify_sign1(sign1, key)
    for change in (
        {"payload": sign1.payload + b"\0"},
        {"payload": b"\0" + sign1.payload[1:]},
        {"protected": sign1.protected + b"\0"},
        {"protected": b""},
        {"signature": sign1.signature[:-1] + bytes((sign1.signature[-1] ^ 1,))},
        {"signature": sign1.signature[:-1]},
        {"signature": sign1.signature + b"\0"},
        {"signature": b""},
        {"signature": bytes(len(sign1.signature))},
        {"signature": b"\xff" * len(sign1.signature)},
    ):
        fields = {name: getattr(sign1, name) for name in ("algorithm", "kid", "protected", "payload", "signature")}
        with pytest.raises(VerificationError, match="does not hold"):
            verify_sign1(type(sign1)(**(fields | change)), key)
    with pytest.raises(VerificationError, match="does not hold"):
        verify_sign1(sign1, ec_key("a stranger").public_key())


def test_a_signature_has_two_valid_forms_so_nothing_may_be_named_by_it() -> None:
    """Anybody can turn an ECDSA signature into another valid one: n - s in the place of s."""
    sign1 = parse_sign1(Making().cose())
    turned = parse_sign1(Making(signature=with_upper_half(sign1.signature)).cose())
    assert turned.signature != sign1.signature == with_lower_half(turned.signature)
    verify_sign1(turned, STATE.public_key())


@pytest.mark.parametrize("number", range(20))
def test_our_own_signatures_have_the_lower_form(number: int) -> None:
    signature = parse_sign1(make_sign1(bytes([number]), STATE_KID, STATE)).signature
    assert signature == with_lower_half(signature) != with_upper_half(signature)


def test_keys_are_loaded_in_one_spelling() -> None:
    for key in (STATE.public_key(), STATE_RSA.public_key()):
        assert key_bytes(load_key(key_bytes(key))) == key_bytes(key)
    p256 = key_bytes(STATE.public_key())
    compressed = STATE.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    short = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + compressed
    other = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    foreign = other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for spki in (short, foreign, p256 + b"\0", p256[:-1], b"", b"\x30\x00", p256[:-1] + b"\0"):
        with pytest.raises(FormatError):
            load_key(spki)


def test_a_key_id_of_our_own_is_a_digest_of_the_key() -> None:
    assert len(AUTHORITY.kid) == KID_BYTES
    assert AUTHORITY.kid == own_kid(key_bytes(AUTHORITY.key.public_key())) != own_kid(key_bytes(STATE.public_key()))


@given(st.binary(max_size=150))
def test_no_foreign_error_leaves_the_parser(data: bytes) -> None:
    for tagged in (data, b"\xd2" + data, b"\xd2\x84" + data):
        with pytest.raises(FormatError):
            parse_sign1(tagged)


@given(st.integers(0, len(Making().cose()) - 1), st.integers(1, 255))
def test_no_changed_byte_is_accepted_but_in_what_is_not_signed(at: int, change: int) -> None:
    data = bytearray(Making().cose())
    data[at] ^= change
    try:
        verify_sign1(parse_sign1(bytes(data)), STATE.public_key())
    except (FormatError, VerificationError):
        return
    raise AssertionError(f"byte {at} is not covered")  # tag, empty unprotected header and lengths are all needed


@given(st.binary(max_size=100))
def test_no_foreign_error_leaves_the_key_loader(data: bytes) -> None:
    with pytest.raises(FormatError):
        load_key(data)


def test_the_vectors_have_keys_of_both_kinds() -> None:
    assert RSA_MAKING.protected[4] == RSA_KID
