"""Reports a second of a running server process, and how long one waits, beside a bare SQLite loop."""

import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from ownhue.encoding import cbor_decode, cbor_encode, frame, unframe
from ownhue.params import FRAME_BYTES, ReportType
from ownhue.report import week_of
from tests.benchmarks import KEYS_PER_REPORT, bare_loop, deployment
from tests.benchmarks.timing import say
from tests.e2e.server_process import ServerProcess
from tests.server.patient import REPORT, Patient, token_key

CONNECTIONS = 64
#: Keys of somebody who met people in every period of fourteen days.
MANY_KEYS = 168
ROUNDS = 3


def reports() -> None:
    """Server and bare loop in turn, round by round, with as many rows."""
    for keys, count in ((KEYS_PER_REPORT, 600), (MANY_KEYS, 300)):
        with tempfile.TemporaryDirectory(prefix="ownhue-bench-") as name:
            _compare(Path(name), keys, count)


def _compare(folder: Path, keys: int, count: int) -> None:
    rates: dict[str, list[float]] = {"server": [], "alone": [], "grouped": []}
    latencies = []
    deployment.make(folder / "server")
    with deployment.serving(folder / "server", answer_milliseconds=0, refusals_per_hour=deployment.NO_LIMIT) as server:
        requests = iter(_requests(server, ROUNDS * count, keys))
        for _ in range(ROUNDS):
            rates["alone"].append(bare_loop.reports_per_second(folder / "bare.sqlite", count, keys))
            rates["grouped"].append(bare_loop.reports_per_second(folder / "bare.sqlite", count, keys, CONNECTIONS))
            rate, waits = asyncio.run(_load(server.url, list(itertools.islice(requests, count))))
            rates["server"].append(rate)
            latencies.append(statistics.quantiles(waits, n=100)[98] * 1000)
    what = f"reports of {keys} keys"
    say(f"{what}: server, {CONNECTIONS} connections, stored durably", rates["server"])
    say(f"{what}: 99th percentile of the wait", latencies, "ms")
    say(f"{what}: bare SQLite loop, one a transaction", rates["alone"])
    say(f"{what}: bare SQLite loop, {CONNECTIONS} a transaction", rates["grouped"])
    for name in ("alone", "grouped"):
        shares = [100 * a / b for a, b in zip(rates["server"], rates[name], strict=True)]
        say(f"    server's share of the loop, {name}", shares, "%")


def _requests(server: ServerProcess, count: int, keys: int) -> list[bytes]:
    """Whole HTTP requests with valid, different reports: every token was claimed at the server."""
    with httpx.Client() as http:
        document = http.get(f"{server.url}/authority/v1/documents/report-keys").content
        key = token_key(document, server.region, ReportType.CONFIRMED_TEST, week_of(deployment.START))

        def ask(path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = http.post(server.url + path, content=frame(cbor_encode(body)))
            return dict(cbor_decode(unframe(answer.content)))

        made = []
        for _ in range(count):
            order = {"report_type": 1, "length": "long"}
            answer = http.post(f"{server.url}/authority/v1/claim-codes", json=order, headers=server.desk_headers)
            patient = Patient.with_keys(deployment.START, keys)
            patient.claim(ask, answer.json()["code"], key)
            made.append(_http(server.url, frame(cbor_encode({"sealed": patient.sealed(key, server.region)}))))
    return made


def _http(url: str, body: bytes) -> bytes:
    head = f"POST {REPORT} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _load(url: str, requests: Sequence[bytes]) -> tuple[float, list[float]]:
    """Send all *requests* over CONNECTIONS connections: requests a second, and the seconds that each one waited.

    Every one must be accepted."""
    waiting, waits = iter(requests), []
    host, port = urlsplit(url).hostname, urlsplit(url).port

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for request in waiting:
            sent = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            answer = cbor_decode(unframe(await reader.readexactly(FRAME_BYTES)))
            waits.append(time.perf_counter() - sent)
            assert b" 200 " in head.split(b"\r\n", 1)[0], head
            assert answer == {"ok": True}, answer
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return len(requests) / (time.perf_counter() - begun), waits


if __name__ == "__main__":
    reports()
