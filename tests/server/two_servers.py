"""Two real ``ownhue-server serve`` processes on one folder, and patients who talk to either."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ownhue.encoding import canonical_json, cbor_decode, cbor_encode, frame, unframe
from ownhue.params import ReportType
from ownhue.region import Region, parse_region_body
from ownhue.report import ReportTokenKey, report_message
from ownhue.report.token import finish_token, request_token
from ownhue_server.serving import listen
from tests.server.clinic import WEEK
from tests.server.patient import CLAIM, Patient, token_key

START_SECONDS = 60
STOP_SECONDS = 30


@dataclass
class OneServer:
    """One process; *port* stays the same when it is started again."""

    directory: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None
    _http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "ownhue_server", "serve", str(self.directory), "--port", str(self.port)]
        with self.directory.with_name(f"stderr-{self.port}").open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log)

    def wait_until_ready(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self.process is not None
            assert self.process.poll() is None, "the server ended"
            with contextlib.suppress(httpx.TransportError):
                if self._http.get(f"{self.url}/region.json").is_success:
                    return
            time.sleep(0.05)
        raise AssertionError("the server did not answer")

    def kill(self) -> None:
        """As a power cut does it to one process."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def close(self) -> None:
        """No more requests."""
        self._http.close()

    def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The map of a phone endpoint's answer."""
        answer = self._http.post(self.url + path, content=frame(cbor_encode(body)))
        return dict(cbor_decode(unframe(answer.content)))

    def ask_if_alive(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """None when the process went away."""
        try:
            return self.ask(path, body)
        except httpx.TransportError:
            return None

    def get(self, path: str) -> bytes:
        return self._http.get(self.url + path).raise_for_status().content

    def code(self, desk_key: str) -> str:
        """A new claim code."""
        headers = {"Authorization": f"Bearer {desk_key}"}
        order = {"report_type": 1, "length": "long"}
        answer = self._http.post(f"{self.url}/authority/v1/claim-codes", json=order, headers=headers)
        return str(answer.raise_for_status().json()["code"])


@dataclass
class Pair:
    """Both processes, and what one has to know to talk to them."""

    servers: tuple[OneServer, OneServer]
    region: Region
    desk_key: str
    key: ReportTokenKey

    def patient(self, count: int = 5) -> Patient:
        """Somebody with keys and a token for them, from one server or the other."""
        patient = Patient.with_keys(int(time.time()), count)
        request, body = self.claim(self.servers[0].code(self.desk_key), report_message(patient.keys))
        patient.signature = finish_token(request, self.key, self.servers[1].ask(CLAIM, body)["signature"])
        return patient

    def claim(self, code: str, message: bytes) -> tuple[Any, dict[str, Any]]:
        """The blinded request, and the body that claims *code* with it."""
        request = request_token(message, self.key, os.urandom)
        return request, {"code": code, "blinded": request.blinded_message, "key_id": self.key.key_id}

    def report(self, patient: Patient) -> dict[str, Any]:
        """The body that reports the patient's keys."""
        return {"sealed": patient.sealed(self.key, self.region)}

    def stored(self) -> list[bytes]:
        """Data of every key that waits or is out, as often as it is there."""
        path = self.servers[0].directory / "publisher.sqlite"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
            waiting = database.execute("SELECT substr(payload, 2, 16) FROM pending_keys WHERE payload >= x'01'")
            return [row[0] for row in [*waiting, *database.execute("SELECT data FROM published_keys")]]


@contextlib.contextmanager
def two_servers(folder: Path) -> Iterator[Pair]:
    """Both, on a new deployment in *folder*, ready."""
    directory = folder / "deployment"
    bound = [listen("127.0.0.1", 0) for _ in range(2)]
    servers = OneServer(directory, bound[0].getsockname()[1]), OneServer(directory, bound[1].getsockname()[1])
    init = [sys.executable, "-m", "ownhue_server", "init", str(directory), "--url", servers[0].url, "--padding", "20"]
    hello = json.loads(subprocess.run(init, capture_output=True, check=True, timeout=60).stdout)
    settings = directory / "settings.json"
    changed = {**json.loads(settings.read_bytes()), "answer_milliseconds": 0, "refusals_per_hour": 100_000}
    settings.write_bytes(canonical_json(changed))
    for one in bound:
        one.close()
    try:
        for server in servers:
            server.start()
        for server in servers:
            server.wait_until_ready()
        region = parse_region_body(hello["region"])
        keys = servers[1].get("/authority/v1/documents/report-keys")
        key = token_key(keys, region, ReportType.CONFIRMED_TEST, int(time.time()) // WEEK)
        yield Pair(servers, region, hello["desk_key"], key)
    finally:
        for server in servers:
            server.stop()
            server.close()
