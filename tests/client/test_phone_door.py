"""The one door: fixed sizes, fewest headers, own errors, and a ledger of everything."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ownhue.encoding import cbor_decode, cbor_encode, frame, unframe
from ownhue.errors import FormatError, LimitError, OwnhueError
from ownhue.params import FRAME_BYTES
from ownhue_client.errors import MissingError, UnreachableError
from ownhue_client.fetching import Retries
from ownhue_client.phone.door import LATER, REFUSALS, Door, RefusedError
from ownhue_client.phone.ledger import Ledger
from ownhue_client.phone.settings import Settings
from ownhue_client.phone.sources import ServerSource
from ownhue_client.phone.store import Store
from tests.shared import SPECS

NOW = 1_772_409_600
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(Store.create(tmp_path / "phone", os.urandom, {}))


@pytest.fixture
def door(ledger: Ledger) -> Callable[[Answer], Door]:
    def make(answer: Answer) -> Door:
        client = httpx.Client(transport=httpx.MockTransport(answer), headers={"X-Mine": "1"}, cookies={"a": "b"})
        return Door(client, "https://demo.example/", ledger, Settings(download_bytes=1000))

    return make


def framed(body: object) -> httpx.Response:
    return httpx.Response(200, content=frame(cbor_encode(body)))


def test_a_message_is_one_frame_with_the_fewest_headers(door: Callable[[Answer], Door]) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return framed({"ok": True, "signature": b"s"})

    assert door(answer).post("/a/v1/claim", {"code": "1"}, "claim", NOW) == {"signature": b"s"}
    (request,) = seen
    assert len(request.content) == FRAME_BYTES
    assert cbor_decode(unframe(request.content)) == {"code": "1"}
    # Neither the client's own headers nor its cookies go out: they could tell phones apart.
    assert set(request.headers) == {"host", "content-type", "content-length"}


def test_all_messages_have_one_length_on_the_wire(door: Callable[[Answer], Door], ledger: Ledger) -> None:
    phone = door(lambda _: framed({"ok": True}))
    for body in ({}, {"code": "12345678"}, {"sealed": bytes(12_048)}):
        phone.post("/a/v1/claim", body, "claim", NOW)
    assert len({(line.bytes_out, line.bytes_in) for line in ledger.lines()}) == 1


def test_a_message_that_fits_no_frame_never_leaves(door: Callable[[Answer], Door], ledger: Ledger) -> None:
    with pytest.raises(LimitError):
        door(lambda _: framed({"ok": True})).post("/a", {"sealed": bytes(FRAME_BYTES)}, "report", NOW)
    assert ledger.lines() == []


@pytest.mark.parametrize("word", sorted(REFUSALS))
def test_a_refusal_is_told_in_plain_words(door: Callable[[Answer], Door], word: str) -> None:
    with pytest.raises(RefusedError, match=REFUSALS[word][:20]) as refusal:
        door(lambda _: framed({"ok": False, "error": word})).post("/a", {}, "p", NOW)
    assert refusal.value.word == word


def test_what_a_server_writes_is_not_repeated(door: Callable[[Answer], Door]) -> None:
    with pytest.raises(RefusedError) as refusal:
        door(lambda _: framed({"ok": False, "error": "<b>call 1234</b>"})).post("/a", {}, "p", NOW)
    assert "1234" not in str(refusal.value) + refusal.value.word


def test_every_word_of_the_interface_has_its_plain_words() -> None:
    text = (SPECS / "http-api.md").read_text()
    assert [word for word in REFUSALS if f"`{word}`" not in text] == []
    fields = {"key_id", "publisher_key"}
    settings = {"answer_milliseconds", "address_header", "publisher_url"}
    desk = {"too_large", "too_slow", "not_found"}  # told desks alone, which no phone is
    words = set(re.findall(r"`([a-z]+_[a-z]+)`", text)) - fields - settings - desk
    assert words - REFUSALS.keys() - LATER.keys() == set()
    assert [word for word in LATER if f"`{word}`" not in text] == []


def failing(error: Exception) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    return answer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (failing(httpx.ConnectError("refused")), UnreachableError),
        (failing(httpx.ReadTimeout("slow")), UnreachableError),
        (failing(httpx.RemoteProtocolError("garbage")), UnreachableError),
        (lambda _: httpx.Response(500), UnreachableError),
        (lambda _: httpx.Response(302, headers={"Location": "https://elsewhere.example/"}), UnreachableError),
        (lambda _: framed({"ok": False, "error": "unavailable"}), UnreachableError),
        (lambda _: framed({"ok": False, "error": "too_many"}), UnreachableError),
        (lambda _: httpx.Response(200, content=bytes(FRAME_BYTES - 1)), FormatError),
        (lambda _: httpx.Response(200, content=bytes(FRAME_BYTES + 1)), LimitError),
        (lambda _: httpx.Response(200, content=b"\xff" * FRAME_BYTES), FormatError),
        (lambda _: framed([True]), FormatError),
        (lambda _: framed({"ok": 1}), FormatError),
        (lambda _: framed({"ok": False, "error": []}), RefusedError),
        (lambda _: framed({"ok": False, "error": {"quota": 1}}), RefusedError),
        (lambda _: framed({"signature": b""}), FormatError),
    ],
)
def test_answers_of_other_kinds_are_our_own_errors(
    door: Callable[[Answer], Door], ledger: Ledger, answer: Answer, expected: type[OwnhueError]
) -> None:
    with pytest.raises(expected):
        door(answer).post("/a/v1/claim", {}, "claim", NOW)
    (line,) = ledger.lines()
    assert (line.time, line.host, line.purpose) == (NOW, "demo.example", "claim")


def test_files_are_read_up_to_the_limit_and_no_further(door: Callable[[Answer], Door]) -> None:
    read: list[int] = []

    def endless() -> Iterator[bytes]:
        for number in range(10_000):
            read.append(number)
            yield bytes(100)

    phone = door(lambda _: httpx.Response(200, content=endless()))
    with pytest.raises(LimitError):
        phone.fetch("/published/head", "published keys", NOW)
    assert len(read) <= 12
    assert door(lambda _: httpx.Response(200, content=bytes(1000))).fetch("/p", "x", NOW) == bytes(1000)


def test_a_compressed_answer_is_refused(door: Callable[[Answer], Door]) -> None:
    packed = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"bomb"))
    with pytest.raises(FormatError, match="compressed"):
        door(lambda _: packed).fetch("/p", "x", NOW)


@pytest.mark.parametrize(("status", "expected"), [(404, MissingError), (410, MissingError), (503, UnreachableError)])
def test_a_missing_file_is_told_from_a_broken_server(
    door: Callable[[Answer], Door], status: int, expected: type[OwnhueError]
) -> None:
    with pytest.raises(expected):
        door(lambda _: httpx.Response(status)).fetch("/published/keys", "x", NOW)


def test_a_line_is_in_the_ledger_before_its_request_leaves(door: Callable[[Answer], Door], ledger: Ledger) -> None:
    during: list[int | None] = []

    def answer(_: httpx.Request) -> httpx.Response:
        during.extend(line.bytes_in for line in ledger.lines())
        return framed({"ok": True})

    door(answer).post("/a", {}, "p", NOW)
    assert during == [None]
    assert [line.bytes_in for line in ledger.lines()] != [None]


def test_a_file_is_asked_for_again_where_that_may_help_and_each_request_is_in_the_ledger(
    door: Callable[[Answer], Door], ledger: Ledger
) -> None:
    answers: Iterator[httpx.Response | Exception] = iter(
        [httpx.Response(503), httpx.ConnectError("refused"), httpx.Response(200, content=b"note")]
    )
    waits: list[float] = []

    def answer(_request: httpx.Request) -> httpx.Response:
        given = next(answers)
        if isinstance(given, Exception):
            raise given
        return given

    retries = Retries(sleep=waits.append, random=lambda: 1.0)
    source = ServerSource(lambda _url: door(answer), "demo", retries)
    (mirror,) = source.copies("demo", ["https://demo.example"], NOW)
    assert mirror.fetch("head") == b"note"
    assert waits == [1.0, 2.0]
    assert len(ledger.lines()) == 3


@pytest.mark.parametrize("status", [404, 403, 302])
def test_a_file_that_is_not_there_is_not_asked_for_again(
    door: Callable[[Answer], Door], ledger: Ledger, status: int
) -> None:
    retries = Retries(sleep=lambda _seconds: pytest.fail("nothing to wait for"), random=lambda: 1.0)
    source = ServerSource(lambda _url: door(lambda _: httpx.Response(status)), "demo", retries)
    (mirror,) = source.copies("demo", ["https://demo.example"], NOW)
    with pytest.raises(OwnhueError):
        mirror.fetch("head")
    assert len(ledger.lines()) == 1
