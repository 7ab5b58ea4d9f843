"""One way to a phone, whoever has it open: the agent if one runs, else this process.

    with route(directory, opening) as ask:
        ask("status")
        ask("sync", folder="/media/stick/published")

An agent has the store for itself, so a command could not open it beside; without an agent the command opens the phone
once, for everything that it asks.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from ownhue_client.agent import control
from ownhue_client.agent.control_errors import NotRunningError
from ownhue_client.operations.operation import Context
from ownhue_client.operations.table import perform
from ownhue_client.phone.device import Phone


class Ask(Protocol):
    """Asks for one operation; its value, or its error."""

    def __call__(self, op: str, /, **values: Any) -> Any: ...


@contextmanager
def route(
    directory: Path,
    opening: Callable[[], Phone],
    random: Callable[[int], bytes],
    now: Callable[[], int],
) -> Iterator[Ask]:
    """While open, ask the phone in *directory*. *opening*: opens it here, where no agent runs; *now*: unix seconds."""
    if control.is_running(directory):
        yield _by_agent(directory)
        return
    with opening() as phone:
        yield local(Context(phone, directory, random), now)


def local(context: Context, now: Callable[[], int]) -> Ask:
    """Asks a phone that is open in this process."""

    def ask(op: str, /, **values: Any) -> Any:
        # As an agent would answer, so that a command cannot come to rest on the difference.
        return json.loads(json.dumps(perform(context, op, values, now())))

    return ask


def _by_agent(directory: Path) -> Ask:
    def ask(op: str, /, **values: Any) -> Any:
        try:
            return control.ask(directory, op, values)
        except NotRunningError as error:
            raise NotRunningError("the agent has ended meanwhile; try again") from error

    return ask
