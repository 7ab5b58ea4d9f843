"""The errors of phones and checkpoints, beside those of :mod:`ownhue.errors`.

What goes wrong on the way (unreachable, missing) is of another kind than what was signed wrongly: the first is tried
again later, the second is shown and kept as evidence.
"""

from ownhue.errors import ForkError, FormatError, OwnhueError, VerificationError


class UnreachableError(OwnhueError):
    """No answer, or none that makes sense: no network, a broken server, a proxy in between. Try again later."""


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


class PictureError(FormatError):
    """A picture from which no single code can be read."""
