"""Claim codes: one-time right of a positive to report, known to the authority only as an HMAC. specs/report.md

- The HMAC keys are files, one for each week, deleted after the next; with the database alone eight digits cannot be
  guessed back.
- The first claim binds a code to the key id and blinded message it came with, durably, before anything is signed. The
  same pair again is granted again; any other pair is refused. So at most one signature ever comes of a code.
- Rows lie in slots without order. While a code waits its end is known to the second; once claimed, only the day is.
"""

import hmac
import os
import re
from collections.abc import Callable
from hashlib import sha256

from sqlalchemy import MetaData

from ownhue.claim_code import new_claim_code
from ownhue.params import EPOCH_SECONDS, ReportType
from ownhue.report import week_of
from ownhue_server.frames import RefusedError
from ownhue_server.storage.key_folder import KeyFolder, new_seed
from ownhue_server.storage.slots import Slots, slot_table
from ownhue_server.storage.writer import Transaction, Writer

#: Seconds that a code can be claimed. specs/report.md
SHORT_SECONDS = 15 * 60
LONG_SECONDS = 24 * 3600

TABLES = MetaData()
_TABLE = slot_table("claim_codes", TABLES)

_PURGE_SECONDS = 3600
_MAC_BYTES = 32
_TIME_BYTES = 8
_UNBOUND = bytes(32)
_CONTENT_BYTES = _MAC_BYTES + _TIME_BYTES + len(_UNBOUND)
_KEY_NAME = "claim-codes-"
# Other files may lie beside them: a copy, what a backup left.
_NUMBERED = re.compile(_KEY_NAME + r"(0|[1-9][0-9]{0,8})", re.ASCII)


class ClaimCodes:
    """The codes that wait, and those claimed today."""

    def __init__(self, writer: Writer, keys: KeyFolder, random: Callable[[int], bytes] = os.urandom) -> None:
        self._writer = writer
        self._keys = keys
        self._random = random
        self._slots = Slots(_TABLE, key_bytes=_MAC_BYTES, content_bytes=_CONTENT_BYTES)
        self._week = -1
        self._loaded_keys: list[bytes] = []
        self._purged = 0

    async def create(self, report_type: ReportType, length: str, now: int) -> tuple[str, int]:
        """A new code of *length* "short" or "long", and the unix second at which it ends."""
        expires = now + (SHORT_SECONDS if length == "short" else LONG_SECONDS)
        mac_key = self._mac_keys(week_of(now))[0]

        def store(transaction: Transaction) -> str:
            self._purge(transaction, now)
            while True:
                code = new_claim_code(report_type, length, self._random)
                mac = _mac(mac_key, code)
                if not self._slots.has(transaction, mac):
                    self._slots.add(transaction, [_content(mac, expires, _UNBOUND)])
                    return code

        return await self._writer.run(store), expires

    async def claim(self, code: str, binding: bytes, now: int, *, may_bind: bool) -> None:
        """Bind *code* (canonical) to *binding* (32 bytes), durably, or find it bound to that already.

        Raises RefusedError: "unknown_code" when there is none such or its time is over, "other_message" when it is
        bound to another binding, "wrong_key" when it is unbound and not *may_bind*.
        """
        macs = [_mac(key, code) for key in self._mac_keys(week_of(now))]
        # Several processes may try at once: who binds first has committed before another one's transaction begins.
        await self._writer.run(lambda transaction: self._bind(transaction, macs, binding, now, may_bind))

    def _bind(self, transaction: Transaction, macs: list[bytes], binding: bytes, now: int, may_bind: bool) -> None:
        found = self._slots.found(transaction, macs)
        if not found:
            raise RefusedError("unknown_code")
        mac, expires, bound = _parse(next(iter(found.values())))
        if now >= expires:
            raise RefusedError("unknown_code")
        if bound == _UNBOUND:
            if not may_bind:
                raise RefusedError("wrong_key")
            midnight = (expires // EPOCH_SECONDS + 1) * EPOCH_SECONDS
            self._slots.replace(transaction, _content(mac, midnight, binding))
        elif bound != binding:
            raise RefusedError("other_message")

    async def purge(self, now: int) -> None:
        """Delete, at most once an hour, what is over at *now*. To be called now and then, also when nobody creates."""
        if self._is_purge_due(now):
            await self._writer.run(lambda transaction: self._purge(transaction, now))

    def _purge(self, transaction: Transaction, now: int) -> None:
        if self._is_purge_due(now):
            self._slots.remove_below(transaction, _MAC_BYTES, (now + 1).to_bytes(_TIME_BYTES, "big"))
            self._purged = now

    def _is_purge_due(self, now: int) -> bool:
        return now >= self._purged + _PURGE_SECONDS

    def _mac_keys(self, week: int) -> list[bytes]:
        """The HMAC keys that codes may be under, this week's first; older ones are deleted."""
        if week != self._week:
            keys = [self._keys.load_or_create(f"{_KEY_NAME}{week}", new_seed)]
            for name in self._keys.names():
                if name == f"{_KEY_NAME}{week - 1}":
                    keys.append(self._keys.load(name))
                elif (found := _NUMBERED.fullmatch(name)) and int(found[1]) < week:
                    self._keys.delete(name)
            self._week, self._loaded_keys = week, keys
        return self._loaded_keys


def binding_of(key_id: bytes, blinded: bytes) -> bytes:
    """What a code is bound to (32 bytes): one blinded message under one key."""
    return sha256(key_id + blinded).digest()


def _mac(key: bytes, code: str) -> bytes:
    return hmac.digest(key, b"OWNHUE-CLAIM" + code.encode(), "sha256")


def _content(mac: bytes, expires: int, bound: bytes) -> bytes:
    return mac + expires.to_bytes(_TIME_BYTES, "big") + bound


def _parse(content: bytes) -> tuple[bytes, int, bytes]:
    time_end = _MAC_BYTES + _TIME_BYTES
    return content[:_MAC_BYTES], int.from_bytes(content[_MAC_BYTES:time_end], "big"), content[time_end:]
