"""Serves the published folder: GET /published/<path>. Any web server or CDN can do it instead. specs/http-api.md

- A tag (``ETag``) is the SHA-256 of the content: where the path has it, from there; of a small file it is computed.
- Whoever has the file already is told so (304).
- Pages of any origin may read: everything here is for everybody.
- A large file goes out piece by piece and is never held.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import Iterable
from contextlib import closing
from io import BufferedReader

from starlette.types import Receive, Scope, Send

from ownhue_server.publisher.folder import HEAD, PublishedFolder

#: Files up to this many bytes are read at once, larger ones in pieces of as many.
PIECE_BYTES = 65_536

_MEDIA_TYPES = {"zip": b"application/zip", "json": b"application/json", HEAD: b"text/plain; charset=utf-8"}
_FOR_EVER = b"public, max-age=1209600, immutable"
_ASK_AGAIN = b"no-cache"
#: What is replaced under its name.
_REPLACED = frozenset({HEAD, "trust/timestamp.json"})
_DIGEST = re.compile(r"(?:.*/)?([0-9a-f]{64})(?:\.[a-z0-9]+)?")
_EVERYBODY = [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"ETag")]
_PREFLIGHT = [
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", b"If-None-Match"),
    (b"access-control-max-age", b"86400"),
]

_Headers = list[tuple[bytes, bytes]]


class PublishedFiles:
    """ASGI application for the files of *folder*; the route's parameter ``path`` says which."""

    def __init__(self, folder: PublishedFolder) -> None:
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: 200, 304, 404; 204 for OPTIONS, 405 for anything else but GET and HEAD."""
        path, method = scope["path_params"]["path"], scope["method"]
        if method not in {"GET", "HEAD"}:
            status, headers = (204, _PREFLIGHT) if method == "OPTIONS" else (405, [(b"allow", b"GET, HEAD")])
            await _answer(send, status, headers)
            return
        file = self._folder.open(path)
        if file is None:
            # It may be there in a moment: a cache that kept this would hold back the next root of trust.
            await _answer(send, 404, [(b"cache-control", _ASK_AGAIN)])
            return
        with closing(file):
            await _send_file(file, path, scope, send)


async def _send_file(file: BufferedReader, path: str, scope: Scope, send: Send) -> None:
    length = os.fstat(file.fileno()).st_size
    # What is small lies in the system's memory; a thread would take longer than the reading.
    whole = file.read() if length <= PIECE_BYTES else None
    tag = _tag(path, whole)
    headers: _Headers = [(b"cache-control", _ASK_AGAIN if path in _REPLACED else _FOR_EVER)]
    if tag:
        headers.append((b"etag", tag))
        if _has(scope["headers"], tag):
            await _answer(send, 304, headers)
            return
    headers.append((b"content-type", _MEDIA_TYPES.get(path.rpartition(".")[2], b"application/octet-stream")))
    headers.append((b"content-length", b"%d" % (length if whole is None else len(whole))))
    if scope["method"] == "HEAD":
        await _answer(send, 200, headers)
    elif whole is not None:
        await _answer(send, 200, headers, whole)
    else:
        await _stream(send, headers, file, length)


async def _stream(send: Send, headers: _Headers, file: BufferedReader, length: int) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [*headers, *_EVERYBODY]})
    while length > 0:
        piece = await asyncio.to_thread(file.read, min(PIECE_BYTES, length))
        if not piece:
            raise OSError("a published file became shorter while it was sent")
        length -= len(piece)
        await send({"type": "http.response.body", "body": piece, "more_body": length > 0})


def _tag(path: str, content: bytes | None) -> bytes:
    """The quoted digest; empty for a large file whose path does not have it."""
    match = _DIGEST.fullmatch(path)
    if match:
        return b'"%s"' % match[1].encode()
    return b"" if content is None else b'"%s"' % hashlib.sha256(content).hexdigest().encode()


def _has(headers: Iterable[tuple[bytes, bytes]], tag: bytes) -> bool:
    """Whether ``If-None-Match`` lists *tag*, be it as a weak one."""
    lists = [value for name, value in headers if name == b"if-none-match"]
    known = {item.strip().removeprefix(b"W/") for value in lists for item in value.split(b",")}
    return tag in known or b"*" in known


async def _answer(send: Send, status: int, headers: _Headers, body: bytes = b"") -> None:
    headers = [*headers, *_EVERYBODY]
    if status in {404, 405}:
        headers.append((b"content-length", b"0"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
