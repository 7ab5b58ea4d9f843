"""Epoch keys: one RSA-2048 key for each UTC day, and the signed list of their public halves. specs/pass.md section 5

A key is made when the first list names it, two days ahead, and deleted when its day has been over for a day. No list
is older than one before it, also when batches are closed late: a key that is gone would be made anew, and an epoch have
two.
"""

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from nacl.signing import SigningKey

from ownhue.blind_rsa import pss_spki
from ownhue.documents import sign_document
from ownhue.passes import EpochKey, EpochList, epoch_of
from ownhue_server.storage.key_folder import KeyFolder, load_rsa, new_rsa

#: Days ahead for which passes are signed. specs/pass.md section 5
EPOCHS_AHEAD = 2

_KEY_NAME = "epoch-"


class Epochs:
    """The issuer's epoch keys in *keys*, listed under *issuer_name* and signed by *signing_key*."""

    def __init__(self, keys: KeyFolder, issuer_name: str, signing_key: SigningKey) -> None:
        self._keys = keys
        self._issuer_name = issuer_name
        self._signing_key = signing_key
        self._loaded: dict[int, RSAPrivateKey] = {}
        self._documents: dict[int, bytes] = {}

    def private_key(self, epoch: int) -> RSAPrivateKey:
        """The key of *epoch*, made when it is absent (some 100 ms)."""
        if epoch not in self._loaded:
            self._loaded[epoch] = load_rsa(self._keys.load_or_create(f"{_KEY_NAME}{epoch}", new_rsa))
        return self._loaded[epoch]

    def document(self, now: int) -> bytes:
        """The signed list: yesterday's key while it exists, today's, and those of the next two days."""
        existing = self._existing()
        today = max([epoch_of(now), *(epoch - EPOCHS_AHEAD for epoch in existing)])
        if today not in self._documents:
            self._forget_before(today - 1)
            epochs = [today - 1] if today - 1 in existing else []
            epochs += range(today, today + EPOCHS_AHEAD + 1)
            keys = [EpochKey(epoch, pss_spki(self.private_key(epoch).public_key())) for epoch in epochs]
            body = EpochList(self._issuer_name, tuple(keys)).to_body()
            self._documents = {today: sign_document("epochs", body, self._signing_key)}
        return self._documents[today]

    def _existing(self) -> list[int]:
        """The epochs that have a key."""
        return [int(name.removeprefix(_KEY_NAME)) for name in self._keys.names() if name.startswith(_KEY_NAME)]

    def _forget_before(self, epoch: int) -> None:
        for number in self._existing():
            if number < epoch:
                self._keys.delete(f"{_KEY_NAME}{number}")
        self._loaded = {number: key for number, key in self._loaded.items() if number >= epoch}
