"""Enrolment and passes: the unlinkable right to show a code. specs/pass.md

- Passes are asked for per day, up to 48; the request lies in the store before it is sent, so that a lost answer costs
  no passes: the same blinded messages are sent again.
- A pass is taken once: its row is destroyed, for good, before anything of it is shown.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from nacl.signing import SigningKey

from ownhue.device import ENROL, PASSES, device_number, sign_request
from ownhue.errors import FormatError, StateError, VerificationError
from ownhue.params import PASSES_PER_EPOCH
from ownhue.passes import EpochKey, Pass, PassRequest, epoch_of, finish_pass, request_pass
from ownhue.ticket import open_ticket
from ownhue_client.phone.documents import Documents
from ownhue_client.phone.door import Door
from ownhue_client.phone.followed import Followed
from ownhue_client.phone.settings import Settings
from ownhue_client.phone.store import Store

_DEVICE = "device"
_ENROLLED = "enrolled"
#: State: [[epoch, passes asked for so far], ...] of today and the next days.
_ASKED = "passes_asked"
_SEED_BYTES = 32


class Wallet:
    """The passes of one phone; ``random(n)`` gives n bytes."""

    def __init__(
        self,
        store: Store,
        door: Door,
        home: Followed,
        documents: Documents,
        settings: Settings,
        random: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._door = door
        self._home = home
        self._region = home.region
        self._documents = documents
        self._settings = settings
        self._random = random

    def enrol(self, ticket: str, now: int) -> None:
        """Enrol this phone with a one-time *ticket*. Call it again when the answer was lost.

        Raises FormatError or VerificationError for a ticket that is none or expired (nothing is sent then),
        UnreachableError, RefusedError.
        """
        self._check_ticket(ticket, now)
        seed = self._store.get(_DEVICE)
        if seed is None:
            seed = self._random(_SEED_BYTES)
            with self._store.atomic(durable=True):
                self._store.put(_DEVICE, seed)
        body = sign_request(ENROL, {"ticket": ticket, "time": now}, SigningKey(seed))
        self._door.post("/issuer/v1/enrol", body, "enrol this phone", now)
        self._store.put(_ENROLLED, now)

    def number(self) -> bytes | None:
        """The device's number (8 bytes), by which the desk stops it when it is lost; None before it is enrolled."""
        if self._store.get(_ENROLLED) is None:
            return None
        return device_number(bytes(SigningKey(self._store.need(_DEVICE)).verify_key))

    def fetch(self, now: int, days_ahead: int | None = None) -> int:
        """Fetch passes for today and the next *days_ahead*, where there are none left; how many came.

        Raises StateError when not enrolled, UnreachableError, RefusedError. What came before an error is kept.
        """
        if self._store.get(_ENROLLED) is None:
            raise StateError("this phone is not enrolled; get a ticket at a desk")
        today, ahead = epoch_of(now), self._settings.days_ahead if days_ahead is None else days_ahead
        self._forget_before(today)
        return sum(self._fetch_epoch(epoch, now) for epoch in range(today, today + ahead + 1))

    def left(self, now: int) -> int:
        """Passes left for the day of *now*."""
        return self._store.count("passes", epoch_of(now))

    def take(self, now: int) -> Pass:
        """A pass for the day of *now*, destroyed in the store. Raises StateError when none is left."""
        epoch = epoch_of(now)
        row = next(self._store.rows("passes", epoch, epoch), None)
        if row is None:
            raise StateError("no passes left for today; fetch new ones, or ask the staff to let you in without a code")
        with self._store.atomic(durable=True):
            self._store.delete("passes", row)
        return Pass(epoch, *row.value)

    def _check_ticket(self, ticket: str, now: int) -> None:
        """It is by one of the authority's keys. The server judges it too: this spares the owner a wasted request."""
        keys = self._home.keys_or_installed.authority_keys
        for key in keys[:-1]:
            with suppress(VerificationError):
                open_ticket(ticket, key, now)
                return
        open_ticket(ticket, keys[-1], now)

    def _fetch_epoch(self, epoch: int, now: int) -> int:
        key = self._documents.epoch_key(epoch)
        if key is None:
            return 0
        records = [row.value for row in self._store.rows("pass_requests", epoch, epoch)] or self._new_requests(key)
        if not records:
            return 0
        requests = [
            PassRequest(epoch, seed, blinded, int.from_bytes(inverse, "big")) for seed, blinded, inverse in records
        ]
        signatures = self._ask(requests, epoch, now)
        passes = [
            finish_pass(request, self._region.issuer_name, key, signature)
            for request, signature in zip(requests, signatures, strict=True)
        ]
        with self._store.atomic(durable=True):
            for pass_ in passes:
                self._store.add("passes", epoch, [pass_.key_id, pass_.seed, pass_.signature])
            self._count_asked(epoch, len(passes), now)
            for row in self._store.bytes_rows("pass_requests", epoch, epoch):
                self._store.delete("pass_requests", row)
        return len(passes)

    def _forget_before(self, epoch: int) -> None:
        """Destroy what was for days before *epoch*."""
        with self._store.atomic():
            for table in ("passes", "pass_requests"):
                for row in self._store.bytes_rows(table, 1, epoch - 1):
                    self._store.delete(table, row)

    def _new_requests(self, key: EpochKey) -> list[list[bytes]]:
        """Requests for the passes of an epoch that may still be asked for; stored."""
        if self._store.count("passes", key.epoch):
            return []
        asked = dict(self._store.get(_ASKED, [])).get(key.epoch, 0)
        count = max(min(self._settings.passes_per_day, PASSES_PER_EPOCH - asked), 0)
        requests = [request_pass(self._region.issuer_name, key, self._random) for _ in range(count)]
        records = [
            [request.seed, request.blinded, request.inverse.to_bytes(len(request.blinded), "big")]
            for request in requests
        ]
        with self._store.atomic(durable=True):
            for record in records:
                self._store.add("pass_requests", key.epoch, record)
        return records

    def _ask(self, requests: list[PassRequest], epoch: int, now: int) -> list[bytes]:
        body = {"epoch": epoch, "blinded": [request.blinded for request in requests], "time": now}
        signed = sign_request(PASSES, body, SigningKey(self._store.get(_DEVICE)))
        answer = self._door.post("/issuer/v1/passes", signed, "fetch passes", now)
        signatures: Any = answer.get("signatures")
        if not isinstance(signatures, list) or len(signatures) != len(requests):
            raise FormatError("the issuer's answer holds another number of passes than asked for")
        if not all(isinstance(signature, bytes) for signature in signatures):
            raise FormatError("the issuer's answer holds something else than signatures")
        return signatures

    def _count_asked(self, epoch: int, count: int, now: int) -> None:
        asked = {number: had for number, had in self._store.get(_ASKED, []) if number >= epoch_of(now)}
        asked[epoch] = asked.get(epoch, 0) + count
        self._store.put(_ASKED, [[number, had] for number, had in sorted(asked.items())])
