"""Many phones claim one code at once, and the server is killed in the middle: never two signatures of one code."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from ownhue.encoding import cbor_decode, cbor_encode, frame, unframe
from ownhue.params import ReportType
from ownhue.report import request_token
from tests.e2e.server_process import ServerProcess, server_process
from tests.server.patient import CLAIM, token_key
from tests.server.served import MONDAY

CLAIMS = 40


def bodies_for_one_code(server: ServerProcess) -> list[bytes]:
    """Claims of one code, each with another blinded message."""
    order = {"report_type": 1, "length": "long"}
    url = f"{server.url}/authority/v1/"
    code = httpx.post(f"{url}claim-codes", json=order, headers=server.desk_headers).json()["code"]
    document = httpx.get(f"{url}documents/report-keys").content
    key = token_key(document, server.region, ReportType.CONFIRMED_TEST, MONDAY // (7 * 86400))
    blinded = [request_token(os.urandom(32), key, os.urandom).blinded_message for _ in range(CLAIMS)]
    return [frame(cbor_encode({"code": code, "key_id": key.key_id, "blinded": message})) for message in blinded]


def claim(url: str, body: bytes) -> dict[str, Any] | None:
    """The answer's map; None when the server went away."""
    try:
        answer = httpx.post(url + CLAIM, content=body, timeout=30)
    except httpx.TransportError:
        return None
    return dict(cbor_decode(unframe(answer.content)))


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.03])
def test_many_concurrent_claims_with_one_code_and_a_server_that_is_killed(tmp_path: Path, seconds: float) -> None:
    signatures = set()
    with server_process(tmp_path / "server", start=MONDAY, padding=5) as server, ThreadPoolExecutor(16) as pool:
        bodies = bodies_for_one_code(server)
        # 30 refusals are left to this address, so the first claims are the ones that race.
        waiting = [pool.submit(claim, server.url, body) for body in bodies[:24]]
        threading.Event().wait(seconds)
        server.process.kill()
        signatures |= {answer["signature"] for answer in (one.result() for one in waiting) if answer and answer["ok"]}
    with server_process(tmp_path / "server", start=MONDAY, padding=5) as server, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda body: claim(server.url, body), bodies))
    assert None not in answers
    signatures |= {answer["signature"] for answer in answers if answer and answer["ok"]}
    assert len(signatures) == 1
    assert {answer["error"] for answer in answers if answer and not answer["ok"]} <= {"other_message", "too_many"}
