"""Hostile servers and mirrors under an audit: it ends, reads no more than it may, and follows nobody."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path

import pytest

from ownhue.errors import LimitError, StateError
from ownhue_server.audit.folder import FolderSource
from ownhue_server.audit.sources import AbsentError, Budget, ExhaustedError, Source, UnreadableError, read
from ownhue_server.audit.web import UrlSource, open_source

_HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does to each connection what *answer* does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    connection, _address = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)
                    try:
                        answer(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        ended.set()
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(20)


def _says(data: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(data)


def _trickles(start: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.sendall(start)
        for _number in range(400):
            connection.sendall(piece)
            if threading.Event().wait(0.05):
                return

    return answer


def _without_end(connection: socket.socket) -> None:
    connection.sendall(_HEAD + b"\r\n")
    while True:
        connection.sendall(bytes(65_536))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (_says(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), AbsentError),
        (_says(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), UnreadableError),
        (_says(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"), UnreadableError),
        (_says(_HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"), UnreadableError),
        (_says(_HEAD + b"Content-Length: 99\r\n\r\nabc"), UnreadableError),
        (_says(b"nonsense\r\n\r\n"), UnreadableError),
        (_trickles(_HEAD, b"A: b\r\n"), UnreadableError),
        (_trickles(_HEAD + b"Content-Length: 900\r\n\r\n", b"x"), UnreadableError),
        (_without_end, LimitError),
    ],
    ids=["absent", "busy", "elsewhere", "compressed", "cut", "nonsense", "slow headers", "slow body", "endless"],
)
def test_a_hostile_server(answer: Callable[[socket.socket], None], error: type[Exception]) -> None:
    with answering(answer) as url, closing(UrlSource(url, Budget(), file_seconds=1)) as source, pytest.raises(error):
        read(source, "head", 1000)


def test_all_files_together_have_limits() -> None:
    with (
        answering(_says(_HEAD + b"Content-Length: 500\r\nConnection: close\r\n\r\n" + bytes(500))) as url,
        closing(UrlSource(url, Budget(bytes_left=1200))) as source,
    ):
        assert read(source, "head", 500) == read(source, "head", 500) == bytes(500)
        with pytest.raises(ExhaustedError):
            read(source, "head", 500)


def test_an_audit_that_takes_too_long_ends() -> None:
    times = iter([0.0, 10.0, 61.0])
    budget = Budget(seconds=60, monotonic=lambda: next(times))
    budget.spend(1)
    with pytest.raises(ExhaustedError):
        budget.spend(1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one file and what should not be there."""
    published = tmp_path / "published"
    (published / "keys").mkdir(parents=True)
    (published / "head").write_bytes(b"a head")
    (tmp_path / "secret").write_bytes(b"a secret")
    (published / "link").symlink_to(tmp_path / "secret")
    (published / "inner").symlink_to(tmp_path)
    os.mkfifo(published / "keys" / "pipe")
    return tmp_path


@pytest.mark.parametrize("path", ["link", "inner/secret", "keys/pipe", "keys"])
def test_no_link_no_pipe_no_folder_is_read(folder: Path, path: str) -> None:
    with pytest.raises(UnreadableError):
        read(FolderSource(folder, Budget()), path, 100)


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "keys//x", "nothing", "."])
def test_no_path_leads_out_of_the_folder(folder: Path, path: str) -> None:
    with pytest.raises(AbsentError):
        read(FolderSource(folder, Budget()), path, 100)


def test_what_a_folder_tells_of_itself(folder: Path) -> None:
    source: Source = open_source(str(folder), Budget())
    assert list(source.paths()) == [("head", True), ("inner", False), ("keys/pipe", False), ("link", False)]
    assert read(source, "head", 6) == b"a head"
    with pytest.raises(LimitError):
        source.copy("head", 5, BytesIO())
    with pytest.raises(StateError):
        open_source(str(folder / "nowhere"), Budget())
