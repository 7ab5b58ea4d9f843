"""Whether somebody guesses spoken codes: wrong ones are counted, all addresses together. specs/http-api.md section 3

One address is stopped by the limiter; many addresses are not. Nothing is blocked here, because whoever can guess from
many addresses could then keep everybody from reporting. The operator is told, and has long codes handed out meanwhile:
nobody guesses 75 bits. Decision 0022.
"""

from ownhue.claim_code import SHORT_LENGTH
from ownhue_server import logs

#: Seconds in which wrong codes are counted: the life of a spoken code. specs/http-api.md section 3
WINDOW_SECONDS = 900
#: Wrong spoken codes in that time which are told to the operator. specs/http-api.md section 3
ALARM = 500

_log = logs.get("authority")


class Guesses:
    """Wrong spoken codes of the present and the last window. Kept in memory: numbers only."""

    def __init__(self) -> None:
        self._window = 0
        self._wrong = 0
        self._before = 0

    def note(self, code: str, word: str, now: int) -> None:
        """A claim of *code* was refused with *word*; a wrong spoken one is counted."""
        if word != "unknown_code" or len(code) != SHORT_LENGTH:
            return
        self._move(now)
        self._wrong += 1
        if self._wrong == ALARM:
            _log.warning("many wrong spoken codes; hand out long ones until it is over", count=self._wrong)

    def many(self, now: int) -> bool:
        """Whether the present or the last window had so many that somebody guesses."""
        self._move(now)
        return max(self._wrong, self._before) >= ALARM

    def _move(self, now: int) -> None:
        window = now // WINDOW_SECONDS
        if window > self._window:
            self._before = self._wrong if window == self._window + 1 else 0
            self._window, self._wrong = window, 0
