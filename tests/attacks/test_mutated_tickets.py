"""Valid tickets and device requests, changed field by field and signed again: every step refuses, each its own.

specs/pass.md section 6
"""

from random import Random
from typing import Any

from nacl.signing import SigningKey

from ownhue.device import ENROL, PASSES, open_request, sign_request
from ownhue.encoding import base64url_decode, base64url_encode, cbor_decode, cbor_encode
from ownhue.errors import FormatError, LimitError, VerificationError
from ownhue.ticket import Ticket, open_ticket, sign_ticket
from tests.conformance.mutate import Tally, flipped, mutations
from tests.conformance.scripted import EPOCH, NOW, Stream

AUTHORITY = SigningKey(Stream("authority")(32))
DEVICE = SigningKey(Stream("device")(32))
TICKETS = [(Stream(f"nonce {day}")(16), NOW + 86_400 * day) for day in range(1, 8)]
REQUESTS: list[dict[str, Any]] = [
    {"epoch": EPOCH, "blinded": [Stream("a")(256)], "time": NOW},
    {"epoch": EPOCH + 1, "blinded": [Stream("b")(256), Stream("c")(256)], "time": NOW - 600},
    {"ticket": sign_ticket(AUTHORITY, *TICKETS[0]), "time": NOW + 3000},
]
TOLERANCE = 3600


def ticket_step(text: str, now: int = NOW) -> str:
    """The step of section 6 that refuses a ticket, or "accepted"."""
    try:
        open_ticket(text, bytes(AUTHORITY.verify_key), now)
    except LimitError:
        return "1: limit"
    except FormatError as error:
        return "2" if "CBOR" in str(error) or "not a ticket" in str(error) else "1"
    except VerificationError as error:
        return "4" if "over" in str(error) else "3"
    return "accepted"


def ticket_of(body: Any, key: SigningKey = AUTHORITY) -> str:
    """The text of any body, signed."""
    data = cbor_encode(body)
    return "OWNT1." + base64url_encode(data + key.sign(b"OWNHUE-TICKET" + data).signature)


def is_ticket(body: Any) -> bool:
    """Step 2 a second time."""
    if not isinstance(body, list) or len(body) != 3:
        return False
    version, nonce, expires = body
    well = isinstance(nonce, bytes) and len(nonce) == 16 and type(expires) is int and 0 <= expires < 2**32
    return well and type(version) is int and version == 1


def test_a_ticket_changed_field_by_field_and_signed_again() -> None:
    tally, random = Tally(), Random(21)
    for nonce, expires in TICKETS:
        body = [1, nonce, expires]
        for _, mutant in mutations(body, random, 15):
            text = ticket_of(mutant)
            want = "1: limit" if len(text) > 200 else "2" if not is_ticket(mutant) else "accepted"
            if want == "accepted" and mutant[2] <= NOW:
                want = "4"
            assert ticket_step(text) == want
            if want == "accepted":
                assert open_ticket(text, bytes(AUTHORITY.verify_key), NOW) == Ticket(mutant[1], mutant[2])
                assert mutant != body
            tally.add(want)
            foreign = ticket_step(ticket_of(mutant, DEVICE))
            assert foreign == ("3" if want in ("4", "accepted") else want)
            tally.add(foreign)
        for _ in range(20):
            assert ticket_step(sign_ticket(AUTHORITY, nonce, NOW - random.randrange(10**6))) == "4"
            tally.add("4")
    tally.require(["2", "3", "4"])


def test_a_ticket_changed_letter_by_letter_is_never_accepted() -> None:
    tally, random = Tally(), Random(22)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. \n\0é"
    for nonce, expires in TICKETS:
        text = sign_ticket(AUTHORITY, nonce, expires)
        for at in range(len(text)):
            letter = random.choice(letters)
            for mutant in (
                text[:at] + letter + text[at + 1 :],
                text[:at] + letter + text[at:],
                text[:at] + text[at + 1 :],
            ):
                if mutant != text:
                    step = ticket_step(mutant)
                    assert step in ("1", "2", "3"), mutant
                    tally.add(step)
        for length in range(15):
            assert ticket_step(text + "A" * (200 - len(text) + 1 + length)) == "1: limit"
            tally.add("1: limit")
    tally.require(["1", "2", "3", "1: limit"])


def test_a_ticket_changed_and_not_signed_again() -> None:
    random = Random(23)
    for nonce, expires in TICKETS:
        text = sign_ticket(AUTHORITY, nonce, expires)
        data = base64url_decode(text[6:])
        for _ in range(30):
            assert ticket_step("OWNT1." + base64url_encode(flipped(data, random))) in ("2", "3")


# Device requests


def request_step(purpose: bytes, body: dict[str, Any], now: int = NOW) -> str:
    """The step of section 6 that refuses a request, or "accepted"."""
    try:
        device = open_request(purpose, body, now, TOLERANCE)
    except FormatError:
        return "1"
    except VerificationError as error:
        return "3" if "time" in str(error) else "2"
    assert device == body["device"]
    return "accepted"


def is_request(body: dict[str, Any]) -> bool:
    """Step 1 a second time."""
    device, time, signature = body.get("device"), body.get("time"), body.get("signature")
    octets = isinstance(device, bytes) and isinstance(signature, bytes)
    return octets and (len(device), len(signature)) == (32, 64) and type(time) is int  # type: ignore[arg-type]


def test_a_request_changed_field_by_field() -> None:
    tally, random = Tally(), Random(24)
    for body in REQUESTS:
        signed = sign_request(PASSES, body, DEVICE)
        assert request_step(PASSES, signed) == "accepted"
        for _, mutant in mutations(signed, random, 12):
            want = "2" if is_request(mutant) else "1"
            assert request_step(PASSES, mutant) == want
            tally.add(want)
    tally.require(["1", "2"])


def test_a_request_changed_field_by_field_and_signed_again() -> None:
    tally, random = Tally(), Random(25)
    for body in REQUESTS:
        for _, mutant in mutations(body, random, 25):
            again = sign_request(PASSES, mutant, DEVICE)
            time = mutant.get("time")
            want = "1" if not is_request(again) else "3" if abs(NOW - time) > TOLERANCE else "accepted"
            assert request_step(PASSES, again) == want
            assert request_step(ENROL, again) == ("2" if want in ("3", "accepted") else want)
            tally.add(want)
            tally.add("2" if want in ("3", "accepted") else want)
        for _ in range(40):
            late = body["time"] + random.choice((-1, 1)) * (TOLERANCE + 1 + random.randrange(10**6))
            assert request_step(PASSES, sign_request(PASSES, body, DEVICE), late) == "3"
            tally.add("3")
    tally.require(["1", "2", "3"])


def test_what_is_accepted_is_the_same_request_after_its_encoding() -> None:
    for body in REQUESTS:
        signed = sign_request(PASSES, body, DEVICE)
        assert cbor_decode(cbor_encode(signed)) == signed
