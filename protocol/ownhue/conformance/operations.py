"""Operations: what this library answers to the questions of a vector file.

Each format has a module ``<format>_ops`` with ``OPERATIONS``: the name of an operation and the function that takes the
input object and gives the output. Errors of this project are answers; other exceptions are defects and come through.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ownhue.conformance.vectors import Answer, Case
from ownhue.errors import OwnhueError, StateError

Operation = Callable[[Mapping[str, Any]], Any]


def operations_of(format_name: str) -> Mapping[str, Operation]:
    """The operations of a format. Raises StateError for a format that this library does not know."""
    name = f"{__package__}.{format_name.replace('-', '_')}_ops"
    if find_spec(name) is None:
        raise StateError(f"no operations for format {format_name}")
    operations: Mapping[str, Operation] = import_module(name).OPERATIONS
    return operations


def answer(operations: Mapping[str, Operation], case: Case) -> Answer:
    """This library's answer to *case*."""
    operation = operations.get(case.operation)
    if operation is None:
        return Answer(supported=False)
    try:
        return Answer(operation(case.input))
    except OwnhueError as error:
        return Answer(error=error_name(error))


def error_name(error: OwnhueError) -> str:
    """How an error is spelled in vectors: its class, and for a refused code the word of the refusal."""
    refusal = getattr(error, "refusal", None)
    return type(error).__name__ if refusal is None else f"{type(error).__name__}:{refusal}"
