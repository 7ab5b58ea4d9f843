"""The text of a health certificate: "HC1:", Base45, zlib, and inside the claims of a CBOR web token.

    HC1:NCFNX1S7O*I0DO3HHU*%VIL74B4J31M+S*EU$ZB...
        Base45 (RFC 9285)      -> 78da...   zlib (RFC 1950)
        zlib, bounded          -> d284...   COSE_Sign1, read by ownhue.certificate.cose
        the signed payload     -> {1: "XX", 4: 1767830400, 6: 1767225600, -260: {1: {...}}}

- Nothing here is verified. ``ownhue.certificate`` takes the steps in their order. specs/certificate.md section 5
- Unpacking stops at 16,384 bytes whatever the text promises.
- Our own texts use one stored zlib block: the same bytes from every zlib, and hardly longer. section 3
"""

import math
import zlib
from dataclasses import dataclass
from typing import Any

from ownhue.certificate.cbor import read_cbor
from ownhue.encoding import base45_decode, base45_encode, cbor_encode
from ownhue.errors import FormatError, LimitError

#: With what the text of a health certificate begins. specs/certificate.md section 2
PREFIX = "HC1:"
#: Most characters of a text: what the largest QR code holds. specs/certificate.md section 7
MAX_CHARACTERS = 4296
#: Most bytes of a COSE_Sign1. specs/certificate.md section 7
MAX_COSE_BYTES = 16_384
#: Most characters of every text in a certificate. specs/certificate.md section 7
MAX_FIELD = 80
#: Claim of a health certificate (registered by IANA). specs/certificate.md section 2
HCERT_CLAIM = -260
#: Our private claim of a clearance; below -65536 nothing is registered. specs/certificate.md section 3
CLEARANCE_CLAIM = -70_260

_ISSUER, _EXPIRES, _NOT_BEFORE, _ISSUED = 1, 4, 5, 6
_EU_DCC = 1
_CLAIMS = "not the claims of a certificate"
# The last second of the year 9999, in which some signers let certificates end.
_MOST_TIME = 253_402_300_799


def unpack(text: str) -> bytes:
    """The COSE_Sign1 in *text*: steps (1) to (3). Raises LimitError, FormatError."""
    return decompress(decode_text(text))


def decode_text(text: str) -> bytes:
    """(1) and (2): what is compressed in *text*. Raises LimitError, FormatError."""
    return base45_decode(without_prefix(text))


def without_prefix(text: str) -> str:
    """(1): *text* is not too long, and begins with "HC1:". Returns the rest."""
    if len(text) > MAX_CHARACTERS:
        raise LimitError(f"a certificate's text has at most {MAX_CHARACTERS} characters")
    if not text.startswith(PREFIX):
        raise FormatError(f"a certificate's text begins with {PREFIX}")
    return text.removeprefix(PREFIX)


def decompress(data: bytes) -> bytes:
    """(3): the content of exactly one zlib stream, at most 16,384 bytes."""
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(data, MAX_COSE_BYTES + 1)
    except zlib.error as error:
        raise FormatError("not compressed by zlib, or damaged") from error
    if len(content) > MAX_COSE_BYTES:
        raise LimitError(f"a certificate unpacks to at most {MAX_COSE_BYTES} bytes")
    if not stream.eof or stream.unused_data:
        raise FormatError("not one whole zlib stream")
    return content


def pack(cose: bytes) -> str:
    """The one text of our own COSE_Sign1: a zlib stream of one stored block, Base45, "HC1:". section 3"""
    return PREFIX + base45_encode(stored(cose))


def stored(cose: bytes) -> bytes:
    """A zlib stream of one stored block (RFC 1951 section 3.2.4). Raises LimitError."""
    if len(cose) > MAX_COSE_BYTES:
        raise LimitError(f"a certificate has at most {MAX_COSE_BYTES} bytes")
    length, complement = (number.to_bytes(2, "little") for number in (len(cose), len(cose) ^ 0xFFFF))
    return b"\x78\x01\x01" + length + complement + cose + zlib.adler32(cose).to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a token. Exactly one of *certificate* and *clearance* is there; neither was looked at yet."""

    issuer: str | None
    """Who says that it issued it; for reading, not for trusting."""
    issued_at: int
    """First unix second at which it counts: the later of "issued at" and "not before"."""
    expires_at: int
    """Last unix second at which it counts."""
    certificate: dict[Any, Any] | None
    clearance: dict[Any, Any] | None


def parse_claims(payload: bytes) -> Claims:
    """(9): the claims of a signed payload. Raises FormatError. Claims that are not known are skipped."""
    claims = read_cbor(payload, _CLAIMS)
    if not isinstance(claims, dict):
        raise FormatError(f"{_CLAIMS}: no map")
    issuer = claims.get(_ISSUER)
    if issuer is not None and not (isinstance(issuer, str) and len(issuer) <= MAX_FIELD):
        raise FormatError(f"{_CLAIMS}: the issuer is no short text")
    # Times may be fractions: what is not yet counts from the next second on, what ends does so with the last whole one.
    issued_at = math.ceil(max(_time(claims.get(_ISSUED)), _time(claims.get(_NOT_BEFORE, 0))))
    expires_at = math.floor(_time(claims.get(_EXPIRES)))
    certificate, clearance = _certificate(claims.get(HCERT_CLAIM)), claims.get(CLEARANCE_CLAIM)
    if clearance is not None and not isinstance(clearance, dict):
        raise FormatError(f"{_CLAIMS}: the clearance is no map")
    if (certificate is None) == (clearance is None):
        raise FormatError(f"{_CLAIMS}: neither a certificate nor a clearance, or both")
    return Claims(issuer, issued_at, expires_at, certificate, clearance)


def claims_bytes(claims: Claims) -> bytes:
    """The one payload of our own claims: deterministic CBOR. section 3"""
    body: dict[int, Any] = {_EXPIRES: claims.expires_at, _ISSUED: claims.issued_at}
    if claims.issuer is not None:
        body[_ISSUER] = claims.issuer
    if claims.certificate is not None:
        body[HCERT_CLAIM] = {_EU_DCC: claims.certificate}
    if claims.clearance is not None:
        body[CLEARANCE_CLAIM] = claims.clearance
    return cbor_encode(body)


def _time(value: Any) -> int | float:
    # True and False are integers to Python; a float that is no number fails the comparison.
    if isinstance(value, int | float) and type(value) is not bool and 0 <= value <= _MOST_TIME:
        return value
    raise FormatError(f"{_CLAIMS}: a time is missing or no number of seconds")


def _certificate(claim: Any) -> dict[Any, Any] | None:
    if claim is None:
        return None
    content = claim.get(_EU_DCC) if isinstance(claim, dict) else None
    if not isinstance(content, dict):
        raise FormatError(f"{_CLAIMS}: the health certificate is no map")
    return content
