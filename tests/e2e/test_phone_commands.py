"""`ownhue phone` as processes, against a real server over loopback, with and without a real agent process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from typer.testing import CliRunner

from ownhue.errors import OwnhueError
from ownhue.region import region_bytes
from ownhue_client import cli, exit_codes
from ownhue_client.agent.control import is_running
from tests.e2e.server_process import ServerProcess, server_process

BATCH_SECONDS = 300
START_SECONDS = 30


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class Owner:
    """Somebody at a shell."""

    server: ServerProcess
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Without a desktop, so that nothing is shown on one."""
        return {**os.environ, "DBUS_SESSION_BUS_ADDRESS": "", "OWNHUE_PHONE": str(self.folder), "COLUMNS": "200"}

    def types(self, *words: object) -> Done:
        """The command in this process: everything but the start of Python is the real thing."""
        result = CliRunner().invoke(cli.app, ["phone", *map(str, words)], env=self.environment)
        error = result.exception
        if isinstance(error, OwnhueError):
            return Done(cli.status_of(error), result.stdout, f"{result.stderr}ownhue: {error}\n")
        assert error is None or isinstance(error, SystemExit), result.exc_info
        return Done(result.exit_code, result.stdout, result.stderr)

    def runs(self, *words: object) -> Done:
        """The command as a process."""
        command = [sys.executable, "-m", "ownhue_client", "phone", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=self.environment)
        return Done(done.returncode, done.stdout, done.stderr)

    def json(self, *words: object, status: int = exit_codes.OK) -> Any:
        done = self.types(*words, "--json")
        assert done.returncode == status, done.stdout + done.stderr
        return json.loads(done.stdout)

    def init(self) -> Any:
        """A phone that is enrolled; its number."""
        region, root = self.folder.with_name("region.json"), self.folder.with_name("root.json")
        region.write_bytes(region_bytes(self.server.region))
        root.write_bytes(self.server.trust_root)
        words: list[object] = ["--region", region, "--root", root, "--ticket", self.desk("tickets")["ticket"]]
        words += ["--unlock", "key-file", "--no-bluetooth", "--location", "off", "--notifications", "--no-autostart"]
        return self.json("init", *words)["number"]

    def desk(self, name: str, **body: Any) -> Any:
        """What the desk is answered."""
        url = f"{self.server.url}/authority/v1/{name}"
        return httpx.post(url, json=body, headers=self.server.desk_headers).raise_for_status().json()


@contextmanager
def agent(owner: Owner) -> Iterator["subprocess.Popen[str]"]:
    """The agent of *owner*'s phone, ended by its own process id."""
    command = [sys.executable, "-m", "ownhue_client", "phone", "run"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=owner.environment)
    try:
        until = time.monotonic() + START_SECONDS
        while not is_running(owner.folder):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until, "the agent did not answer"
            time.sleep(0.05)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(START_SECONDS)
        if process.stderr:
            process.stderr.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Its clock stands at the machine's time, with batches behind it."""
    now = int(time.time())
    folder = tmp_path_factory.mktemp("server")
    with server_process(folder / "server", start=now - 2 * BATCH_SECONDS, batch_seconds=BATCH_SECONDS) as made:
        made.move_clock(now)
        yield made


@pytest.fixture
def owner(server: ServerProcess, tmp_path: Path) -> Owner:
    return Owner(server, tmp_path / "phone")


def test_from_the_first_run_to_the_loss(owner: Owner, tmp_path: Path) -> None:
    number = owner.init()
    assert owner.json("status", status=exit_codes.GREY)["grey_because"] == ["no rulebook in force"]
    assert owner.json("sync")["files"] >= 1
    assert owner.json("passes") == {"fetched": 144, "left": 48}
    assert owner.json("status")["colour"] == "green"
    assert owner.types("show").stdout.startswith("OWN1:")
    purposes = {line["purpose"] for line in owner.json("ledger")}
    assert {"enrol this phone", "fetch passes", "newest state of the log", "published keys"} <= purposes
    key_file = tmp_path / "desk.key"
    key_file.write_text(owner.server.desk_key)
    command = [sys.executable, "-m", "ownhue_server", "stop-device", number, "--url", owner.server.url]
    done = subprocess.run([*command, "--desk-key-file", str(key_file)], capture_output=True, text=True, check=True)
    assert done.stdout == "stopped: this phone gets no more passes\n"
    refused = owner.types("enrol", "--ticket", owner.desk("tickets")["ticket"])
    assert refused.returncode == exit_codes.FAILED
    assert refused.stderr == ("ownhue: this phone was reported as lost; enrol a new one with a ticket of the desk\n")


def test_commands_ask_the_agent_while_it_runs(owner: Owner) -> None:
    number = owner.init()
    with agent(owner) as process:
        assert owner.json("sync")["colour"] == "green"
        status = owner.json("status")
        assert status["agent"]["radio"] is False
        assert owner.json("device") == {"number": number}
        assert owner.json("passes")["left"] == 48
        assert owner.json("show")["passes_left"] == 47
        busy = owner.types("erase", "--everything", "--yes")
        assert busy.returncode == exit_codes.FAILED
        assert f"process {process.pid}" in busy.stderr
        code = owner.desk("claim-codes", report_type=1, length="short")["code"]
        tested = time.strftime("%Y-%m-%d", time.gmtime())
        claimed = owner.json("report", "claim", "--tested", tested, "--code", code, "--yes")
        assert claimed["by_agent"] is True
        assert owner.json("status", status=exit_codes.RED)["report"]["due"] == claimed["status"]["due"]
        process.send_signal(signal.SIGTERM)
        told = process.communicate(timeout=START_SECONDS)[1]
        assert process.returncode == 0
        assert "Your colour is red" in told
        assert code not in told
        assert number not in told
    status = owner.json("status", status=exit_codes.RED)
    assert (status["agent"], status["passes_left"]) == (None, 47)


def test_what_goes_wrong_is_one_line_and_a_status(owner: Owner, tmp_path: Path) -> None:
    for words, status in (
        (["status"], exit_codes.FAILED),
        (["init", "--region", tmp_path / "nothing.json"], exit_codes.UNREACHABLE),
    ):
        done = owner.runs(*words)
        assert done.returncode == status
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
        (line,) = done.stderr.strip().splitlines()
        assert line.startswith("ownhue: ")
