"""What one connection may take of the server: bytes and seconds of a head, seconds without progress, a place.

    uvicorn.Config(app, http=limited_protocol(Connections()))

- A request's head has :data:`HEAD_SECONDS` from its first byte, or from the connection's beginning, and
  :data:`HEAD_BYTES`. Then the connection is closed without an answer (too slow) or with 400 (too long).
- Bytes that are neither head nor body (trailers, extensions of chunks, empty lines) are held to the same length.
  Trailers are not read: they would stand behind the address that the front wrote into the head.
- Of requests sent before the answers to earlier ones, :data:`MAX_AHEAD` are kept; one more ends the connection.
- After an answer whose request was not read to its end, the rest may come for :data:`LINGER_SECONDS`.
- Who does not read an answer for :data:`UNREAD_SECONDS` is cut off.
- At most :data:`MAX_CONNECTIONS`: for one more, the connection that has waited longest for its head is closed; when
  none waits, the one that has left an answer unread for longest.

The seconds of a body are the endpoint's business (frames.py). A fast and patient attacker still gets as many
connections as the machine has places for; how many one address may have is the business of the server in front.
specs/http-api.md section 1
"""

import asyncio
from collections.abc import Callable
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

#: Longest head of a request, in bytes. specs/http-api.md section 1
HEAD_BYTES = 16_384
#: Seconds in which a head must have come. specs/http-api.md section 1
HEAD_SECONDS = 10
#: Seconds in which the rest of a request may come that was answered before it was read.
LINGER_SECONDS = 2
#: Seconds for which a client may leave an answer unread.
UNREAD_SECONDS = 60
#: Most requests of one connection that wait until earlier ones are answered. specs/http-api.md section 1
MAX_AHEAD = 4
#: Most connections at a time. specs/http-api.md section 1
MAX_CONNECTIONS = 4096


class Connections:
    """The connections of one server that could be cut off for another one: who waits for a head, who does not read."""

    def __init__(self, most: int = MAX_CONNECTIONS) -> None:
        self.most = most
        # Both with the oldest first.
        self._waiting: dict[LimitedProtocol, None] = {}
        self._unread: dict[LimitedProtocol, None] = {}

    def begin(self, connection: "LimitedProtocol") -> None:
        """*connection* waits for a head from now on, or goes on waiting."""
        self._waiting.setdefault(connection)

    def end(self, connection: "LimitedProtocol") -> None:
        """*connection* has one, or is gone."""
        self._waiting.pop(connection, None)

    def set_unread(self, connection: "LimitedProtocol", unread: bool) -> None:
        """Whether the client of *connection* leaves an answer unread."""
        if unread:
            self._unread.setdefault(connection)
        else:
            self._unread.pop(connection, None)

    def make_room(self, count: int, newest: "LimitedProtocol") -> None:
        """When there are more connections than allowed, cut off the one that has waited longest.

        When only the *newest* waits, whoever has left an answer unread for longest goes in its place.
        """
        if count > self.most:
            longest = next(iter(self._waiting), newest)
            (next(iter(self._unread), longest) if longest is newest else longest).cut_off()


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with limits."""

    def __init__(self, connections_in_wait: Connections, **rest: Any) -> None:
        super().__init__(**rest)
        self._wait = connections_in_wait
        self._in_request = False
        self._idle_bytes = 0
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._running: RequestResponseCycle | None = None

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new connection: its first head is due."""
        super().connection_made(transport)
        self._expect_head()
        self._wait.make_room(len(self.connections), self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of it."""
        self._wait.end(self)
        self._set_deadline(None)
        self.resume_writing()
        super().connection_lost(exc)
        if self._running is not None:
            # uvicorn tells only the newest request; this one would write to nobody, and its error into the log.
            self._running.disconnected = True
            self._running.message_event.set()

    def cut_off(self) -> None:
        """Close at once, whatever is under way."""
        self._wait.end(self)
        self._wait.set_unread(self, False)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes of the client."""
        if not self._in_request:
            self._expect_head()
        self._idle_bytes += len(data)
        super().data_received(data)
        if self._idle_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("Bad request.")

    def pause_writing(self) -> None:
        """The client does not read fast enough."""
        super().pause_writing()
        self._expect_reading()

    def resume_writing(self) -> None:
        """The client has read."""
        super().resume_writing()
        self._wait.set_unread(self, False)
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    # The parser's callbacks

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        if len(self.pipeline) >= MAX_AHEAD:
            # Each would be kept in memory until its turn comes, and reading goes on meanwhile.
            raise httptools.HttpParserError("too many requests ahead of their answers")
        super().on_message_begin()
        self._head_bytes = 0
        self._expect_head()

    def on_url(self, url: bytes) -> None:
        """A piece of the request line."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line, or trailer."""
        self._count_head(len(name) + len(value) + len(": \r\n"))
        if not self._in_request:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._in_request = True
        self._idle_bytes = 0
        self._wait.end(self)
        self._set_deadline(None)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._idle_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there."""
        self._in_request = False
        self._idle_bytes = 0
        if self._deadline is not None:
            # The rest of a request that was answered already has come.
            self._set_deadline(None)
            self._expect_head()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is written."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._expect_reading()
        elif self._in_request:
            self._unset_keepalive_if_required()
            self._set_deadline(LINGER_SECONDS)
        else:
            self._wait.begin(self)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more came after an answer."""
        super().timeout_keep_alive_handler()
        self._expect_reading()  # What was written last may not be on its way yet.

    def _expect_head(self) -> None:
        """A head is due, from when it was first due."""
        self._wait.begin(self)
        if self._deadline is None:
            self._set_deadline(HEAD_SECONDS)

    def _expect_reading(self) -> None:
        self._wait.set_unread(self, True)
        if self._unread is None:
            self._unread = self.loop.call_later(UNREAD_SECONDS, self.cut_off)

    def _set_deadline(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self.cut_off)

    def _count_head(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes > HEAD_BYTES:
            # Caught where the parser was fed, and answered with 400.
            raise httptools.HttpParserError("the head of a request is too long")


def limited_protocol(connections: Connections) -> Callable[..., asyncio.Protocol]:
    """What makes the protocol of each new connection, for uvicorn."""

    def make(**rest: Any) -> asyncio.Protocol:
        return LimitedProtocol(connections, **rest)

    return make
