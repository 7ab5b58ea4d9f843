"""The issuer's endpoints: enrol, passes, stop, and the lists of epoch keys. specs/http-api.md section 5"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from nacl.signing import SigningKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ownhue.blind_rsa import blind_sign
from ownhue.device import ENROL, PASSES, open_request
from ownhue.errors import FormatError, OwnhueError, VerificationError
from ownhue.params import EPOCH_SECONDS, PASSES_PER_EPOCH
from ownhue.passes import epoch_of
from ownhue.ticket import Ticket, open_ticket
from ownhue_server import logs
from ownhue_server.clock import Clock, check_start
from ownhue_server.config import Config, Role
from ownhue_server.documents import Document
from ownhue_server.frames import Handler, RefusedError, check_blinded, fields
from ownhue_server.issuer import devices
from ownhue_server.issuer.epochs import EPOCHS_AHEAD, Epochs
from ownhue_server.issuer.stopping import number_to_stop
from ownhue_server.online_keys import SIGNING, public_keys
from ownhue_server.storage.database import open_database
from ownhue_server.storage.writer import Writer

#: Seconds that a device's time may be off. specs/pass.md section 6
TOLERANCE_SECONDS = 3600

_log = logs.get("issuer")


class Issuer:
    """The issuer of *config*; start it before the first request."""

    def __init__(self, config: Config, clock: Clock, random: Callable[[int], bytes] = os.urandom) -> None:
        keys = config.keys(Role.ISSUER)
        self._clock = clock
        self._random = random
        self._authority_keys = public_keys(config, "authority")
        self._epochs = Epochs(keys, config.region.issuer_name, SigningKey(keys.load(SIGNING)))
        self._writer = Writer(open_database(config.database(Role.ISSUER)), devices.TABLES)
        # 48 signatures take about a tenth of a second, in which other requests are answered. In a thread of their own:
        # in the common ones, a device that asks again and again made every granted claim a deadline later than decoys.
        self._signing = ThreadPoolExecutor(1, "ownhue-passes")
        self.phone_endpoints: dict[str, Handler] = {
            "/issuer/v1/enrol": self.enrol,
            "/issuer/v1/passes": self.passes,
            "/issuer/v1/stop": self.stop_device,
        }
        self.routes: list[BaseRoute] = [
            Route("/issuer/v1/epochs", self._get_epochs, methods=["GET"]),
            Route("/issuer/v1/past-epochs", self._get_past_epochs, methods=["GET"]),
        ]

    def start(self) -> None:
        """Open the database."""
        self._writer.start()

    def check_clock(self, now: int) -> None:
        """Raises StateError when *now* lies so far ahead of the newest epoch key that the clock cannot be right."""
        newest = self._epochs.newest()
        if newest is not None:
            # The list that named it was made on this day.
            check_start((newest - EPOCHS_AHEAD + 1) * EPOCH_SECONDS - 1, now)

    def stop(self) -> None:
        """Close the database."""
        self._signing.shutdown(cancel_futures=True)
        self._writer.stop()

    def documents(self, now: int) -> Sequence[Document]:
        """Documents to be published at *now*: what was due then, also when the batch is closed late."""
        documents = [Document("epochs", self._epochs.document(now))]
        try:
            past = self._epochs.past_document(min(now, self._clock.now()))
        except (OwnhueError, OSError) as error:
            # A damaged key of last week must not keep today's from being published.
            _log.error("past epoch keys cannot be published", error=type(error).__name__)
            return documents
        return documents if past is None else [*documents, Document("past-epochs", past)]

    async def enrol(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"ticket", "device", "time", "signature"} -> {}"""
        text, *_ = fields(body, ticket=str, device=bytes, time=int, signature=bytes)
        now = self._clock.now()
        device = _signer(ENROL, body, now)
        try:
            ticket = open_ticket_by_any(text, self._authority_keys, now)
        except (FormatError, VerificationError) as error:
            raise RefusedError("bad_ticket") from error
        await self._writer.run(lambda transaction: devices.enrol(transaction, ticket, device, now))
        return {}

    async def passes(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"device", "epoch", "blinded", "time", "signature"} -> {"signatures"}, in the order of "blinded"."""
        epoch, blinded, *_ = fields(body, epoch=int, blinded=list, device=bytes, time=int, signature=bytes)
        if not 1 <= len(blinded) <= PASSES_PER_EPOCH:
            raise FormatError(f"a request is for 1 to {PASSES_PER_EPOCH} passes")
        now = self._clock.now()
        device = _signer(PASSES, body, now)
        if not epoch_of(now) <= epoch <= epoch_of(now) + EPOCHS_AHEAD:
            raise RefusedError("wrong_epoch")
        key = self._epochs.private_key(epoch)
        for message in blinded:
            check_blinded(message, key.public_key())
        await self._writer.run(lambda transaction: devices.count_passes(transaction, device, epoch, blinded, now))
        loop = asyncio.get_running_loop()
        return {"signatures": await loop.run_in_executor(self._signing, self._sign, key, blinded)}

    async def stop_device(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"number", "device", "time", "signature"} of the authority -> {}. The same again makes no difference."""
        number = number_to_stop(body, self._authority_keys, self._clock.now(), TOLERANCE_SECONDS)
        await self._writer.run(lambda transaction: devices.stop(transaction, number))
        return {}

    def _sign(self, key: RSAPrivateKey, blinded: list[bytes]) -> list[bytes]:
        return [blind_sign(key, message, self._random) for message in blinded]

    async def _get_epochs(self, _request: Request) -> Response:
        document = await asyncio.to_thread(self._epochs.document, self._clock.now())
        return Response(document, media_type="application/json")

    async def _get_past_epochs(self, _request: Request) -> Response:
        """404 in the first days, when no epoch is over yet."""
        document = await asyncio.to_thread(self._epochs.past_document, self._clock.now())
        if document is None:
            return JSONResponse({"error": "not_found"}, 404)
        return Response(document, media_type="application/json")


def open_ticket_by_any(text: str, keys: Sequence[bytes], now: int) -> Ticket:
    """The ticket, by any of the authority's *keys*: while they change there are two."""
    for key in keys[:-1]:
        with contextlib.suppress(VerificationError):
            return open_ticket(text, key, now)
    return open_ticket(text, keys[-1], now)


def _signer(purpose: bytes, body: dict[str, Any], now: int) -> bytes:
    try:
        return open_request(purpose, body, now, TOLERANCE_SECONDS)
    except VerificationError as error:
        raise RefusedError("bad_signature") from error
