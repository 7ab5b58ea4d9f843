"""The errors of phones and checkpoints, beside those of :mod:`ownhue.errors`.

What goes wrong on the way (unreachable, missing) is of another kind than what was signed wrongly: the first is tried
again later, the second is shown and kept as evidence.
"""

from ownhue.errors import ForkError, FormatError, OwnhueError, VerificationError


class UnreachableError(OwnhueError):
    """No answer, or none that makes sense: no network, a broken server, a proxy in between. Try again later."""

    def __init__(self, message: str, *, again: bool = False, after: float | None = None) -> None:
        """*again*: a second try in a minute may help; *after*: seconds for which the server asked to wait."""
        super().__init__(message)
        self.again = again
        self.after = after


class MissingError(OwnhueError):
    """The server answers that it has no such file."""


class RollbackError(ForkError):
    """The log shows an older state than the one known: an old copy, or a log that shrank.

    ``kept`` and ``shown`` are the two signed notes. They prove a fork to others only when the smaller tree has the
    later time; an old copy is innocent in itself, but must not make anybody forget what was published.
    """


class FutureError(VerificationError):
    """Something was signed for a time that is still to come: the log lies, or the own clock is behind."""


class StaleError(VerificationError):
    """The newest known state of the log is older than allowed: no network, or somebody holds news back."""


class NotWitnessedError(VerificationError):
    """Too few witnesses have cosigned the head yet. No fork: try again later, and use nothing of it until then."""

    def __init__(self, message: str, note: bytes = b"") -> None:
        """*note*: the head as it was served. If it never gets its cosignatures, the witnesses can say why."""
        super().__init__(message)
        self.note = note


class NotLoggedError(VerificationError):
    """A file that is signed, and is not in the log: made for this client alone, or the log is behind. Not used."""


class PictureError(FormatError):
    """A picture from which no single code can be read."""


class RadioError(OwnhueError):
    """The radio cannot be used now: absent, switched off, taken, or it would give its owner away."""


class LocationError(OwnhueError):
    """A source of places cannot be used now, or its answer is none."""
