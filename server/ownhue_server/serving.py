"""Running an application on a socket: no access log, no words of the web server, limits, a clean end.

What stays with the web server in front: TLS, HTTP/2, how many connections and requests one address may have, and how
slowly a file may be read. specs/http-api.md section 1
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

if sys.platform != "win32":
    import resource

from ownhue.errors import StateError
from ownhue_server import logs
from ownhue_server.connections import MAX_CONNECTIONS, Connections, limited_protocol

#: Seconds that open connections get when the server ends: enough for an answer that waits for its deadline.
GRACE_SECONDS = 12
#: Open files that belong to no connection: databases, what is being published, the log.
OTHER_FILES = 256
#: Open files of a connection: itself, and the published file that its client reads as slowly as it likes.
FILES_EACH = 2

_log = logs.get("server")


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to *host* and *port* (0: a free one). Raises StateError when that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise StateError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    return bound


def run(app: FastAPI, bound: socket.socket, ready: Callable[[], None], *, until_stdin_ends: bool = False) -> None:
    """Serve *app* until SIGTERM or SIGINT, or until standard input ends; call *ready* when it answers.

    Raises what the application's start raised.
    """
    config = web_server(app)
    server = _Server(config, ready)
    if until_stdin_ends:
        threading.Thread(target=_watch_stdin, args=(server,), daemon=True).start()
    with contextlib.closing(bound), asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(app, server, bound))


def web_server(app: FastAPI) -> uvicorn.Config:
    """How the web server is to run *app*."""
    quiet()
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        http=limited_protocol(Connections(_places())),  # type: ignore[arg-type]  # anything that makes a protocol
        limit_concurrency=2 * MAX_CONNECTIONS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _places() -> int:
    """How many connections there may be: as many as we want, if the system lets us have so many files."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_EACH * MAX_CONNECTIONS + OTHER_FILES
    files = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(files, soft), hard))
    # At least a few, whatever the system says.
    return max((files - OTHER_FILES) // FILES_EACH, OTHER_FILES // FILES_EACH)


async def _serve(app: FastAPI, server: "_Server", bound: socket.socket) -> None:
    asyncio.get_running_loop().set_exception_handler(say_type)
    # We open the application ourselves, so that its own error comes out and not the web server's exit.
    async with app.router.lifespan_context(app):
        await server.serve([bound])


class _Server(uvicorn.Server):
    """uvicorn's server that says when it is ready, and ends with status 0 when it is asked to end."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so."""
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT ask for the end. Unlike uvicorn's, ours are not raised again after it."""
        before = {number: signal.signal(number, self._end) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.should_exit = True


def _watch_stdin(server: _Server) -> None:
    with contextlib.suppress(OSError, ValueError):
        # Not through sys.stdin: its lock, held by this thread, would abort the interpreter's end.
        while os.read(sys.stdin.fileno(), 4096):
            pass
    server.should_exit = True


def say_type(_loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """What nobody caught in a task or a callback: its type only, where asyncio prints message and traceback."""
    error = context.get("exception")
    _log.error("a task or a connection failed", error=type(error).__name__ if error else "")


def quiet() -> None:
    """Let the libraries write no log of their own."""
    # The error logs of uvicorn and asyncio print tracebacks, whose messages may hold what a request said; ours prints
    # types.
    for name in ("uvicorn", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
