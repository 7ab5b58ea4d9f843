"""Timeline.json as Android's settings export it.

{"semanticSegments": [{"startTime": "2026-01-06T10:00:00.000+01:00", "endTime": "...",
                       "visit": {"topCandidate": {"placeLocation": {"latLng": "46.948°, 7.4474°"}}}},
                      {"startTime": "...", "timelinePath": [{"point": "46.948°, 7.4474°", "time": "..."}]},
                      {"startTime": "...", "activity": {"start": {"latLng": "..."}, "end": {"latLng": "..."}}}],
 "rawSignals": [{"position": {"LatLng": "46.948°, 7.4474°", "accuracyMeters": 13, "timestamp": "..."}}]}
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any, BinaryIO

from ownhue_client.location.imports.json_items import items
from ownhue_client.location.imports.report import Sieve
from ownhue_client.location.imports.segments import visit
from ownhue_client.location.imports.values import child, children, pair_of, unix_of
from ownhue_client.location.interface import Fix


def read(stream: BinaryIO, sieve: Sieve) -> Iterator[Fix]:
    """The fixes of *stream* that *sieve* lets through. Raises FormatError."""
    for name, item in items(stream, frozenset({"semanticSegments", "rawSignals"})):
        yield from _signal(item, sieve) if name == "rawSignals" else _segment(item, sieve)


def _signal(item: Any, sieve: Sieve) -> Iterator[Fix]:
    # Other signals are networks that were seen, and activities.
    position = child(item, "position")
    if position is None:
        return
    place = pair_of(child(position, "LatLng") or child(position, "latLng"))
    fix = sieve.take(unix_of(child(position, "timestamp")), *place, child(position, "accuracyMeters"))
    if fix is not None:
        yield fix


def _segment(item: Any, sieve: Sieve) -> Iterator[Fix]:
    start, end = unix_of(child(item, "startTime")), unix_of(child(item, "endTime"))
    stayed = child(item, "visit", "topCandidate", "placeLocation", "latLng")
    if stayed is not None:
        yield from visit(start, end, pair_of(stayed), sieve)
    ends = ((time, child(item, "activity", name, "latLng")) for time, name in ((start, "start"), (end, "end")))
    path = ((unix_of(child(point, "time")), child(point, "point")) for point in children(child(item, "timelinePath")))
    for time, text in chain((pair for pair in ends if pair[1] is not None), path):
        if (fix := sieve.take(time, *pair_of(text))) is not None:
            yield fix
