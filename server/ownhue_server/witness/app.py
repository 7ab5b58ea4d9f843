"""A witness over HTTP. specs/publication.md section 12

POST /add-checkpoint     C2SP tlog-witness: a cosignature, or why not
GET  / or /keys          its verifier key, the logs that it watches, what it has seen of them
GET  /evidence/<name>    a file that proves a fork (section 13)
"""

import asyncio
import json

from fastapi import FastAPI
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ownhue.errors import OwnhueError
from ownhue.witness import MAX_WITNESS_REQUEST_BYTES
from ownhue_server import logs
from ownhue_server.witness.core import TEXT_TYPE, Answer, Witness

#: Seconds in which the body of a request must have come. specs/publication.md section 12
BODY_SECONDS = 10

_log = logs.get("witness")


def create_app(witness: Witness) -> FastAPI:
    """The application of *witness*."""

    async def add_checkpoint(request: Request) -> Response:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(request)
        except (TimeoutError, ClientDisconnect):
            return _response(_text(408, "the request took too long"))
        if body is None:
            return _response(_text(413, f"a request has at most {MAX_WITNESS_REQUEST_BYTES} bytes"))
        try:
            return _response(await asyncio.to_thread(witness.answer, body))
        except (OwnhueError, OSError) as error:
            # A full disk or a damaged state: nothing is cosigned that is not stored.
            _log.error("a state could not be read or stored", error=type(error).__name__)
            return _response(_text(500, "unavailable"))

    async def keys(_request: Request) -> Response:
        told = await asyncio.to_thread(witness.told)
        return Response(json.dumps(told, indent=1) + "\n", media_type="application/json")

    async def evidence(request: Request) -> Response:
        data = await asyncio.to_thread(witness.evidence, request.path_params["name"])
        return Response(data, media_type="application/json") if data else _response(_text(404, "no such file"))

    # A redirection would lead to whatever host the request names.
    app = FastAPI(title="ownhue-witness", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.router.routes.extend(
        [
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/", keys, methods=["GET"]),
            Route("/keys", keys, methods=["GET"]),
            Route("/evidence/{name}", evidence, methods=["GET"]),
        ]
    )
    return app


async def _body(request: Request) -> bytes | None:
    """The request's body; None as soon as it is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_WITNESS_REQUEST_BYTES:
            return None
    return bytes(body)


def _text(status: int, text: str) -> Answer:
    return Answer(status, TEXT_TYPE, f"{text}\n".encode())


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, {"content-type": answer.kind})
