"""Commands that ask a running agent over its socket: real sockets, real threads, real limits."""

import asyncio
import json
import os
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ownhue.errors import FormatError, OwnhueError, StateError, VerificationError
from ownhue_client.agent import control, control_desk, control_path
from ownhue_client.agent.control import NotRunningError, ask, is_running, serving
from ownhue_client.agent.control_path import MAX_PATH_BYTES, socket_path
from ownhue_client.errors import UnreachableError
from ownhue_client.phone.door import RefusedError

ERRORS: dict[str, Exception] = {
    "StateError": StateError("no passes left"),
    "FormatError": FormatError("not a code"),
    "VerificationError": VerificationError("the signature does not hold"),
    "UnreachableError": UnreachableError("the server cannot be reached"),
    "RefusedError": RefusedError("quota"),
    "KeyError": KeyError("a secret that must not be told"),
}


async def answer(op: str, args: dict[str, Any]) -> Any:
    """What the agents of these tests do."""
    if op == "fail":
        raise ERRORS[args["as"]]
    if op == "wait":
        await asyncio.sleep(0.2)
    if op == "unprintable":
        return object()
    return {"op": op, "args": args}


def while_serving(directory: Path, work: Callable[[], Any]) -> Any:
    """Do *work* in a thread while an agent serves *directory*."""

    async def main() -> Any:
        async with serving(directory, answer):
            return await asyncio.to_thread(work)

    return asyncio.run(main())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def raw(directory: Path, data: bytes) -> bytes:
    """What comes back for *data* on one connection."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(socket_path(directory)))
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answers = b""
        while part := connection.recv(1 << 16):
            answers += part
        return answers


def test_a_question_gets_its_answer(folder: Path) -> None:
    args = {"day": 20514, "name": "Käthe", "list": [1, None, True]}
    assert while_serving(folder, lambda: ask(folder, "places", args)) == {"op": "places", "args": args}


def test_without_an_agent_nobody_answers(folder: Path) -> None:
    assert not is_running(folder)
    with pytest.raises(NotRunningError):
        ask(folder, "status")
    assert while_serving(folder, lambda: is_running(folder))
    assert not is_running(folder)
    assert not socket_path(folder).exists()


@pytest.mark.parametrize("name", [name for name in ERRORS if name != "KeyError"])
def test_an_error_arrives_as_what_it_was(folder: Path, name: str) -> None:
    def fail() -> OwnhueError:
        with pytest.raises(OwnhueError) as caught:
            ask(folder, "fail", {"as": name})
        return caught.value

    error = while_serving(folder, fail)
    assert type(error) is type(ERRORS[name])
    assert str(error) == str(ERRORS[name])
    if isinstance(error, RefusedError):
        assert error.word == "quota"


def test_what_nobody_expected_tells_its_kind_and_not_its_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> str:
        with pytest.raises(OwnhueError) as caught:
            ask(folder, "fail", {"as": "KeyError"})
        return str(caught.value)

    said = while_serving(folder, fail)
    assert said == "the agent failed: KeyError"
    assert "secret" not in capsys.readouterr().err


def test_a_name_that_is_no_unicode_arrives_as_it_was(folder: Path) -> None:
    name = os.fsdecode(b"/tmp/\xff.gpx")
    assert while_serving(folder, lambda: ask(folder, "import", {"path": name}))["args"] == {"path": name}


def test_the_socket_is_its_owners_alone(folder: Path) -> None:
    mode = while_serving(folder, lambda: socket_path(folder).stat().st_mode & 0o777)
    assert mode == 0o600


def test_two_agents_never_serve_one_phone(folder: Path) -> None:
    def second() -> None:
        with pytest.raises(StateError, match="runs for this phone already"):
            while_serving(folder, lambda: None)

    while_serving(folder, second)


def test_the_socket_of_a_killed_agent_is_replaced(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_path(folder)))
    assert not is_running(folder)
    assert while_serving(folder, lambda: ask(folder, "status")) == {"op": "status", "args": {}}


def test_several_commands_are_served_at_a_time(folder: Path) -> None:
    def many() -> list[Any]:
        answers: list[Any] = [None] * 8

        def one(number: int) -> None:
            answers[number] = ask(folder, "wait", {"number": number})["args"]["number"]

        threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    assert while_serving(folder, many) == list(range(8))


def test_a_flood_of_connections_is_turned_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_desk, "MAX_CLIENTS", 2)

    def flood() -> None:
        held = [socket.socket(socket.AF_UNIX) for _ in range(2)]
        try:
            for connection in held:
                connection.connect(str(socket_path(folder)))
                connection.sendall(b'{"op":"a"}\n')
                connection.recv(1)
            with pytest.raises(StateError, match="not too many at once"):
                ask(folder, "status")
        finally:
            for connection in held:
                connection.close()

    while_serving(folder, flood)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"nonsense\n",
        b"[]\n",
        b'{"op":1}\n',
        b'{"op":"a","args":[]}\n',
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
    ],
)
def test_a_question_that_is_none_gets_an_error_and_breaks_nothing(folder: Path, line: bytes) -> None:
    def both() -> Any:
        answers = [json.loads(part) for part in raw(folder, line).splitlines()]
        assert all(part["ok"] is False and part["error"] == "StateError" for part in answers)
        assert len(answers) == bool(line)
        return ask(folder, "status")

    assert while_serving(folder, both) == {"op": "status", "args": {}}


def test_an_endless_question_is_cut_off(folder: Path) -> None:
    def both() -> Any:
        assert raw(folder, b"x" * (control_desk.MAX_QUESTION_BYTES + 10)) == b""
        with pytest.raises(StateError, match="too long"):
            ask(folder, "import", {"text": "x" * control_desk.MAX_QUESTION_BYTES})
        return ask(folder, "status")

    assert while_serving(folder, both)["op"] == "status"


def test_an_answer_that_json_cannot_carry_is_an_error(folder: Path) -> None:
    def fail() -> None:
        with pytest.raises(OwnhueError):
            ask(folder, "unprintable")

    while_serving(folder, fail)


def test_another_user_is_not_served(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        for module in (control, control_desk):
            monkeypatch.setattr(module, "peer_of", lambda connection: os.geteuid() + 1)
        assert json.loads(raw(folder, b'{"op":"a"}\n'))["error"] == "StateError"
        with pytest.raises(StateError, match="belongs to another user"):
            ask(folder, "status")

    while_serving(folder, fail)


def test_the_kernel_tells_who_is_at_the_other_end() -> None:
    left, right = socket.socketpair(socket.AF_UNIX)
    with left, right:
        assert control_path.peer_of(left) == os.geteuid()


def test_where_the_path_is_too_long_it_lies_in_the_runtime_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    deep, other = (tmp_path / ("d" * 120) / name for name in ("phone", "other"))
    deep.mkdir(parents=True)
    path = socket_path(deep)
    assert len(os.fsencode(path)) <= MAX_PATH_BYTES or len(os.fsencode(runtime)) > 60
    assert path.parent == runtime / "ownhue"
    assert path != socket_path(other)
    assert while_serving(deep, lambda: ask(deep, "status"))["op"] == "status"
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_runtime_folder_that_others_may_enter_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    trap = tmp_path / f"ownhue-{os.geteuid()}"
    trap.mkdir()
    trap.chmod(0o755)
    with pytest.raises(StateError, match="somebody else"):
        socket_path(tmp_path / ("d" * 120))
