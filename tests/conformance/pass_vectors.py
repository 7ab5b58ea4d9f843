"""The cases of specs/vectors/pass.json: passes, epoch keys, lists of them, past keys.

What is expected of an invalid case is written here by hand; the generator refuses to write a case that comes out
otherwise.
"""

from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ownhue.blind_rsa import RSABSSA_SHA384_PSSZERO_DETERMINISTIC, blind_sign, pss_spki
from ownhue.passes import EpochKey, EpochList, finish_pass, request_pass, token_challenge, token_input
from tests.conformance.expected import Case, bad, good
from tests.conformance.past_vectors import past_cases
from tests.conformance.scripted import EPOCH, ISSUER, Recorder, Stream, epoch_key, flip, rsa_key

DAY = 86_400
KEY = epoch_key(EPOCH)
PRIVATE = rsa_key(f"issuer {EPOCH}")


def pass_cases() -> list[Case]:
    """All cases."""
    return [
        *_making(),
        *_wrong_passes(),
        *_keys(),
        *_lists(),
        *_later_lists(),
        *_times(),
        *past_cases(),
    ]


def _named(key: EpochKey) -> dict[str, Any]:
    return {"epoch": key.epoch, "spki": key.spki.hex()}


def _told(key: EpochKey) -> dict[str, Any]:
    return {"epoch": key.epoch, "key_id": key.key_id.hex(), "short_id": key.key_id[:4].hex()}


def _making() -> list[Case]:
    """One pass from its challenge to its signature."""
    random = Recorder(Stream("pass of the vectors"))
    request = request_pass(ISSUER, KEY, random)
    answer = blind_sign(PRIVATE, request.blinded, Stream("base blinding"))
    made = finish_pass(request, ISSUER, KEY, answer)
    seed, salt, factor = random.taken[0], random.taken[1], random.taken[-1]
    context = sha256(b"OWNHUE-EPOCH" + EPOCH.to_bytes(4, "big")).hexdigest()
    challenge = f"0002{len(ISSUER):04x}{ISSUER.encode().hex()}20{context}0000"
    message = "0002" + made.public_key.hex() + sha256(bytes.fromhex(challenge)).hexdigest() + KEY.key_id.hex()
    primes = PRIVATE.private_numbers()
    inverse = f"{request.inverse:0512x}"
    draws = {"seed": seed.hex(), "salt": salt.hex(), "factor": factor.hex()}
    finishing = {
        "issuer": ISSUER,
        **_named(KEY),
        "request_epoch": EPOCH,
        "seed": seed.hex(),
        "inverse": inverse,
        "blind_signature": answer.hex(),
    }
    other = blind_sign(PRIVATE, request_pass(ISSUER, KEY, Stream("b")).blinded, Stream("base blinding")).hex()
    names = {"public_key": made.public_key.hex(), "token_challenge": challenge, "key_id": KEY.key_id.hex()}
    made_of = {"public_key": made.public_key.hex(), "signature": made.signature.hex()}
    return [
        good("challenge", "token_challenge", {"token_challenge": challenge}, issuer=ISSUER, epoch=EPOCH),
        bad("challenge of an issuer without a name", "token_challenge", issuer="", epoch=EPOCH),
        bad("challenge of a name of 256 letters", "token_challenge", issuer="a" * 256, epoch=EPOCH),
        bad("challenge of a name with a line end", "token_challenge", issuer="a\n", epoch=EPOCH),
        good(
            "challenge of a name of blanks and signs",
            "token_challenge",
            {"token_challenge": token_challenge(" ~", EPOCH).hex()},
            issuer=" ~",
            epoch=EPOCH,
        ),
        bad("challenge of a name with DEL", "token_challenge", issuer="a\x7f", epoch=EPOCH),
        bad("challenge of an epoch of 33 bits", "token_challenge", issuer=ISSUER, epoch=2**32),
        bad("challenge of an epoch below zero", "token_challenge", issuer=ISSUER, epoch=-1),
        good("message", "token_input", {"token_input": message}, **names),
        bad("message of a public key of 31 bytes", "token_input", **names | {"public_key": made.public_key.hex()[2:]}),
        bad("message of a key id of 33 bytes", "token_input", **names | {"key_id": KEY.key_id.hex() + "00"}),
        good(
            "request",
            "request_pass",
            {"blinded": request.blinded.hex(), "inverse": inverse},
            issuer=ISSUER,
            **_named(KEY),
            **draws,
        ),
        good(
            "issuer's answer",
            "blind_sign",
            {"blind_signature": answer.hex()},
            p=f"{primes.p:x}",
            q=f"{primes.q:x}",
            blinded=request.blinded.hex(),
        ),
        good("pass", "finish_pass", made_of, **finishing),
        bad(
            "pass of an answer to another request",
            "finish_pass",
            "VerificationError",
            **finishing | {"blind_signature": other},
        ),
        bad("pass of a short answer", "finish_pass", **finishing | {"blind_signature": answer.hex()[2:]}),
        bad("pass of an answer above the modulus", "finish_pass", **finishing | {"blind_signature": "ff" * 256}),
        bad(
            "pass of a request for another epoch",
            "finish_pass",
            "StateError",
            **finishing | {"request_epoch": EPOCH + 1},
        ),
        good("verified", "verify_pass", {}, issuer=ISSUER, **_named(KEY), **made_of),
    ]


def _wrong_passes() -> list[Case]:
    made = finish_pass(
        request := request_pass(ISSUER, KEY, Stream("pass of the vectors")),
        ISSUER,
        KEY,
        blind_sign(PRIVATE, request.blinded, Stream("base blinding")),
    )
    public_key, signature = made.public_key, made.signature

    def case(name: str, error: str = "VerificationError", **changes: Any) -> Case:
        plain = {"issuer": ISSUER, "epoch": EPOCH, "spki": KEY.spki, "public_key": public_key, "signature": signature}
        fields = {k: v.hex() if isinstance(v, bytes) else v for k, v in (plain | changes).items()}
        return bad(f"not verified: {name}", "verify_pass", error, **fields)

    message = token_input(public_key, token_challenge(ISSUER, EPOCH), KEY.key_id)
    unsalted = PRIVATE.sign(message, RSABSSA_SHA384_PSSZERO_DETERMINISTIC.padding, hashes.SHA384())
    number, n = int.from_bytes(signature, "big"), PRIVATE.public_key().public_numbers().n
    return [
        case("one bit of the public key", public_key=flip(public_key)),
        case("one bit of the signature", signature=flip(signature)),
        case("a signature of 255 bytes", signature=signature[:-1]),
        case("a signature of 257 bytes", signature=b"\0" + signature),
        case("a signature above the modulus", signature=(number + n).to_bytes(257, "big")),
        case("a signature without salt", signature=unsalted),
        case("another issuer's name", issuer="issuer.example.net"),
        case("another issuer's key", spki=epoch_key(EPOCH, "other issuer").spki),
        case("the next epoch's key", epoch=EPOCH + 1, spki=epoch_key(EPOCH + 1).spki),
        case("the same key for the next epoch", epoch=EPOCH + 1),
        case("a public key of 31 bytes", "FormatError", public_key=public_key[1:]),
        case("an issuer without a name", "FormatError", issuer=""),
        case("an epoch of 33 bits", "FormatError", epoch=2**32),
    ]


def _keys() -> list[Case]:
    public = PRIVATE.public_key()

    def wrapped(algorithm: str, number: rsa.RSAPublicKey = public) -> bytes:
        bits = b"\x03\x82" + _counted(b"\0" + number.public_bytes(Encoding.DER, PublicFormat.PKCS1))
        return b"\x30\x82" + _counted(bytes.fromhex(algorithm) + bits)

    ours = KEY.spki[4 : 4 + 63].hex()
    with_null = (
        "304106092a864886f70d01010a3034a00f300d06096086480165030402020500"
        "a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130"
    )
    numbers = public.public_numbers()
    cases = {
        "nothing": b"",
        "one byte too many": KEY.spki + b"\0",
        "one byte too few": KEY.spki[:-1],
        "under rsaEncryption": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "digests with NULL parameters": wrapped(with_null),
        "SHA-256 in place of SHA-384": wrapped(ours.replace("608648016503040202", "608648016503040201")),
        "a salt of 32 bytes": wrapped(ours[:-2] + "20"),
        "the exponent 3": wrapped(ours, rsa.RSAPublicNumbers(3, numbers.n).public_key()),
        "an even modulus": KEY.spki[:-6] + bytes((KEY.spki[-6] & 0xFE,)) + KEY.spki[-5:],
        "a modulus of 1024 bits": wrapped(ours, rsa_key("short", 1024).public_key()),
        "a modulus of 3072 bits": pss_spki(rsa_key("long", 3072).public_key()),
    }
    return [
        good("epoch key", "epoch_key", _told(KEY), **_named(KEY)),
        good("key of a modulus", "spki", {"spki": KEY.spki.hex(), "key_id": KEY.key_id.hex()}, n=f"{numbers.n:x}"),
        bad("key of a modulus of 1024 bits", "spki", n=f"{rsa_key('short', 1024).public_key().public_numbers().n:x}"),
        bad("key of a modulus of 2049 bits, which fill no whole bytes", "spki", n=f"{numbers.n * 2 + 1:x}"),
        *[bad(f"key: {name}", "epoch_key", epoch=EPOCH, spki=spki.hex()) for name, spki in cases.items()],
        bad("key: too long to be read", "epoch_key", "LimitError", epoch=EPOCH, spki=(KEY.spki * 4).hex()),
    ]


def _counted(content: bytes) -> bytes:
    return len(content).to_bytes(2, "big") + content


def _lists() -> list[Case]:
    body = EpochList(ISSUER, (KEY, epoch_key(EPOCH + 1))).to_body()
    first, second = body["epochs"]
    rival = EpochList(ISSUER, (epoch_key(EPOCH, "second"),)).to_body()["epochs"][0]
    bodies = {
        "two keys for one epoch": {**body, "epochs": [first, rival]},
        "the same epoch twice": {**body, "epochs": [first, first]},
        "one key for two epochs": {**body, "epochs": [first, {**first, "epoch": EPOCH + 1}]},
        "not in order": {**body, "epochs": [second, first]},
        "an epoch of 33 bits": {**body, "epochs": [{**first, "epoch": 2**32}]},
        "an epoch below zero": {**body, "epochs": [{**first, "epoch": -1}]},
        "an epoch that is true": {**body, "epochs": [{**first, "epoch": True}]},
        "a padded key": {**body, "epochs": [{**first, "spki": first["spki"] + "=="}]},
        "an unknown member of an epoch": {**body, "epochs": [{**first, "note": ""}]},
        "an unknown member of the list": {**body, "note": ""},
        "no issuer": {"epochs": [first]},
        "an issuer without a name": {**body, "issuer": ""},
    }
    told = {"issuer": ISSUER, "keys": [_told(KEY), _told(epoch_key(EPOCH + 1))]}
    return [
        good("list of two epochs", "epochs", told, body=body),
        good("list of none", "epochs", {"issuer": ISSUER, "keys": []}, body={"issuer": ISSUER, "epochs": []}),
        *[bad(f"list: {name}", "epochs", body=wrong) for name, wrong in bodies.items()],
        bad("list: 401 epochs", "epochs", "LimitError", body={"issuer": ISSUER, "epochs": [None] * 401}),
    ]


def _later_lists() -> list[Case]:
    def body(*keys: EpochKey, issuer: str = ISSUER) -> dict[str, Any]:
        return EpochList(issuer, keys).to_body()

    tomorrow = epoch_key(EPOCH + 1)
    return [
        good("a later list drops and adds", "epochs_follow", {}, earlier=body(KEY, tomorrow), later=body(tomorrow)),
        bad(
            "a later list has a second key for an epoch",
            "epochs_follow",
            "ForkError",
            earlier=body(KEY, tomorrow),
            later=body(epoch_key(EPOCH, "second"), tomorrow),
        ),
        bad(
            "a later list names another issuer",
            "epochs_follow",
            "ForkError",
            earlier=body(KEY),
            later=body(KEY, issuer="issuer.example.net"),
        ),
    ]


def _times() -> list[Case]:
    begin, end = EPOCH * DAY, (EPOCH + 1) * DAY
    edges = {
        "61 s before its day": (begin - 61, False, False),
        "60 s before its day": (begin - 60, True, False),
        "59 s after its day": (end + 59, True, False),
        "60 s after its day": (end + 60, False, False),
        "a second before a day has passed": (end + DAY - 1, False, False),
        "a day after its day": (end + DAY, False, True),
    }
    return [
        good(f"epoch {name}", "is_open", {"open": is_open, "past": past}, epoch=EPOCH, now=now)
        for name, (now, is_open, past) in edges.items()
    ]
