"""Timeline.json (location-history.json) as the app on iOS exports it: one array.

[{"startTime": "2026-01-06T10:00:00.000+01:00", "endTime": "...",
  "visit": {"topCandidate": {"placeLocation": "geo:46.948000,7.447400"}}},
 {"startTime": "...", "endTime": "...", "activity": {"start": "geo:...", "end": "geo:..."}},
 {"startTime": "...", "timelinePath": [{"point": "geo:46.948,7.4474", "durationMinutesOffsetFromStartTime": "12"}]}]
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any, BinaryIO

from ownhue_client.location.imports.json_items import items
from ownhue_client.location.imports.report import Sieve
from ownhue_client.location.imports.segments import visit
from ownhue_client.location.imports.values import child, children, pair_of, unix_of
from ownhue_client.location.interface import Fix

_MAX_DIGITS = 6


def read(stream: BinaryIO, sieve: Sieve) -> Iterator[Fix]:
    """The fixes of *stream* that *sieve* lets through. Raises FormatError."""
    for _, item in items(stream, frozenset()):
        yield from _segment(item, sieve)


def _segment(item: Any, sieve: Sieve) -> Iterator[Fix]:
    start, end = unix_of(child(item, "startTime")), unix_of(child(item, "endTime"))
    stayed = child(item, "visit", "topCandidate", "placeLocation")
    if stayed is not None:
        yield from visit(start, end, pair_of(stayed), sieve)
    ends = ((time, child(item, "activity", name)) for time, name in ((start, "start"), (end, "end")))
    path = ((_later(start, point), child(point, "point")) for point in children(child(item, "timelinePath")))
    for time, text in chain((pair for pair in ends if pair[1] is not None), path):
        if (fix := sieve.take(time, *pair_of(text))) is not None:
            yield fix


def _later(start: float | None, point: Any) -> float | None:
    minutes = child(point, "durationMinutesOffsetFromStartTime")
    text = str(minutes)
    if start is None or not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        return None
    return start + 60 * int(text)
