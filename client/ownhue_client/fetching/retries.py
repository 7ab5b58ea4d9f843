"""Trying again: few times, later each time, never in step with others. specs/publication.md section 6

    fetch = retrying(http_fetch(client, url), Retries(sleep=time.sleep, random=random.random))

- Only what may pass is tried again: no connection, a server that failed or is too busy. A file that is missing or wrong
  is not asked for twice.
- The wait doubles and has jitter, so that a city's phones do not come back in one second after an outage. A server's
  ``Retry-After`` is heeded up to the longest wait: nobody can put a phone to sleep.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ownhue_client.errors import UnreachableError
from ownhue_client.fetching.limits import Fetch


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and when to try again. specs/publication.md section 6"""

    sleep: Callable[[float], None]
    """Waits for seconds."""
    random: Callable[[], float]
    """Numbers from 0 up to but not including 1."""
    attempts: int = 4
    """Most requests for one file."""
    first_seconds: float = 1.0
    """Longest first wait."""
    most_seconds: float = 30.0
    """Longest wait at all."""

    def wait(self, attempt: int, after: float | None) -> float:
        """Seconds to wait behind *attempt* (0 is the first), *after* being what the server asked for."""
        if after is not None:
            return min(after, self.most_seconds)
        longest = min(self.first_seconds * 2.0**attempt, self.most_seconds)
        return longest * (0.5 + self.random() / 2)


def retrying(fetch: Fetch, retries: Retries) -> Fetch:
    """*fetch*, tried again where that may help. Raises what its last try raises."""

    def again(path: str) -> bytes:
        for attempt in range(retries.attempts - 1):
            try:
                return fetch(path)
            except UnreachableError as error:
                if not error.again:
                    raise
                retries.sleep(retries.wait(attempt, error.after))
        return fetch(path)

    return again
