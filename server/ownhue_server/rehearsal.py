"""Rehearsal: the same server with a clock that its client moves. specs/http-api.md section 6

    POST /rehearsal/v1/clock {"now": 1772503200}   ->   200 {"now": 1772503200}

These routes exist only in an app that was given a :class:`~ownhue_server.clock.RehearsalClock`, and that is only what
``ownhue-server rehearse`` makes, on loopback, with throw-away keys.
"""

import asyncio

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import JSONResponse, Response

from ownhue.errors import LimitError
from ownhue_server.clock import RehearsalClock
from ownhue_server.frames import read_body
from ownhue_server.publisher.service import Publisher


class ClockOrder(BaseModel):
    """Body of POST clock."""

    model_config = ConfigDict(extra="forbid", strict=True)

    now: int = Field(ge=0, lt=2**40)


class Rehearsal:
    """The hand on *clock*; *publisher*'s batches are closed on the way, each at its own time."""

    def __init__(self, clock: RehearsalClock, publisher: Publisher | None) -> None:
        self._clock = clock
        self._publisher = publisher
        self._moving = asyncio.Lock()

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(prefix="/rehearsal/v1")
        router.get("/clock", response_model=None)(self.get_clock)
        router.post("/clock", response_model=None)(self.move_clock)
        return router

    async def get_clock(self) -> Response:
        """200 {"now"}"""
        return JSONResponse({"now": self._clock.now()})

    async def move_clock(self, request: Request) -> Response:
        """{"now"} -> 200 {"now"} when every batch due by then is closed; 409 when it lies in the past."""
        try:
            order = ClockOrder.model_validate_json(await read_body(request))
        except (ValidationError, LimitError, TimeoutError) as error:
            raise HTTPException(400, "malformed") from error
        async with self._moving:
            if order.now < self._clock.now():
                raise HTTPException(409, "a clock never goes back")
            await self._move(order.now)
        return JSONResponse({"now": self._clock.now()})

    async def _move(self, now: int) -> None:
        if self._publisher is not None:
            for batch in await self._publisher.due(now):
                self._clock.move(max(self._publisher.closing_time(batch), self._clock.now()))
                await self._publisher.close_batch(batch)
        self._clock.move(now)
