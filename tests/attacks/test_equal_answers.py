"""Telling a grant from a refusal, or a report from a decoy, by what the answer looks like or when it leaves.

By construction: every answer of every phone endpoint has the same status, the same header lines in the same order and
the same length, and leaves through one timer, one deadline after its request. No clock is read here; what a classifier
finds on a real line is measured by ``make bench``.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey
from starlette.routing import Route

from ownhue.device import ENROL, PASSES, STOP, device_number, sign_request
from ownhue.encoding import cbor_decode, cbor_encode, frame, unframe
from ownhue.params import FRAME_BYTES
from ownhue_server import app as app_module
from ownhue_server import frames
from ownhue_server.answers import Answers
from ownhue_server.config import Role
from ownhue_server.issuer.service import Issuer
from ownhue_server.online_keys import SIGNING
from tests.attacks.test_server import claim_body
from tests.server.clinic import Clinic
from tests.server.patient import CLAIM, REPORT
from tests.server.served import MONDAY, Served, device_key, served

ENROL_PATH, PASSES_PATH, STOP_PATH = "/issuer/v1/enrol", "/issuer/v1/passes", "/issuer/v1/stop"
PHONE_PATHS = (CLAIM, REPORT, ENROL_PATH, PASSES_PATH, STOP_PATH)
DECOY = frame(cbor_encode({"decoy": True}))
#: Milliseconds of the deadline, as init sets it.
DEADLINE = 1000
REFUSALS = 6
#: Seconds after which a test gives up waiting.
PATIENCE = 20


class WatchedAnswers(Answers):
    """The timer, with time that only its own sleeping moves, and a book of who was released through it, and when."""

    made: "list[WatchedAnswers]"

    def __init__(self, milliseconds: int) -> None:
        super().__init__(milliseconds, lambda: self.time, self._sleep_until_all_are_ready)
        self.time = 0.0
        self.delays: list[float] = []
        self.made.append(self)

    async def at_deadline(self, work: Awaitable[Any]) -> Any:
        begun = self.time
        result = await super().at_deadline(work)
        self.delays.append(self.time - begun)
        return result

    async def _sleep_until_all_are_ready(self, seconds: float) -> None:
        while any(not slot.ready and not slot.release.done() for slot in self._slots):
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)
        self.time += seconds


@dataclass
class Answer:
    """An answer as the web server is told to send it."""

    messages: list[MutableMapping[str, Any]] = field(default_factory=list)

    @property
    def look(self) -> tuple[Any, ...]:
        """Everything that can be seen without reading it: status, header lines, lengths of the pieces."""
        start, *pieces = self.messages
        return (start["status"], tuple(start["headers"]), tuple(len(piece.get("body", b"")) for piece in pieces))

    @property
    def body(self) -> dict[str, Any]:
        """What only the phone reads."""
        return dict(cbor_decode(unframe(b"".join(piece.get("body", b"") for piece in self.messages[1:]))))


@dataclass
class Line:
    """Requests to a server whose timer is watched."""

    server: Served
    answers: WatchedAnswers

    def ask(self, path: str, content: bytes | Callable[[], AsyncIterator[bytes]], address: str = "192.0.2.1") -> Answer:
        """The answer to *content*; a stream may never end."""
        answer = Answer()

        async def stream() -> AsyncIterator[bytes]:
            yield content if isinstance(content, bytes) else b""

        pieces = stream() if isinstance(content, bytes) else content()

        async def receive() -> dict[str, Any]:
            try:
                return {"type": "http.request", "body": await anext(pieces), "more_body": True}
            except StopAsyncIteration:
                return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            answer.messages.append(message)

        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": []}
        self.server.run(self.server.app({**scope, "client": (address, 1)}, receive, send))
        return answer


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    WatchedAnswers.made = []
    monkeypatch.setattr(app_module, "Answers", WatchedAnswers)
    monkeypatch.setattr(frames, "BODY_SECONDS", 0.05)
    with served(tmp_path / "server", answer_milliseconds=DEADLINE, refusals_per_hour=REFUSALS) as server:
        (answers,) = WatchedAnswers.made
        yield Line(server, answers)


async def endless() -> AsyncIterator[bytes]:
    for _ in range(10_000):
        yield bytes(4096)


async def stalled() -> AsyncIterator[bytes]:
    yield bytes(100)
    await asyncio.Event().wait()


def granted_and_refused(server: Served) -> dict[str, tuple[bytes, bytes, str]]:
    """For each endpoint a body that is granted, one that is refused, and the word."""
    clinic = Clinic(server)
    good = claim_body(clinic, clinic.code())
    bad = {**good, "code": "1" + f"{(int(clinic.code()[1:]) + 7) % 10**7:07d}"}
    patient = clinic.patient(3)
    sealed, key, region = {}, clinic.key(), server.config.region
    sealed["good"] = patient.sealed(key, region)
    patient.signature = bytes(256)
    sealed["bad"] = patient.sealed(key, region)
    device, ticket = device_key(1), server.desk("tickets", {})["ticket"]
    enrol = sign_request(ENROL, {"ticket": ticket, "time": MONDAY}, device)
    forged = sign_request(ENROL, {"ticket": ticket[:-1], "time": MONDAY}, device)
    body = {"epoch": MONDAY // 86400, "blinded": [b"\0" + os.urandom(255) for _ in range(40)], "time": MONDAY}
    authority = SigningKey(server.config.keys(Role.AUTHORITY).load(SIGNING))
    stopped, unknown = (
        sign_request(STOP, {"number": device_number(bytes(device_key(number).verify_key)), "time": MONDAY}, authority)
        for number in (1, 2)
    )
    bodies: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
        CLAIM: (good, bad, "unknown_code"),
        REPORT: ({"sealed": sealed["good"]}, {"sealed": sealed["bad"]}, "bad_token"),
        ENROL_PATH: (enrol, forged, "bad_ticket"),
        PASSES_PATH: (sign_request(PASSES, body, device), sign_request(PASSES, body, device_key(2)), "unknown_device"),
        STOP_PATH: (stopped, unknown, "unknown_device"),
    }
    return {
        path: (frame(cbor_encode(good)), frame(cbor_encode(bad)), word) for path, (good, bad, word) in bodies.items()
    }


def test_all_answers_look_alike_and_leave_one_deadline_after_their_request(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Grant, refusal, decoy, nonsense, too long, too slow, our own failure, and too many: one look, one delay."""
    bodies = granted_and_refused(line.server)
    line.answers.delays.clear()
    looks, words = set(), []
    for path, (good, bad, word) in bodies.items():
        answers = [
            line.ask(path, content)
            for content in (good, bad, DECOY, b"nonsense", endless, stalled, frame(cbor_encode({"decoy": False})))
        ]
        words.append([answer.body.get("error", "ok") for answer in answers])
        assert words[-1] == ["ok", word, "ok", *["malformed"] * 4]
        answers += [line.ask(path, b"nonsense") for _ in range(REFUSALS)]
        assert [answer.body["error"] for answer in answers[-2:]] == ["too_many", "too_many"]
        assert line.ask(path, DECOY, "192.0.2.2").body == {"ok": True}
        looks |= {answer.look for answer in answers}

    monkeypatch.setattr(frames, "_parse", fail_with(RuntimeError("a full disk")))
    failed = line.ask(CLAIM, DECOY, "192.0.2.2")
    assert failed.body == {"ok": False, "error": "unavailable"}
    looks.add(failed.look)
    ((status, headers, lengths),) = looks
    assert (status, lengths) == (200, (FRAME_BYTES,))
    assert headers == ((b"content-length", b"16384"), (b"content-type", b"application/octet-stream"))
    assert set(line.answers.delays) == {DEADLINE / 1000}
    assert len(line.answers.delays) == len(PHONE_PATHS) * (7 + REFUSALS + 1) + 1


def fail_with(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any) -> Any:
        raise error

    return fail


def test_no_phone_route_leaves_the_timer_out(line: Line) -> None:
    """Every route that takes a POST without the desk's key, whatever it is called, goes through the one timer."""
    paths = {
        route.path: route
        for route in line.server.app.routes
        if isinstance(route, Route) and "POST" in (route.methods or ())
    }
    open_to_all = set()
    for path in paths:
        before = len(line.answers.delays)
        answer = line.ask(path, DECOY)
        if answer.messages[0]["status"] == 401 or path.startswith("/rehearsal/"):
            continue
        open_to_all.add(path)
        assert answer.messages[0]["status"] == 200
        assert len(line.answers.delays) == before + 1, path
    assert open_to_all == set(PHONE_PATHS)


def test_refused_codes_are_not_answered_faster(line: Line) -> None:
    """In the Corona-Warn-App's server the delay of fake requests did not hold for refused codes."""
    for body in ({"code": "10000001", "blinded": bytes(256), "key_id": bytes(32)}, {"code": ""}):
        line.ask(CLAIM, frame(cbor_encode(body)))
    assert line.answers.delays == [1.0, 1.0]


def test_decoys_are_told_by_nothing_but_their_body_and_change_nothing(line: Line) -> None:
    """Not by a header, as in the Corona-Warn-App; and only the exact word is one."""
    before = {file: file.read_bytes() for file in line.server.config.directory.rglob("*") if file.is_file()}
    for path in PHONE_PATHS:
        assert line.ask(path, DECOY).body == {"ok": True}
        for wrong in ({"decoy": 1}, {"decoy": "true"}, {"decoy": True, "code": "1"}, {"Decoy": True}, {"decoy": None}):
            assert line.ask(path, frame(cbor_encode(wrong))).body == {"ok": False, "error": "malformed"}
    for file, content in before.items():
        assert file.read_bytes() == content, file.name


def test_decoys_are_not_counted_as_refusals_and_are_refused_like_all_when_there_were_too_many(line: Line) -> None:
    for _ in range(REFUSALS * 3):
        assert line.ask(CLAIM, DECOY).body == {"ok": True}
    for _ in range(REFUSALS):
        line.ask(CLAIM, b"nonsense")
    assert line.ask(CLAIM, DECOY).body == {"ok": False, "error": "too_many"}


def test_slow_work_of_one_answer_does_not_hold_up_the_others(line: Line) -> None:
    """48 signatures are made in a thread; a decoy that came later leaves at its own deadline all the same."""
    bodies = granted_and_refused(line.server)
    line.ask(ENROL_PATH, bodies[ENROL_PATH][0])
    line.answers.delays.clear()

    async def both() -> tuple[dict[str, Any], dict[str, Any]]:
        ask = line.server.ask_async
        return await asyncio.gather(ask(PASSES_PATH, bodies[PASSES_PATH][0]), ask(CLAIM, DECOY))

    passes, decoy = line.server.run(both())
    assert (len(passes["signatures"]), decoy) == (40, {"ok": True})
    assert line.answers.delays == [1.0, 1.0]


def test_a_device_that_asks_for_its_passes_again_and_again_does_not_make_grants_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With forty connections of one device every granted claim left a deadline after refusals and decoys."""
    go_on = threading.Event()

    def sign(*_: object) -> list[bytes]:
        go_on.wait(PATIENCE)
        return []

    with served(tmp_path / "server") as server:
        bodies = granted_and_refused(server)
        assert server.ask_raw(ENROL_PATH, bodies[ENROL_PATH][0])["ok"]
        monkeypatch.setattr(Issuer, "_sign", sign)

        async def scene() -> dict[str, Any]:
            passes = [asyncio.create_task(server.ask_async(PASSES_PATH, bodies[PASSES_PATH][0])) for _ in range(50)]
            try:
                await asyncio.sleep(0.5)
                async with asyncio.timeout(PATIENCE / 2):
                    return await server.ask_async(CLAIM, bodies[CLAIM][0])
            finally:
                go_on.set()
                await asyncio.gather(*passes)

        assert server.run(scene())["ok"]
