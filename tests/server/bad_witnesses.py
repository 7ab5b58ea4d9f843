"""Witnesses that misbehave, each as an HTTP server in a thread of its own."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from nacl.signing import SigningKey

from ownhue.cosignature import WitnessKey, cosignature_line
from ownhue.signed_note import parse_note
from ownhue.tree_head import parse_tree_head
from ownhue.witness import WitnessRequest

#: What a witness says: status, headers, body; and whether it goes on for ever.
Said = tuple[int, dict[str, str], bytes]
Behaviour = Callable[[SigningKey, str, WitnessRequest], Said]


@contextmanager
def answering(answer: Callable[[bytes], Said]) -> Iterator[str]:
    """The url of a server that gives *answer* to every body that is posted."""

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        def do_POST(self) -> None:
            status, headers, body = answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def behaving(name: str, key: SigningKey, behaviour: Behaviour) -> Iterator[tuple[str, str]]:
    """Verifier key and url of the witness *name* with this behaviour."""
    with answering(lambda body: behaviour(key, name, WitnessRequest.from_bytes(body))) as url:
        yield WitnessKey(name, bytes(key.verify_key)).vkey, url


@contextmanager
def silent() -> Iterator[str]:
    """The url of one that takes every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def line(key: SigningKey, name: str, request: WitnessRequest, *, later: int = 0, origin: str = "") -> bytes:
    """The line of a witness for the head that it is shown; *later* and *origin* make a wrong one of it."""
    text = parse_note(request.note).text
    head = parse_tree_head(text)
    signed = text.replace(head.origin, origin) if origin else text
    return cosignature_line(signed, name, key, head.time + later).encode()


def good(key: SigningKey, name: str, request: WitnessRequest) -> Said:
    """Cosigns whatever it is shown."""
    return 200, {}, line(key, name, request)


def _with_strangers(key: SigningKey, name: str, request: WitnessRequest) -> Said:
    stranger = line(SigningKey(b"\x99" * 32), "stranger.example", request)
    long = "— witness.example/w9 ".encode() + b"A" * 3000 + b"\n"
    return 200, {}, stranger + long + line(key, name, request)


def _another_name(key: SigningKey, _name: str, request: WitnessRequest) -> Said:
    return 200, {}, line(key, "another.example", request)


def _another_key(_key: SigningKey, name: str, request: WitnessRequest) -> Said:
    return 200, {}, line(SigningKey(b"\x98" * 32), name, request)


def _forged(key: SigningKey, name: str, request: WitnessRequest) -> Said:
    return 200, {}, line(key, name, request, origin="another.example/log")


def _replaced(content: bytes, status: int = 200, **headers: str) -> Behaviour:
    named = {header.replace("_", "-"): value for header, value in headers.items()}
    return lambda _key, _name, _request: (status, named, content)


#: What bad witnesses do, and the word by which the publisher remembers it.
BAD: dict[str, tuple[str, Behaviour]] = {
    "nonsense": ("nonsense", _replaced(b"\xff\x00 hello")),
    "nothing": ("nonsense", _replaced(b"")),
    "another-name": ("nonsense", _another_name),
    "another-key": ("nonsense", _another_key),
    "twice": ("nonsense", lambda key, name, request: (200, {}, 2 * line(key, name, request))),
    "another-head": ("forged", _forged),
    "untimely": ("untimely", lambda key, name, request: (200, {}, line(key, name, request, later=601))),
    "too-long": ("too-long", _replaced(b"x" * 20_000)),
    "packed": ("nonsense", _replaced(b"\x1f\x8b\x08" + bytes(99), Content_Encoding="gzip")),
    "redirect": ("status-307", _replaced(b"", 307, Location="/add-checkpoint")),
    "refuses": ("status-403", _replaced(b"no", 403)),
    "conflict": ("status-409", _replaced(b"4\n", 409, Content_Type="text/plain")),
    "odd-size": ("nonsense", _replaced(b"04\n", 409, Content_Type="text/x.tlog.size")),
    "ahead": ("ahead", _replaced(b"9999\n", 409, Content_Type="text/x.tlog.size")),
    "same-size": ("conflict", _replaced(b"0\n", 409, Content_Type="text/x.tlog.size")),
}
STRANGERS: Behaviour = _with_strangers
