"""A stay of which only begin and end are known, as the single fixes that the history of places is made of."""

from collections.abc import Iterator
from typing import Any

from ownhue.params import RETENTION_DAYS
from ownhue_client.location.imports.report import Sieve
from ownhue_client.location.interface import Fix

#: Seconds between the fixes of a stay: near enough to each other that the place counts as known all the time.
STEP_SECONDS = 300
_KEPT_SECONDS = (RETENTION_DAYS + 1) * 86_400


def visit(start: float | None, end: float | None, place: tuple[Any, Any], sieve: Sieve) -> Iterator[Fix]:
    """Fixes at *place* from *start* to *end* (unix seconds), the end among them."""
    if start is None or end is None or not start <= end:
        sieve.take(None, *place)
        return
    # A stay of years would be millions of fixes too old to keep.
    first = max(int(start), min(int(end), sieve.now - _KEPT_SECONDS))
    for time in (*range(first, int(min(end, sieve.now)), STEP_SECONDS), int(end)):
        if (fix := sieve.take(time, *place)) is not None:
            yield fix
