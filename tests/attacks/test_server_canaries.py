"""What a server must never write down: codes, tokens, keys and addresses, searched in every byte that it leaves.

Two real processes: a rehearsal that publishes, and a served deployment with its log at its usual level. The phone comes
from a loopback address that occurs nowhere else, so that it can be searched for.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from ownhue.device import ENROL, PASSES, sign_request
from ownhue.encoding import base64url_encode, canonical_json, cbor_decode, cbor_encode, frame, unframe
from ownhue.params import ReportType
from ownhue.region import Region, parse_region_body
from ownhue.report import report_message
from ownhue.report.token import finish_token, request_token
from ownhue_server.serving import listen
from tests.e2e.server_process import server_process
from tests.server.patient import CLAIM, REPORT, Patient, token_key
from tests.server.served import BATCH, MONDAY, device_key

ADDRESS = "127.7.13.99"
#: What the web server in front says; nobody's address.
FORWARDED = "203.0.113.213"


@dataclass
class Visit:
    """What a phone and a desk said to a server: the canaries."""

    secrets: dict[str, bytes]
    """Nobody may write these down."""
    patient: Patient
    """Its keys may lie with the publisher only."""


@contextmanager
def visitor(url: str) -> Iterator[httpx.Client]:
    transport = httpx.HTTPTransport(local_address=ADDRESS)
    with httpx.Client(base_url=url, transport=transport, timeout=30) as http:
        yield http


def visit(http: httpx.Client, region: Region, desk_key: str, now: int) -> Visit:
    """Code, claim, two reports (one by the desk), enrolment, passes; and all of it wrong once."""
    desk = {"Authorization": f"Bearer {desk_key}"}
    document = http.get("/authority/v1/documents/report-keys").content
    key = token_key(document, region, ReportType.CONFIRMED_TEST, now // (7 * 86400))
    secrets = {"desk key": desk_key.encode(), "address": ADDRESS.encode()}

    def ask(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = http.post(path, content=frame(cbor_encode(body)))
        http.post(path, content=frame(cbor_encode({**body, "canary": b"more"})))
        http.post(path, content=frame(cbor_encode(body))[:-1])
        return dict(cbor_decode(unframe(answer.content)))

    patients = []
    for number in range(2):
        order = {"report_type": 1, "length": ("short", "long")[number]}
        code = http.post("/authority/v1/claim-codes", json=order, headers=desk).json()["code"]
        patient = Patient.with_keys(now, 5, current=True)
        request = request_token(report_message(patient.keys), key, os.urandom)
        answer = ask(CLAIM, {"code": code, "blinded": request.blinded_message, "key_id": key.key_id})
        patient.signature = finish_token(request, key, answer["signature"])
        secrets |= {f"code {number}": code.encode(), f"token {number}": patient.signature}
        secrets |= {f"blinded {number}": request.blinded_message, f"blind signature {number}": answer["signature"]}
        patients.append(patient)
    assert ask(REPORT, {"sealed": patients[0].sealed(key, region)}) == {"ok": True}
    sealed = patients[1].sealed(key, region)
    assert http.post("/authority/v1/sealed-reports", content=sealed, headers=desk).json() == {"ok": True}
    ticket = http.post("/authority/v1/tickets", json={}, headers=desk).json()["ticket"]
    blinded = b"\0" + os.urandom(255)
    assert ask("/issuer/v1/enrol", sign_request(ENROL, {"ticket": ticket, "time": now}, device_key(1)))["ok"]
    body = {"epoch": now // 86400, "blinded": [blinded], "time": now}
    signed = ask("/issuer/v1/passes", sign_request(PASSES, body, device_key(1)))
    secrets |= {"ticket": ticket.encode(), "blinded pass": blinded, "pass": signed["signatures"][0], "sealed": sealed}
    http.get("/published/../canary-path-5d1f")
    secrets["path"] = b"canary-path-5d1f"
    return Visit(secrets, Patient(patients[0].keys + patients[1].keys))


def everything_in(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def check(visit: Visit, written: dict[str, bytes]) -> None:
    """No secret anywhere, in no spelling; keys with the publisher only; and the search itself can find things."""
    for name, secret in visit.secrets.items():
        texts = (secret.hex(), secret.hex().upper(), base64url_encode(secret))
        for spelling in (secret, *(text.encode() for text in texts)):
            holders = [file for file, data in written.items() if spelling in data]
            assert holders == [], name
    for data in visit.patient.datas:
        assert [file for file, content in written.items() if data in content] == ["publisher.sqlite"]
    for number in range(2):
        spent = sha256(visit.secrets[f"token {number}"]).digest()
        assert [file for file, content in written.items() if spent in content] == ["publisher.sqlite"]


def test_a_rehearsal_writes_no_canary(tmp_path: Path) -> None:
    with server_process(tmp_path / "server", start=MONDAY + 3600, padding=20) as server:
        with visitor(server.url) as http:
            result = visit(http, server.region, server.desk_key, MONDAY + 3600)
        assert server.process.stdout is not None
        before = everything_in(server.directory)
        server.move_clock(MONDAY + 3 * BATCH)
        after = everything_in(server.directory)
        server.stop()
        said = {"stdout": server.process.stdout.read(), "stderr": server.error_log.read_bytes()}
    for written in (before, after):
        # Key files are compressed; what is in them is for everybody to read.
        check(result, {name: data for name, data in written.items() if not name.endswith(".zip")} | said)
    assert said == {"stdout": b"", "stderr": b""}


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_served_deployment_logs_no_canary(tmp_path: Path, end: signal.Signals) -> None:
    """With deadline, limiter, decoys, an own failure, and an end that may be a crash. CovidCode logged its codes."""
    command = [sys.executable, "-m", "ownhue_server"]
    bound = listen("127.0.0.1", 0)
    port = bound.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    init = [*command, "init", str(tmp_path / "server"), "--url", url, "--padding", "20"]
    hello = json.loads(subprocess.run(init, capture_output=True, check=True, timeout=60).stdout)
    bound.close()
    change_settings(tmp_path / "server", answer_milliseconds=10, refusals_per_hour=12, address_header="x-forwarded-for")
    serve = [*command, "serve", str(tmp_path / "server"), "--port", str(port)]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            wait_until_ready(url)
            with visitor(url) as http:
                http.headers["X-Forwarded-For"] = f"198.51.100.1, {FORWARDED}"
                result = visit(http, parse_region_body(hello["region"]), hello["desk_key"], int(time.time()))
                result.secrets["forwarded address"] = FORWARDED.encode()
                words = misbehave(http, tmp_path / "server" / "authority.sqlite", result.secrets["code 0"].decode())
            written = everything_in(tmp_path / "server")
        finally:
            process.send_signal(end)
            stdout, stderr = process.communicate(timeout=30)
    assert words == {"unavailable", "malformed", "too_many", "decoy"}
    assert process.returncode == (0 if end == signal.SIGTERM else -end)
    check(result, {**written, "stdout": stdout, "stderr": stderr})
    for line in (b"is closed and published", b"a phone endpoint failed", b"an address has no refusals left"):
        assert line in stderr


def change_settings(directory: Path, **changes: object) -> None:
    """As an operator would, with an editor."""
    path = directory / "settings.json"
    path.write_bytes(canonical_json(json.loads(path.read_bytes()) | changes))


def misbehave(http: httpx.Client, database: Path, code: str) -> set[str]:
    """Decoys, a table that is gone while a code is claimed, and too many refusals; the words that came."""

    def word(body: bytes) -> str:
        answer = cbor_decode(unframe(http.post(CLAIM, content=body).content))
        return "decoy" if answer["ok"] else str(answer["error"])

    words = {word(frame(cbor_encode({"decoy": True}))) for _ in range(3)}
    with sqlite3.connect(database, timeout=10) as connection:
        connection.execute("ALTER TABLE claim_codes RENAME TO gone")
    connection.close()
    document = http.get("/authority/v1/documents/report-keys").content
    region = parse_region_body(http.get("/region.json").json())
    key = token_key(document, region, ReportType.CONFIRMED_TEST, int(time.time()) // (7 * 86400))
    blinded = request_token(os.urandom(32), key, os.urandom).blinded_message
    words.add(word(frame(cbor_encode({"code": code, "blinded": blinded, "key_id": key.key_id}))))
    return words | {word(code.encode()) for _ in range(20)}


def wait_until_ready(url: str) -> None:
    for _ in range(600):
        try:
            httpx.get(f"{url}/health").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server did not answer within 30 seconds")


@pytest.mark.parametrize("name", ["code 0", "token 1", "address", "desk key", "blinded 0"])
def test_a_planted_canary_is_found(name: str) -> None:
    """The search itself: each canary, written into a log, makes the check fail."""
    secrets = {key: os.urandom(20) for key in ("code 0", "token 0", "token 1", "address", "desk key", "blinded 0")}
    clean = {"publisher.sqlite": sha256(secrets["token 0"]).digest() + sha256(secrets["token 1"]).digest()}
    check(Visit(secrets, Patient([])), clean)
    for planted in (secrets[name], secrets[name].hex().encode(), base64url_encode(secrets[name]).encode()):
        with pytest.raises(AssertionError, match=name):
            check(Visit(secrets, Patient([])), {**clean, "stderr": b"refused: " + planted})
