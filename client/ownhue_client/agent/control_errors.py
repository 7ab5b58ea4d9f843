"""Errors on their way from the agent to a command: the kind by its name, and the sentence."""

from typing import Any

from ownhue import errors
from ownhue.errors import OwnhueError, StateError
from ownhue_client import errors as client_errors
from ownhue_client.phone.door import RefusedError


class NotRunningError(StateError):
    """No agent runs for this phone, so nobody can be asked."""


def _kinds() -> dict[str, type[OwnhueError]]:
    named = (vars(errors) | vars(client_errors)).items()
    return {name: kind for name, kind in named if isinstance(kind, type) and issubclass(kind, OwnhueError)}


_KINDS = _kinds()


def error_record(error: OwnhueError) -> dict[str, Any]:
    """*error* as the fields of an answer. What its kind carries beside the sentence stays, but a refusal's word."""
    record: dict[str, Any] = {"ok": False, "error": type(error).__name__, "message": str(error)}
    return record | {"word": error.word} if isinstance(error, RefusedError) else record


def error_of(record: dict[str, Any]) -> OwnhueError:
    """The error of :func:`error_record`. Raises KeyError or TypeError for a record that is none."""
    name, message = record["error"], record["message"]
    if not isinstance(message, str):
        raise TypeError("an error has a sentence")
    if name == RefusedError.__name__:
        return RefusedError(str(record["word"]))
    return _KINDS.get(name, OwnhueError)(message)
