"""The errors of this project: one base, few families.

Hostile or broken input raises :class:`FormatError` or :class:`VerificationError`; a call at the wrong time
raises :class:`StateError`. No parser of this project lets a foreign exception (``ValueError``,
``binascii.Error`` ...) through.
"""


class OwnhueError(Exception):
    """Base of every error that this project raises on purpose."""


class FormatError(OwnhueError):
    """Bytes or text are not of the format they claim: truncated, foreign, out of range or not canonical."""


class LimitError(FormatError):
    """The input is larger than the limits allow; it was not read to its end."""


class VerificationError(OwnhueError):
    """Well-formed, but a signature, a digest or a proof does not hold."""


class ForkError(VerificationError):
    """Two signed statements of one log contradict each other. The notes themselves are the evidence."""

    def __init__(self, message: str, kept: bytes = b"", shown: bytes = b"") -> None:
        """*kept* and *shown*: the signed note known before and the one that contradicts it (empty where unknown)."""
        super().__init__(message)
        self.kept = kept
        self.shown = shown


class StateError(OwnhueError):
    """The call does not fit the present state (no pass left, nothing to report, not enrolled)."""
