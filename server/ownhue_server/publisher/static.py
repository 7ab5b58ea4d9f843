"""Serves the published folder: GET /published/<path>. Any web server or CDN can do it instead. specs/http-api.md"""

from starlette.types import Receive, Scope, Send

from ownhue_server.publisher.folder import HEAD, PublishedFolder

_MEDIA_TYPES = {"zip": b"application/zip", "json": b"application/json", HEAD: b"text/plain; charset=utf-8"}
_FOR_EVER = b"public, max-age=1209600, immutable"
_ASK_AGAIN = b"no-cache"


class PublishedFiles:
    """ASGI application for the files of *folder*; the route's parameter ``path`` says which."""

    def __init__(self, folder: PublishedFolder) -> None:
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: 200, 404, or 405 for anything but GET and HEAD."""
        path: str = scope["path_params"]["path"]
        if scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, 405, [(b"allow", b"GET, HEAD")], b"")
            return
        data = self._folder.read(path)
        if data is None:
            await _answer(send, 404, [], b"")
            return
        headers = [
            (b"content-type", _MEDIA_TYPES.get(path.rpartition(".")[2], b"application/octet-stream")),
            (b"content-length", b"%d" % len(data)),
            (b"cache-control", _ASK_AGAIN if path == HEAD else _FOR_EVER),
        ]
        await _answer(send, 200, headers, b"" if scope["method"] == "HEAD" else data)


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    if status != 200:
        headers = [*headers, (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
