"""ownhue.blind_rsa: the published vectors of RFC 9474 and RFC 9578, blindness, and what is refused."""

import json
from hashlib import sha256
from itertools import product
from typing import Any

import gmpy2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from ownhue.blind_rsa import (
    RSABSSA_SHA384_PSS_DETERMINISTIC,
    RSABSSA_SHA384_PSS_RANDOMIZED,
    RSABSSA_SHA384_PSSZERO_DETERMINISTIC,
    RSABSSA_SHA384_PSSZERO_RANDOMIZED,
    Blinded,
    Variant,
    blind,
    blind_sign,
    finalize,
    generate_key,
    load_pss_spki,
    prepare,
    pss_spki,
    verify,
)
from ownhue.errors import FormatError, VerificationError
from tests.conformance.scripted import Script, Stream, private_key_of, rsa_key
from tests.shared import SPECS, shared_path

RFC9474: dict[str, Any] = json.loads((SPECS / "vectors/rfc9474.json").read_bytes())
RFC9578: dict[str, Any] = json.loads((SPECS / "vectors/rfc9578.json").read_bytes())
VARIANTS = {
    variant.name: variant
    for variant in (
        RSABSSA_SHA384_PSS_RANDOMIZED,
        RSABSSA_SHA384_PSSZERO_RANDOMIZED,
        RSABSSA_SHA384_PSS_DETERMINISTIC,
        RSABSSA_SHA384_PSSZERO_DETERMINISTIC,
    )
}
PLAIN = RSABSSA_SHA384_PSS_DETERMINISTIC


def signed(message: bytes, label: str = "signed") -> tuple[Blinded, bytes, bytes]:
    """Request, blind signature and signature of a message under one 2048-bit key."""
    request = blind(rsa_key("blind").public_key(), message, PLAIN, Stream(label))
    answer = blind_sign(rsa_key("blind"), request.message, Stream(label + " signer"))
    return request, answer, finalize(rsa_key("blind").public_key(), message, answer, request.inverse, PLAIN)


@pytest.mark.parametrize("vector", RFC9474["vectors"], ids=lambda vector: vector["variant"])
def test_rfc_9474_vector_bit_for_bit(vector: dict[str, str]) -> None:
    private = private_key_of(int(RFC9474["key"]["p"], 16), int(RFC9474["key"]["q"], 16))
    public, variant = private.public_key(), VARIANTS[vector["variant"]]
    values = {name: bytes.fromhex(value) for name, value in vector.items() if name != "variant"}
    inverse = int(vector["inverse"], 16)
    factor = pow(inverse, -1, public.public_numbers().n).to_bytes(512, "big")

    message = prepare(variant, bytes.fromhex(RFC9474["message"]), Script(values["prefix"]))
    assert message.hex() == vector["prefix"] + RFC9474["message"]
    request = blind(public, message, variant, Script(values["salt"], factor))
    assert request.message == values["blinded"]
    assert request.inverse == inverse
    answer = blind_sign(private, request.message, Stream("base blinding"))
    assert answer == values["blind_signature"]
    assert finalize(public, message, answer, inverse, variant) == values["signature"]
    verify(public, message, values["signature"], variant)


def test_the_typed_vectors_are_those_of_the_published_file() -> None:
    published = json.loads(shared_path("vectors/rfc9474.json").read_bytes())
    assert len(published) == len(RFC9474["vectors"])
    names = {"prefix": "msg_prefix", "salt": "salt", "inverse": "inv", "blinded": "blinded_msg"}
    names |= {"blind_signature": "blind_sig", "signature": "sig", "variant": "name"}
    for theirs, ours in zip(published, RFC9474["vectors"], strict=True):
        assert {name: theirs[other].removeprefix("0x") for name, other in names.items()} == ours
        assert theirs["msg"] == RFC9474["message"]
        assert {"p": theirs["p"][2:], "q": theirs["q"][2:]} == RFC9474["key"]


def test_rfc_9578_vector_bit_for_bit() -> None:
    values = {name: bytes.fromhex(value) for name, value in RFC9578.items() if name != "source"}
    public = load_pss_spki(values["spki"])
    assert pss_spki(public) == values["spki"]
    key_id = sha256(values["spki"]).digest()
    message = b"\0\2" + values["nonce"] + sha256(values["token_challenge"]).digest() + key_id
    request = blind(public, message, PLAIN, Script(values["salt"], values["blind"]))
    assert b"\0\2" + key_id[-1:] + request.message == values["token_request"]
    assert message + finalize(public, message, values["token_response"], request.inverse, PLAIN) == values["token"]


def test_every_request_fits_every_signature() -> None:
    """Perfect blindness: for each request that the signer saw and each signature there is a blinding factor that

    turns the one into the other, so that what the signer saw excludes nobody. Each is found and played again.
    """
    public = rsa_key("blind").public_key()
    n = public.public_numbers().n
    runs = []
    for index in range(6):
        salts: list[bytes] = []
        stream, message = Stream(f"run {index}"), f"message {index}".encode()

        def random(length: int, stream: Stream = stream, taken: list[bytes] = salts) -> bytes:
            taken.append(stream(length))
            return taken[-1]

        request = blind(public, message, PLAIN, random)
        answer = blind_sign(rsa_key("blind"), request.message, Stream("signer"))
        runs.append((request, answer, message, salts[0], finalize(public, message, answer, request.inverse, PLAIN)))
    for (request, answer, *_), (_, _, message, salt, signature) in product(runs, runs):
        factor = int.from_bytes(answer, "big") * pow(int.from_bytes(signature, "big"), -1, n) % n
        again = blind(public, message, PLAIN, Script(salt, factor.to_bytes(256, "big")))
        assert again.message == request.message
        assert finalize(public, message, answer, again.inverse, PLAIN) == signature


def test_the_blinding_factor_is_drawn_again_when_it_is_not_below_the_modulus() -> None:
    public = rsa_key("blind").public_key()
    n = public.public_numbers().n
    factor = Stream("factor")(256)
    assert int.from_bytes(factor, "big") < n
    unfit = [number.to_bytes(256, "big") for number in (0, n, n + 1, 2**2048 - 1, rsa_key("blind").private_numbers().p)]
    script = Script(bytes(48), *unfit, factor)
    assert blind(public, b"m", PLAIN, script) == blind(public, b"m", PLAIN, Script(bytes(48), factor))
    assert script.used_up


def test_the_signer_never_raises_the_chosen_number_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    request = blind(rsa_key("blind").public_key(), b"m", PLAIN, Stream("chosen"))
    bases: list[int] = []
    original = gmpy2.powmod_sec

    def watched(base: int, exponent: int, modulus: int) -> int:
        bases.append(int(base))
        return original(base, exponent, modulus)  # type: ignore[no-any-return]

    monkeypatch.setattr(gmpy2, "powmod_sec", watched)
    first = blind_sign(rsa_key("blind"), request.message, Stream("one"))
    second = blind_sign(rsa_key("blind"), request.message, Stream("two"))
    assert first == second
    numbers = rsa_key("blind").private_numbers()
    chosen = int.from_bytes(request.message, "big")
    assert not {chosen, chosen % numbers.p, chosen % numbers.q} & set(bases)
    # Each call raises its blinding factor and two halves; no base occurs in both calls.
    assert len(set(bases)) == 6


def test_a_fault_in_one_half_of_the_private_operation_gives_nothing_away() -> None:
    good = rsa_key("blind").private_numbers()
    public = rsa_key("blind").public_key()
    request = blind(public, b"m", PLAIN, Stream("fault"))
    faulty = rsa.RSAPrivateNumbers(
        good.p, good.q, good.d, good.dmp1 ^ 2, good.dmq1, good.iqmp, good.public_numbers
    ).private_key(unsafe_skip_rsa_key_validation=True)
    with pytest.raises(VerificationError, match="wrong result"):
        blind_sign(faulty, request.message, Stream("signer"))


@pytest.mark.parametrize(
    "blinded",
    [
        b"",
        bytes(255),
        bytes(257),
        rsa_key("blind").public_key().public_numbers().n.to_bytes(256, "big"),
        b"\xff" * 256,
    ],
    ids=["empty", "short", "long", "the modulus", "above the modulus"],
)
def test_a_number_that_is_not_below_the_modulus_is_refused_on_both_sides(blinded: bytes) -> None:
    with pytest.raises(FormatError):
        blind_sign(rsa_key("blind"), blinded, Stream("signer"))
    with pytest.raises(FormatError):
        finalize(rsa_key("blind").public_key(), b"m", blinded, 1, PLAIN)


def test_an_answer_for_another_message_or_of_another_key_is_refused() -> None:
    public = rsa_key("blind").public_key()
    request, answer, _ = signed(b"mine")
    _, foreign, _ = signed(b"yours", "other")
    with pytest.raises(VerificationError):
        finalize(public, b"mine", foreign, request.inverse, PLAIN)
    with pytest.raises(VerificationError):
        finalize(public, b"yours", answer, request.inverse, PLAIN)
    with pytest.raises((VerificationError, FormatError)):
        finalize(public, b"mine", blind_sign(rsa_key("blind 2"), answer, Stream("x")), request.inverse, PLAIN)


@pytest.mark.parametrize("other", [name for name in VARIANTS if "PSSZERO" in name])
def test_a_signature_of_one_salt_length_is_none_of_another(other: str) -> None:
    variant: Variant = VARIANTS[other]
    private = rsa_key("blind")
    with pytest.raises(VerificationError):
        verify(private.public_key(), b"m", private.sign(b"m", variant.padding, hashes.SHA384()), PLAIN)
    with pytest.raises(VerificationError):
        verify(private.public_key(), b"m", private.sign(b"m", PLAIN.padding, hashes.SHA384()), variant)


def test_any_bit_flipped_in_a_signature_is_noticed() -> None:
    _, _, signature = signed(b"message")
    public = rsa_key("blind").public_key()
    verify(public, b"message", signature, PLAIN)
    for bit in range(2048):
        wrong = (int.from_bytes(signature, "big") ^ 1 << bit).to_bytes(256, "big")
        with pytest.raises(VerificationError):
            verify(public, b"message", wrong, PLAIN)


def test_two_requests_for_one_message_have_nothing_in_common() -> None:
    one, first, _ = signed(b"message", "one")
    two, second, _ = signed(b"message", "two")
    assert one.message != two.message
    assert first != second


def test_a_secret_is_not_in_the_text_of_a_request() -> None:
    request, _, _ = signed(b"message")
    assert str(request.inverse) not in repr(request)


def test_the_key_id_object_is_that_of_rfc_9578() -> None:
    spki = pss_spki(rsa_key("blind").public_key())
    assert len(spki) == 342
    # The lengths of the example in RFC 9578 section 6.5: 338, 61, 48, and a bit string of 271.
    assert spki[:4].hex() == "30820152"
    assert spki[4:6].hex() == "303d"
    assert spki[67:71].hex() == "0382010f"
    assert load_pss_spki(spki).public_numbers() == rsa_key("blind").public_key().public_numbers()


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_longer_keys_have_their_one_encoding_too(bits: int) -> None:
    public = rsa_key("long", bits).public_key()
    assert load_pss_spki(pss_spki(public)).key_size == bits


def test_a_key_with_another_exponent_is_not_used() -> None:
    odd = rsa.RSAPublicNumbers(3, rsa_key("blind").public_key().public_numbers().n).public_key()
    with pytest.raises(FormatError):
        pss_spki(odd)
    with pytest.raises(FormatError):
        blind(odd, b"m", PLAIN, Stream("x"))


def test_a_new_key_has_2048_bits() -> None:
    assert generate_key().key_size == 2048


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_only_our_own_error_leaves_the_key_parser(data: st.DataObject) -> None:
    spki = bytearray(pss_spki(rsa_key("blind").public_key()))
    for _ in range(data.draw(st.integers(1, 3))):
        spki[data.draw(st.integers(0, len(spki) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(spki[: data.draw(st.integers(0, len(spki)))]) + data.draw(st.binary(max_size=8))
    try:
        key = load_pss_spki(cut)
    except FormatError:
        return
    assert pss_spki(key) == cut
