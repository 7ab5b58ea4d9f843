"""The agent as a real process: it starts, is asked, is told to end, is killed, and starts again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ownhue.errors import StateError
from ownhue_client.agent import control
from ownhue_client.agent.control_path import socket_path
from ownhue_client.phone import Phone, Settings
from tests.e2e.server_process import ServerProcess, server_process

SECONDS = 60
NOW = int(time.time())


class AgentProcess:
    """`ownhue phone run`, with a systemd of ours that it tells how it does."""

    def __init__(self, folder: Path, systemd: socket.socket, log: Path) -> None:
        self.folder = folder
        self._systemd = systemd
        self.log = log
        environment = os.environ | {
            "NOTIFY_SOCKET": str(systemd.getsockname()),
            "OWNHUE_PHONE": str(folder),
            "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent",
        }
        command = [sys.executable, "-m", "ownhue_client", "phone", "run", "--radio", "off"]
        with log.open("ab") as output:
            self.process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)

    def told(self) -> str:
        """The next thing that systemd is told."""
        return self._systemd.recv(100).decode()

    def ask(self, op: str, **args: Any) -> Any:
        return control.ask(self.folder, op, args, timeout=SECONDS)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send it a signal; its exit status."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("agent") / "server", start=NOW - 2 * 7200, padding=10) as server:
        server.move_clock(NOW)
        yield server


@pytest.fixture
def folder(server: ServerProcess, tmp_path: Path) -> Path:
    """The folder of a phone that has seen nothing yet."""
    with httpx.Client(trust_env=False) as client:
        Phone.create(
            tmp_path / "phone",
            server.region,
            random=os.urandom,
            http_client=client,
            now=NOW,
            root=server.trust_root,
            settings=Settings(passes_per_day=1),
        ).close()
    return tmp_path / "phone"


@contextmanager
def running(folder: Path) -> Iterator[AgentProcess]:
    """An agent that is ready, ended by its own process id if the test has not."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        path = folder.parent / "notify"
        path.unlink(missing_ok=True)
        systemd.bind(str(path))
        systemd.settimeout(SECONDS)
        agent = AgentProcess(folder, systemd, folder.parent / "log")
        try:
            assert agent.told() == "READY=1", agent.log.read_text()
            yield agent
        finally:
            if agent.process.poll() is None:
                agent.process.kill()
            agent.process.wait(SECONDS)


def opened(folder: Path) -> Phone:
    return Phone.open(folder, random=os.urandom, http_client=httpx.Client(trust_env=False), now=int(time.time()))


def test_an_agent_is_asked_and_ends_when_it_is_told(folder: Path) -> None:
    with running(folder) as agent:
        state = agent.ask("agent")
        assert state["radio"] is False
        assert state["silent"] == ""
        # The store is the agent's own.
        with pytest.raises(StateError, match="another program"):
            opened(folder)
        assert agent.ask("sync")["files"] > 0
        status = agent.ask("status")
        assert status["colour"] == "green"
        with pytest.raises(StateError, match="does not know"):
            agent.ask("no such operation")
        assert agent.end() == 0
        assert agent.told() == "STOPPING=1"
        assert not socket_path(folder).exists()
        assert not control.is_running(folder)
    with opened(folder) as phone:
        assert [line.purpose for line in phone.ledger()]


def test_ctrl_c_ends_it_in_the_same_order(folder: Path) -> None:
    with running(folder) as agent:
        assert agent.end(signal.SIGINT) == 0
        assert agent.told() == "STOPPING=1"


def test_a_killed_agent_leaves_a_store_that_opens_and_a_socket_that_is_replaced(folder: Path) -> None:
    with running(folder) as agent:
        agent.ask("sync")
        assert agent.end(signal.SIGKILL) == -signal.SIGKILL
        assert socket_path(folder).exists()
    with running(folder) as agent:
        assert agent.ask("status")["colour"] == "green"
        assert agent.end() == 0


def test_a_second_agent_for_one_phone_does_not_start(folder: Path) -> None:
    with running(folder) as agent:
        second = subprocess.run(
            [sys.executable, "-m", "ownhue_client", "phone", "--phone", str(folder), "run", "--radio", "off"],
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert second.returncode != 0
        assert "another program" in second.stderr
        # The first one goes on.
        assert agent.ask("agent")["radio"] is False


def test_ending_does_not_wait_for_a_server_that_never_answers(server: ServerProcess, tmp_path: Path) -> None:
    """A network that swallows packets must not keep a phone from ending."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        region = server.region.model_copy(update={"url": f"http://127.0.0.1:{silent.getsockname()[1]}"})
        with httpx.Client(trust_env=False) as client:
            Phone.create(tmp_path / "phone", region, random=os.urandom, http_client=client, now=NOW).close()
        with running(tmp_path / "phone") as agent:
            code = "import sys; from pathlib import Path; from ownhue_client.agent.control import ask; "
            code += "ask(Path(sys.argv[1]), 'sync')"
            asking = subprocess.Popen([sys.executable, "-c", code, str(agent.folder)], stderr=subprocess.DEVNULL)
            silent.settimeout(SECONDS)
            connection, _ = silent.accept()
            with connection:
                agent.process.send_signal(signal.SIGTERM)
                assert agent.told() == "STOPPING=1"
                # One request is under way; when it ends, no other one follows.
                connection.close()
            assert agent.process.wait(SECONDS) == 0
            assert asking.wait(SECONDS) != 0
            silent.settimeout(0.2)
            with pytest.raises(TimeoutError):
                silent.accept()
