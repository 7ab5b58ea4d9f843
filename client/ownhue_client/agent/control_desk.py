"""The agent's side of its socket: connections, one line in, one line out. See control.py."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ownhue.errors import OwnhueError, StateError
from ownhue_client.agent.control_errors import error_record
from ownhue_client.agent.control_path import peer_of

#: Answers ``(op, args)`` with a value that JSON can carry; raises OwnhueError.
Handler = Callable[[str, dict[str, Any]], Awaitable[Any]]

#: Most bytes of a question, in one line. specs/phone.md section 7
MAX_QUESTION_BYTES = 1 << 20
#: Most bytes of an answer: 14 days of places as JSON. specs/phone.md section 7
MAX_ANSWER_BYTES = 1 << 26
#: Commands that are served at a time; the next one is told to wait. specs/phone.md section 7
MAX_CLIENTS = 16
#: Seconds that a command may say nothing for before it is let go. specs/phone.md section 7
IDLE_SECONDS = 60
_PROBE_SECONDS = 5
_NOT_SERVED = "the agent serves its own user, and not too many at once"


class Desk:
    """Serves connections; each may ask one question after the other."""

    def __init__(self, listener: socket.socket, handler: Handler) -> None:
        self._listener = listener
        self._handler = handler
        self._clients: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Begin to serve."""
        asyncio.get_running_loop().add_reader(self._listener, self._meet)

    async def close(self) -> None:
        """End every connection. Long work that one of them asked for is done to its end."""
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        # None is cancelled before it has begun: each closes what it was given.
        await asyncio.sleep(0)
        clients = list(self._clients)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    def _meet(self) -> None:
        # Each connection has its own task from its first moment, so none is forgotten at the end.
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        task = asyncio.create_task(self._serve(connection))
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def _serve(self, connection: socket.socket) -> None:
        """One connection, until it closes, says nothing or breaks the rules."""
        with connection:
            connection.setblocking(False)
            reader, writer = await asyncio.open_unix_connection(sock=connection, limit=MAX_QUESTION_BYTES)
            try:
                if self._may_ask(connection):
                    await self._answer_all(reader, writer)
                else:
                    # Read first: else closing throws the answer away.
                    await _line_of(reader)
                    await _send(writer, error_record(StateError(_NOT_SERVED)))
            except (OSError, TimeoutError):
                pass  # the command went away, which is its right
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

    def _may_ask(self, connection: socket.socket) -> bool:
        return len(self._clients) <= MAX_CLIENTS and peer_of(connection) == os.geteuid()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await _line_of(reader):
            await _send(writer, await self._answer(line))

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            op, args = _question_of(line)
            return {"ok": True, "value": await self._handler(op, args)}
        except OwnhueError as error:
            return error_record(error)
        except Exception as error:  # noqa: BLE001 - a mistake in one answer must not end the radio of the phone
            print(f"ownhue: an answer failed: {type(error).__name__}", file=sys.stderr)  # noqa: T201
            return error_record(OwnhueError(f"the agent failed: {type(error).__name__}"))


async def _line_of(reader: asyncio.StreamReader) -> bytes:
    """The next line; empty at the end. What is too long ends the connection, as nothing after it can be trusted."""
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            return await reader.readline()
    except ValueError:
        return b""


async def _send(writer: asyncio.StreamWriter, answer: dict[str, Any]) -> None:
    line = json.dumps(answer).encode() + b"\n"
    if len(line) > MAX_ANSWER_BYTES:
        line = json.dumps(error_record(StateError("the answer is too long"))).encode() + b"\n"
    writer.write(line)
    await writer.drain()


def _question_of(line: bytes) -> tuple[str, dict[str, Any]]:
    try:
        question = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise StateError("a question is one line of JSON") from error
    fields = question if isinstance(question, dict) else {}
    op, args = fields.get("op"), fields.get("args", {})
    if not isinstance(op, str) or not isinstance(args, dict):
        raise StateError('a question is {"op": a word, "args": an object}')
    return op, args


def listening(path: Path) -> socket.socket:
    """A socket at *path*. One that a killed agent left behind is replaced."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            _drop_dead(path)
        listener.bind(os.fspath(path))
        path.chmod(0o600)
        listener.listen(MAX_CLIENTS)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise StateError(f"the agent cannot be asked by commands: {error.strerror}") from error
    except BaseException:
        listener.close()
        raise
    return listener


def _drop_dead(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_SECONDS)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise StateError("an agent runs for this phone already")
