"""COSE_Sign1 (RFC 9052) with the two algorithms of health certificates: ES256 and PS256.

    d2 84                          tag 18, array of four
       4d a2 01 26 04 48 <kid>     protected header {1: -7 (ES256), 4: key id}, as bytes
       a0                          unprotected header
       58 f4 <payload>             claims, as bytes
       58 40 <r> <s>               signature over ["Signature1", protected header, b"", payload]

Invariants:

- A key has one algorithm, and the header must name it: it never chooses how a key is used.
- A header counts where it is protected; only when it is missing there, the unprotected one is looked at. For the key id
  states need that (specs/certificate.md section 2), and neither can harm: the signature must hold by that very key.
- What a header marks as critical is refused, since none of it is understood here.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from ownhue.certificate.cbor import read_cbor, read_tagged
from ownhue.encoding import cbor_encode
from ownhue.errors import FormatError, VerificationError

#: ECDSA with P-256 and SHA-256. specs/certificate.md section 2
ES256 = -7
#: RSASSA-PSS with SHA-256 and a salt of 32 bytes. specs/certificate.md section 2
PS256 = -37
#: Sizes of RSA keys in bits, from and to. specs/certificate.md section 7
RSA_BITS = (2048, 4096)
#: Bytes of a key id in a trust list: the first of a SHA-256. specs/certificate.md section 4
KID_BYTES = 8

PublicKey = ec.EllipticCurvePublicKey | RSAPublicKey

_SIGN1, _CWT = 18, 61
_HEADERS = "not the headers of a certificate"
_ALGORITHM, _CRITICAL, _KEY_ID = 1, 2, 4
_COORDINATE = 32
# Number of points of P-256 (FIPS 186-4, D.1.2.3).
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ECDSA = ec.ECDSA(hashes.SHA256())
# RFC 6979: the same certificate gives the same bytes, and no bad randomness gives the key away.
_ECDSA_DETERMINISTIC = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32)


@dataclass(frozen=True, slots=True)
class Sign1:
    """A parsed COSE_Sign1. Nothing of it is verified."""

    algorithm: int
    kid: bytes
    """Which key signed, as the header says: 1 to 64 bytes."""
    protected: bytes
    """The protected header, as it was signed."""
    payload: bytes
    signature: bytes

    def signed_bytes(self) -> bytes:
        """The Sig_structure that the signature is over. RFC 9052 section 4.4"""
        return cbor_encode(["Signature1", self.protected, b"", self.payload])


def parse_sign1(data: bytes) -> Sign1:
    """(4) and (5): a tagged COSE_Sign1, perhaps inside the tag of a CBOR web token. Raises FormatError."""
    tags, value = read_tagged(data, "not a COSE_Sign1")
    if tags not in ((_SIGN1,), (_CWT, _SIGN1)):
        raise FormatError("not a COSE_Sign1: the tags are not 18, or 61 and 18")
    match value:
        case [bytes(protected), dict(unprotected), bytes(payload), bytes(signature)]:
            algorithm, kid = _headers(protected, unprotected)
            return Sign1(algorithm, kid, protected, payload, signature)
    raise FormatError("not a COSE_Sign1: not an array of header, header, payload and signature")


def _headers(protected: bytes, unprotected: dict[Any, Any]) -> tuple[int, bytes]:
    """Algorithm and key id."""
    header = read_cbor(protected, _HEADERS) if protected else {}
    if not isinstance(header, dict):
        raise FormatError(f"{_HEADERS}: the protected one is no map")
    if _CRITICAL in header or _CRITICAL in unprotected:
        raise FormatError(f"{_HEADERS}: a critical one, and none of those is known here")
    algorithm = header.get(_ALGORITHM, unprotected.get(_ALGORITHM))
    if type(algorithm) is not int or algorithm not in (ES256, PS256):
        raise FormatError(f"{_HEADERS}: the algorithm is neither ES256 nor PS256")
    kid = header.get(_KEY_ID, unprotected.get(_KEY_ID))
    if not isinstance(kid, bytes) or not 1 <= len(kid) <= 64:
        raise FormatError(f"{_HEADERS}: no key id")
    return algorithm, kid


def algorithm_of(key: PublicKey) -> int:
    """The one algorithm of a key. Raises FormatError for a curve or size that signs no certificates."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, ec.SECP256R1):
            raise FormatError("a signer's key is not of curve P-256")
        return ES256
    if not RSA_BITS[0] <= key.key_size <= RSA_BITS[1]:
        raise FormatError(f"a signer's RSA key has {RSA_BITS[0]} to {RSA_BITS[1]} bits")
    return PS256


def load_key(spki: bytes) -> PublicKey:
    """The signer's key in a SubjectPublicKeyInfo (DER). Raises FormatError unless it is in its one spelling."""
    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise FormatError("a signer's key is no public key") from error
    if not isinstance(key, ec.EllipticCurvePublicKey | RSAPublicKey):
        raise FormatError("a signer's key is neither of P-256 nor RSA")
    algorithm_of(key)
    if key_bytes(key) != spki:
        raise FormatError("a signer's key is not in its one spelling")
    return key


def key_bytes(key: PublicKey) -> bytes:
    """The SubjectPublicKeyInfo of a key, DER."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def verify_sign1(sign1: Sign1, key: PublicKey) -> None:
    """(8): the signature holds by *key*, whose algorithm was compared before. Raises VerificationError."""
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(sign1.signature, sign1.signed_bytes(), _PSS, hashes.SHA256())
        else:
            key.verify(_der(sign1.signature), sign1.signed_bytes(), _ECDSA)
    except InvalidSignature as error:
        raise VerificationError("the certificate's signature does not hold") from error


def make_sign1(payload: bytes, kid: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The one COSE_Sign1 of a payload by our own key: ES256 (RFC 6979, lower s), both headers protected. section 3"""
    protected = protected_header(ES256, kid)
    unsigned = Sign1(ES256, kid, protected, payload, b"")
    r, s = decode_dss_signature(key.sign(unsigned.signed_bytes(), _ECDSA_DETERMINISTIC))
    signature = r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")
    return sign1_bytes(protected, payload, with_lower_half(signature))


def with_lower_half(signature: bytes) -> bytes:
    """The same ECDSA signature with the smaller of its two valid s; anybody can turn the one into the other."""
    r, s = signature[:_COORDINATE], int.from_bytes(signature[_COORDINATE:], "big")
    return r + min(s, _ORDER - s).to_bytes(_COORDINATE, "big")


def protected_header(algorithm: int, kid: bytes) -> bytes:
    """The one protected header of our own certificates."""
    return cbor_encode({_ALGORITHM: algorithm, _KEY_ID: kid})


def sign1_bytes(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    """A COSE_Sign1 of these parts in its one spelling, with tag 18 and an empty unprotected header."""
    return bytes((0xC0 | _SIGN1,)) + cbor_encode([protected, {}, payload, signature])


def own_kid(spki: bytes) -> bytes:
    """The key id of an authority's key that has no X.509 certificate: of the SHA-256 of its SPKI. section 3"""
    return sha256(spki).digest()[:KID_BYTES]


def _der(signature: bytes) -> bytes:
    """ECDSA signatures are two numbers of 32 bytes in COSE, and DER in ``cryptography``."""
    if len(signature) != 2 * _COORDINATE:
        raise VerificationError("the certificate's signature does not hold: it has not 64 bytes")
    r, s = signature[:_COORDINATE], signature[_COORDINATE:]
    return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
