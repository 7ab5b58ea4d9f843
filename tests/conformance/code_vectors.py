"""The cases of specs/vectors/code.json: codes that a checkpoint accepts, and one or more for each refusal.

What is expected of an invalid case is written here by hand; the tests check that it is what happens.
"""

from dataclasses import asdict, replace
from typing import Any

from ownhue.code import PREFIX, Code, encode_code
from ownhue.encoding import base45_encode, cbor_encode
from ownhue.passes import EpochList, Pass
from ownhue.verify import Refusal, verify_code
from tests.conformance.scripted import (
    CHALLENGE,
    EPOCH,
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


def code_vectors() -> dict[str, Any]:
    """The content of specs/vectors/code.json."""
    known = view()
    epochs = EpochList(ISSUER, tuple(sorted(known.epochs.values(), key=lambda key: key.epoch)))
    return {
        "view": {
            **epochs.to_body(),
            "heads": [{"size": size, "root": root.hex(), "time": time} for size, (root, time) in known.heads.items()],
            "rulebook_version": known.rulebook_version,
            "signed_time": known.signed_time,
            "max_age_seconds": known.max_age_seconds,
        },
        "valid": _valid_codes(),
        "invalid": _invalid_codes(),
    }


def _valid_codes() -> list[Any]:
    made = make_pass("holder")
    slow = code(made, time=NOW - 3600, challenge=CHALLENGE)
    cases = [
        ("green, against the newest tree head", code(made), b""),
        ("red, a minute old", code(made, colour=3, time=NOW - 60), b""),
        ("grey, a minute ahead", code(made, colour=1, time=NOW + 60), b""),
        ("yellow, against an older tree head", code(made, colour=2, **head(107)), b""),
        ("newer than the checkpoint's log", code(made, **head(200)), b""),
        ("a challenge, from a phone whose clock is an hour slow", slow, CHALLENGE),
    ]
    return [_valid_code(name, item, challenge) for name, item, challenge in cases]


def _valid_code(name: str, item: Code, challenge: bytes) -> dict[str, Any]:
    text = encode_code(item)
    return {
        "name": name,
        "now": NOW,
        "challenge": challenge.hex(),
        "statement": item.statement.to_bytes().hex(),
        "signed_message": item.signed_message().hex(),
        "array": item.to_bytes().hex(),
        "text": text,
        "verdict": asdict(verify_code(text, view(), NOW, challenge)),
    }


def _invalid_codes() -> list[Any]:
    made = make_pass("holder")
    good = code(made)
    return [
        _case("the checkpoint's clock is before its data", Refusal.CLOCK_WRONG, good, now=NOW - 61),
        _case("an address", Refusal.NOT_A_CODE, "https://example.com/"),
        _case("a code of a later version", Refusal.NOT_A_CODE, "OWN2:" + encode_code(good)[5:]),
        *[_case(name, Refusal.DAMAGED, text) for name, text in _damaged(good).items()],
        *_wrong_epoch_or_time(made, good),
        *_wrong_signatures(made, good),
        _case("an old rulebook", Refusal.OLD_RULEBOOK, code(made, rulebook_version=2)),
        _case("a phone that has no data", Refusal.OLD_DATA, code(made, tree_size=0, root_prefix=bytes(8))),
        _case("data older than a day", Refusal.OLD_DATA, code(made, **head(40))),
        _case("data older than every kept head", Refusal.OLD_DATA, code(made, **head(39))),
        _case("another log's root", Refusal.OTHER_LOG, code(made, **head(123, "foreign log"))),
        _case("a size that was never published", Refusal.OTHER_LOG, code(made, **head(110))),
        _case("the same text again", Refusal.SAME_PASS, good, accepted_before=[encode_code(good)]),
        _case(
            "the same pass signed again",
            Refusal.SAME_PASS,
            good,
            accepted_before=[encode_code(code(made, time=NOW - 20))],
        ),
    ]


def _case(name: str, refusal: Refusal, text: str | Code, **changes: Any) -> dict[str, Any]:
    text = encode_code(text) if isinstance(text, Code) else text
    plain = {"name": name, "now": NOW, "challenge": "", "accepted_before": [], "text": text}
    return {**plain, **changes, "refusal": refusal.value, "step": refusal.step}


def _wrong_epoch_or_time(made: Pass, good: Code) -> list[Any]:
    asked, stranger = CHALLENGE.hex(), make_pass("stranger", issuer="other issuer")
    other = code(made, challenge=flip(CHALLENGE))
    return [
        _case("a pass of another issuer", Refusal.UNKNOWN_KEY, code(stranger)),
        _case("another epoch than the key's", Refusal.OTHER_EPOCH, resigned(made, good, epoch=EPOCH + 1)),
        _case("tomorrow's pass", Refusal.EPOCH_CLOSED, code(make_pass("tomorrow", EPOCH + 1))),
        _case("a copy 61 seconds old", Refusal.TOO_OLD, code(made, time=NOW - 61)),
        _case("61 seconds ahead", Refusal.IN_FUTURE, code(made, time=NOW + 61)),
        _case("no answer to the challenge", Refusal.WRONG_CHALLENGE, good, challenge=asked),
        _case("the answer to another challenge", Refusal.WRONG_CHALLENGE, other, challenge=asked),
        _case("an answer that nobody asked for", Refusal.WRONG_CHALLENGE, code(made, challenge=CHALLENGE)),
    ]


def _wrong_signatures(made: Pass, good: Code) -> list[Any]:
    forger = Forger(Stream("forger")(32))
    unsigned_key = forger.sign(replace(good, public_key=forger.public_key))
    foreign_pass = resigned(made, good, pass_signature=make_pass("other").signature)
    recoloured = replace(code(made, colour=3), statement=statement())
    return [
        _case("a key that the issuer never signed", Refusal.BAD_PASS, unsigned_key),
        _case("another pass's signature", Refusal.BAD_PASS, foreign_pass),
        _case("red turned to green", Refusal.BAD_SIGNATURE, recoloured),
        _case("signed by another key", Refusal.BAD_SIGNATURE, forger.sign(good)),
    ]


def _damaged(good: Code) -> dict[str, str]:
    """Texts that begin as a code and are none."""

    def text(parts: Any) -> str:
        return PREFIX + base45_encode(parts if isinstance(parts, bytes) else cbor_encode(parts))

    fine, array = encode_code(good), good.to_bytes()
    said = good.statement
    tail = [said.rulebook_version, said.tree_size, said.root_prefix, said.challenge]
    parts = [1, good.key_id, good.epoch, good.public_key, good.pass_signature, said.to_bytes(), good.signature]

    def stating(*values: Any) -> str:
        return text([*parts[:5], cbor_encode(list(values)), parts[6]])

    def with_part(index: int, value: Any) -> str:
        return text([*parts[:index], value, *parts[index + 1 :]])

    return {
        "nothing after the prefix": PREFIX,
        "cut off": fine[:-3],
        "small letters": PREFIX + fine[5:].lower(),
        "a line end": fine + "\n",
        "too long": fine + "0" * 60,
        "a byte after the array": text(array + b"\0"),
        "a number in a longer spelling": text(array.replace(b"\x87\x01", b"\x87\x18\x01", 1)),
        "a list of six": text(parts[:6]),
        "a map": text({"code": parts}),
        "version 2": with_part(0, 2),
        "the version true": with_part(0, True),
        "a key id of five bytes": with_part(1, good.key_id + b"\0"),
        "an epoch below zero": with_part(2, -1),
        "an epoch in text": with_part(2, str(good.epoch)),
        "a public key of 31 bytes": with_part(3, good.public_key[:-1]),
        "a pass signature of 255 bytes": with_part(4, good.pass_signature[:-1]),
        "a statement that is not bytes": with_part(5, [said.time, said.colour, *tail]),
        "a signature of 63 bytes": with_part(6, good.signature[:-1]),
        "a fifth colour": stating(said.time, 4, *tail),
        "a time that is true": stating(True, said.colour, *tail),
        "a time of 33 bits": stating(2**32, said.colour, *tail),
        "a root prefix of seven bytes": stating(said.time, said.colour, *tail[:2], said.root_prefix[:7], b""),
        "a challenge of eight bytes": stating(said.time, said.colour, *tail[:3], bytes(8)),
        "a statement of five": stating(said.time, said.colour, *tail[:3]),
        "a statement of seven": stating(said.time, said.colour, *tail, b""),
    }
