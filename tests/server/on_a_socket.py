"""The real application behind the real web server on a loopback socket, in a thread of this process.

In a process of its own its limits could not be made small enough for a test.
"""

import asyncio
import contextlib
import dataclasses
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from ownhue_server.app import create_app
from ownhue_server.clock import RehearsalClock
from ownhue_server.config import Config
from ownhue_server.serving import listen, web_server
from tests.server.served import MONDAY, deployment

#: Seconds after which a test gives up waiting.
PATIENCE = 20


@dataclass(frozen=True)
class OnSocket:
    """A server that listens."""

    config: Config
    port: int
    desk_key: str

    def connect(self) -> socket.socket:
        """A new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def exchange(self, request: bytes) -> bytes:
        """Everything that comes for *request* until the server closes the connection."""
        with self.connect() as connection:
            connection.sendall(request)
            return read_to_end(connection)


def read_to_end(connection: socket.socket) -> bytes:
    """What comes until the other side closes, be it politely or not."""
    got = bytearray()
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while part := connection.recv(65_536):
            got += part
    return bytes(got)


@contextlib.contextmanager
def on_a_socket(directory: Path, **settings: Any) -> Iterator[OnSocket]:
    """A new rehearsal deployment in *directory*, served. *settings* replace its own."""
    config, desk_key = deployment(directory)
    changes = {"answer_milliseconds": 0, "refusals_per_hour": 100_000, **settings}
    config = dataclasses.replace(config, settings=config.settings.model_copy(update=changes))
    bound = listen("127.0.0.1", 0)
    app = create_app(config, clock=RehearsalClock(MONDAY))
    web = web_server(app)
    server = uvicorn.Server(web)

    def run() -> None:
        with asyncio.Runner(loop_factory=web.get_loop_factory()) as runner:
            runner.run(_serve(app, server, bound))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        _wait_for(server, thread)
        yield OnSocket(config, bound.getsockname()[1], desk_key)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        bound.close()
    assert not thread.is_alive()


async def _serve(app: FastAPI, server: uvicorn.Server, bound: socket.socket) -> None:
    async with app.router.lifespan_context(app):
        await server.serve([bound])


def _wait_for(server: uvicorn.Server, thread: threading.Thread) -> None:
    pause = threading.Event()
    for _ in range(PATIENCE * 100):
        if server.started:
            return
        assert thread.is_alive(), "the server did not start"
        pause.wait(0.01)
    raise AssertionError("the server did not start in time")
