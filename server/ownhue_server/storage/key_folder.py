"""Private keys of one role: a folder (mode 0700) with one file (mode 0600) for each key, never in a database.

    keys = KeyFolder(directory / "keys" / "authority")
    keys.load_or_create("signing", new_seed)          # 32 bytes
    keys.load_or_create("report-1-2930", new_rsa)     # PKCS #8

A key that exists is never written again; a key is on the disk before it is used.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from ownhue.blind_rsa import generate_key
from ownhue.errors import FormatError, StateError

_SEED_BYTES = 32
_ENDING = ".key"


class KeyFolder:
    """The keys in *folder*, by name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def path(self) -> Path:
        """The folder."""
        return self._folder

    def load(self, name: str) -> bytes:
        """The key's bytes. Raises StateError when it is absent."""
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError as error:
            raise StateError(f"the key {name} is missing in {self._folder}") from error

    def load_or_create(self, name: str, create: Callable[[], bytes]) -> bytes:
        """The key's bytes, made by *create* and stored when it is absent."""
        path = self._path(name)
        if not path.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Each attempt has a name of its own and a link never overwrites, so two attempts end with one key.
            draft = path.with_suffix(f".{secrets.token_hex(8)}")
            try:
                write_private(draft, create())
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink(missing_ok=True)
            # Without this a power cut could forget the name of a key whose public half is out already.
            sync_folder(self._folder)
        return path.read_bytes()

    def names(self) -> list[str]:
        """Names of all keys, sorted."""
        return sorted(path.stem for path in self._folder.glob(f"*{_ENDING}"))

    def delete(self, name: str) -> None:
        """Forget a key, and what a crash left of making it. Harmless when it is absent."""
        for path in self._folder.glob(f"{name}.*"):
            path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_ENDING}"


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that only its owner can read, down to the disk."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Bring the names in *folder* down to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def new_seed() -> bytes:
    """32 random bytes: an Ed25519, X25519 or HMAC key."""
    return secrets.token_bytes(_SEED_BYTES)


def new_rsa() -> bytes:
    """A new RSA-2048 key for blind signatures, PKCS #8."""
    return _pkcs8(generate_key())


def new_p256() -> bytes:
    """A new P-256 key, PKCS #8."""
    return _pkcs8(generate_private_key(SECP256R1()))


def load_rsa(data: bytes) -> rsa.RSAPrivateKey:
    """The key of :func:`new_rsa`. Raises FormatError."""
    key = _load(data)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise FormatError("a key file holds another kind of key than RSA")
    return key


def load_p256(data: bytes) -> EllipticCurvePrivateKey:
    """The key of :func:`new_p256`. Raises FormatError."""
    key = _load(data)
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise FormatError("a key file holds another kind of key than P-256")
    return key


def _pkcs8(key: rsa.RSAPrivateKey | EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _load(data: bytes) -> object:
    try:
        # The check of primes takes 30 ms for each of a dozen keys. It is left out: these are our own files, and
        # blind_sign checks every result, so a damaged key gives an error and never a bad signature.
        return load_der_private_key(data, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise FormatError("a key file is damaged") from error
