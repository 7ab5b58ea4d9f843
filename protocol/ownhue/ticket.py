"""Enrolment tickets: one device may ask the issuer for passes. specs/pass.md section 6.

``OWNT1.gwFQ...``: the authority signs 16 random bytes and an end; the issuer spends the nonce once. A ticket names
nobody, and the issuer's part of the work begins with it.
"""

from dataclasses import dataclass

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from ownhue.encoding import base64url_decode, base64url_encode, cbor_decode, cbor_encode
from ownhue.errors import FormatError, LimitError, VerificationError

#: The first characters of every ticket. specs/pass.md section 6
PREFIX = "OWNT1."
#: Most characters of a ticket; 124 are usual. specs/pass.md section 6
MAX_TICKET_CHARACTERS = 200
#: Random bytes of a ticket. specs/pass.md section 6
NONCE_BYTES = 16

_PURPOSE = b"OWNHUE-TICKET"
_VERSION = 1
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_MAX_TIME = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Ticket:
    """An opened ticket."""

    #: 16 random bytes; the issuer accepts each once.
    nonce: bytes
    #: Unix seconds; the ticket is good before this time.
    expires: int


def sign_ticket(signing_key: SigningKey, nonce: bytes, expires: int) -> str:
    """The text of a ticket: about 120 characters. *nonce* has 16 bytes, *expires* is in unix seconds."""
    body = cbor_encode([_VERSION, nonce, expires])
    return PREFIX + base64url_encode(body + signing_key.sign(_PURPOSE + body).signature)


def open_ticket(text: str, verify_key: bytes, now: int) -> Ticket:
    """The ticket of *text*, signed by *verify_key* (Ed25519, 32 bytes) and not yet over at *now* (unix seconds).

    Steps of specs/pass.md section 6. Raises FormatError for any other text, VerificationError for a foreign signature
    and for a ticket that is over.
    """
    if len(verify_key) != _KEY_BYTES:
        raise FormatError(f"an authority's key has {_KEY_BYTES} bytes")
    # (1): the text is short enough, begins as a ticket, and is Base64 in its one spelling.
    if len(text) > MAX_TICKET_CHARACTERS:
        raise LimitError("too long for a ticket")
    if not text.startswith(PREFIX):
        raise FormatError(f"a ticket begins with {PREFIX}")
    data = base64url_decode(text[len(PREFIX) :])
    body, signature = data[:-_SIGNATURE_BYTES], data[-_SIGNATURE_BYTES:]
    ticket = _parse(body)  # (2): the body is one
    try:
        VerifyKey(verify_key).verify(_PURPOSE + body, signature)  # (3): the authority signed it
    except BadSignatureError as error:
        raise VerificationError("the ticket's signature does not hold") from error
    if now >= ticket.expires:  # (4): it is not over
        raise VerificationError("the ticket is over")
    return ticket


def _parse(body: bytes) -> Ticket:
    match cbor_decode(body):
        case [version, bytes(nonce), int(expires)] if (
            (type(version), version) == (int, _VERSION)
            and len(nonce) == NONCE_BYTES
            and type(expires) is int
            and 0 <= expires <= _MAX_TIME
        ):
            return Ticket(nonce, expires)
    raise FormatError("not a ticket")
