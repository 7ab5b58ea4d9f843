"""What the server writes to its log: one JSON object a line, on standard error, and only what is on a list.

    _log = logs.get("publisher")
    _log.error("a batch could not be closed", error=type(error).__name__, batch=4711)

- A field whose name is not in :data:`FIELDS` is dropped, and so is a value that is no number and no short word: what a
  request said, where it came from, a key, a code or an exception's text can have no place here by accident.
- The event is a sentence in the code, never made of data.
- Times are cut to the minute; a log shall not tell which of two requests came first.
"""

import contextlib
import re
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, cast

import structlog

#: Fields that may be written, and what they hold.
FIELDS: Mapping[str, str] = {
    "event": "a sentence of the code",
    "level": "info, warning or error",
    "part": "which part of the server speaks",
    "minute": "UTC, to the minute",
    "error": "name of an exception's class",
    "kind": "kind of a published file, or of a request",
    "role": "authority, publisher, issuer",
    "batch": "number of a batch",
    "epoch": "number of an epoch",
    "version": "version of a published file",
    "count": "how many",
    "seconds": "how long",
    "witness": "name of a witness",
    "name": "name of a setting, of a published file or of a log",
}
#: Longest text of a field.
MAX_LETTERS = 200

_hidden: set[str] = set()
_WORD = re.compile(r"[A-Za-z0-9_./:+-]+", re.ASCII)


def get(part: str) -> structlog.typing.FilteringBoundLogger:
    """The log of the *part* of the server."""
    return cast("structlog.typing.FilteringBoundLogger", _LOGGER.bind(part=part))


def allowed(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Only fields of :data:`FIELDS` with harmless values; a processor of structlog."""
    return {name: fields[name] for name in FIELDS if name in fields and _harmless(name, fields[name])}


def _harmless(name: str, value: Any) -> bool:
    if isinstance(value, int):  # A bool is one, too.
        return True
    if not isinstance(value, str) or len(value) > MAX_LETTERS:
        return False
    return name == "event" or _WORD.fullmatch(value) is not None


def _minute(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    fields["minute"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ")
    return fields


def only_warnings() -> None:
    """Write nothing that is merely informing from here on; for a rehearsal, whose user reads standard error."""
    _hidden.add("info")


def _shown(_logger: Any, method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if method in _hidden:
        raise structlog.DropEvent
    return fields


class _Stderr:
    """Writes lines where standard error is at that moment."""

    def msg(self, line: str) -> None:
        """Write one line if that can be. A full disk, or a reader that has gone, must not stop the server's work."""
        with contextlib.suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)  # noqa: T201 - this is the log

    debug = info = warning = error = critical = msg


_LOGGER = structlog.wrap_logger(
    _Stderr(),
    processors=[_shown, structlog.processors.add_log_level, _minute, allowed, structlog.processors.JSONRenderer()],
    wrapper_class=structlog.make_filtering_bound_logger(20),
    cache_logger_on_first_use=False,
)
