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
from ownhue_server.authority.service import Authority
from ownhue_server.clock import Clock, RehearsalClock, SystemClock
from ownhue_server.config import ALL_ROLES, Config, Role
from ownhue_server.documents import DocumentSources
from ownhue_server.issuer.service import Issuer
from ownhue_server.publisher.service import Publisher
from ownhue_server.rehearsal import Rehearsal

#: Seconds between two looks at the clock for batches that are due.
TICK_SECONDS = 5

_log = logs.get("server")


def create_app(config: Config, roles: Collection[Role] = ALL_ROLES, clock: Clock | None = None) -> FastAPI:
    """The server of *config* in *roles*. With a RehearsalClock it can be moved, and closes batches only when it is."""
    clock = clock or SystemClock()
    authority = Authority(config, clock) if Role.AUTHORITY in roles else None
    issuer = Issuer(config, clock) if Role.ISSUER in roles else None
    sources = DocumentSources(config, {Role.AUTHORITY: authority, Role.ISSUER: issuer})
    publisher = Publisher(config, clock, sources.documents) if Role.PUBLISHER in roles else None

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(sources.close)
            if authority:
                authority.start()
                stack.push_async_callback(authority.stop)
            if issuer:
                issuer.start()
                stack.callback(issuer.stop)
            if publisher:
                stack.callback(publisher.stop)
                await publisher.start()
                if not isinstance(clock, RehearsalClock):
                    await stack.enter_async_context(_closing_batches(publisher, clock))
            yield

    app = FastAPI(title="ownhue-server", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.publisher = publisher
    app.add_exception_handler(HTTPException, _say)
    app.router.routes.extend(_routes(config, roles, publisher, issuer, authority))
    if authority:
        app.include_router(authority.desk_router)
    if isinstance(clock, RehearsalClock):
        app.include_router(Rehearsal(clock, publisher).router())
    app.add_middleware(_LastResort)
    return app


def _routes(config: Config, roles: Collection[Role], *parts: Publisher | Issuer | Authority | None) -> list[BaseRoute]:
    """Routes of the roles, the busiest first, and those that every process has."""
    region = region_bytes(config.region)
    health = {"ok": True, "roles": sorted(roles)}

    async def get_region(_request: Request) -> Response:
        return Response(region, media_type="application/json")

    async def get_health(_request: Request) -> Response:
        return JSONResponse(health)

    return [
        *(route for part in parts if part for route in part.routes),
        Route("/region.json", get_region, methods=["GET"]),
        Route("/health", get_health, methods=["GET"]),
    ]


@contextlib.asynccontextmanager
async def _closing_batches(publisher: Publisher, clock: Clock) -> AsyncIterator[None]:
    """While open, batches are closed as they fall due."""

    async def close_due() -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await publisher.write_missing()
                for batch in await publisher.due(clock.now()):
                    await publisher.close_batch(batch)
            except Exception as error:  # noqa: BLE001 - a full disk today must not end publishing for ever
                _log.error("a batch could not be closed", error=type(error).__name__)

    task = asyncio.create_task(close_due())
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
