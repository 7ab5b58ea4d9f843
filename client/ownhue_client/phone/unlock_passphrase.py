"""A master key that a passphrase opens: random, sealed under what argon2id makes of the passphrase.

The passphrase can change without anything else being sealed anew. Whoever kept an old unlock.json and knows the old
passphrase still has the master key: a passphrase that others know calls for a new phone, not for a new passphrase.
"""

from collections.abc import Callable
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from ownhue.encoding import base64url_encode
from ownhue.errors import FormatError, StateError
from ownhue_client.phone.passphrase import MEMORY_BYTES, PASSES, Stretch
from ownhue_client.phone.spoken import normal_passphrase
from ownhue_client.phone.unlock_record import (
    MASTER_KEY_BYTES,
    Random,
    Record,
    field_bytes,
    field_number,
    read_record,
    write_record,
)

_PURPOSE = b"OWNHUE-UNLOCK"


class Passphrase:
    """``ask()`` gives the passphrase; it is called whenever the key is needed, and nothing keeps it."""

    kind = "passphrase"

    def __init__(self, ask: Callable[[], str], passes: int = PASSES, memory: int = MEMORY_BYTES) -> None:
        """*passes*, *memory* (bytes): argon2id's for a new key. Those of a kept one stand beside it."""
        self._ask = ask
        self._passes, self._memory = passes, memory

    def create(self, directory: Path, random: Random) -> bytes:
        """Make the master key and seal it. Raises StateError for a passphrase that is too short."""
        master_key = random(MASTER_KEY_BYTES)
        write_record(directory, self.keep(directory, master_key, random))
        return master_key

    def keep(self, directory: Path, master_key: bytes, random: Random) -> Record:
        """*master_key*, sealed, as it is to stand in unlock.json."""
        stretch = Stretch.new(random, self._passes, self._memory)
        box = SecretBox(stretch.key(normal_passphrase(self._ask())))
        wrapped = bytes(box.encrypt(_PURPOSE + master_key, random(SecretBox.NONCE_SIZE)))
        return {
            "kind": self.kind,
            "salt": base64url_encode(stretch.salt),
            "passes": stretch.passes,
            "memory": stretch.memory,
            "wrapped": base64url_encode(wrapped),
        }

    def load(self, directory: Path) -> bytes:
        """Ask, and open. Raises StateError: "wrong passphrase", or unlock.json is damaged."""
        record = read_record(directory)
        if record is None or record["kind"] != self.kind:
            raise StateError("this phone is not opened with a passphrase")
        salt, wrapped = field_bytes(record, "salt"), field_bytes(record, "wrapped")
        try:
            stretch = Stretch(salt, field_number(record, "passes"), field_number(record, "memory"))
        except FormatError as error:
            raise StateError(f"unlock.json is damaged: {error}") from error
        # Outside of the try: that nobody could be asked is no wrong passphrase.
        typed = self._ask()
        try:
            passphrase = normal_passphrase(typed)
        except StateError as error:
            raise StateError("wrong passphrase") from error
        try:
            opened = bytes(SecretBox(stretch.key(passphrase)).decrypt(wrapped))
        except (CryptoError, ValueError) as error:
            raise StateError("wrong passphrase") from error
        if not opened.startswith(_PURPOSE) or len(opened) != len(_PURPOSE) + MASTER_KEY_BYTES:
            raise StateError("unlock.json is damaged: it opens, and holds no key")
        return opened[len(_PURPOSE) :]

    def destroy(self, directory: Path) -> None:
        """Nothing lies outside unlock.json."""
