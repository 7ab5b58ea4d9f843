"""What one synchronisation may take in all, whatever servers send. specs/publication.md section 6

    budget = Budget(settings.sync_bytes, settings.sync_seconds, monotonic)
    data = budget.spend(lambda most: fetch(path, most), limit_of(path))

Each file has its own limits; a server of many files could still fill a line for days. What was taken before the end of
a budget is kept, so the next synchronisation goes on from there.
"""

from collections.abc import Callable

from ownhue.errors import LimitError
from ownhue_client.errors import UnreachableError
from ownhue_client.fetching import Deadline
from ownhue_client.fetching.limits import Monotonic

#: Bytes that every request counts for beside its answer, so that requests for nothing come to an end too.
REQUEST_BYTES = 1024

_SPENT = "this synchronisation has taken as {} as one may; the next one goes on from here"


class Budget:
    """Bytes and seconds that are left, from now on."""

    def __init__(self, most_bytes: int, seconds: float, monotonic: Monotonic) -> None:
        self._left = most_bytes
        self._deadline = Deadline(seconds, monotonic)

    def spend(self, fetch: Callable[[int], bytes], limit: int) -> bytes:
        """What *fetch* gives when it may give so many bytes: *limit*, or what is left.

        Raises UnreachableError when the budget is spent, and what *fetch* raises.
        """
        if self._deadline.left <= 0:
            raise UnreachableError(_SPENT.format("long"))
        most = min(limit, self._left - REQUEST_BYTES)
        if most <= 0:
            raise UnreachableError(_SPENT.format("many bytes"))
        self._left -= REQUEST_BYTES
        try:
            data = fetch(most)
        except LimitError:
            self._left -= most
            if most < limit:
                raise UnreachableError(_SPENT.format("many bytes")) from None
            raise
        self._left -= len(data)
        return data
