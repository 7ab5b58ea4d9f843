"""A key from a passphrase: argon2id with its parameters beside it, bounded before they are believed. RFC 9106

    stretch = Stretch.new(os.urandom)
    key = stretch.key("a passphrase")        # 32 bytes

RFC 9106 section 4 recommends 3 passes over 64 MiB where memory is short; libsodium computes it in one lane.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id

from ownhue.errors import FormatError, StateError

#: Passes and bytes of memory of argon2id. specs/phone.md section 2
PASSES, MEMORY_BYTES = 3, 64 * 2**20
#: Largest values that are read from a file: a foreign file must not fill the memory. specs/phone.md section 2
MOST_PASSES, MOST_MEMORY_BYTES = 16, 1024 * 2**20
SALT_BYTES = int(argon2id.SALTBYTES)
_KEY_BYTES = 32


@dataclass(frozen=True)
class Stretch:
    """Salt and parameters. Raises FormatError for values outside the limits."""

    salt: bytes
    passes: int = PASSES
    memory: int = MEMORY_BYTES

    def __post_init__(self) -> None:
        if len(self.salt) != SALT_BYTES:
            raise FormatError(f"a salt has {SALT_BYTES} bytes")
        if not argon2id.OPSLIMIT_MIN <= self.passes <= MOST_PASSES:
            raise FormatError(f"argon2id with {self.passes} passes is out of range")
        if not argon2id.MEMLIMIT_MIN <= self.memory <= MOST_MEMORY_BYTES:
            raise FormatError(f"argon2id with {self.memory} bytes of memory is out of range")

    @classmethod
    def new(cls, random: Callable[[int], bytes], passes: int = PASSES, memory: int = MEMORY_BYTES) -> Self:
        """With a fresh salt; ``random(n)`` gives n bytes."""
        return cls(random(SALT_BYTES), passes, memory)

    def key(self, passphrase: str) -> bytes:
        """32 bytes. Raises StateError when there is too little memory for it."""
        try:
            return bytes(argon2id.kdf(_KEY_BYTES, passphrase.encode(), self.salt, self.passes, self.memory))
        except (CryptoError, MemoryError) as error:
            raise StateError(
                f"too little memory: the passphrase needs {self.memory // 2**20} MiB for a moment"
            ) from error
