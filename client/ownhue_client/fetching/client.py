"""An HTTP client whose every exchange ends: also when the server sends one byte of its answer every few seconds.

    with open_client(seconds=300, monotonic=time.monotonic) as client:
        fetch = http_fetch(client, url)

The usual timeouts begin anew with every byte. Here one deadline holds for connecting, sending, the head of the answer
and its body, counted by the connection itself. One client serves one request after the other.
"""

import ssl
from collections.abc import Iterable
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import httpcore
import httpx

from ownhue_client.fetching.limits import FILE_SECONDS, Deadline, Monotonic

#: Seconds without a single byte after which a server counts as gone. specs/publication.md section 6
SILENCE_SECONDS = 30


def open_client(monotonic: Monotonic, seconds: float = FILE_SECONDS, silence: float = SILENCE_SECONDS) -> httpx.Client:
    """A client for ``with``: no proxies of the environment, redirects or cookies, *seconds* for each exchange."""
    transport = _TimedTransport(seconds, monotonic)
    client = httpx.Client(transport=transport, timeout=silence, trust_env=False, follow_redirects=False)
    # Cookies are never sent back; kept, they would only fill the memory.
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


class _TimedTransport(httpx.HTTPTransport):
    def __init__(self, seconds: float, monotonic: Monotonic) -> None:
        super().__init__(trust_env=False)
        self._seconds, self._monotonic = seconds, monotonic
        self._network = _TimedNetwork()
        # httpx has no parameter for it: its pool is replaced by one of the same kind over our own network.
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False), network_backend=self._network
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._network.deadline = Deadline(self._seconds, self._monotonic)
        return super().handle_request(request)


class _TimedNetwork(httpcore.NetworkBackend):
    """The usual network; every wait ends at ``deadline``."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()
        self.deadline: Deadline | None = None

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        left = self.bounded(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._inner.connect_tcp(host, port, left, local_address, socket_options), self)

    def bounded(self, timeout: float | None, error: type[Exception]) -> float | None:
        """The shorter of *timeout* and what is left. Raises *error* when nothing is."""
        if self.deadline is None:
            return timeout
        left = self.deadline.left
        if left <= 0:
            raise error("the answer takes too long")
        return left if timeout is None else min(timeout, left)


class _TimedStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, network: _TimedNetwork) -> None:
        self._inner, self._network = inner, network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._network.bounded(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._network.bounded(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._network.bounded(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, left), self._network)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
