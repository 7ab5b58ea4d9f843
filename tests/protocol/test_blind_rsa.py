"""ownhue.blind_rsa: what it makes, how it handles secrets, and what it refuses.

The published vectors of RFC 9474 and RFC 9578 are run in tests/conformance; blindness is shown in tests/attacks/
test_blindness.py.
"""

import gmpy2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from ownhue.blind_rsa import (
    RSABSSA_SHA384_PSS_DETERMINISTIC,
    Blinded,
    Variant,
    blind,
    blind_sign,
    finalize,
    generate_key,
    load_pss_spki,
    prepare,
    private_key_of,
    pss_spki,
    verify,
)
from ownhue.conformance.blind_rsa_ops import VARIANTS
from ownhue.errors import FormatError, VerificationError
from tests.conformance.scripted import Script, Stream, rsa_key

PLAIN = RSABSSA_SHA384_PSS_DETERMINISTIC


def signed(message: bytes, label: str = "signed") -> tuple[Blinded, bytes, bytes]:
    """Request, blind signature and signature of a message under one 2048-bit key."""
    request = blind(rsa_key("blind").public_key(), message, PLAIN, Stream(label))
    answer = blind_sign(rsa_key("blind"), request.message, Stream(label + " signer"))
    return request, answer, finalize(rsa_key("blind").public_key(), message, answer, request.inverse, PLAIN)


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_every_variant_goes_from_message_to_signature(variant: Variant) -> None:
    private = rsa_key("blind")
    prepared = prepare(variant, b"message", Stream("prefix"))
    assert prepared.endswith(b"message")
    assert (len(prepared) == 32 + 7) == variant.randomized
    request = blind(private.public_key(), prepared, variant, Stream("request"))
    answer = blind_sign(private, request.message, Stream("signer"))
    verify(
        private.public_key(),
        prepared,
        finalize(private.public_key(), prepared, answer, request.inverse, variant),
        variant,
    )


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


def test_two_primes_are_one_private_key() -> None:
    numbers = rsa_key("blind").private_numbers()
    for pair in ((numbers.p, numbers.q), (numbers.q, numbers.p)):
        assert private_key_of(*pair).public_key().public_numbers() == numbers.public_numbers


@pytest.mark.parametrize("change", [(0, 2), (2, 0), (1, 1)], ids=str)
def test_numbers_that_are_not_prime_are_no_key(change: tuple[int, int]) -> None:
    numbers = rsa_key("blind").private_numbers()
    with pytest.raises(FormatError):
        private_key_of(numbers.p + change[0], numbers.q + change[1])


def test_primes_that_make_no_key_of_ours_are_refused() -> None:
    p = rsa_key("blind").private_numbers().p
    # Twice the same; one that leaves the exponent without an inverse; a modulus that is too short.
    unfit = next(65537 * k + 1 for k in range(2**1007, 2**1007 + 10**5, 2) if gmpy2.is_prime(65537 * k + 1))
    for pair in ((p, p), (p, unfit), (p, 65539), (3, 5)):
        with pytest.raises(FormatError):
            private_key_of(*pair)


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
