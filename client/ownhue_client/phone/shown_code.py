"""The code on the screen: one pass, shown for at most two minutes, signed again every 15 seconds. specs/code.md

shown = phone.open_code(now)
shown.text_at(now)                         # "OWN1:..." for the QR code
shown.text_at(now + 15)                    # signed anew
shown.text_at(now + 20, challenge)         # answers a checkpoint's 16 bytes
"""

from dataclasses import dataclass, field, replace

from ownhue.code import Statement, encode_code, sign_code
from ownhue.colour import Decision
from ownhue.errors import StateError
from ownhue.params import CODE_RESIGN_SECONDS, CODE_SHOWN_SECONDS
from ownhue.passes import Pass


@dataclass(frozen=True)
class ShownCode:
    """An opened screen. Its pass is destroyed in the store already and ends with this object."""

    opened_at: int
    """Unix second of the opening."""
    decision: Decision
    """What the code states the colour of."""
    statement: Statement
    pass_: Pass = field(repr=False)

    @property
    def until(self) -> int:
        """Last unix second at which the code is shown."""
        return self.opened_at + CODE_SHOWN_SECONDS

    def text_at(self, now: int, challenge: bytes = b"") -> str:
        """The code's text at *now* (unix seconds); with a checkpoint's *challenge* signed at once.

        Raises StateError outside the two minutes, FormatError for a challenge that has not 16 bytes.
        """
        if not self.opened_at <= now <= self.until:
            raise StateError("this code was shown for two minutes; open a new one")
        time = now if challenge else now - (now - self.opened_at) % CODE_RESIGN_SECONDS
        # Ed25519 is deterministic: the same step of 15 seconds gives the same text.
        return encode_code(sign_code(self.pass_, replace(self.statement, time=time, challenge=challenge)))
