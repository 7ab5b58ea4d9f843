"""Epoch keys: one RSA-2048 key for each UTC day, the signed list of their public halves, and that of past private ones.

specs/pass.md sections 5 and 8. A key is made when the first list names it, two days ahead. When its day has been over
for a day it is published, and deleted when the list of past keys no longer holds it; until then the list can be made
again after a crash. No list of epochs is older than one before it, also when batches are closed late: a key that is
gone would be made anew, and an epoch have two.
"""

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from nacl.signing import SigningKey

from ownhue.blind_rsa import pss_spki
from ownhue.documents import sign_document
from ownhue.passes import EpochKey, EpochList, epoch_of
from ownhue.past_keys import MAX_PAST_EPOCHS, PAST_KEY_DELAY_SECONDS, past_keys
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
        self._past: tuple[list[int], bytes | None] = ([], None)

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
            self._loaded = {number: key for number, key in self._loaded.items() if number >= today - 1}
            epochs = [today - 1] if today - 1 in existing else []
            epochs += range(today, today + EPOCHS_AHEAD + 1)
            keys = [EpochKey(epoch, pss_spki(self.private_key(epoch).public_key())) for epoch in epochs]
            body = EpochList(self._issuer_name, tuple(keys)).to_body()
            self._documents = {today: sign_document("epochs", body, self._signing_key)}
        return self._documents[today]

    def past_document(self, now: int) -> bytes | None:
        """The signed list of the private keys of the last epochs that are over; None before there is one.

        *now* is the own clock's, never a batch's or an existing key's: only the clock says that an epoch is over.
        """
        newest = epoch_of(now - PAST_KEY_DELAY_SECONDS) - 1
        oldest = newest + 1 - MAX_PAST_EPOCHS
        over = [epoch for epoch in self._existing() if oldest <= epoch <= newest]
        if over != self._past[0]:
            private_keys = {epoch: load_rsa(self._keys.load(f"{_KEY_NAME}{epoch}")) for epoch in over}
            body = past_keys(self._issuer_name, private_keys, now).to_body()
            self._past = (over, sign_document("past-epochs", body, self._signing_key))
            self._forget_before(oldest)
        return self._past[1]

    def _existing(self) -> list[int]:
        """The epochs that have a key, ascending."""
        return sorted(int(name.removeprefix(_KEY_NAME)) for name in self._keys.names() if name.startswith(_KEY_NAME))

    def _forget_before(self, epoch: int) -> None:
        for number in self._existing():
            if number < epoch:
                self._keys.delete(f"{_KEY_NAME}{number}")
