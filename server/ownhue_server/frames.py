"""Phone endpoints: framed CBOR in, framed CBOR out, always 200, always the same number of bytes. specs/http-api.md

    POST /authority/v1/claim
    frame({"code": "1234 5678", "blinded": h'...', "key_id": h'...'})  ->  frame({"ok": true, "signature": h'...'})
                                                                       or  frame({"ok": false, "error": "unknown_code"})

- Whoever watches the line, or the server's front, learns neither what was asked nor whether it was granted: one status,
  one size, one deadline (answers.py) for what is granted, refused, pretended, unreadable, too long or too slow.
- At most one byte more than a frame is read of any request, and for a bounded time.
- Nothing of a request is ever logged; of an error of our own, its type.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ownhue.encoding import cbor_decode, cbor_encode, frame, unframe
from ownhue.errors import FormatError, LimitError, OwnhueError
from ownhue.params import FRAME_BYTES
from ownhue_server import logs
from ownhue_server.answers import Answers
from ownhue_server.limits import Limiter

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

MEDIA_TYPE = "application/octet-stream"
#: Seconds in which a request's body must have come. specs/http-api.md section 1
BODY_SECONDS = 10
#: What a phone sends that only pretends to want something. specs/http-api.md section 1
DECOY = {"decoy": True}

_log = logs.get("frames")


class RefusedError(OwnhueError):
    """A request that is well-formed and not granted; *word* is what the phone is told. specs/http-api.md section 3"""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


def phone_route(path: str, handler: Handler, answers: Answers, limiter: Limiter) -> Route:
    """The route of a phone endpoint: *handler* gets the request's map and returns what the answer has beside "ok".

    It raises FormatError for a wrong map ("malformed") and RefusedError with any other word.
    """

    async def endpoint(request: Request) -> Response:
        try:
            body = await read_body(request)
        except (LimitError, TimeoutError):
            body = b""  # No frame, so it takes the way of everything that is none.
        content = await answers.at_deadline(_limited(body, request.scope, path, handler, limiter))
        return Response(content, media_type=MEDIA_TYPE)

    return Route(path, endpoint, methods=["POST"])


async def _limited(body: bytes, scope: Mapping[str, Any], path: str, handler: Handler, limiter: Limiter) -> bytes:
    """The frame that answers *body*; refused unseen when its address was refused too often."""
    async with limiter.turn(path, scope) as turn:
        if turn is None:
            return _framed(refuse("too_many"))
        answer = await answer_to(body, handler)
        # What fails through our own fault is nobody's guess.
        turn.refused = not answer["ok"] and answer["error"] != "unavailable"
        return _framed(answer)


async def answer_to(body: bytes, handler: Handler) -> dict[str, Any]:
    """The map that answers the frame *body*, whatever happens; neither limited nor kept until a deadline."""
    try:
        parsed = _parse(body)
        if _is_decoy(parsed):
            return {"ok": True}
        return {"ok": True, **await handler(parsed)}
    except RefusedError as refusal:
        return refuse(refusal.word)
    except FormatError:
        return refuse("malformed")
    except Exception as error:  # noqa: BLE001 - even our own failure looks like every other answer from outside
        _log.error("a phone endpoint failed", error=type(error).__name__)
        return refuse("unavailable")


def _is_decoy(body: dict[str, Any]) -> bool:
    # 1 == True in Python, but not in CBOR.
    return body == DECOY and body["decoy"] is True


def _framed(answer: dict[str, Any]) -> bytes:
    return frame(cbor_encode(answer))


def refuse(word: str) -> dict[str, Any]:
    """The map of a refusal."""
    return {"ok": False, "error": word}


async def read_body(request: Request, limit: int = FRAME_BYTES) -> bytes:
    """The request's body.

    Raises LimitError as soon as it is longer than *limit* bytes, TimeoutError when it takes longer than BODY_SECONDS.
    """
    body = bytearray()
    async with asyncio.timeout(BODY_SECONDS):
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise LimitError(f"a request has at most {limit} bytes")
    return bytes(body)


def fields(body: dict[str, Any], **types: type) -> list[Any]:
    """The values of *body* in the order of *types*. Raises FormatError unless it has exactly these, of these types."""
    # bool is an int in Python, and not in CBOR, so the types are compared exactly.
    if body.keys() != types.keys() or any(type(body[name]) is not kind for name, kind in types.items()):
        raise FormatError("a request has other fields than it should")
    return [body[name] for name in types]


def check_blinded(message: Any, key: RSAPublicKey) -> None:
    """Raises FormatError unless *message* can be blind-signed with *key*. To be asked before anything is stored."""
    if not isinstance(message, bytes) or len(message) != key.key_size // 8:
        raise FormatError("a blinded message has as many bytes as the modulus")
    if int.from_bytes(message, "big") >= key.public_numbers().n:
        raise FormatError("a blinded message is a number below the modulus")


def _parse(data: bytes) -> dict[str, Any]:
    value = cbor_decode(unframe(data))
    if not isinstance(value, dict):
        raise FormatError("a request is a map")
    return value
