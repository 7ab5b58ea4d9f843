"""The table of everything that can be asked of a phone.

perform(context, "sync", {}, now)       # raises OwnhueError; OPERATIONS["sync"].long says that it may take a while
"""

from collections.abc import Mapping
from typing import Any

from ownhue.errors import StateError
from ownhue_client.operations import history, moving, network, papers, places, reporting, status
from ownhue_client.operations.operation import Context, Operation

_MODULES = (status, network, reporting, papers, places, history, moving)

#: Every operation by its name.
OPERATIONS: dict[str, Operation[Any]] = {
    operation.name: operation for module in _MODULES for operation in module.OPERATIONS
}


def operation_of(name: str) -> Operation[Any]:
    """The operation *name*. Raises StateError when there is none: an agent may be of another version."""
    operation = OPERATIONS.get(name)
    if operation is None:
        raise StateError("this program does not know what was asked; does the agent run in another version?")
    return operation


def perform(context: Context, name: str, values: Mapping[str, Any], now: int) -> Any:
    """Do the operation *name* at *now* (unix seconds); a value that JSON can carry. Raises OwnhueError."""
    return operation_of(name)(context, values, now)
