"""A TCP proxy on loopback that keeps every byte that phones send, and what those bytes mean as HTTP."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

_CHUNK = 1 << 16


class Request(NamedTuple):
    """One recorded HTTP request."""

    #: Request line and header lines, without the empty one.
    head: str
    body: bytes

    @property
    def path(self) -> str:
        """The path of the request line."""
        return self.head.split(" ")[1]


class RecordingProxy:
    """Forwards connections to *target*; ``sent`` holds what came from the phones, one buffer per connection."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.sent: list[bytearray] = []
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def everything(self) -> bytes:
        """Every byte that left."""
        return b"".join(self.sent)

    def requests(self) -> list[Request]:
        """The recorded bytes as requests. Raises ValueError for bytes that are none."""
        return [request for buffer in self.sent for request in _requests(bytes(buffer))]

    def close(self) -> None:
        """Stop listening and wait until nothing moves any more."""
        # Closing a listening socket does not wake its accept(), shutting it down does.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._sockets:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join()
        for end in self._sockets:
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                phone, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            buffer = bytearray()
            self.sent.append(buffer)
            self._sockets += [phone, server]
            for source, sink, record in ((phone, server, buffer), (server, phone, None)):
                thread = threading.Thread(target=_pump, args=(source, sink, record))
                self._threads.append(thread)
                thread.start()


def _pump(source: socket.socket, sink: socket.socket, record: bytearray | None) -> None:
    try:
        while data := source.recv(_CHUNK):
            if record is not None:
                record += data
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


def _requests(data: bytes) -> Iterator[Request]:
    while data:
        head, separator, data = data.partition(b"\r\n\r\n")
        if not separator:
            raise ValueError("a request without an end of its head")
        text = head.decode("ascii")
        length = next((int(line.split(":")[1]) for line in text.lower().splitlines() if "content-length:" in line), 0)
        yield Request(text, data[:length])
        data = data[length:]


@contextmanager
def recording(target: str) -> Iterator[RecordingProxy]:
    """A proxy before *target* (http://host:port)."""
    proxy = RecordingProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
