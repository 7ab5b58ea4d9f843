"""A small world of health certificates in which nothing is random: signers, trust lists, and texts of every making.

Its keys are worthless: anybody can compute them from their labels.
"""

import zlib
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from typing import Any

import cbor2
import gmpy2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import strategies as st

from ownhue.certificate.content import COVID_19, NAAT, NOT_DETECTED
from ownhue.certificate.cose import ES256, PS256, key_bytes, own_kid, with_lower_half
from ownhue.certificate.hcert import PREFIX, stored
from ownhue.certificate.issue import Authority
from ownhue.certificate.trust_list import Signer, TrustList
from ownhue.encoding import base45_encode, base64url_encode, cbor_encode
from tests.conformance.scripted import Stream, rsa_key

#: 2026-01-05, 10:00 UTC.
NOW = 1_767_607_200
DAY = 86_400
ISSUED, EXPIRES = NOW - 3600, NOW + 30 * DAY
#: Values of every kind that CBOR can bring.
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**33) | st.floats() | st.binary(max_size=5) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.integers(0, 9), inner),
)
REGION, ZONE = "demo", "Europe/Vienna"
UVCI = "URN:UVCI:01:XX:000102030405060708090A0B0C0D0E0F#9"
FINDING = "0f1e2d3c4b5a6978"

PrivateKey = ec.EllipticCurvePrivateKey | RSAPrivateKey


@cache
def ec_key(label: str) -> ec.EllipticCurvePrivateKey:
    """The P-256 key of a label."""
    return ec.derive_private_key(int.from_bytes(Stream(f"p256 {label}")(32), "big") >> 1, ec.SECP256R1())


AUTHORITY = Authority("XX", "Health Office", ec_key("authority"))
STATE, STATE_RSA = ec_key("state"), rsa_key("state of RSA")
STATE_KID, RSA_KID = b"state ec", b"stateRSA"


def signer(key: PrivateKey, kid: bytes | None = None, **changes: Any) -> Signer:
    """A signer of the trust list: a state's, valid around NOW, for all three kinds."""
    spki = key_bytes(key.public_key())
    fields: dict[str, Any] = {
        "canonical": False,
        "country": "AT",
        "kid": (kid or own_kid(spki)).hex(),
        "not_after": NOW + 300 * DAY,
        "not_before": NOW - 30 * DAY,
        "revoked_at": None,
        "spki": base64url_encode(spki),
        "usages": ("recovery", "test", "vaccination"),
    }
    return Signer(**(fields | changes))


OWN_SIGNER = signer(
    AUTHORITY.key, country="XX", canonical=True, usages=("clearance", "recovery", "test", "vaccination")
)


def trust(*signers: Signer, revoked: dict[str, int] | None = None) -> TrustList:
    """The trust list of REGION with these signers."""
    ordered = tuple(sorted(signers, key=lambda signer: (signer.kid, signer.spki)))
    return TrustList(region=REGION, revoked=revoked or {}, signers=ordered)


TRUST = trust(OWN_SIGNER, signer(STATE, STATE_KID), signer(STATE_RSA, RSA_KID))

PERSON: dict[str, Any] = {"fn": "Muster-Größe", "fnt": "MUSTER<GROESSE", "gn": "Probe", "gnt": "PROBE"}
TEST: dict[str, Any] = {
    "tg": COVID_19,
    "tt": NAAT,
    "sc": "2026-01-05T08:30:00Z",
    "tr": NOT_DETECTED,
    "tc": "Desk 1",
    "co": "AT",
    "is": "Ministry of Health",
    "ci": UVCI,
}
RECOVERY: dict[str, Any] = {
    "tg": COVID_19,
    "fr": "2025-12-10",
    "co": "AT",
    "is": "Ministry of Health",
    "df": "2025-12-21",
    "du": "2026-06-08",
    "ci": UVCI,
}
VACCINATION: dict[str, Any] = {
    "tg": COVID_19,
    "vp": "1119349007",
    "mp": "EU/1/20/1528",
    "ma": "ORG-100030215",
    "dn": 2,
    "sd": 2,
    "dt": "2025-11-03",
    "co": "AT",
    "is": "Ministry of Health",
    "ci": UVCI,
}


def content(group: str, entry: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The content of a certificate."""
    return {"ver": "1.3.0", "nam": PERSON, "dob": "1990-05-17", group: [entry], **changes}


CONTENTS = {"t": content("t", TEST), "r": content("r", RECOVERY), "v": content("v", VACCINATION)}
CLEARANCE = {"finding": FINDING, "region": REGION, "issued_at": ISSUED}


def claims(body: dict[str, Any], **changes: Any) -> dict[Any, Any]:
    """The claims of a certificate; *changes* as iss, iat, exp and nbf."""
    numbers = {"iss": 1, "exp": 4, "nbf": 5, "iat": 6}
    return {1: "AT", 4: EXPIRES, 6: ISSUED, -260: {1: body}} | {numbers[key]: value for key, value in changes.items()}


@dataclass(frozen=True)
class Making:
    """How a text is made, step by step; every part can be another. Signed by the key of the part *key*."""

    claims: Any = field(default_factory=lambda: claims(CONTENTS["t"]))
    key: PrivateKey = STATE
    protected: Any = field(default_factory=lambda: {1: ES256, 4: STATE_KID})
    unprotected: Any = field(default_factory=dict)
    tags: tuple[int, ...] = (18,)
    #: Bytes to sign and to send, where they are not the claims' own encoding.
    payload: bytes | None = None
    #: Put in the place of the signature.
    signature: bytes | None = None
    #: zlib level, or None for one stored block: the same bytes from every zlib.
    level: int | None = None

    def but(self, **changes: Any) -> "Making":
        """The same with *changes*."""
        return replace(self, **changes)

    def cose(self) -> bytes:
        """The COSE_Sign1."""
        payload = cbor2.dumps(self.claims, canonical=True) if self.payload is None else self.payload
        header = self.protected
        protected = header if isinstance(header, bytes) else cbor2.dumps(header, canonical=True) if header else b""
        signature = self.signature
        if signature is None:
            signature = sign(self.key, cbor_encode(["Signature1", protected, b"", payload]))
        value: Any = [protected, self.unprotected, payload, signature]
        for tag in reversed(self.tags):
            value = cbor2.CBORTag(tag, value)
        return cbor2.dumps(value, canonical=True)

    def text(self) -> str:
        """The text."""
        cose = self.cose()
        return PREFIX + base45_encode(stored(cose) if self.level is None else zlib.compress(cose, self.level))


RSA_MAKING = Making(key=STATE_RSA, protected={1: PS256, 4: RSA_KID})
OWN_MAKING = Making(key=AUTHORITY.key, protected={1: ES256, 4: AUTHORITY.kid}, claims=claims(CONTENTS["t"], iss="XX"))
CLEARANCE_MAKING = OWN_MAKING.but(claims={1: "XX", 4: EXPIRES, 6: ISSUED, -70_260: CLEARANCE})


def with_upper_half(signature: bytes) -> bytes:
    """The same ECDSA signature with the larger s."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    return signature[:32] + (order - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")


def sign(key: PrivateKey, message: bytes) -> bytes:
    """The signature as COSE has it, the same each time."""
    if isinstance(key, RSAPrivateKey):
        return _pss(key, message)
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
    return with_lower_half(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def _pss(key: RSAPrivateKey, message: bytes, salt: bytes = b"a salt of 32 bytes, not a secret") -> bytes:
    """RSASSA-PSS (RFC 8017 section 9.1.1) with a salt that does not change, as no library offers it."""
    length = (key.key_size + 7) // 8
    digest = sha256(bytes(8) + sha256(message).digest() + salt).digest()
    block = bytes(length - 32 - len(salt) - 2) + b"\1" + salt
    mask = b"".join(sha256(digest + number.to_bytes(4, "big")).digest() for number in range(length // 32))[: len(block)]
    masked = bytes(one ^ other for one, other in zip(block, mask, strict=True))
    encoded = bytes((masked[0] & 0x7F,)) + masked[1:] + digest + b"\xbc"
    numbers = key.private_numbers()
    power = gmpy2.powmod(int.from_bytes(encoded, "big"), numbers.d, numbers.public_numbers.n)
    return int(power).to_bytes(length, "big")
