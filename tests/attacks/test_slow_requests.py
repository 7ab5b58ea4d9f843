"""Attacks with slow, endless and oversized requests, over real sockets. Each test names its attack.

The limits are made small, so that nobody waits ten seconds; what they are is tested by number. Nothing is measured:
a test that hangs for PATIENCE seconds has failed.
"""

import contextlib
import resource
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ownhue.encoding import cbor_decode, cbor_encode, frame, unframe
from ownhue.params import FRAME_BYTES
from ownhue_server import connections, frames, serving
from tests.server.on_a_socket import OnSocket, on_a_socket, read_to_end
from tests.server.patient import CLAIM

MALFORMED = {"ok": False, "error": "malformed"}
HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
GOOD = frame(cbor_encode({"decoy": True}))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnSocket]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HEAD_SECONDS", "LINGER_SECONDS", "UNREAD_SECONDS"):
            patch.setattr(connections, name, 0.3)
        patch.setattr(frames, "BODY_SECONDS", 0.3)
        with on_a_socket(tmp_path_factory.mktemp("slow") / "server") as server:
            yield server


def post(length: int | str = FRAME_BYTES, path: str = CLAIM) -> bytes:
    """The head of a phone's request."""
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()


def answer_of(got: bytes) -> object:
    """The map of the one framed answer in *got*."""
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK"), head
    assert len(body) == FRAME_BYTES
    return cbor_decode(unframe(body))


def trickle(connection: socket.socket, piece: bytes) -> None:
    """Send *piece* again and again until the other side has had enough."""
    pause = threading.Event()
    with contextlib.suppress(OSError):
        for _ in range(2000):
            connection.sendall(piece)
            pause.wait(0.01)
        raise AssertionError("the server listened to the end")


def test_the_limits() -> None:
    assert (connections.HEAD_BYTES, connections.HEAD_SECONDS, connections.MAX_CONNECTIONS) == (16_384, 10, 4096)
    assert connections.MAX_AHEAD == 4
    assert frames.BODY_SECONDS == 10
    assert serving.GRACE_SECONDS > 10


def test_a_connection_that_says_nothing(server: OnSocket) -> None:
    with server.connect() as silent:
        assert read_to_end(silent) == b""


@pytest.mark.parametrize("start", [b"", b"GET /health HTTP/1.1\r\nHost: x\r\n"])
def test_a_slow_loris_sends_its_head_byte_by_byte(server: OnSocket, start: bytes) -> None:
    with server.connect() as loris:
        loris.sendall(start)
        trickle(loris, b"X" if not start else b"a: b\r\n")
    assert b'"ok":true' in server.exchange(HEALTH)


def test_a_slow_loris_after_a_first_request_that_was_good(server: OnSocket) -> None:
    with server.connect() as loris:
        loris.sendall(HEALTH.replace(b"Connection: close\r\n", b""))
        assert loris.recv(65_536).startswith(b"HTTP/1.1 200")
        trickle(loris, b"\r\n")


def test_a_head_of_many_lines_is_cut_off(server: OnSocket) -> None:
    lines = b"".join(b"X-%d: %s\r\n" % (number, b"y" * 100) for number in range(1000))
    got = server.exchange(b"GET /health HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n")
    assert got == b"" or got.startswith(b"HTTP/1.1 400")


def test_a_head_of_one_endless_line_is_cut_off(server: OnSocket) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nX: ")
        with contextlib.suppress(OSError):
            for _ in range(10_000):
                connection.sendall(b"y" * 10_000)
            raise AssertionError("the server read 100 MB of a head")


def test_an_oversized_path_is_cut_off_and_a_head_within_the_limit_is_not(server: OnSocket) -> None:
    got = server.exchange(b"GET /" + b"x" * 16_384 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert got == b"" or got.startswith(b"HTTP/1.1 400")
    fits = HEALTH.replace(b"Host", b"X: " + b"y" * 16_000 + b"\r\nHost")
    assert server.exchange(fits).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("sent", [0, 1, 10_000, FRAME_BYTES - 1])
def test_a_body_that_does_not_come_is_answered_like_any_other(server: OnSocket, sent: int) -> None:
    assert answer_of(server.exchange(post() + GOOD[:sent])) == MALFORMED


def test_a_body_that_trickles_in_is_answered_like_any_other(server: OnSocket) -> None:
    with server.connect() as slow:
        slow.sendall(post())
        sender = threading.Thread(target=trickle, args=(slow, b"\0"))
        sender.start()
        got = slow.recv(65_536)
        with contextlib.suppress(OSError):
            while len(got) < FRAME_BYTES:
                got += slow.recv(65_536)
        sender.join()
    assert got.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("path", ["tickets", "claim-codes", "sealed-reports"])
def test_a_desk_that_falls_asleep_in_a_body_does_not_keep_the_connection(server: OnSocket, path: str) -> None:
    head = post(path=f"/authority/v1/{path}").replace(
        b"Host", f"Authorization: Bearer {server.desk_key}\r\nHost".encode()
    )
    got = server.exchange(head + b"{")
    assert got.startswith(b"HTTP/1.1 408 ")
    assert got.endswith(b'{"error":"too_slow"}')


@pytest.mark.parametrize("length", [FRAME_BYTES + 2, 10**9])
def test_an_oversized_body_is_answered_like_any_other_and_not_read_to_its_end(server: OnSocket, length: int) -> None:
    with server.connect() as connection:
        connection.sendall(post(length) + bytes(FRAME_BYTES + 1))
        assert answer_of(read_to_end(connection)) == MALFORMED
    # The answer is there also for somebody who goes on sending, and the connection ends all the same.
    with server.connect() as connection:
        connection.sendall(post(10**9))
        trickle(connection, bytes(20_000))


@pytest.mark.parametrize("endless", [b"X: y\r\n", b"X" * 1000])
def test_endless_trailers_are_cut_off(server: OnSocket, endless: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(f"POST {CLAIM} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n".encode())
        trickle(connection, endless)


def test_an_address_behind_the_body_is_not_the_one_that_the_front_named(tmp_path: Path) -> None:
    """Some web servers hand trailers on: a guesser would have had a new address for every guess."""
    head = f"POST {CLAIM} HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nX-Real-Ip: 192.0.2.1\r\n\r\n"
    with on_a_socket(tmp_path / "server", address_header="x-real-ip", refusals_per_hour=2) as server:
        words = [
            answer_of(server.exchange(head.encode() + b"1\r\nx\r\n0\r\nX-Real-Ip: 192.0.2.%d\r\n\r\n" % number))
            for number in range(10, 13)
        ]
    assert words == [MALFORMED, MALFORMED, {"ok": False, "error": "too_many"}]


@pytest.mark.parametrize("request_", [HEALTH.replace(b"close", b"keep-alive"), post(0)])
def test_requests_sent_ahead_of_their_answers_do_not_fill_the_memory(server: OnSocket, request_: bytes) -> None:
    """One connection made the process grow by 100 MB a second: every request waits in memory until its turn comes."""
    got = b""
    with server.connect() as connection:
        with contextlib.suppress(OSError):
            connection.sendall(request_ * 2000)
        got = read_to_end(connection)
    assert got.count(b"HTTP/1.1 200 OK") < 100


def test_who_hangs_up_with_requests_ahead_of_their_answers_does_not_fill_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with on_a_socket(tmp_path / "server", answer_milliseconds=300) as server:
        for _ in range(3):
            with server.connect() as connection:
                connection.sendall((post() + GOOD) * 2)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                threading.Event().wait(0.1)
        threading.Event().wait(0.5)
    assert "failed" not in capfd.readouterr().err


def test_a_body_where_none_belongs_does_not_keep_the_connection(server: OnSocket) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
        trickle(connection, bytes(1000))


def test_a_switch_to_another_protocol_is_not_made(server: OnSocket) -> None:
    with server.connect() as connection:
        head = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
        connection.sendall(head)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        trickle(connection, b"\0")


def test_an_answer_that_nobody_reads_is_not_kept_for_ever(server: OnSocket) -> None:
    (server.config.published / "large.zip").write_bytes(bytes(50_000_000))
    with server.connect() as lazy:
        lazy.sendall(b"GET /published/large.zip HTTP/1.1\r\nHost: x\r\n\r\n")
        threading.Event().wait(1.5)
        assert 0 < len(read_to_end(lazy)) < 50_000_000


def test_more_connections_than_there_are_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens connections and says nothing loses the oldest of them; who has something to say gets an answer."""
    monkeypatch.setattr(serving, "_places", lambda: 20)
    with on_a_socket(tmp_path / "server") as server, contextlib.ExitStack() as stack:
        idle = [stack.enter_context(server.connect()) for _ in range(60)]
        assert b'"ok":true' in server.exchange(HEALTH)
        assert read_to_end(idle[0]) == b""
        assert answer_of(server.exchange(post().replace(b"Host", b"Connection: close\r\nHost") + GOOD)) == {"ok": True}


def test_slow_readers_in_all_places_do_not_shut_the_others_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_places", lambda: 20)
    with on_a_socket(tmp_path / "server") as server, contextlib.ExitStack() as stack:
        (server.config.published / "large.zip").write_bytes(bytes(50_000_000))
        for _ in range(30):
            lazy = stack.enter_context(server.connect())
            lazy.sendall(b"GET /published/large.zip HTTP/1.1\r\nHost: x\r\n\r\n")
        threading.Event().wait(1.5)
        assert b'"ok":true' in server.exchange(HEALTH)


def test_slow_readers_do_not_use_up_the_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kept two, its connection and a published file: then no batch could be closed, and the head was not found."""
    for hard, places in ((100_000, 4096), (4096, 1920), (1024, 384), (256, 128)):
        monkeypatch.setattr(resource, "getrlimit", lambda _what, hard=hard: (256, hard))
        monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
        assert serving._places() == places


def test_two_requests_on_one_connection_are_both_answered(server: OnSocket) -> None:
    """No attack: the limits leave in peace who keeps to them."""
    with server.connect() as connection:
        for _ in range(3):
            connection.sendall(post() + GOOD)
            got = b""
            while len(got.partition(b"\r\n\r\n")[2]) < FRAME_BYTES:
                got += connection.recv(65_536)
            assert answer_of(got) == {"ok": True}
