"""The cases of specs/vectors/ticket.json and device.json: enrolment tickets, and requests that a device signs."""

from typing import Any

from nacl.signing import SigningKey

from ownhue.device import ENROL, PASSES, device_number, sign_request
from ownhue.encoding import cbor_encode
from ownhue.spoken import spoken
from ownhue.ticket import sign_ticket
from tests.conformance.expected import Case, bad, good
from tests.conformance.scripted import EPOCH, NOW, Stream

AUTHORITY = SigningKey(Stream("authority")(32))
DEVICE = SigningKey(Stream("device")(32))
NONCE = Stream("ticket")(16)
BODY = {"epoch": EPOCH, "blinded": [Stream("blinded")(256)], "time": NOW}


def ticket_cases() -> list[Case]:
    """Tickets: valid ones, and one or more for each step of pass.md section 6."""
    text = sign_ticket(AUTHORITY, NONCE, NOW)
    stranger = SigningKey(Stream("not the authority")(32))
    last = "B" if text[-5] == "A" else "A"
    known = {"verify_key": bytes(AUTHORITY.verify_key).hex()}
    opened = {"nonce": NONCE.hex(), "expires": NOW}
    wrong = {
        "over": (text, "VerificationError", NOW),
        "signed by somebody else": (sign_ticket(stranger, NONCE, NOW), "VerificationError", NOW - 1),
        "one letter of the signature": (text[:-5] + last + text[-4:], "VerificationError", NOW - 1),
        "a nonce of 15 bytes": (sign_ticket(AUTHORITY, NONCE[:15], NOW), "FormatError", NOW - 1),
        "an end below zero": (sign_ticket(AUTHORITY, NONCE, -1), "FormatError", NOW - 1),
        "an end of 33 bits": (sign_ticket(AUTHORITY, NONCE, 2**32), "FormatError", NOW - 1),
        "cut off": (text[:40], "FormatError", NOW - 1),
        "only the prefix": ("OWNT1.", "FormatError", NOW - 1),
        "padded": (text + "=", "FormatError", NOW - 1),
        "a line end": (text + "\n", "FormatError", NOW - 1),
        "another prefix": ("OWNT2." + text[6:], "FormatError", NOW - 1),
        "too long": (text + "A" * 200, "LimitError", NOW - 1),
    }
    return [
        good(
            "signed",
            "sign_ticket",
            {**known, "text": text},
            seed=bytes(AUTHORITY).hex(),
            nonce=NONCE.hex(),
            expires=NOW,
        ),
        good("a second before its end", "open_ticket", opened, text=text, **known, now=NOW - 1),
        *[bad(name, "open_ticket", error, text=found, **known, now=now) for name, (found, error, now) in wrong.items()],
    ]


def device_cases() -> list[Case]:
    """Requests and numbers: valid ones, and one or more for each step of pass.md sections 6 and 12."""
    signed = sign_request(PASSES, BODY, DEVICE)
    asked: dict[str, Any] = {"purpose": "OWNHUE-PASSES", "now": NOW, "tolerance": 3600}

    def request(**changes: Any) -> str:
        return cbor_encode({**signed, **changes}).hex()

    def without(name: str) -> str:
        return cbor_encode({key: value for key, value in signed.items() if key != name}).hex()

    malformed = {
        "no device": without("device"),
        "no time": without("time"),
        "no signature": without("signature"),
        "a device of 31 bytes": request(device=signed["device"][1:]),
        "a signature of 63 bytes": request(signature=signed["signature"][1:]),
        "a time that is true": request(time=True),
        "not a map": cbor_encode([signed]).hex(),
    }
    changed = {
        "another epoch": request(epoch=EPOCH + 1),
        "another time": request(time=NOW + 1),
        "one field more": request(more=0),
        "one field less": without("epoch"),
        "another device": request(device=bytes(AUTHORITY.verify_key)),
        "no signature but zeros": request(signature=bytes(64)),
        "signed for enrolment": cbor_encode(sign_request(ENROL, BODY, DEVICE)).hex(),
    }
    device = {"device": bytes(DEVICE.verify_key).hex()}
    signing = {"purpose": "OWNHUE-PASSES", "seed": bytes(DEVICE).hex(), "body": cbor_encode(BODY).hex()}
    return [
        good("signed", "sign_request", {**device, "request": request()}, **signing),
        good("now", "open_request", device, request=request(), **asked),
        good("an hour late", "open_request", device, request=request(), **asked | {"now": NOW + 3600}),
        good("an hour early", "open_request", device, request=request(), **asked | {"now": NOW - 3600}),
        *[bad(name, "open_request", request=data, **asked) for name, data in malformed.items()],
        *[bad(name, "open_request", "VerificationError", request=data, **asked) for name, data in changed.items()],
        bad(
            "replayed an hour later",
            "open_request",
            "VerificationError",
            request=request(),
            **asked | {"now": NOW + 3601},
        ),
        bad(
            "an hour and a second early",
            "open_request",
            "VerificationError",
            request=request(),
            **asked | {"now": NOW - 3601},
        ),
        *_number_cases(),
    ]


def _number_cases() -> list[Case]:
    """The number of a device, and words that were heard: valid ones, and each way in which they are none."""
    device = bytes(DEVICE.verify_key)
    number = device_number(device)
    text = spoken(number)
    words = text.split("-")
    heard = {
        "as it is written": text,
        "in capitals": text.upper(),
        "with spaces": f" {text.replace('-', '  ')}\n",
        "with commas, dots and dashes": "\u2013".join(words[:2]) + ", " + ". ".join(words[2:]),
    }
    misheard = {
        "nothing": ("", "FormatError"),
        "the check word alone": (words[-1], "FormatError"),
        "a word is missing": ("-".join(words[1:]), "FormatError"),
        "two words are swapped": ("-".join([words[1], words[0], *words[2:]]), "FormatError"),
        "a letter that no word has": (text.replace(text[1], "e", 1), "FormatError"),
        "a word of four letters": (text[1:], "FormatError"),
        "hexadecimal": (number.hex(), "FormatError"),
        "too long": ("-" * 995 + text, "LimitError"),
    }
    return [
        good("its number", "device_number", {"number": number.hex()}, device=device.hex()),
        bad("31 bytes", "device_number", device=device[1:].hex()),
        good("a number", "spoken", {"text": text}, data=number.hex()),
        good("the example of the paper", "spoken", {"text": "lusab-babad-nupin"}, data="7f000001"),
        bad("three bytes", "spoken", data="7f0000"),
        *[good(name, "heard", {"data": number.hex()}, text=said) for name, said in heard.items()],
        *[bad(name, "heard", error, text=said) for name, (said, error) in misheard.items()],
    ]
