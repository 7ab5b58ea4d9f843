"""Stopping a lost phone: the desk tells its number, the authority asks the issuer. specs/pass.md section 12

    {"number": h'...', "device": authority's key, "time": now, "signature": h'...'} -> {}

- The request is signed by the authority's key, as devices sign theirs, for a purpose of its own.
- It is a phone endpoint like the others: one size, one deadline, whatever the answer is.
"""

from collections.abc import Sequence
from typing import Any

from ownhue.device import NUMBER_BYTES, STOP, open_request
from ownhue.errors import FormatError, VerificationError
from ownhue_server.frames import RefusedError, fields


def number_to_stop(body: dict[str, Any], authority_keys: Sequence[bytes], now: int, tolerance: int) -> bytes:
    """The number (8 bytes) that an authority wants to be stopped.

    Raises FormatError for another map, RefusedError "bad_signature" unless one of *authority_keys* signed it just now.
    """
    number, *_ = fields(body, number=bytes, device=bytes, time=int, signature=bytes)
    if len(number) != NUMBER_BYTES:
        raise FormatError(f"the number of a device has {NUMBER_BYTES} bytes")
    try:
        signer = open_request(STOP, body, now, tolerance)
    except VerificationError as error:
        raise RefusedError("bad_signature") from error
    if signer not in authority_keys:
        raise RefusedError("bad_signature")
    return bytes(number)
