"""Asking a running agent over a Unix socket, as it alone has the phone's store open. specs/phone.md section 7

    {"op":"status","args":{}}                                  one line of JSON from the command
    {"ok":true,"value":{"colour":"green"}}                      one line from the agent, or
    {"ok":false,"error":"StateError","message":"no passes left"}

    control.ask(directory, "status")            # in a command; NotRunningError when no agent runs
    await control.serve(directory, handler)     # in the agent, until it is cancelled

- The socket is `agent.sock` in the phone's folder, for its owner alone (0600); where that path is too long for a
  socket, it lies in the runtime directory of the user. Both sides check that the other one is the same user.
- An error arrives as the kind that it was. What is none of this project's kinds stays in the agent: its text could
  hold anything.
"""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from ownhue.errors import StateError
from ownhue_client.agent.control_desk import MAX_ANSWER_BYTES, MAX_QUESTION_BYTES, Desk, Handler, listening
from ownhue_client.agent.control_errors import NotRunningError, error_of
from ownhue_client.agent.control_path import peer_of, socket_path

__all__ = ["Handler", "NotRunningError", "ask", "is_running", "serve", "serving"]

#: Seconds that an answer may take: reading a history of years is the longest. specs/phone.md section 7
ANSWER_SECONDS = 3600
_CONNECT_SECONDS = 5


def is_running(directory: Path) -> bool:
    """Whether an agent answers for the phone in *directory*."""
    try:
        _connected(directory).close()
    except NotRunningError:
        return False
    return True


def ask(directory: Path, op: str, args: dict[str, Any] | None = None, *, timeout: float = ANSWER_SECONDS) -> Any:
    """Ask the agent of the phone in *directory*; the value of its answer.

    Raises NotRunningError (then open the phone yourself), the error that the agent met, StateError for an agent of
    another user, or that ended before it answered.
    """
    question = json.dumps({"op": op, "args": args or {}}).encode() + b"\n"
    if len(question) > MAX_QUESTION_BYTES:
        raise StateError("this is too long to be handed to the agent; give it as a file")
    with _connected(directory) as connection:
        connection.settimeout(timeout)
        try:
            connection.sendall(question)
            line = connection.makefile("rb").readline(MAX_ANSWER_BYTES)
        except OSError as error:
            raise StateError("the agent gave no answer") from error
    return _value_of(line)


@asynccontextmanager
async def serving(directory: Path, handler: Handler) -> AsyncIterator[None]:
    """Answer commands with *handler* while the block runs. Raises StateError when an agent does so already."""
    path = socket_path(directory, create=True)
    desk = Desk(listening(path), handler)
    desk.open()
    try:
        yield
    finally:
        await desk.close()
        with suppress(FileNotFoundError):
            path.unlink()


async def serve(directory: Path, handler: Handler) -> None:
    """:func:`serving` until this is cancelled."""
    async with serving(directory, handler):
        await asyncio.Event().wait()


def _value_of(line: bytes) -> Any:
    try:
        answer = json.loads(line)
        if answer["ok"] is True:
            return answer["value"]
        raise error_of(answer)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StateError("the agent ended before it answered") from error


def _connected(directory: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(_CONNECT_SECONDS)
    try:
        connection.connect(os.fspath(socket_path(directory)))
    except OSError as error:
        connection.close()
        raise NotRunningError("no agent runs for this phone") from error
    if peer_of(connection) != os.geteuid():
        connection.close()
        raise StateError("the agent of this phone belongs to another user")
    return connection
