"""What operations are given in place of randomness and of private keys, so that every answer can be foretold."""

from hashlib import shake_256

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, RSAPublicNumbers

from ownhue.blind_rsa import EXPONENT, private_key_of
from ownhue.errors import FormatError


class Given:
    """Random bytes as the question names them: one text of hexadecimal for each draw, in the order of the spec."""

    def __init__(self, *draws: str) -> None:
        self._draws = [bytes.fromhex(draw) for draw in draws]

    def __call__(self, length: int) -> bytes:
        """The next draw. Raises FormatError when there is none of this length."""
        if not self._draws or len(self._draws[0]) != length:
            raise FormatError(f"the question names no draw of {length} bytes here")
        return self._draws.pop(0)


def any_random(length: int) -> bytes:
    """Bytes for a draw that no answer depends on: a signer's own blinding, which it takes off again."""
    return b"\0" + shake_256(b"ownhue conformance").digest(length - 1)


def private_key(p: str, q: str) -> RSAPrivateKey:
    """The RSA key of two primes in hexadecimal."""
    return private_key_of(int(p, 16), int(q, 16))


def public_key(n: str) -> RSAPublicKey:
    """The RSA key of a modulus in hexadecimal; the exponent is 65537 always."""
    try:
        return RSAPublicNumbers(EXPONENT, int(n, 16)).public_key()
    except ValueError as error:
        raise FormatError("not a modulus") from error
