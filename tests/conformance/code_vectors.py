"""The cases of specs/vectors/code.json: codes that a checkpoint accepts, and one or more for each refusal; challenges.

What is expected is written here by hand; the generator refuses to write a case that comes out otherwise.
"""

from dataclasses import replace
from hashlib import sha512
from typing import Any

from ownhue.challenge import encode_challenge
from ownhue.code import Code, encode_code
from ownhue.encoding import base45_encode
from ownhue.passes import EpochList, Pass
from ownhue.verify import Refusal
from tests.conformance.damaged_codes import damaged_texts
from tests.conformance.expected import Case, bad, good
from tests.conformance.scripted import (
    CHALLENGE,
    EPOCH,
    HEAD_AGES,
    ISSUER,
    NOW,
    Forger,
    Stream,
    code,
    flip,
    head,
    make_pass,
    resigned,
    statement,
    view,
)

HOLDER = make_pass("holder")
OTHER = make_pass("other")
GOOD = code(HOLDER)
ASKED = CHALLENGE.hex()
# Of the group of Ed25519. RFC 8032 section 5.1
_ORDER = 2**252 + 27742317777372353535851937790883648493
#: Valid codes: name, code, challenge, and what the verdict says beside the colour and the rulebook's version.
VALID: list[tuple[str, Code, bytes, dict[str, Any]]] = [
    ("green, against the newest tree head", GOOD, b"", {"age": 5, "data": 60}),
    ("red, a minute old", code(HOLDER, colour=3, time=NOW - 60), b"", {"age": 60, "data": 60}),
    ("grey, a minute ahead", code(HOLDER, colour=1, time=NOW + 60), b"", {"age": 0, "data": 60}),
    ("yellow, against an older tree head", code(HOLDER, colour=2, **head(107)), b"", {"age": 5, "data": 14_400}),
    ("against the oldest data that is accepted", code(HOLDER, **head(70)), b"", {"age": 5, "data": 86_400}),
    ("newer than the checkpoint's log", code(HOLDER, **head(200)), b"", {"age": 5, "data": None}),
    (
        "by a rulebook that the checkpoint does not have yet",
        code(HOLDER, rulebook_version=4),
        b"",
        {"age": 5, "data": 60},
    ),
    (
        "a challenge, from a phone whose clock is an hour slow",
        code(HOLDER, time=NOW - 3600, challenge=CHALLENGE),
        CHALLENGE,
        {"age": 3600, "data": 60},
    ),
    (
        "a challenge, from a phone whose clock is a day fast",
        code(OTHER, time=NOW + 86_400, challenge=CHALLENGE),
        CHALLENGE,
        {"age": 0, "data": 60},
    ),
]


def code_cases() -> list[Case]:
    """All cases."""
    damaged = damaged_texts(GOOD)
    return [
        *[_signed(name, item, HOLDER if item.public_key == HOLDER.public_key else OTHER) for name, item, *_ in VALID],
        *[_decoded(name, item) for name, item, *_ in VALID],
        *[_refused_text(name, text) for name, text in damaged.items()],
        *[_accepted(name, item, challenge, said) for name, item, challenge, said in VALID],
        *_same_pass(),
        *[_refused(name, Refusal.DAMAGED, text) for name, text in damaged.items()],
        *_refusals(),
        *_wrong_epoch_or_time(),
        *_wrong_signatures(),
        *_wrong_data(),
        *_challenges(),
    ]


def known() -> dict[str, Any]:
    """What the checkpoint of the vectors knows."""
    now = view()
    epochs = EpochList(ISSUER, tuple(sorted(now.epochs.values(), key=lambda key: key.epoch)))
    return {
        "epochs": epochs.to_body(),
        "heads": [{"size": size, "root": root.hex(), "time": time} for size, (root, time) in now.heads.items()],
        "rulebook_version": now.rulebook_version,
        "signed_time": now.signed_time,
        "max_age_seconds": now.max_age_seconds,
    }


def question(text: str | Code, **changes: Any) -> dict[str, Any]:
    """The input of verify_code at a gate that asked for nothing and has seen nobody yet, with *changes*."""
    text = encode_code(text) if isinstance(text, Code) else text
    return {
        "view": known(),
        "text": text,
        "now": NOW,
        "challenge": "",
        "gate": True,
        "accepted_before": [],
    } | changes


def _parts(item: Code) -> dict[str, Any]:
    said = item.statement
    return {
        "time": said.time,
        "colour": said.colour,
        "rulebook_version": said.rulebook_version,
        "tree_size": said.tree_size,
        "root_prefix": said.root_prefix.hex(),
        "challenge": said.challenge.hex(),
    }


def _told(item: Code) -> dict[str, Any]:
    return {
        "key_id": item.key_id.hex(),
        "epoch": item.epoch,
        "public_key": item.public_key.hex(),
        "pass_signature": item.pass_signature.hex(),
        "statement": _parts(item),
        "signature": item.signature.hex(),
        "statement_bytes": item.statement.to_bytes().hex(),
        "signed_message": item.signed_message().hex(),
        "array": item.to_bytes().hex(),
    }


def _signed(name: str, item: Code, made: Pass) -> Case:
    return good(
        f"signed: {name}",
        "sign_code",
        _told(item) | {"text": encode_code(item)},
        epoch=EPOCH,
        key_id=made.key_id.hex(),
        seed=made.seed.hex(),
        pass_signature=made.signature.hex(),
        statement=_parts(item),
    )


def _decoded(name: str, item: Code) -> Case:
    return good(f"read: {name}", "decode_code", _told(item), text=encode_code(item))


def _refused_text(name: str, text: str) -> Case:
    error = "LimitError" if name == "too long" else "FormatError"
    return bad(f"not read: {name}", "decode_code", error, text=text)


def _accepted(name: str, item: Code, challenge: bytes, said: dict[str, Any]) -> Case:
    verdict = {
        "colour": item.statement.colour,
        "age_seconds": said["age"],
        "cross_checked": said["data"] is not None,
        "seen_before_seconds": said.get("before"),
        "rulebook_version": item.statement.rulebook_version,
        "data_age_seconds": said["data"],
    }
    return good(name, "verify_code", verdict, **question(item, challenge=challenge.hex(), **said.get("changes", {})))


def _before(item: Code, now: int = NOW, challenge: str = "") -> dict[str, Any]:
    return {"text": encode_code(item), "now": now, "challenge": challenge}


def _same_pass() -> list[Case]:
    earlier = [_before(code(HOLDER, time=NOW - 45), NOW - 40)]
    again = {"age": 5, "data": 60, "before": 40, "changes": {"gate": False, "accepted_before": earlier}}
    other = {"age": 5, "data": 60, "changes": {"accepted_before": [_before(code(OTHER))]}}
    answered = code(HOLDER, challenge=CHALLENGE)
    fresh = flip(CHALLENGE)
    return [
        _accepted("the same pass again, on a screen", GOOD, b"", again),
        _accepted("another pass than the one before", GOOD, b"", other),
        _refused("the same text again", Refusal.SAME_PASS, GOOD, accepted_before=[_before(GOOD)]),
        _refused("the same pass signed again", Refusal.SAME_PASS, GOOD, accepted_before=earlier),
        _refused(
            "the same pass for a fresh challenge",
            Refusal.SAME_PASS,
            code(HOLDER, challenge=fresh),
            challenge=fresh.hex(),
            accepted_before=[_before(answered, challenge=ASKED)],
        ),
    ]


def _refused(name: str, refusal: Refusal, text: str | Code, **changes: Any) -> Case:
    return bad(f"{refusal.value}: {name}", "verify_code", f"CodeRefused:{refusal.value}", **question(text, **changes))


def _refusals() -> list[Case]:
    return [
        _refused("the checkpoint's clock is before its data", Refusal.CLOCK_WRONG, GOOD, now=NOW - 61),
        _refused("no code is looked at then", Refusal.CLOCK_WRONG, "https://example.com/", now=NOW - 61),
        _refused("an address", Refusal.NOT_A_CODE, "https://example.com/"),
        _refused("nothing", Refusal.NOT_A_CODE, ""),
        _refused("a code of a later version", Refusal.NOT_A_CODE, "OWN2:" + encode_code(GOOD)[5:]),
        _refused("the checkpoint's own challenge", Refusal.NOT_A_CODE, encode_challenge(CHALLENGE)),
        _refused("an old rulebook", Refusal.OLD_RULEBOOK, code(HOLDER, rulebook_version=2)),
    ]


def _wrong_epoch_or_time() -> list[Case]:
    stranger = make_pass("stranger", issuer="other issuer")
    other, answer = code(HOLDER, challenge=flip(CHALLENGE)), code(HOLDER, challenge=CHALLENGE)
    return [
        _refused("a pass of another issuer", Refusal.UNKNOWN_KEY, code(stranger)),
        _refused("another epoch than the key's", Refusal.OTHER_EPOCH, resigned(HOLDER, GOOD, epoch=EPOCH + 1)),
        _refused("tomorrow's pass", Refusal.EPOCH_CLOSED, code(make_pass("tomorrow", EPOCH + 1))),
        _refused("yesterday's pass", Refusal.EPOCH_CLOSED, code(HOLDER, time=NOW + 86_400), now=NOW + 86_400),
        _refused("a copy 61 seconds old", Refusal.TOO_OLD, code(HOLDER, time=NOW - 61)),
        _refused("61 seconds ahead", Refusal.IN_FUTURE, code(HOLDER, time=NOW + 61)),
        _refused("no answer to the challenge", Refusal.WRONG_CHALLENGE, GOOD, challenge=ASKED),
        _refused("the answer to another challenge", Refusal.WRONG_CHALLENGE, other, challenge=ASKED),
        _refused("an answer that nobody asked for", Refusal.WRONG_CHALLENGE, answer),
    ]


def _wrong_signatures() -> list[Case]:
    forger = Forger(Stream("forger")(32))
    unsigned_key = forger.sign(replace(GOOD, public_key=forger.public_key))
    foreign_pass = resigned(HOLDER, GOOD, pass_signature=OTHER.signature)
    recoloured = replace(code(HOLDER, colour=3), statement=statement())
    unasked = replace(code(HOLDER, challenge=CHALLENGE), statement=statement())
    return [
        _refused("a key that the issuer never signed", Refusal.BAD_PASS, unsigned_key),
        _refused("another pass's signature", Refusal.BAD_PASS, foreign_pass),
        _refused("red turned to green", Refusal.BAD_SIGNATURE, recoloured),
        _refused("the challenge taken out", Refusal.BAD_SIGNATURE, unasked),
        _refused("signed by another key", Refusal.BAD_SIGNATURE, forger.sign(GOOD)),
        _refused("a signature whose R is the neutral element", Refusal.BAD_SIGNATURE, _without_nonce(GOOD)),
    ]


def _without_nonce(item: Code) -> Code:
    """Signed with 0 in place of a secret nonce: the equation of Ed25519 holds, so readers must agree to refuse it."""
    digest = sha512(HOLDER.seed).digest()
    secret = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | 1 << 254
    neutral = (1).to_bytes(32, "little")
    hashed = int.from_bytes(sha512(neutral + item.public_key + item.signed_message()).digest(), "little")
    return replace(item, signature=neutral + (hashed * secret % _ORDER).to_bytes(32, "little"))


def _wrong_data() -> list[Case]:
    between = next(size for size in range(101, 123) if size not in HEAD_AGES)
    return [
        _refused("a phone that has no data", Refusal.OLD_DATA, code(HOLDER, tree_size=0, root_prefix=bytes(8))),
        _refused(
            "data a second too old",
            Refusal.OLD_DATA,
            code(HOLDER, **head(70)),
            view=known() | {"max_age_seconds": 86_399},
        ),
        _refused("data older than every kept head", Refusal.OLD_DATA, code(HOLDER, **head(39))),
        _refused("another root of a head that is too old", Refusal.OLD_DATA, code(HOLDER, **head(40, "foreign log"))),
        _refused("another log's root", Refusal.OTHER_LOG, code(HOLDER, **head(123, "foreign log"))),
        _refused("a size that was never published", Refusal.OTHER_LOG, code(HOLDER, **head(between))),
    ]


def _challenges() -> list[Case]:
    text = encode_challenge(CHALLENGE)
    shorter, longer = (base45_encode(CHALLENGE[:size] + bytes(max(0, size - 16))) for size in (15, 17))
    wrong = {
        "nothing after the prefix": ("OWNC1:", "FormatError"),
        "15 bytes": ("OWNC1:" + shorter, "FormatError"),
        "17 bytes": ("OWNC1:" + longer, "LimitError"),
        "a line end": (text + "\n", "LimitError"),
        "small letters": ("OWNC1:" + text[6:].lower(), "FormatError"),
        "another prefix": ("OWNC2:" + text[6:], "FormatError"),
        "a letter outside Base45": (text[:-1] + "_", "FormatError"),
        "three letters beyond 65535": (text[:-3] + ":::", "FormatError"),
    }
    return [
        good("challenge: written", "encode_challenge", {"text": text}, challenge=ASKED),
        good("challenge: read", "parse_challenge", {"challenge": ASKED}, text=text),
        bad("challenge: of 15 bytes", "encode_challenge", challenge=ASKED[2:]),
        bad("challenge: of no bytes", "encode_challenge", challenge=""),
        *[bad(f"challenge: {name}", "parse_challenge", error, text=found) for name, (found, error) in wrong.items()],
    ]
