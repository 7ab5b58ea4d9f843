"""Fetching: limits, deadlines, retries, tags, mirrors, folders. specs/publication.md section 6"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from ownhue.errors import ForkError, FormatError, LimitError, OwnhueError, VerificationError
from ownhue.log import LogEntry
from ownhue_client.errors import MissingError, RollbackError, UnreachableError
from ownhue_client.fetching import (
    Deadline,
    HeadCache,
    Mirror,
    Retries,
    etag_of,
    folder_fetch,
    http_fetch,
    limit_of,
    mirror_fetch,
    open_client,
    read_limited,
    retrying,
    try_mirrors,
)

URL = "https://demo.ownhue.example"
FILE = b"a published file"
PATH = LogEntry.of("rulebook", FILE, "json", 1).path


def client_of(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
    """A client whose server is a function."""
    return httpx.Client(transport=httpx.MockTransport(answer))


@dataclass
class Clock:
    """A monotonic clock that goes on by *step* at every look."""

    step: float = 0.0
    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        self.now += self.step
        return self.now

    def sleep(self, seconds: float) -> None:
        """Passes time."""
        self.slept.append(seconds)
        self.now += seconds


def test_every_kind_of_file_has_a_limit() -> None:
    assert limit_of("head") == 8192
    assert limit_of("tile/entries/000.p/3") == 63_744
    assert limit_of("tile/0/000") == 8192
    assert limit_of("trust/1.root.json") == 262_144
    assert limit_of("keys/1/00.zip") == limit_of("notices/1/00.bin") == 64 << 20
    assert limit_of("rulebook/00.json") == 1 << 20


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(status, headers={"Location": "https://elsewhere.example/head"})

    with client_of(answer) as client, pytest.raises(UnreachableError, match="elsewhere") as refused:
        http_fetch(client, URL)("head")
    assert asked == [f"{URL}/published/head"]
    assert not refused.value.again


def test_a_client_that_follows_redirects_by_itself_does_not_here() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "elsewhere.example":
            return httpx.Response(200, content=FILE)
        return httpx.Response(302, headers={"Location": "https://elsewhere.example/head"})

    transport = httpx.MockTransport(answer)
    with httpx.Client(transport=transport, follow_redirects=True) as client, pytest.raises(UnreachableError):
        http_fetch(client, URL)("head")


def test_compressed_answers_are_refused() -> None:
    packed = httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=b"")
    with client_of(lambda _: packed) as client, pytest.raises(FormatError, match="compressed"):
        http_fetch(client, URL)("head")


def _drip() -> Iterator[bytes]:
    while True:
        yield b"x"


def test_a_file_without_end_stops_at_its_limit() -> None:
    with client_of(lambda _: httpx.Response(200, content=_drip())) as client, pytest.raises(LimitError):
        http_fetch(client, URL)("head")


def test_a_trickling_answer_stops_at_the_deadline() -> None:
    clock = Clock(step=1)
    slow = client_of(lambda _: httpx.Response(200, content=_drip()))
    with slow as client, pytest.raises(UnreachableError, match="too long") as refused:
        http_fetch(client, URL, seconds=60, monotonic=clock)("keys/1/00.zip")
    assert refused.value.again
    assert clock.now < 70


def test_reading_without_a_deadline_ends_at_the_limit_alone() -> None:
    assert read_limited(httpx.Response(200, content=FILE), len(FILE)) == FILE
    with pytest.raises(LimitError):
        read_limited(httpx.Response(200, content=FILE), len(FILE) - 1)
    deadline = Deadline(5, Clock(step=10))
    with pytest.raises(UnreachableError):
        read_limited(httpx.Response(200, content=FILE), 100, deadline)


@contextmanager
def _server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server on loopback that does with each connection what *serve* does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        stop = threading.Event()

        def run() -> None:
            listening.settimeout(0.2)
            while not stop.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                with connection:
                    try:
                        serve(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            stop.set()
            thread.join(10)


def _trickle(start: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(start)
        for _ in range(40):
            connection.sendall(drop)
            time.sleep(0.05)

    return serve


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b"a"),
        (b"", b""),
    ],
)
def test_a_real_server_that_trickles_head_or_body_is_left_at_the_deadline(start: bytes, drop: bytes) -> None:
    with _server(_trickle(start, drop)) as url, open_client(time.monotonic, seconds=0.5) as client:
        with pytest.raises(UnreachableError) as refused:
            http_fetch(client, url, seconds=0.5)("head")
        assert refused.value.again


def test_the_timed_client_fetches_like_any_other() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(FILE)
        connection.sendall(head + FILE)

    with _server(serve) as url, open_client(time.monotonic) as client:
        fetch = http_fetch(client, url)
        assert [fetch("head"), fetch(PATH)] == [FILE, FILE]


def test_a_port_where_nobody_listens_may_be_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with open_client(time.monotonic) as client, pytest.raises(UnreachableError) as refused:
        http_fetch(client, f"http://127.0.0.1:{port}")("head")
    assert refused.value.again


def _statuses(*statuses: httpx.Response | Exception) -> tuple[httpx.Client, list[str]]:
    left, asked = list(statuses), list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        now = left.pop(0)
        if isinstance(now, Exception):
            raise now
        return now

    return client_of(answer), asked


def test_what_may_pass_is_tried_again_with_longer_waits_and_jitter() -> None:
    clock = Clock()
    good = httpx.Response(200, content=FILE)
    client, asked = _statuses(httpx.ConnectError("refused"), httpx.Response(503), httpx.Response(500), good)
    with client:
        draws = iter([0.0, 0.5, 0.999])
        retries = Retries(clock.sleep, lambda: next(draws))
        assert retrying(http_fetch(client, URL), retries)("head") == FILE
    assert len(asked) == 4
    assert clock.slept == [0.5, 1.5, pytest.approx(4, abs=0.01)]


def test_nobody_tries_for_ever() -> None:
    clock = Clock()
    client, asked = _statuses(*(httpx.Response(503) for _ in range(9)))
    with client, pytest.raises(UnreachableError, match="503"):
        retrying(http_fetch(client, URL), Retries(clock.sleep, lambda: 0.5))("head")
    assert len(asked) == 4
    assert len(clock.slept) == 3


@pytest.mark.parametrize(
    ("header", "slept"),
    [("7", 7.0), ("999999", 30.0), ("0", 0.0), ("-5", 0.75), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.75), ("1e9", 0.75)],
)
def test_retry_after_is_heeded_within_bounds(header: str, slept: float) -> None:
    clock = Clock()
    busy = httpx.Response(429, headers={"Retry-After": header})
    client, _ = _statuses(busy, httpx.Response(200, content=FILE))
    with client:
        assert retrying(http_fetch(client, URL), Retries(clock.sleep, lambda: 0.5))("head") == FILE
    assert clock.slept == [slept]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(404), MissingError),
        (httpx.Response(410), MissingError),
        (httpx.Response(403), UnreachableError),
        (httpx.Response(304), UnreachableError),
        (httpx.Response(200, content=bytes(8193)), LimitError),
    ],
)
def test_what_is_missing_or_wrong_is_not_asked_for_twice(answer: httpx.Response, error: type[Exception]) -> None:
    clock = Clock()
    client, asked = _statuses(answer)
    with client, pytest.raises(error):
        retrying(http_fetch(client, URL), Retries(clock.sleep, lambda: 0.5))("head")
    assert (len(asked), clock.slept) == (1, [])


def _tagged(tag: Callable[[bytes], str], seen: list[str | None], files: dict[str, bytes]) -> httpx.Client:
    def answer(request: httpx.Request) -> httpx.Response:
        data = files[request.url.path.removeprefix("/published/")]
        seen.append(request.headers.get("if-none-match"))
        headers = {"ETag": tag(data)}
        known = seen[-1] == tag(data)
        return httpx.Response(304 if known else 200, headers=headers, content=b"" if known else data)

    return client_of(answer)


def test_a_head_that_did_not_change_is_not_sent_again() -> None:
    seen: list[str | None] = []
    files = {"head": b"one", PATH: FILE}
    with _tagged(etag_of, seen, files) as client:
        fetch = http_fetch(client, URL, cache=HeadCache())
        assert [fetch("head"), fetch("head")] == [b"one", b"one"]
        files["head"] = b"two"
        assert [fetch("head"), fetch("head")] == [b"two", b"two"]
        assert [fetch(PATH), fetch(PATH)] == [FILE, FILE]  # what never changes is not kept here
    assert seen == [None, etag_of(b"one"), etag_of(b"one"), etag_of(b"two"), None, None]


def test_a_tag_made_for_one_client_does_not_come_back_from_it() -> None:
    """An ETag that is not the file's digest would be a cookie."""
    seen: list[str | None] = []
    with _tagged(lambda _: '"you-are-client-17"', seen, {"head": b"one"}) as client:
        fetch = http_fetch(client, URL, cache=HeadCache())
        assert [fetch("head"), fetch("head")] == [b"one", b"one"]
    assert seen == [None, None]


def _mirror(name: str, files: dict[str, bytes | Exception]) -> Mirror:
    def fetch(path: str) -> bytes:
        found = files.get(path, MissingError(f"no {path}"))
        if isinstance(found, Exception):
            raise found
        return found

    return Mirror(name, fetch)


def test_the_next_mirror_is_asked_and_the_liar_named() -> None:
    blamed: list[tuple[str, str]] = []
    mirrors = (
        _mirror("gone", {PATH: UnreachableError("no network")}),
        _mirror("liar", {PATH: b"a file made for one phone"}),
        _mirror("endless", {PATH: LimitError("too long")}),
        _mirror("behind", {}),
        _mirror("good", {PATH: FILE, "head": b"head"}),
    )
    fetch = mirror_fetch(mirrors, lambda name, error: blamed.append((name, type(error).__name__)))
    assert fetch(PATH) == FILE
    assert blamed == [("gone", "UnreachableError"), ("liar", "VerificationError"), ("endless", "LimitError")]
    assert fetch("head") == b"head"
    with pytest.raises(MissingError):
        fetch("tile/entries/000")


def test_without_a_mirror_that_answers_nothing_is_missing() -> None:
    for mirrors in ((), (_mirror("gone", {PATH: UnreachableError("no")}), _mirror("liar", {PATH: b"x"}))):
        with pytest.raises(UnreachableError):
            mirror_fetch(mirrors)(PATH)


def _round(*errors: OwnhueError | None) -> tuple[tuple[Mirror, ...], Callable[[Callable[[str], bytes]], str]]:
    mirrors = tuple(_mirror(str(number), {"head": b"%d" % number}) for number in range(len(errors)))

    def work(fetch: Callable[[str], bytes]) -> str:
        number = int(fetch("head"))
        if (error := errors[number]) is not None:
            raise error
        return f"done by {number}"

    return mirrors, work


def test_a_whole_round_is_tried_with_each_mirror() -> None:
    blamed: list[str] = []
    mirrors, work = _round(UnreachableError("a"), RollbackError("b"), VerificationError("c"), FormatError("d"), None)
    assert try_mirrors(mirrors, work, lambda name, _: blamed.append(name)) == "done by 4"
    assert blamed == ["0", "1", "2", "3"]


def test_when_none_is_good_the_error_of_one_that_was_reached_is_raised() -> None:
    with pytest.raises(RollbackError):
        try_mirrors(*_round(UnreachableError("a"), RollbackError("b"), UnreachableError("c")))
    with pytest.raises(UnreachableError):
        try_mirrors(*_round(UnreachableError("a")))
    with pytest.raises(UnreachableError):
        try_mirrors(*_round())


def test_a_fork_is_raised_at_once_although_other_mirrors_would_hide_it() -> None:
    with pytest.raises(ForkError):
        try_mirrors(*_round(UnreachableError("a"), ForkError("b"), None))


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    (folder / "rulebook").mkdir(parents=True)
    (folder / "head").write_bytes(b"head")
    (folder / PATH).write_bytes(FILE)
    return folder


def test_a_folder_is_read_within_its_limits(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    fetch = folder_fetch(folder)
    assert (fetch("head"), fetch(PATH)) == (b"head", FILE)
    for missing in ("nothing", "rulebook", "head/more"):
        with pytest.raises(MissingError):
            fetch(missing)
    (folder / "head").write_bytes(bytes(8193))
    with pytest.raises(LimitError):
        fetch("head")
    with pytest.raises(LimitError):
        folder_fetch(folder, limit=3)(PATH)


def test_links_that_lead_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "endless").symlink_to("/dev/zero")
    (folder / "up").symlink_to(tmp_path)
    (folder / "inside").symlink_to(folder / "head")
    (folder / "circle").symlink_to(folder / "circle")
    fetch = folder_fetch(folder)
    for path in ("out", "endless", "up/secret", "../secret", "/etc/hostname"):
        with pytest.raises(UnreachableError, match="out of the folder"):
            fetch(path)
    with pytest.raises((UnreachableError, MissingError)):
        fetch("circle")
    assert fetch("inside") == b"head"
    assert folder_fetch(_linked(tmp_path, folder))("head") == b"head"


def _linked(tmp_path: Path, folder: Path) -> Path:
    """The folder itself may be reached by a link: whoever names it chose it."""
    (tmp_path / "stick").symlink_to(folder)
    return tmp_path / "stick"


def test_a_pipe_in_the_folder_keeps_nobody_waiting(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    os.mkfifo(folder / "pipe")
    with pytest.raises(MissingError):
        folder_fetch(folder)("pipe")


def test_a_stick_that_is_pulled_out_in_the_middle_is_out_of_reach(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    fetch = folder_fetch(folder)
    assert fetch("head") == b"head"
    folder.rename(tmp_path / "pulled")
    with pytest.raises(UnreachableError, match="not there"):
        fetch("head")


def test_a_file_that_may_not_be_read_is_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _folder(tmp_path)

    def broken(*_arguments: object) -> int:
        raise PermissionError("not for you")

    monkeypatch.setattr(os, "open", broken)
    with pytest.raises(UnreachableError, match="PermissionError"):
        folder_fetch(folder)("head")
