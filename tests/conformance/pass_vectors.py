"""The cases of specs/vectors/pass.json: passes, epoch keys, lists of them, tickets and signed requests.

What is expected of an invalid case is written here by hand; the tests check that it is what happens.
"""

from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.signing import SigningKey

from ownhue.blind_rsa import RSABSSA_SHA384_PSSZERO_DETERMINISTIC, blind_sign, pss_spki
from ownhue.device import PASSES, sign_request
from ownhue.encoding import cbor_encode
from ownhue.passes import EpochKey, EpochList, finish_pass, request_pass, token_challenge, token_input
from ownhue.ticket import sign_ticket
from tests.conformance.scripted import EPOCH, ISSUER, NOW, Stream, epoch_key, flip, rsa_key


class Recorder:
    """Keeps what was taken from a stream, so that intermediate values can be written down."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random, self.taken = random, list[bytes]()

    def __call__(self, length: int) -> bytes:
        self.taken.append(self._random(length))
        return self.taken[-1]


def pass_vectors() -> dict[str, Any]:
    """The content of specs/vectors/pass.json."""
    key = epoch_key(EPOCH)
    private = rsa_key(f"issuer {EPOCH}")
    random = Recorder(Stream("pass of the vectors"))
    request = request_pass(ISSUER, key, random)
    answer = blind_sign(private, request.blinded, Stream("base blinding"))
    made = finish_pass(request, ISSUER, key, answer)
    challenge = token_challenge(ISSUER, EPOCH)
    primes = private.private_numbers()
    return {
        "issuer": ISSUER,
        "epoch": EPOCH,
        "key": {"p": f"{primes.p:x}", "q": f"{primes.q:x}"},
        "spki": key.spki.hex(),
        "key_id": key.key_id.hex(),
        "valid": {
            "token_challenge": challenge.hex(),
            "seed": made.seed.hex(),
            "public_key": made.public_key.hex(),
            "token_input": token_input(made.public_key, challenge, key.key_id).hex(),
            "salt": random.taken[1].hex(),
            "blinding_factor": random.taken[-1].hex(),
            "blinded": request.blinded.hex(),
            "blind_signature": answer.hex(),
            "signature": made.signature.hex(),
        },
        "invalid": _invalid_passes(key, private, made.public_key, made.signature),
        "invalid_keys": _invalid_keys(key, private.public_key()),
        "invalid_lists": _invalid_lists(key),
        "ticket": _ticket(),
        "request": _request(),
    }


def _invalid_passes(key: EpochKey, private: rsa.RSAPrivateKey, public_key: bytes, signature: bytes) -> list[Any]:
    def case(name: str, **changes: Any) -> dict[str, Any]:
        plain = {"issuer": ISSUER, "epoch": EPOCH, "spki": key.spki, "public_key": public_key, "signature": signature}
        fields = {k: v.hex() if isinstance(v, bytes) else v for k, v in (plain | changes).items()}
        return {"name": name, **fields, "expected": "VerificationError"}

    message = token_input(public_key, token_challenge(ISSUER, EPOCH), key.key_id)
    unsalted = private.sign(message, RSABSSA_SHA384_PSSZERO_DETERMINISTIC.padding, hashes.SHA384())
    other = epoch_key(EPOCH, "other issuer")
    return [
        case("one bit of the public key", public_key=flip(public_key)),
        case("one bit of the signature", signature=flip(signature)),
        case("a signature of 255 bytes", signature=signature[:-1]),
        case("a signature without salt", signature=unsalted),
        case("another issuer's name", issuer="issuer.example.net"),
        case("another issuer's key", spki=other.spki),
        case("the next epoch's key", epoch=EPOCH + 1, spki=epoch_key(EPOCH + 1).spki),
        case("the same key for the next epoch", epoch=EPOCH + 1),
    ]


def _invalid_keys(key: EpochKey, public: rsa.RSAPublicKey) -> list[Any]:
    def wrapped(algorithm: str, number: rsa.RSAPublicKey = public) -> bytes:
        bits = b"\x03\x82" + _counted(b"\0" + number.public_bytes(Encoding.DER, PublicFormat.PKCS1))
        return b"\x30\x82" + _counted(bytes.fromhex(algorithm) + bits)

    ours = key.spki[4 : 4 + 63].hex()
    with_null = (
        "304106092a864886f70d01010a3034a00f300d06096086480165030402020500"
        "a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130"
    )
    numbers = public.public_numbers()
    long_key = rsa_key("long", 3072).public_key()
    cases = {
        "nothing": b"",
        "one byte too many": key.spki + b"\0",
        "one byte too few": key.spki[:-1],
        "under rsaEncryption": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "digests with NULL parameters": wrapped(with_null),
        "SHA-256 in place of SHA-384": wrapped(ours.replace("608648016503040202", "608648016503040201")),
        "a salt of 32 bytes": wrapped(ours[:-2] + "20"),
        "the exponent 3": wrapped(ours, rsa.RSAPublicNumbers(3, numbers.n).public_key()),
        "a modulus of 1024 bits": wrapped(ours, rsa_key("short", 1024).public_key()),
        "a modulus of 3072 bits": pss_spki(long_key),
    }
    return [{"name": name, "spki": spki.hex(), "expected": "FormatError"} for name, spki in cases.items()]


def _counted(content: bytes) -> bytes:
    return len(content).to_bytes(2, "big") + content


def _invalid_lists(key: EpochKey) -> list[Any]:
    body = EpochList(ISSUER, (key, epoch_key(EPOCH + 1))).to_body()
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
    return [{"name": name, "body": wrong, "expected": "FormatError"} for name, wrong in bodies.items()]


def _ticket() -> dict[str, Any]:
    key, other = SigningKey(Stream("authority")(32)), SigningKey(Stream("not the authority")(32))
    nonce = Stream("ticket")(16)
    text = sign_ticket(key, nonce, NOW)
    last = "B" if text[-1] == "A" else "A"

    def case(name: str, wrong: str, expected: str, now: int = NOW - 1) -> dict[str, Any]:
        return {"name": name, "text": wrong, "now": now, "expected": expected}

    return {
        "verify_key": bytes(key.verify_key).hex(),
        "text": text,
        "nonce": nonce.hex(),
        "expires": NOW,
        "now": NOW - 1,
        "invalid": [
            case("over", text, "VerificationError", NOW),
            case("signed by somebody else", sign_ticket(other, nonce, NOW), "VerificationError"),
            case("one letter of the signature", text[:-5] + last + text[-4:], "VerificationError"),
            case("a nonce of 15 bytes", sign_ticket(key, nonce[:15], NOW), "FormatError"),
            case("an end below zero", sign_ticket(key, nonce, -1), "FormatError"),
            case("cut off", text[:40], "FormatError"),
            case("padded", text + "=", "FormatError"),
            case("another prefix", "OWNT2." + text[6:], "FormatError"),
            case("too long", text + "A" * 200, "LimitError"),
        ],
    }


def _request() -> dict[str, Any]:
    body = {"epoch": EPOCH, "blinded": [Stream("blinded")(256)], "time": NOW}
    signed = sign_request(PASSES, body, SigningKey(Stream("device")(32)))
    signature = signed.pop("signature")
    return {
        "purpose": PASSES.decode(),
        "device": signed["device"].hex(),
        "unsigned": cbor_encode(signed).hex(),
        "signature": signature.hex(),
    }
