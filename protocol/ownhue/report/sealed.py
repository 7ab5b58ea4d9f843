"""Sealed reports: for the publisher's eyes only, in one length, over a network or carried as a file.

specs/report.md section 5. Whoever relays a sealed report learns nothing of what is in it, not even how many keys
there are::

    data = seal(report, publisher_key, os.urandom)                # phone: 12,048 bytes always
    file = report_file(data)                                      # for the desk: "today.ownhue-report"
    report = open_sealed(read_report_file(file), private_key)     # publisher

A file is the sealed bytes behind a mark by which desks and people know it. ``parts.py`` has the QR codes.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from nacl.exceptions import CryptoError
from nacl.public import Box, PrivateKey, PublicKey, SealedBox

from ownhue.encoding import cbor_decode, cbor_encode, frame, unframe
from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.report.content import Report, ReportKey, Withdrawal

#: Bytes of a report before it is sealed, filled up; 180 keys with an RSA-4096 token fit. specs/report.md section 5
PLAIN_BYTES = 12_000
#: Bytes of every sealed report: an X25519 key of 32 and a tag of 16 are added. specs/report.md section 5
SEALED_BYTES = PLAIN_BYTES + 48
#: The first bytes of a sealed report in a file: "OWNHUE-REPORT-1" and a line end. specs/report.md section 7
FILE_MARK = b"OWNHUE-REPORT-1\n"
#: Bytes of every report file. specs/report.md section 7
FILE_BYTES = len(FILE_MARK) + SEALED_BYTES
#: What the name of a report file ends with. specs/report.md section 7
FILE_ENDING = ".ownhue-report"

_KEY_BYTES = 32
_NONCE_BYTES = 24


def seal(report: Report | Withdrawal, publisher_key: bytes, random: Callable[[int], bytes]) -> bytes:
    """The report for the publisher's eyes only (X25519 *publisher_key*, 32 bytes): 12,048 bytes always. section 5

    Takes the 32 bytes of an ephemeral key from *random*. Raises FormatError when *publisher_key* is no usable key."""
    kind = "report" if isinstance(report, Report) else "withdrawal"
    keys = [list(key) for key in report.keys]
    body = {"kind": kind, "key_id": report.key_id, "signature": report.signature, "keys": keys}
    return _box_seal(frame(cbor_encode(body), PLAIN_BYTES), publisher_key, random(_KEY_BYTES))


def open_sealed(data: bytes, private_key: PrivateKey) -> Report | Withdrawal:
    """The report sealed in *data*: steps 1 to 4 of section 5. The token in it is not verified here.

    Raises FormatError for another length, VerificationError when it is altered or sealed to another key, FormatError
    and LimitError when its content breaks the format."""
    if len(data) != SEALED_BYTES:  # (1): the one length
        raise FormatError(f"a sealed report has {SEALED_BYTES} bytes, not {len(data)}")
    try:
        plain = SealedBox(private_key).decrypt(data)  # (2): sealed to this publisher
    except CryptoError as error:
        raise VerificationError("altered, or not sealed to this publisher") from error
    return _parse(cbor_decode(unframe(plain, PLAIN_BYTES)))  # (3), (4)


def report_file(sealed: bytes) -> bytes:
    """The file of a sealed report: 12,064 bytes. Raises FormatError for another length."""
    if len(sealed) != SEALED_BYTES:
        raise FormatError(f"a sealed report has {SEALED_BYTES} bytes, not {len(sealed)}")
    return FILE_MARK + sealed


def read_report_file(data: bytes) -> bytes:
    """The sealed report of a file (12,048 bytes). Raises FormatError for any other file; what is in it stays sealed."""
    if len(data) > FILE_BYTES:
        raise LimitError(f"a report file has {FILE_BYTES} bytes, not {len(data)}")
    if len(data) != FILE_BYTES or not data.startswith(FILE_MARK):
        raise FormatError("not a report file: it does not begin as one, or was cut")
    return data[len(FILE_MARK) :]


def _box_seal(plain: bytes, publisher_key: bytes, ephemeral: bytes) -> bytes:
    """libsodium's crypto_box_seal with the ephemeral private key given, so that nothing random happens in here."""
    try:
        sender, recipient = PrivateKey(ephemeral), PublicKey(publisher_key)
        nonce = blake2b(bytes(sender.public_key) + bytes(recipient), digest_size=_NONCE_BYTES).digest()
        return bytes(sender.public_key) + Box(sender, recipient).encrypt(plain, nonce).ciphertext
    except (CryptoError, TypeError) as error:
        raise FormatError("the publisher's key is no X25519 key") from error


def _parse(body: Any) -> Report | Withdrawal:
    """(3): exactly the four fields. (4), the limits, is checked by what is made of them."""
    match body:
        case {"kind": "report", "key_id": key_id, "signature": signature, "keys": list(keys), **rest} if not rest:
            return Report(key_id, signature, tuple(map(ReportKey._make, _rows(keys, 5))))
        case {"kind": "withdrawal", "key_id": key_id, "signature": signature, "keys": list(keys), **rest} if not rest:
            return Withdrawal(key_id, signature, tuple((data, secret) for data, secret in _rows(keys, 2)))
    raise FormatError("neither a report nor a withdrawal")


def _rows(values: list[Any], count: int) -> list[list[Any]]:
    if any(type(value) is not list or len(value) != count for value in values):
        raise FormatError(f"a key of this report is a list of {count} items")
    return values
