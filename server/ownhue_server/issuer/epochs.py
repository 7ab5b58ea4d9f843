"""Epoch keys: one RSA-2048 key for each UTC day, the signed list of their public halves, and that of past private ones.

specs/pass.md sections 5 and 8. A key is made when the first list names it, two days ahead. When its day has been over
for a day it is published, and deleted when the list of past keys no longer holds it; until then the list can be made
again after a crash. No list of epochs is older than one before it, also when batches are closed late: a key that is
gone would be made anew, and an epoch have two. The id of each key lies beside it: a key that was lost, or came back
under another day's name, is neither used nor published.
"""

import re

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from nacl.signing import SigningKey

from ownhue.blind_rsa import pss_spki
from ownhue.documents import sign_document
from ownhue.errors import OwnhueError, StateError
from ownhue.passes import EpochKey, EpochList, epoch_of
from ownhue.past_keys import MAX_PAST_EPOCHS, PAST_KEY_DELAY_SECONDS, PastKey, past_keys
from ownhue_server import logs
from ownhue_server.storage.key_folder import KeyFolder, load_rsa, new_rsa

#: Days ahead for which passes are signed. specs/pass.md section 5
EPOCHS_AHEAD = 2

_KEY_NAME = re.compile(r"epoch-(0|[1-9][0-9]{0,8})", re.ASCII)

_log = logs.get("issuer")


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
        """The key of *epoch*, made when it is absent (some 100 ms).

        Raises StateError when it is not the key that was made for this epoch, FormatError for a damaged one."""
        # Asked by requests and batches at once: what is returned is never looked up a second time.
        key = self._loaded.get(epoch)
        if key is None:
            key = self._loaded[epoch] = self._checked(epoch, self._keys.load_or_create(_key_name(epoch), new_rsa))
        return key

    def document(self, now: int) -> bytes:
        """The signed list: yesterday's key while it exists, today's, and those of the next two days."""
        existing = self._existing()
        today = max([epoch_of(now), *(epoch - EPOCHS_AHEAD for epoch in existing)])
        document = self._documents.get(today)
        if document is None:
            self._loaded = {number: key for number, key in list(self._loaded.items()) if number >= today - 1}
            epochs = [today - 1] if today - 1 in existing else []
            epochs += range(today, today + EPOCHS_AHEAD + 1)
            # Made first: by the newest a process that starts meanwhile, or after this one was killed, judges its clock.
            self.private_key(epochs[-1])
            keys = [EpochKey(epoch, pss_spki(self.private_key(epoch).public_key())) for epoch in epochs]
            body = EpochList(self._issuer_name, tuple(keys)).to_body()
            document = sign_document("epochs", body, self._signing_key)
            self._documents = {today: document}
        return document

    def past_document(self, now: int) -> bytes | None:
        """The signed list of the private keys of the last epochs that are over; None before there is one.

        *now* is never later than the own clock: only the clock says that an epoch is over, not the newest key.
        """
        newest = epoch_of(now - PAST_KEY_DELAY_SECONDS) - 1
        oldest = newest + 1 - MAX_PAST_EPOCHS
        over = [epoch for epoch in self._existing() if oldest <= epoch <= newest]
        made_of, document = self._past
        if over != made_of:
            document = self._past_list(over, now)
            self._past = (over, document)
            self._forget_before(oldest)
        return document

    def newest(self) -> int | None:
        """The newest epoch that has a key; None before the first list."""
        return max(self._existing(), default=None)

    def _past_list(self, over: list[int], now: int) -> bytes | None:
        """The signed list of the epochs *over*, as far as their keys can be read."""
        private_keys = {}
        for epoch in over:
            try:
                key = self._checked(epoch, self._keys.load(_key_name(epoch)))
                PastKey.of(epoch, key)
                private_keys[epoch] = key
            except (OwnhueError, OSError) as error:
                # One damaged key must not keep the codes of thirteen other days provable.
                _log.error("a past key cannot be published", epoch=epoch, error=type(error).__name__)
        if over and not private_keys:
            return None
        return sign_document(
            "past-epochs", past_keys(self._issuer_name, private_keys, now).to_body(), self._signing_key
        )

    def _checked(self, epoch: int, data: bytes) -> RSAPrivateKey:
        """The key in *data*, if it is the one that was made for *epoch*."""
        key = load_rsa(data)
        key_id = EpochKey(epoch, pss_spki(key.public_key())).key_id
        if self._keys.load_or_create(_id_name(epoch), lambda: key_id) != key_id:
            raise StateError(f"the key of epoch {epoch} is not the one that was made for it")
        return key

    def _existing(self) -> list[int]:
        """The epochs that have a key, ascending. Other files may lie there too: a copy, what a backup left."""
        return sorted(int(found[1]) for found in map(_KEY_NAME.fullmatch, self._keys.names()) if found)

    def _forget_before(self, epoch: int) -> None:
        for number in self._existing():
            if number < epoch:
                # In this order, so that what a crash leaves is found again.
                self._keys.delete(_id_name(number))
                self._keys.delete(_key_name(number))


def _key_name(epoch: int) -> str:
    return f"epoch-{epoch}"


def _id_name(epoch: int) -> str:
    """Where the id of the key of *epoch* lies: SHA-256 of its SubjectPublicKeyInfo, 32 bytes."""
    return f"id-of-epoch-{epoch}"
