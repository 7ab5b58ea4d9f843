"""The health workers' endpoints: JSON, with the desk key. specs/http-api.md section 3

The desk hands a sealed report on to the publisher without being able to read it, and hides the phone's address.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, TypeVar

import httpx
from fastapi import APIRouter, Depends, HTTPException, Request
from nacl.signing import SigningKey
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.responses import JSONResponse, Response

from ownhue.device import NUMBER_BYTES, STOP, sign_request
from ownhue.encoding import cbor_encode, frame
from ownhue.errors import LimitError, OwnhueError
from ownhue.params import ReportType
from ownhue.spoken import heard
from ownhue.ticket import sign_ticket
from ownhue_server.authority.claim_codes import ClaimCodes
from ownhue_server.authority.token_keys import REPORT_TYPES
from ownhue_server.clock import Clock
from ownhue_server.frames import read_body

#: Seconds that an enrolment ticket is good for. specs/pass.md section 6
TICKET_SECONDS = 7 * 86400

_TICKET_NONCE_BYTES = 16

#: Takes a frame to the publisher or the issuer and gives the map of its answer.
#: Raises httpx.HTTPError, OwnhueError when there is none.
Relay = Callable[[bytes], Awaitable[dict[str, Any]]]

Model = TypeVar("Model", bound=BaseModel)


class ClaimCodeOrder(BaseModel):
    """Body of POST claim-codes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    report_type: int
    length: Literal["short", "long"]


class StopOrder(BaseModel):
    """Body of POST stopped-devices."""

    model_config = ConfigDict(extra="forbid", strict=True)

    number: str
    """The device's number, as its owner speaks it."""


class TicketOrder(BaseModel):
    """Body of POST tickets: an empty object."""

    model_config = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True)
class Desk:
    """The desk of an authority."""

    clock: Clock
    codes: ClaimCodes
    signing_key: SigningKey
    """Signs tickets."""
    key_sha256: str
    """SHA-256 of the desk key, in hex."""
    relay: Relay
    """Takes sealed reports to the publisher."""
    stop: Relay
    """Takes requests to stop a device to the issuer."""

    def router(self) -> APIRouter:
        """The desk's routes; each asks for the desk key."""
        router = APIRouter(prefix="/authority/v1", dependencies=[Depends(self.require_key)])
        router.post("/claim-codes", response_model=None)(self.create_claim_code)
        router.post("/tickets", response_model=None)(self.create_ticket)
        router.post("/stopped-devices", response_model=None)(self.stop_device)
        router.post("/sealed-reports", response_model=None)(self.upload)
        return router

    async def require_key(self, request: Request) -> None:
        """401 without the desk key. Digests are compared in constant time."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        digest = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        if not hmac.compare_digest(digest, self.key_sha256) or scheme.lower() != "bearer":
            raise HTTPException(401, "unauthorized", {"www-authenticate": "Bearer"})

    async def create_claim_code(self, request: Request) -> Response:
        """{"report_type", "length"} -> 201 {"code", "expires_at"}"""
        order = await _read(request, ClaimCodeOrder)
        if order.report_type not in REPORT_TYPES:
            raise HTTPException(400, "malformed")
        code, expires = await self.codes.create(ReportType(order.report_type), order.length, self.clock.now())
        return JSONResponse({"code": code, "expires_at": expires}, 201)

    async def create_ticket(self, request: Request) -> Response:
        """{} -> 201 {"ticket", "expires_at"}"""
        await _read(request, TicketOrder)
        expires = self.clock.now() + TICKET_SECONDS
        ticket = sign_ticket(self.signing_key, secrets.token_bytes(_TICKET_NONCE_BYTES), expires)
        return JSONResponse({"ticket": ticket, "expires_at": expires}, 201)

    async def stop_device(self, request: Request) -> Response:
        """{"number"} -> the issuer's answer as JSON; 502 when the issuer cannot be reached."""
        order = await _read(request, StopOrder)
        try:
            number = heard(order.number)
        except OwnhueError as error:
            raise HTTPException(400, "malformed") from error
        if len(number) != NUMBER_BYTES:
            raise HTTPException(400, "malformed")
        body = sign_request(STOP, {"number": number, "time": self.clock.now()}, self.signing_key)
        return await _answer_of(self.stop, frame(cbor_encode(body)))

    async def upload(self, request: Request) -> Response:
        """The sealed bytes -> the publisher's answer as JSON; 502 when the publisher cannot be reached."""
        sealed = await _body(request)
        try:
            body = frame(cbor_encode({"sealed": sealed}))
        except LimitError as error:
            raise HTTPException(413, "too_large") from error
        return await _answer_of(self.relay, body)


async def _answer_of(relay: Relay, body: bytes) -> Response:
    try:
        return JSONResponse(await relay(body))
    except (httpx.HTTPError, OwnhueError) as error:
        raise HTTPException(502, "unavailable") from error


async def _read(request: Request, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(await _body(request))
    except ValidationError as error:
        raise HTTPException(400, "malformed") from error


async def _body(request: Request) -> bytes:
    try:
        return await read_body(request)
    except LimitError as error:
        raise HTTPException(413, "too_large") from error
    except TimeoutError as error:
        raise HTTPException(408, "too_slow") from error
