"""What GET /health says, and the work that is done now and then. specs/http-api.md

    {"ok": true, "roles": ["authority", "issuer", "publisher"]}
    {"ok": false, "roles": ["publisher"], "error": "late"}

``failing``: a batch could not be closed, its files not be written, or what is over not be deleted. ``late``: a batch is
overdue. ``guessing``: many wrong spoken codes. The status is 200 all the same: a late batch is no reason to keep phones
from reporting.
"""

from collections.abc import Collection

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ownhue_server import logs
from ownhue_server.authority.service import Authority
from ownhue_server.clock import Clock, RehearsalClock
from ownhue_server.config import Role
from ownhue_server.limits import Limiter
from ownhue_server.publisher.service import Publisher

#: Seconds after which a batch that is not closed is called late. specs/http-api.md section 2
LATE_SECONDS = 900

_log = logs.get("server")


class Upkeep:
    """Closing of batches, purging, forgetting; and what is wrong."""

    def __init__(
        self,
        roles: Collection[Role],
        clock: Clock,
        limiter: Limiter,
        publisher: Publisher | None,
        authority: Authority | None,
    ) -> None:
        self._roles = sorted(roles)
        self._clock = clock
        self._limiter = limiter
        self._publisher = publisher
        self._authority = authority
        self._trouble = ""

    async def tick(self) -> None:
        """Do what is due. What fails today must not end it for ever: it is logged, and tried again."""
        self._limiter.sweep()
        now = self._clock.now()
        trouble = ""
        if self._authority:
            trouble = await self._tidy(self._authority, now)
        # A rehearsal's batches are closed when its clock is moved.
        if self._publisher and not isinstance(self._clock, RehearsalClock):
            trouble = await self._close_batches(self._publisher, now) or trouble
        self._trouble = trouble

    async def answer(self, _request: Request) -> Response:
        """GET /health"""
        health: dict[str, object] = {"ok": not self._trouble, "roles": self._roles}
        return JSONResponse(health | {"error": self._trouble} if self._trouble else health)

    async def _tidy(self, authority: Authority, now: int) -> str:
        try:
            await authority.tidy(now)
        except Exception as error:  # noqa: BLE001 - see tick
            _log.error("what is over could not be deleted", error=type(error).__name__)
            return "failing"
        return "guessing" if authority.guesses.many(now) else ""

    async def _close_batches(self, publisher: Publisher, now: int) -> str:
        try:
            await publisher.tick()
            return "late" if await publisher.due(now - LATE_SECONDS) else ""
        except Exception as error:  # noqa: BLE001 - see tick
            _log.error("a batch could not be closed", error=type(error).__name__)
            return "failing"
