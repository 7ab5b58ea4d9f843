"""The application: the roles that this process plays, wired together. specs/http-api.md

    app = create_app(load_config(directory))

The roles never import each other. What the publisher publishes for the other two comes to it through a callable: their
own method when they live in this process, an HTTP request to them when they do not.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ownhue.region import region_bytes
from ownhue_server import logs
from ownhue_server.answers import Answers
from ownhue_server.authority.service import Authority
from ownhue_server.clock import Clock, RehearsalClock, SystemClock, check_start
from ownhue_server.config import ALL_ROLES, Config, Role
from ownhue_server.documents import DocumentSources
from ownhue_server.frames import phone_route
from ownhue_server.health import Upkeep
from ownhue_server.issuer.service import Issuer
from ownhue_server.limits import Limiter
from ownhue_server.publisher.service import Publisher
from ownhue_server.rehearsal import Rehearsal

#: Seconds between two looks at the clock for what is due.
TICK_SECONDS = 5

_log = logs.get("server")


def create_app(
    config: Config,
    roles: Collection[Role] = ALL_ROLES,
    clock: Clock | None = None,
    *,
    clock_is_right: bool = False,
) -> FastAPI:
    """The server of *config* in *roles*. With a RehearsalClock it can be moved, and closes batches only when it is.

    Its start raises StateError when the clock lies too far ahead, unless *clock_is_right*.
    """
    clock = clock or SystemClock()
    authority = Authority(config, clock) if Role.AUTHORITY in roles else None
    issuer = Issuer(config, clock) if Role.ISSUER in roles else None
    sources = DocumentSources(config, {Role.AUTHORITY: authority, Role.ISSUER: issuer})
    publisher = Publisher(config, clock, sources.documents) if Role.PUBLISHER in roles else None
    _introduce(authority, publisher, issuer, config)
    parts = [part for part in (publisher, issuer, authority) if part]
    answers = Answers(config.settings.answer_milliseconds)
    limiter = Limiter(config.settings.refusals_per_hour, config.settings.address_header)
    upkeep = Upkeep(roles, clock, limiter, publisher, authority)
    # A rehearsal's clock goes where its client wants it.
    trusting = clock_is_right or isinstance(clock, RehearsalClock)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(sources.close)
            if not trusting:
                _check_clock(clock.now(), issuer, authority)
            if authority:
                authority.start()
                stack.push_async_callback(authority.stop)
            if issuer:
                issuer.start()
                stack.callback(issuer.stop)
            if publisher:
                stack.callback(publisher.stop)
                await publisher.start(None if trusting else lambda newest: check_start(newest, clock.now()))
            await stack.enter_async_context(_ticking(upkeep))
            await stack.enter_async_context(answers.releasing())
            yield

    app = FastAPI(
        title="ownhue-server",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # A redirection would lead to whatever host the request names.
        redirect_slashes=False,
    )
    app.state.publisher = publisher
    app.add_exception_handler(HTTPException, _say)
    app.router.routes.extend(
        # The busiest first.
        phone_route(path, handler, answers, limiter)
        for part in parts
        for path, handler in part.phone_endpoints.items()
    )
    app.router.routes.extend(route for part in parts for route in part.routes)
    app.router.routes.extend(_common_routes(config, upkeep))
    if authority:
        app.include_router(authority.desk_router)
    if isinstance(clock, RehearsalClock):
        app.include_router(Rehearsal(clock, publisher).router())
    app.add_middleware(_LastResort)
    return app


def _introduce(authority: Authority | None, publisher: Publisher | None, issuer: Issuer | None, config: Config) -> None:
    """Let a desk's reports go straight to the publisher of this process, and the lost devices that it names to the
    issuer, unless the settings name other ones."""
    if authority and publisher and not config.settings.publisher_url:
        authority.reports_to(publisher.phone_endpoints["/publisher/v1/report"])
    if authority and issuer and not config.settings.issuer_url:
        authority.stops_at(issuer.phone_endpoints["/issuer/v1/stop"])


def _check_clock(now: int, *roles: Issuer | Authority | None) -> None:
    for role in roles:
        if role:
            role.check_clock(now)


def _common_routes(config: Config, upkeep: Upkeep) -> list[BaseRoute]:
    """Routes that every process has."""
    region = region_bytes(config.region)

    async def get_region(_request: Request) -> Response:
        return Response(region, media_type="application/json")

    return [Route("/region.json", get_region, methods=["GET"]), Route("/health", upkeep.answer, methods=["GET"])]


@contextlib.asynccontextmanager
async def _ticking(upkeep: Upkeep) -> AsyncIterator[None]:
    """While open, what is due is done."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            await upkeep.tick()

    task = asyncio.create_task(tick())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _say(_request: Request, error: Exception) -> Response:
    """An HTTP error as {"error": word}. Never repeats what the request said."""
    if not isinstance(error, HTTPException):
        raise TypeError("not an HTTP error")
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


class _LastResort:
    """Answers 500 to what nobody caught, and logs its type only: a message or a traceback may hold a code or a key."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            pass  # No failure of ours, and nobody to answer: whoever hangs up shall not fill the log.
        except Exception as error:  # noqa: BLE001 - see above
            _log.error("a request failed", error=type(error).__name__)
            # Fails when the answer has begun; then the connection is all that can be closed.
            with contextlib.suppress(RuntimeError):
                await JSONResponse({"error": "unavailable"}, 500)(scope, receive, send)
