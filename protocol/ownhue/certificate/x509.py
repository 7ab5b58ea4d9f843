"""Signers from states' X.509 certificates: for makers of trust lists, not for phones. specs/certificate.md section 4

    signer = signer_from_x509(der, "AT")            # kid, key, validity and usages as the certificate has them

- Who signed the X.509 certificate is not looked at: that it is a state's own is what the list's maker answers for.
- Usages are read from the extended key usage by a walk over the DER: some states encode other extensions so that
  strict libraries refuse all of them. Without any usage of health certificates a signer may sign all three kinds.
- Nobody's X.509 certificate allows clearances; they are of our own authority.
"""

import warnings
from collections.abc import Iterator
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning

from ownhue.certificate.content import Usage
from ownhue.certificate.cose import KID_BYTES, PublicKey, algorithm_of, key_bytes
from ownhue.certificate.trust_list import Signer, make_signer
from ownhue.encoding import base64url_encode
from ownhue.errors import FormatError

_SEQUENCE, _OBJECT_ID, _OCTETS, _EXTENSIONS = 0x30, 0x06, 0x04, 0xA3
_EXTENDED_KEY_USAGE = bytes.fromhex("551d25")
# 1.3.6.1.4.1.1847.2021.1.n, and with a zero before 1847, as both are in use.
_HEALTH = (bytes.fromhex("2b060104018e378f6501"), bytes.fromhex("2b06010401008e378f6501"))
_USAGES: dict[int, Usage] = {1: "test", 2: "vaccination", 3: "recovery"}
_LAST_SECOND = 2**32 - 1


def signer_from_x509(der: bytes, country: str) -> Signer:
    """The entry of a trust list for a signer's X.509 certificate (DER). Raises FormatError."""
    try:
        with warnings.catch_warnings():
            # What the library will refuse one day (serial numbers below 1) is refused now.
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            certificate = x509.load_der_x509_certificate(der)
            key = certificate.public_key()
            starts, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, CryptographyDeprecationWarning) as error:
        raise FormatError("not the X.509 certificate of a signer") from error
    if not isinstance(key, PublicKey):
        raise FormatError("a signer's key is neither of P-256 nor RSA")
    algorithm_of(key)
    return make_signer(
        canonical=False,
        country=country,
        kid=sha256(der).digest()[:KID_BYTES].hex(),
        not_after=min(int(ends.timestamp()), _LAST_SECOND),
        not_before=max(int(starts.timestamp()), 0),
        revoked_at=None,
        spki=base64url_encode(key_bytes(key)),
        usages=usages_of_x509(der),
    )


def usages_of_x509(der: bytes) -> tuple[Usage, ...]:
    """What a signer may sign, sorted. Raises FormatError for what is no DER of a certificate."""
    named: set[Usage] = set()
    for object_id in _extended_key_usage(der):
        if object_id[:-1] in _HEALTH and object_id[-1] in _USAGES:
            named.add(_USAGES[object_id[-1]])
    return tuple(sorted(named or _USAGES.values()))


def _extended_key_usage(der: bytes) -> Iterator[bytes]:
    """The object ids of the extended key usage, as DER content."""
    for tag, extensions in _items(_only(_only(der))):
        if tag != _EXTENSIONS:
            continue
        for _, extension in _items(_only(extensions)):
            parts = list(_items(extension))
            if parts[:1] == [(_OBJECT_ID, _EXTENDED_KEY_USAGE)] and parts[-1][0] == _OCTETS:
                yield from (content for kind, content in _items(_only(parts[-1][1])) if kind == _OBJECT_ID and content)


def _only(data: bytes) -> bytes:
    """The content of the sequence with which *data* begins."""
    for tag, content in _items(data):
        if tag == _SEQUENCE:
            return content
        break
    raise FormatError("not the DER of a certificate: a sequence is missing")


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, content) of the elements that follow each other in *data*."""
    at = 0
    while at < len(data):
        tag, start = data[at], at + 2
        length = int.from_bytes(data[at + 1 : start], "big")
        if length > 0x7F:
            start += length & 0x7F
            length = int.from_bytes(data[at + 2 : start], "big")
        at = start + length
        if at > len(data):
            raise FormatError("not the DER of a certificate: it ends too early")
        yield tag, data[start:at]
