"""Can response times tell a grant from a refusal, or a report from a decoy? A real server, and classifiers that try.

2,000 requests in random order over loopback, a third each granted, refused and pretended, to claim and report. Of every
answer: when its first and its last byte came, and in which pieces. Once with the deadline, once without, to show that
there is something to be found.
"""

import random
import socket
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import numpy as np

from ownhue.encoding import cbor_decode, cbor_encode, frame, unframe
from ownhue.params import FRAME_BYTES, ReportType
from ownhue.report import request_token, week_of
from tests.benchmarks import deployment
from tests.benchmarks.classifiers import Floats, accuracy
from tests.e2e.server_process import ServerProcess
from tests.server.patient import CLAIM, REPORT, Patient, token_key

#: Milliseconds of the deadline; the server's own work for a request takes some ten.
DEADLINE = 50
REQUESTS = 2000
CONNECTIONS = 3

GRANTED, REFUSED, DECOY = "granted", "refused", "decoy"


class Request(NamedTuple):
    """A request, and what it is."""

    path: str
    kind: str
    body: bytes


class Answer(NamedTuple):
    """What an observer of the line sees of one exchange."""

    path: str
    kind: str
    seen: tuple[float, ...]
    """Seconds to the first byte, seconds to the last, number of pieces, bytes of the first piece."""


def response_times() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="ownhue-bench-") as name:
        directory = Path(name) / "server"
        deployment.make(directory)
        with deployment.serving(directory, refusals_per_hour=deployment.NO_LIMIT) as server:
            requests = _requests(server, 2 * REQUESTS)
            at_once = _ask(server.url, requests[:REQUESTS])
        with deployment.serving(directory, answer_milliseconds=DEADLINE) as server:
            at_deadline = _ask(server.url, requests[REQUESTS:])
    _tell(f"answers at {DEADLINE} ms", at_deadline)
    _tell("answers at once, to compare", at_once)


def _requests(server: ServerProcess, count: int) -> list[Request]:
    """As many of each path and kind, shuffled."""
    with httpx.Client(headers=server.desk_headers) as http:
        document = http.get(f"{server.url}/authority/v1/documents/report-keys").content
        key = token_key(document, server.region, ReportType.CONFIRMED_TEST, week_of(deployment.START))

        def code() -> str:
            order = {"report_type": 1, "length": "long"}
            return str(http.post(f"{server.url}/authority/v1/claim-codes", json=order).json()["code"])

        def ask(path: str, body: dict[str, object]) -> dict[str, object]:
            return dict(cbor_decode(unframe(http.post(server.url + path, content=frame(cbor_encode(body))).content)))

        def claim(kind: str) -> Request:
            body = {"code": code() if kind == GRANTED else "1" * 16, "key_id": key.key_id}
            blinded = request_token(random.randbytes(32), key, random.randbytes).blinded_message
            return Request(CLAIM, kind, frame(cbor_encode(body | {"blinded": blinded})))

        def report(kind: str) -> Request:
            patient = Patient.with_keys(deployment.START, 14)
            patient.signature = random.randbytes(256)
            if kind == GRANTED:
                patient.claim(ask, code(), key)
            return Request(REPORT, kind, frame(cbor_encode({"sealed": patient.sealed(key, server.region)})))

        made = [make(kind) for _ in range(count // 6 + 1) for make in (claim, report) for kind in (GRANTED, REFUSED)]
    pretended = frame(cbor_encode({"decoy": True}))
    made += [Request(path, DECOY, pretended) for _ in range(count // 6 + 1) for path in (CLAIM, REPORT)]
    random.Random(1).shuffle(made)
    return made[:count]


def _ask(url: str, requests: Sequence[Request]) -> list[Answer]:
    """Send all *requests* over CONNECTIONS connections, on each one after the other."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        shares = [requests[number::CONNECTIONS] for number in range(CONNECTIONS)]
        return [
            answer for share in pool.map(lambda share: _one_after_the_other(url, share), shares) for answer in share
        ]


def _one_after_the_other(url: str, requests: Sequence[Request]) -> list[Answer]:
    place = urlsplit(url)
    answers = []
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            head = f"POST {request.path} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {FRAME_BYTES}\r\n\r\n"
            begun = time.perf_counter()
            connection.sendall(head.encode() + request.body)
            pieces, first, got = [], 0.0, b""
            while len(got.partition(b"\r\n\r\n")[2]) < FRAME_BYTES:
                got += connection.recv(65_536)
                pieces.append(len(got))
                first = first or time.perf_counter() - begun
            seen = (first, time.perf_counter() - begun, float(len(pieces)), float(pieces[0]))
            assert _kind_of(got, request) == request.kind, request.path
            answers.append(Answer(request.path, request.kind, seen))
    return answers


def _kind_of(got: bytes, request: Request) -> str:
    """What the answer says; that it does not fit the request would make the figures worthless."""
    answer = cbor_decode(unframe(got.partition(b"\r\n\r\n")[2]))
    if answer["ok"]:
        return DECOY if request.kind == DECOY else GRANTED
    assert answer["error"] in {"unknown_code", "bad_token"}, answer
    return REFUSED


def _tell(what: str, answers: Sequence[Answer]) -> None:
    for question, one, other in (
        ("granted or refused", (GRANTED,), (REFUSED,)),
        ("real or decoy", (GRANTED, REFUSED), (DECOY,)),
    ):
        found = [accuracy(_rows(answers, path, one), _rows(answers, path, other), _rng()) for path in (CLAIM, REPORT)]
        count = sum(size for _name, _share, size in found)
        share = sum(share * size for _name, share, size in found) / count
        names = " and ".join(name for name, _share, _size in found)
        line = f"{what}: {question}, best classifier ({names})"
        print(
            f"{line:<82}{100 * share:>6.1f} % right of {count} (chance 50 +- {100 * 0.5 / count**0.5:.1f})", flush=True
        )


def _rows(answers: Sequence[Answer], path: str, kinds: tuple[str, ...]) -> Floats:
    return np.array([answer.seen for answer in answers if answer.path == path and answer.kind in kinds])


def _rng() -> np.random.Generator:
    return np.random.default_rng(1)
