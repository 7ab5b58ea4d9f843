"""Reports a second of a running server process, beside the same server without validation and cryptography."""

import asyncio
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from ownhue.encoding import cbor_decode, cbor_encode, frame, unframe
from ownhue.params import FRAME_BYTES, ReportType
from ownhue.region import Region, parse_region_body
from ownhue.report import week_of
from tests.benchmarks import KEYS_PER_REPORT
from tests.benchmarks.timing import say
from tests.server.patient import REPORT, Patient, token_key

START = 1_772_452_800
CONNECTIONS = 64
REPORTS_PER_ROUND = 800
ROUNDS = 3


@dataclass(frozen=True)
class _Server:
    url: str
    region: Region
    desk_key: str


@contextmanager
def _server(module: str, directory: Path) -> Iterator[_Server]:
    command = [sys.executable, "-m", module, "rehearse", "--directory", str(directory), "--start", str(START)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        hello = json.loads(process.stdout.readline())
        try:
            yield _Server(hello["url"], parse_region_body(hello["region"]), hello["desk_key"])
        finally:
            process.terminate()


def reports() -> None:
    """Both servers in turn, round by round, with the same load."""
    with tempfile.TemporaryDirectory(prefix="ownhue-bench-") as name:
        folder = Path(name)
        with (
            _server("ownhue_server", folder / "real") as real,
            _server("tests.benchmarks.bare_server", folder / "bare") as bare,
        ):
            requests = iter(_requests(real, ROUNDS * REPORTS_PER_ROUND))
            rates: dict[str, list[float]] = {"real": [], "bare": []}
            for _ in range(ROUNDS):
                batch = list(itertools.islice(requests, REPORTS_PER_ROUND))
                rates["bare"].append(asyncio.run(_load(bare.url, batch)))
                rates["real"].append(asyncio.run(_load(real.url, batch)))
    what = f"reports of {KEYS_PER_REPORT} keys, {CONNECTIONS} connections, stored durably"
    say(f"{what}: server", rates["real"])
    say(f"{what}: no validation, no crypto", rates["bare"])
    say("    share of the bare server's speed", [100 * a / b for a, b in zip(*rates.values(), strict=True)], "% ")


def _requests(server: _Server, count: int) -> list[bytes]:
    """Whole HTTP requests with valid, different reports: every token was claimed at the server."""
    with httpx.Client() as http:
        document = http.get(f"{server.url}/authority/v1/documents/report-keys").content
        key = token_key(document, server.region, ReportType.CONFIRMED_TEST, week_of(START))

        def ask(path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = http.post(server.url + path, content=frame(cbor_encode(body)))
            return dict(cbor_decode(unframe(answer.content)))

        made = []
        for _ in range(count):
            headers = {"Authorization": f"Bearer {server.desk_key}"}
            order = {"report_type": 1, "length": "long"}
            code = http.post(f"{server.url}/authority/v1/claim-codes", json=order, headers=headers).json()["code"]
            patient = Patient.with_keys(START, KEYS_PER_REPORT)
            patient.claim(ask, code, key)
            made.append(_http(server.url, frame(cbor_encode({"sealed": patient.sealed(key, server.region)}))))
    return made


def _http(url: str, body: bytes) -> bytes:
    head = f"POST {REPORT} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _load(url: str, requests: Sequence[bytes]) -> float:
    """Send all *requests* over CONNECTIONS connections; requests a second. Every one must be accepted."""
    waiting = iter(requests)
    host, port = urlsplit(url).hostname, urlsplit(url).port

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for request in waiting:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            answer = cbor_decode(unframe(await reader.readexactly(FRAME_BYTES)))
            assert b" 200 " in head.split(b"\r\n", 1)[0], head
            assert answer == {"ok": True}, answer
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return len(requests) / (time.perf_counter() - begun)
