"""Keys of the store: a key per day and kind, each wrapped by the master key; boxes that say where they belong.

- A box's plain text begins with its purpose (the table's name), so a box moved into another table does not open.
- A wrapped key's plain text begins with its kind and day, so keys cannot change places.
- Destroying a wrapped key makes everything that it sealed unreadable, wherever a disk may keep pages of it.
"""

from collections.abc import Callable

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from ownhue.errors import VerificationError

_WRAP_PURPOSE = b"OWNHUE-STORE-KEY"

#: (kind, day): which key seals a record.
KeyName = tuple[str, int]


class Master:
    """The key above all others; ``random(n)`` gives n bytes for keys and nonces."""

    def __init__(self, key: bytes, random: Callable[[int], bytes]) -> None:
        self._box = SecretBox(key)
        self._random = random

    def new_key(self, name: KeyName) -> tuple[SecretBox, bytes]:
        """A fresh key as a box, and wrapped for storing."""
        key = self._random(SecretBox.KEY_SIZE)
        wrapped = self._box.encrypt(_label(name) + key, self._random(SecretBox.NONCE_SIZE))
        return SecretBox(key), bytes(wrapped)

    def unwrap(self, name: KeyName, wrapped: bytes) -> SecretBox:
        """The box of a wrapped key. Raises VerificationError."""
        try:
            opened = self._box.decrypt(wrapped)
        except (CryptoError, ValueError) as error:
            raise VerificationError("the master key does not open this store") from error
        label = _label(name)
        if not opened.startswith(label) or len(opened) != len(label) + SecretBox.KEY_SIZE:
            raise VerificationError("a key of the store stands in another one's place")
        return SecretBox(opened[len(label) :])

    def seal(self, box: SecretBox, purpose: str, value: bytes) -> bytes:
        """*value* sealed for *purpose*: 24 bytes of nonce, 16 of authentication, and the purpose longer."""
        return bytes(box.encrypt(purpose.encode() + b"\0" + value, self._random(SecretBox.NONCE_SIZE)))


def unseal(box: SecretBox, purpose: str, sealed: bytes) -> bytes:
    """What :meth:`Master.seal` sealed. Raises VerificationError when it was changed or moved."""
    try:
        value = box.decrypt(sealed)
    except (CryptoError, ValueError) as error:
        raise VerificationError(f"a record of {purpose} was changed and does not open") from error
    prefix = purpose.encode() + b"\0"
    if not value.startswith(prefix):
        raise VerificationError(f"a record of {purpose} was moved there from elsewhere")
    return bytes(value[len(prefix) :])


def _label(name: KeyName) -> bytes:
    kind, day = name
    return b"\0".join((_WRAP_PURPOSE, kind.encode(), day.to_bytes(8, "big")))
