"""The authority's endpoints: claims of phones, the desk, and the signed documents. specs/http-api.md section 3"""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Any

import httpx
from fastapi import APIRouter
from nacl.signing import SigningKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ownhue.blind_rsa import blind_sign
from ownhue.claim_code import parse_claim_code
from ownhue.encoding import cbor_decode, unframe
from ownhue.report.token import WEEK_SECONDS
from ownhue_server.authority.claim_codes import TABLES, ClaimCodes, binding_of
from ownhue_server.authority.desk import Desk
from ownhue_server.authority.documents import FileDocuments
from ownhue_server.authority.guesses import Guesses
from ownhue_server.authority.token_keys import SigningKeys
from ownhue_server.clock import Clock, check_start
from ownhue_server.config import Config, Role
from ownhue_server.documents import Document
from ownhue_server.frames import MEDIA_TYPE, Handler, RefusedError, answer_to, check_blinded, fields
from ownhue_server.online_keys import SIGNING
from ownhue_server.storage.database import open_database
from ownhue_server.storage.writer import Writer

#: Seconds that the publisher may take to answer a relayed report: more than its longest deadline, twice.
RELAY_SECONDS = 30


class Authority:
    """The authority of *config*; start it before the first request."""

    def __init__(self, config: Config, clock: Clock, random: Callable[[int], bytes] = os.urandom) -> None:
        keys = config.keys(Role.AUTHORITY)
        signing_key = SigningKey(keys.load(SIGNING))
        self._clock = clock
        self._random = random
        self._files = FileDocuments(config, signing_key)
        self._token_keys = SigningKeys(keys, signing_key)
        self._writer = Writer(open_database(config.database(Role.AUTHORITY)), TABLES)
        self._codes = ClaimCodes(self._writer, keys, random)
        # trust_env off: a proxy of the environment has no business between two of our own servers.
        self._http = httpx.AsyncClient(timeout=RELAY_SECONDS, trust_env=False)
        self._reports = _Relay(self._http, f"{config.url_of(Role.PUBLISHER)}/publisher/v1/report")
        self._stops = _Relay(self._http, f"{config.url_of(Role.ISSUER)}/issuer/v1/stop")
        relays = self._reports.take, self._stops.take
        desk = Desk(clock, self._codes, signing_key, config.settings.desk_key_sha256, *relays)
        self.desk_router: APIRouter = desk.router()
        self.guesses = Guesses()
        self.phone_endpoints: dict[str, Handler] = {"/authority/v1/claim": self.claim}
        self.routes: list[BaseRoute] = [
            Route("/authority/v1/documents/{kind}", self._get_document, methods=["GET"]),
        ]

    def reports_to(self, reports: Handler) -> None:
        """Sealed reports of a desk go to this endpoint of a publisher in the same process, and not over HTTP.

        There the refusals of all desks would count for one address, and thirty bad reports shut every desk out.
        """
        self._reports.here = reports

    def stops_at(self, stop: Handler) -> None:
        """Lost devices are stopped at this endpoint of an issuer in the same process, and not over HTTP."""
        self._stops.here = stop

    def start(self) -> None:
        """Open the database."""
        self._writer.start()

    def check_clock(self, now: int) -> None:
        """Raises StateError when *now* lies so far ahead of the newest token key that the clock cannot be right.

        A clock that is weeks ahead would delete this week's keys, and no list would ever name them again.
        """
        newest = self._token_keys.newest()
        if newest is not None:
            # The list that named it was made in the week before.
            check_start(newest * WEEK_SECONDS - 1, now)

    async def tidy(self, now: int) -> None:
        """Delete what is over at *now*, also while nobody orders codes."""
        await self._codes.purge(now)

    async def stop(self) -> None:
        """Close the database and the way to the publisher."""
        self._writer.stop()
        await self._http.aclose()

    def documents(self, now: int) -> Sequence[Document]:
        """Documents to be published at *now* (unix seconds)."""
        return [Document("report-keys", self._token_keys.document(now)), *self._files.documents()]

    async def claim(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"code", "blinded", "key_id"} -> {"signature"}. The same request again gives the same signature."""
        text, blinded, key_id = fields(body, code=str, blinded=bytes, key_id=bytes)
        code, report_type = parse_claim_code(text)
        now = self._clock.now()
        # A key of the last week signs only what was granted while it was in use.
        key = self._token_keys.find(report_type, key_id, now)
        if key is None:
            raise RefusedError("wrong_key")
        check_blinded(blinded, key.public_key())
        is_current = self._token_keys.is_current(report_type, key_id, now)
        try:
            await self._codes.claim(code, binding_of(key_id, blinded), now, may_bind=is_current)
        except RefusedError as refusal:
            self.guesses.note(code, refusal.word, now)
            raise
        # In a thread, so that the answers of others leave when their time has come.
        return {"signature": await asyncio.to_thread(blind_sign, key, blinded, self._random)}

    async def _get_document(self, request: Request) -> Response:
        documents = dict(await asyncio.to_thread(self.documents, self._clock.now()))
        document = documents.get(request.path_params["kind"])
        if document is None:
            return JSONResponse({"error": "not_found"}, 404)
        return Response(document, media_type="application/json")


class _Relay:
    """Takes frames to one endpoint of another role."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url
        self.here: Handler | None = None
        """The endpoint itself, when that role lives in this process."""

    async def take(self, body: bytes) -> dict[str, Any]:
        """The map that answers the frame *body*. Raises httpx.HTTPError, OwnhueError when there is none."""
        if self.here is not None:
            return await answer_to(body, self.here)
        answer = await self._client.post(self._url, content=body, headers={"content-type": MEDIA_TYPE})
        return dict(cbor_decode(unframe(answer.content)))
