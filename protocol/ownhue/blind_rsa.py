"""RSA blind signatures (RFC 9474) and the public key encoding that RFC 9578 asks for.

The signer signs a message that it cannot see, and cannot recognise the signature later::

    request = blind(public_key, message, RSABSSA_SHA384_PSS_DETERMINISTIC, os.urandom)
    answer = blind_sign(private_key, request.message, os.urandom)        # the signer sees only this line
    signature = finalize(public_key, message, answer, request.inverse, RSABSSA_SHA384_PSS_DETERMINISTIC)
    verify(public_key, message, signature, RSABSSA_SHA384_PSS_DETERMINISTIC)

Specified in specs/pass.md sections 3 and 4. Invariants:

- A signature leaves ``finalize`` only after it was verified, and ``blind_sign`` only after its result was checked:
  a fault in one half of the CRT would otherwise give away a prime of the key.
- Exponents, and numbers that depend on a private key, meet only ``gmpy2.powmod_sec``; Python's ``pow`` takes a
  time that depends on its exponent.
- Every key has 2048 to 4096 bits and the exponent 65537.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha384

import gmpy2
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from ownhue.errors import FormatError, LimitError, VerificationError

#: A source of random bytes, as ``os.urandom``.
Random = Callable[[int], bytes]

#: Fewest bits of a key's modulus. specs/pass.md section 3
MIN_BITS = 2048
#: Most bits of a key's modulus. specs/pass.md section 3
MAX_BITS = 4096
#: The public exponent of every key. specs/pass.md section 3
EXPONENT = 65537

_HASH_BYTES = 48
_PREFIX_BYTES = 32
_MAX_SPKI_BYTES = 1024
# id-RSASSA-PSS with SHA-384, MGF1 with SHA-384 and a salt of 48 bytes; the digests' own parameters are left out.
_PSS_ALGORITHM = bytes.fromhex(
    "303d06092a864886f70d01010a3030a00d300b0609608648016503040202"
    "a11a301806092a864886f70d010108300b0609608648016503040202a203020130"
)


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the four named variants of RFC 9474 section 5."""

    name: str
    #: Bytes of salt in the PSS encoding.
    salt_length: int
    #: Whether ``prepare`` puts 32 random bytes before the message.
    randomized: bool

    @property
    def padding(self) -> padding.PSS:
        """The variant's PSS parameters."""
        return padding.PSS(padding.MGF1(hashes.SHA384()), self.salt_length)


RSABSSA_SHA384_PSS_RANDOMIZED = Variant("RSABSSA-SHA384-PSS-Randomized", 48, True)
RSABSSA_SHA384_PSSZERO_RANDOMIZED = Variant("RSABSSA-SHA384-PSSZERO-Randomized", 0, True)
RSABSSA_SHA384_PSS_DETERMINISTIC = Variant("RSABSSA-SHA384-PSS-Deterministic", 48, False)
RSABSSA_SHA384_PSSZERO_DETERMINISTIC = Variant("RSABSSA-SHA384-PSSZERO-Deterministic", 0, False)


@dataclass(frozen=True, slots=True)
class Blinded:
    """What ``blind`` makes: a message for the signer and the secret that takes the blinding off again."""

    #: For the signer: as many bytes as the modulus has.
    message: bytes
    #: Inverse of the blinding factor modulo n. Whoever learns it can link the request to the signature.
    inverse: int = field(repr=False)


def generate_key(bits: int = MIN_BITS) -> rsa.RSAPrivateKey:
    """A new private key, with the randomness of the cryptographic library itself."""
    return rsa.generate_private_key(EXPONENT, bits)


def private_key_of(p: int, q: int) -> rsa.RSAPrivateKey:
    """The private key of two primes. Raises FormatError for numbers that make no key of ours."""
    order = (p - 1) * (q - 1)
    if p == q or not (gmpy2.is_prime(p) and gmpy2.is_prime(q)) or gmpy2.gcd(EXPONENT, order) != 1:
        raise FormatError(f"not the primes of an RSA key with the exponent {EXPONENT}")
    public = rsa.RSAPublicNumbers(EXPONENT, p * q)
    d = int(gmpy2.invert(EXPONENT, order))
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), int(gmpy2.invert(q, p)), public)
    try:
        # The numbers were made here, so the library's own checks (30 ms) would find nothing.
        key = numbers.private_key(unsafe_skip_rsa_key_validation=True)
    except ValueError as error:
        raise FormatError("an RSA key that the cryptographic library cannot hold") from error
    _modulus(key.public_key())
    return key


def prepare(variant: Variant, message: bytes, random: Random) -> bytes:
    """The message that is signed in truth (RFC 9474 section 4.1)."""
    return random(_PREFIX_BYTES) + message if variant.randomized else message


def blind(public_key: rsa.RSAPublicKey, message: bytes, variant: Variant, random: Random) -> Blinded:
    """Blind a prepared *message* (RFC 9474 section 4.2). Takes the salt first, then the blinding factor."""
    n = gmpy2.mpz(_modulus(public_key))
    encoded = _pss_encode(message, n.bit_length() - 1, random(variant.salt_length))
    number = gmpy2.mpz(int.from_bytes(encoded, "big"))
    if gmpy2.gcd(number, n) != 1:
        raise VerificationError("the message has a factor in common with the key")
    factor, inverse = _unit(n, random)
    blinded = number * gmpy2.powmod_sec(factor, EXPONENT, n) % n
    return Blinded(_to_bytes(blinded, n), int(inverse))


def blind_sign(private_key: rsa.RSAPrivateKey, blinded: bytes, random: Random) -> bytes:
    """The blind signature of a *blinded* message (RFC 9474 section 4.3): as many bytes as the modulus has.

    Raises FormatError for a message of another length or not below the modulus, VerificationError when the check
    of the own result fails.
    """
    secret = private_key.private_numbers()
    n = gmpy2.mpz(_modulus(private_key.public_key()))
    number = _to_number(blinded, n)
    # The private operation never sees the number that the other side chose, so its time tells nothing about the key.
    factor, inverse = _unit(n, random)
    base = number * gmpy2.powmod_sec(factor, EXPONENT, n) % n
    of_p = gmpy2.powmod_sec(base % secret.p, secret.dmp1, secret.p)
    of_q = gmpy2.powmod_sec(base % secret.q, secret.dmq1, secret.q)
    root = of_q + (of_p - of_q) * secret.iqmp % secret.p * secret.q
    signature = root * inverse % n
    if gmpy2.powmod(signature, EXPONENT, n) != number:
        raise VerificationError("the private key gave a wrong result")
    return _to_bytes(signature, n)


def finalize(
    public_key: rsa.RSAPublicKey, message: bytes, blind_signature: bytes, inverse: int, variant: Variant
) -> bytes:
    """The signature of the prepared *message* (RFC 9474 section 4.4), verified.

    Raises FormatError for an answer of another length or not below the modulus, VerificationError for one that does
    not sign this message.
    """
    n = gmpy2.mpz(_modulus(public_key))
    signature = _to_bytes(_to_number(blind_signature, n) * inverse % n, n)
    verify(public_key, message, signature, variant)
    return signature


def verify(public_key: rsa.RSAPublicKey, message: bytes, signature: bytes, variant: Variant) -> None:
    """Raises VerificationError unless *signature* is one of the prepared *message* (RSASSA-PSS, RFC 8017)."""
    try:
        public_key.verify(signature, message, variant.padding, hashes.SHA384())
    except InvalidSignature as error:
        raise VerificationError("the RSA signature does not hold") from error


def pss_spki(public_key: rsa.RSAPublicKey) -> bytes:
    """SubjectPublicKeyInfo (DER) under id-RSASSA-PSS, as RFC 9578 section 6.5 wants it; its SHA-256 is the key id."""
    _modulus(public_key)
    key = public_key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    return _der(0x30, _PSS_ALGORITHM + _der(0x03, b"\0" + key))


def load_pss_spki(der: bytes) -> rsa.RSAPublicKey:
    """The key of exactly the bytes that ``pss_spki`` makes. Raises FormatError."""
    if len(der) > _MAX_SPKI_BYTES:
        raise LimitError(f"a public key of {len(der)} bytes is too long")
    try:
        key = load_der_public_key(der[len(_der(0x30, _PSS_ALGORITHM + _der(0x03, b"\0"))) :])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise FormatError("not an RSASSA-PSS public key") from error
    if not isinstance(key, rsa.RSAPublicKey) or pss_spki(key) != der:
        raise FormatError("not the one encoding of an RSASSA-PSS public key")
    return key


def _modulus(public_key: rsa.RSAPublicKey) -> int:
    numbers = public_key.public_numbers()
    if numbers.e != EXPONENT or public_key.key_size % 8 or not MIN_BITS <= public_key.key_size <= MAX_BITS:
        raise FormatError(f"an RSA key has {MIN_BITS} to {MAX_BITS} bits, in whole bytes, and the exponent {EXPONENT}")
    if numbers.n % 2 == 0:
        raise FormatError("an RSA modulus is odd")
    return numbers.n


def _der(tag: int, content: bytes) -> bytes:
    # Every content here is longer than 255 bytes and shorter than 65536, whose one DER length is this form.
    return bytes((tag, 0x82)) + len(content).to_bytes(2, "big") + content


def _to_bytes(number: gmpy2.mpz, n: gmpy2.mpz) -> bytes:
    return int(number).to_bytes(n.bit_length() // 8, "big")


def _to_number(data: bytes, n: gmpy2.mpz) -> gmpy2.mpz:
    number = gmpy2.mpz(int.from_bytes(data, "big"))
    if len(data) != n.bit_length() // 8 or number >= n:
        raise FormatError("not a number below the RSA modulus, in as many bytes")
    return number


def _unit(n: gmpy2.mpz, random: Random) -> tuple[gmpy2.mpz, gmpy2.mpz]:
    """A uniform number that has an inverse modulo n, and the inverse. Unfit draws are thrown away, never reduced."""
    while True:
        number = gmpy2.mpz(int.from_bytes(random(n.bit_length() // 8), "big"))
        if 0 < number < n and gmpy2.gcd(number, n) == 1:
            return number, gmpy2.invert(number, n)


def _pss_encode(message: bytes, bits: int, salt: bytes) -> bytes:
    """EMSA-PSS-ENCODE of RFC 8017 section 9.1.1 with SHA-384 and MGF1."""
    length = (bits + 7) // 8
    digest = sha384(bytes(8) + sha384(message).digest() + salt).digest()
    block = (b"\x01" + salt).rjust(length - _HASH_BYTES - 1, b"\0")
    mask = b"".join(sha384(digest + i.to_bytes(4, "big")).digest() for i in range(len(block) // _HASH_BYTES + 1))
    masked = bytearray(a ^ b for a, b in zip(block, mask, strict=False))
    masked[0] &= 0xFF >> (8 * length - bits)
    return bytes(masked) + digest + b"\xbc"
