"""One operation: a name, arguments as a model, a function. Its value can be carried by JSON.

    Operation("days", NoArgs, lambda context, args, now: context.phone.days())

Arguments come from another process, and some of them are secrets (a code, a ticket, a place): an error names the
argument and never repeats what was in it.
"""

import dataclasses
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ownhue.encoding import base64url_encode
from ownhue.errors import FormatError
from ownhue_client.phone.device import Phone
from ownhue_client.phone.shown_code import ShownCode


class Args(BaseModel):
    """Arguments of an operation. Dates are written as 2026-03-02, times as unix seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NoArgs(Args):
    """No arguments."""


ArgsKind = TypeVar("ArgsKind", bound=Args)


@dataclass
class Context:
    """What operations work on, for as long as one process has the phone open."""

    phone: Phone
    directory: Path
    """The phone's folder."""
    random: Callable[[int], bytes]
    """``random(n)`` gives n bytes."""
    agent: Callable[[], Mapping[str, Any]] | None = None
    """How the agent does that has the phone; None: no agent has it, so nothing is sent by itself."""
    radio_facts: Callable[[str], Mapping[str, Any]] | None = None
    """Looks at an adapter; None: asks the system."""
    shown: ShownCode | None = None
    """The code that is on the screen."""

    @property
    def by_agent(self) -> bool:
        """Whether an agent has the phone."""
        return self.agent is not None


@dataclass(frozen=True)
class Operation(Generic[ArgsKind]):
    """One thing that can be asked of a phone."""

    name: str
    args: type[ArgsKind]
    run: Callable[[Context, ArgsKind, int], Any]
    """Works at a time (unix seconds); raises OwnhueError."""
    long: bool = False
    """Whether it may wait for the network or read for minutes: the agent does it in its worker thread."""
    changes: bool = False
    """Whether the colour, or what the agent has to do next, may be another one after it."""

    def __call__(self, context: Context, values: Mapping[str, Any], now: int) -> Any:
        """Do it with *values* as they came. Raises FormatError that names the wrong arguments, and what it raises."""
        return plain(self.run(context, self.read(values), now))

    def read(self, values: Mapping[str, Any]) -> ArgsKind:
        """The arguments of *values*. Raises FormatError."""
        try:
            return self.args.model_validate(dict(values))
        except ValidationError as error:
            names = {_name_of(problem["loc"]) for problem in error.errors(include_input=False, include_url=False)}
            # Without the cause: its text repeats the values.
            raise FormatError(f"{self.name}: wrong or missing: {', '.join(sorted(names))}") from None


def plain(value: Any) -> Any:
    """*value* as JSON has it: records as objects, dates as text, bytes in base64url, enumerations by their value."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, bytes):
        return base64url_encode(value)
    if isinstance(value, date | Path):
        return str(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    fields = _fields_of(value)
    if fields is not None:
        return {str(name): plain(item) for name, item in fields.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def _fields_of(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return dict(value._asdict())
    return None


def _name_of(location: tuple[int | str, ...]) -> str:
    """An argument's name. What the caller made up is not repeated either: it may be any text."""
    first = str(location[0]) if location else "the arguments"
    return first if first.isidentifier() and len(first) <= 40 else "an argument that does not exist"
